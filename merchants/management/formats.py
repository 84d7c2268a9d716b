"""Import the files that a processor hands out, and reconcile them with their payouts."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from django.utils import timezone

from config.kernel.money import format_minor
from config.office.actors import SYSTEM
from merchants.domain.feeds.format import (
    BadRecord,
    Format,
    Given,
    Layout,
    Mapped,
    OtherFormat,
    Side,
    Unused,
    currency_of,
)
from merchants.domain.feeds.reconciliation import (
    BalanceCheck,
    Reconciliation,
    Tally,
    add_balance,
    add_payout,
    reconcile,
)
from merchants.domain.text import storable
from merchants.gateways.feed_files import open_feed_file, rows_of
from merchants.gateways.feed_head import FeedFile, UnreadableFeed
from merchants.models import Partner
from merchants.operations.ingestion import MAX_ROWS, receive_batch
from merchants.operations.merchants import enter_merchants
from merchants.queries.merchants import known_merchants

ENDINGS = (".csv", ".csv.gz", ".txt")
Say = Callable[[str], object]
UNUSED = {
    Unused.NO_KIND: "there is no kind for it: a refund or a payout that failed",
    Unused.NOT_TRADE: "it is no trade: a reserve, a loan, a transfer between accounts, an adjustment",
    Unused.NOTHING_MOVED: "no money moved",
}
SIDES = {
    Side.CHARGES: "charges",
    Side.REFUNDS: "refunds",
    Side.CHARGEBACKS: "chargebacks",
    Side.FEES: "fees",
    Side.OTHER: "other",
}


class FormatImport:
    """The files of one format, at one path, whose merchants are named by a column or by whoever imports them.

    merchant, name, currency: empty if not given. Raises UnreadableFeed for a file that is not of the format, and
    where no merchant is named.
    """

    def __init__(self, known: Format, path: Path, *, merchant: str, name: str, currency: str) -> None:
        self._format, self._merchant, self._name = known, merchant, name
        self._currency = _currency(currency)
        self._files = [_open(file, known) for file in _paths(path)]
        for file, _ in self._files:
            if not merchant and (not known.account or known.account not in file.columns):
                column = f" by a column {known.account}" if known.account else ""
                message = f"{file.path} does not name its merchant{column}: give --merchant ID"
                raise UnreadableFeed(message)
            if not currency and not known.has_currency:
                message = f"{file.path} does not name its currency: give --currency CODE"
                raise UnreadableFeed(message)
        self._first = self._read_merchants()

    def run(self, partner: Partner, *, out: Say, err: Say) -> dict[int, str]:
        """Import, say what became of the records, and return the file's name for each batch."""
        self._enter_merchants(partner, err)
        tally, batches, balances, records = Tally(), dict[int, str](), list[str](), 0
        for number, (file, layout) in enumerate(self._files):
            mapped, checks = self._mapped(file, layout), dict[str, BalanceCheck]()
            while chunk := list(islice(mapped, MAX_ROWS)):
                for _, record in chunk:
                    records += record.lines
                    tally.add(record, number if len(self._files) > 1 else None)
                    add_balance(checks, record.balance)
                for batch in _receive(partner, file, chunk):
                    batches[batch] = file.path.name
            balances += [_words_of_balance(file.path.name, currency, check) for currency, check in checks.items()]
        for line in _words_of_records(records, tally):
            out(line)
        for reconciliation in reconcile(tally.sums):
            for line in _words_of(reconciliation):
                out(line)
        for line in balances:
            out(line)
        return batches

    def _mapped(self, file: FeedFile, layout: Layout) -> Iterator[tuple[int, Mapped]]:
        try:
            yield from layout.read(rows_of(file), Given(self._merchant_of, self._currency))
        except OtherFormat as error:
            message = f"{file.path}, {error}"
            raise UnreadableFeed(message) from error

    def _merchant_of(self, record: Mapping[str, str]) -> str:
        return self._merchant or record.get(self._format.account, "")

    def _read_merchants(self) -> dict[str, str]:
        """Return the currency of each merchant that the files name; a file that is refused leaves nothing behind."""
        first: dict[str, str] = {}
        paid: dict[str, tuple[str, int]] = {}
        for file, layout in self._files:
            for _, mapped in self._mapped(file, layout):
                if other := add_payout(paid, mapped, file.path.name):
                    names = f"in {other} than in {file.path.name}"
                    message = f"payout {mapped.name[:60]} has another amount {names}: all its lines have to be in one"
                    raise UnreadableFeed(message)
                for row in mapped.rows:
                    if not isinstance(row, str) and storable(row["merchant"]):
                        first.setdefault(row["merchant"], self._currency or row["currency"])
        return first

    def _enter_merchants(self, partner: Partner, err: Say) -> None:
        """Enter the merchants that are not known yet.

        Known ones are left as they are: a feed knows less of them than whoever entered them.
        """
        known = known_merchants(partner_id=partner.pk, external_ids=self._first)
        stored = {name: merchant.currency for name, merchant in known.items()}
        if self._currency and any(currency != self._currency for currency in stored.values()):
            message = f"--currency {self._currency}: the merchant is kept in {', '.join(sorted(set(stored.values())))}"
            raise UnreadableFeed(message)
        new = [name for name in self._first if name not in stored]
        rows = [{"external_id": name, "name": self._name or name, "currency": self._first[name]} for name in new]
        entered = enter_merchants(partner_id=partner.pk, rows=rows, actor=SYSTEM, now=timezone.now())
        for place, rejection in entered.rejections:
            err(f"merchant {new[place - 1]}: {rejection.reason}: {rejection.detail}")


def _currency(text: str) -> str:
    try:
        return currency_of(text) if text else ""
    except BadRecord as error:
        message = f"--currency: {error}"
        raise UnreadableFeed(message) from error


def _paths(path: Path) -> list[Path]:
    paths = [path] if path.is_file() else sorted(path.glob("*"))
    found = [path for path in paths if path.name.lower().endswith(ENDINGS)]
    if not found:
        message = f"{path} holds no file that ends with {', '.join(ENDINGS)}"
        raise UnreadableFeed(message)
    return found


def _open(path: Path, known: Format) -> tuple[FeedFile, Layout]:
    """Open a file in the layout whose columns it has. Raises UnreadableFeed, naming what the nearest one misses."""
    columns = open_feed_file(path, (), known.separator).columns
    nearest = min(known.layouts, key=lambda layout: len(set(layout.columns) - set(columns)))
    return open_feed_file(path, nearest.columns, known.separator), nearest


def _receive(partner: Partner, file: FeedFile, chunk: list[tuple[int, Mapped]]) -> Iterator[int]:
    """Receive the first rows of all records as a batch, the second ones, which are fees, as another.

    So a line stands once in a batch, and is the line in the file.
    """
    for position, words in enumerate(("rows", "fees of rows")):
        rows = [(line, mapped.rows[position]) for line, mapped in chunk if len(mapped.rows) > position]
        if rows:
            lines = [line for line, _ in rows]
            source = f"{file.path.name}, {words} {min(lines)} to {max(lines)}"
            now = timezone.now()
            yield receive_batch(
                partner_id=partner.pk, source=source, rows=rows, needs_offset=True, actor=SYSTEM, now=now
            ).number


def _words_of_records(records: int, tally: Tally) -> Iterator[str]:
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(tally.kinds.items()))
    yield f"{records} records read: {kinds or 'no row'}"
    if tally.again:
        yield f"not counted again: {tally.again}, because an earlier file has them too"
    for reason in Unused:
        if tally.unused[reason]:
            yield f"not used: {tally.unused[reason]}, because {UNUSED[reason]}"


def _words_of_balance(name: str, currency: str, check: BalanceCheck) -> str:
    opening, added, closing, difference = (
        format_minor(minor, currency, grouped=True)
        for minor in (check.opening, check.added, check.closing, check.difference)
    )
    return f"Balance in {name}, {currency}: {opening} before, {added} added, {closing} after, difference {difference}"


def _words_of(reconciled: Reconciliation) -> Iterator[str]:
    def line(words: str, minor: int) -> str:
        return f"  {words:<32}{format_minor(minor, reconciled.currency, grouped=True):>18}"

    yield f"Reconciliation, {reconciled.currency}"
    for side, words in SIDES.items():
        yield line(words, reconciled.sides[side])
    yield line("= net", reconciled.net)
    if reconciled.matched:
        yield line("of which in payouts shown here", reconciled.settled)
        yield line(f"payouts ({reconciled.matched})", reconciled.payouts)
        yield line("difference", reconciled.difference)
        for payout, records, paid in reconciled.differing:
            yield line(f"payout {payout}: records", records)
            yield line(f"payout {payout}: paid", paid)
        yield line("not in a payout shown here", reconciled.net - reconciled.settled)
    else:
        yield "  no payout here has records here: nothing to reconcile with"
    if reconciled.unmatched:
        yield line("payouts without records here", reconciled.unmatched)
