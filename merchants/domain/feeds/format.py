"""What a format is, and what becomes of one record of a file in it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from config.kernel.money import BadAmount, format_minor, is_currency, parse_minor
from merchants.domain.transaction import RawRow, TransactionKind

OFFSETS = {
    "UTC": "+00:00", "GMT": "+00:00", "WET": "+00:00", "BST": "+01:00", "WEST": "+01:00", "CET": "+01:00",
    "CEST": "+02:00", "EET": "+02:00", "EEST": "+03:00", "MSK": "+03:00", "SGT": "+08:00", "HKT": "+08:00",
    "AWST": "+08:00", "JST": "+09:00", "AEST": "+10:00", "AEDT": "+11:00", "NZST": "+12:00", "NZDT": "+13:00",
    "BRT": "-03:00", "EDT": "-04:00", "EST": "-05:00", "CDT": "-05:00", "MDT": "-06:00", "MST": "-07:00",
    "PDT": "-07:00", "PST": "-08:00",
}  # fmt: skip


class Unused(StrEnum):
    """Why a record, or a part of it, becomes no row."""

    NO_KIND = "NO_KIND"  # a refund or a payout that failed
    NOT_TRADE = "NOT_TRADE"  # reserves, loans, transfers between accounts
    NOTHING_MOVED = "NOTHING_MOVED"


class Side(StrEnum):
    """The lines of a reconciliation; all but the last add up to the net that is paid out."""

    CHARGES = "CHARGES"
    REFUNDS = "REFUNDS"
    CHARGEBACKS = "CHARGEBACKS"
    FEES = "FEES"
    OTHER = "OTHER"
    PAYOUTS = "PAYOUTS"


class Treatment(NamedTuple):
    """What a type of record becomes, the sign that its amount has (0: either), and its line in a reconciliation."""

    kind: TransactionKind | Unused
    sign: int
    side: Side


@dataclass(frozen=True, slots=True)
class Entry:
    """What a record adds to a merchant's balance with the processor, in minor units: payouts are negative.

    payout: the payout that the record is settled in, as the file names it; empty if it is in none yet.
    """

    currency: str
    payout: str
    side: Side
    minor: int


@dataclass(frozen=True, slots=True)
class Balance:
    """What the file says that a merchant's balance was after a record, and what the record added to it."""

    currency: str
    at: datetime
    added: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """What becomes of one record: import rows (or why one is rejected), parts that are not used, its entries.

    A row says its currency: in another one than its merchant's it is rejected.
    name: the same in every file that holds the record; empty if it cannot be told.
    lines: how many lines of the file the record is made of.
    """

    rows: tuple[RawRow, ...] = ()
    unused: tuple[Unused, ...] = ()
    entries: tuple[Entry, ...] = ()
    balance: Balance | None = None
    name: str = ""
    lines: int = 1


class OtherFormat(Exception):
    """The file is not what it was said to be, and nothing of it is used; the message says why."""


class BadRecord(ValueError):
    """The record cannot be read; the message says why."""


Lines = Iterable[tuple[int, RawRow]]


@dataclass(frozen=True, slots=True)
class Given:
    """What whoever imports a file says of it: whose each record is, and in which currency, "" if that is not said."""

    merchant_of: Callable[[Mapping[str, str]], str]
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One kind of file: the columns it must have, and how its lines are read.

    `read` takes the lines with their numbers; it yields each record with the number of its first line, no two with
    the same. Raises OtherFormat.
    """

    columns: tuple[str, ...]
    read: Callable[[Lines, Given], Iterator[tuple[int, Mapped]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """The files that a processor hands out, and the column that names the merchant, where they have one.

    separator: a comma, or a tab, after which a quote is text. has_currency: whether the files say theirs.
    """

    processor: str
    layouts: tuple[Layout, ...]
    account: str
    separator: str = ","
    has_currency: bool = True


def each(
    read: Callable[[Mapping[str, str], str], Mapped],
) -> Callable[[Lines, Given], Iterator[tuple[int, Mapped]]]:
    """Read lines that are a record each; `read` takes one and its merchant, and raises BadRecord, OtherFormat."""

    def read_lines(lines: Lines, given: Given) -> Iterator[tuple[int, Mapped]]:
        for line, record in lines:
            try:
                yield (
                    line,
                    Mapped(rows=(record,)) if isinstance(record, str) else read(record, given.merchant_of(record)),
                )
            except BadRecord as error:
                yield line, Mapped(rows=(str(error),))
            except OtherFormat as error:
                message = f"row {line}: {error}"
                raise OtherFormat(message) from error

    return read_lines


def currency_of(text: str) -> str:
    """Read a currency code in either case. Raises BadRecord."""
    code = text.upper()
    if not is_currency(code):
        message = f"{text[:40]!r} is not a currency code"
        raise BadRecord(message)
    return code


def minor_of(record: Mapping[str, str], column: str, currency: str) -> int:
    """Read the amount of a column in minor units; an empty one is 0. Raises BadRecord."""
    return parse_amount(record.get(column) or "0", column, currency)


def parse_amount(text: str, column: str, currency: str) -> int:
    """Parse a decimal amount in minor units; the column is named where it cannot be. Raises BadRecord."""
    try:
        return parse_minor(text, currency)
    except BadAmount as error:
        message = f"{column}: {error}"
        raise BadRecord(message) from error


def offset_of(zone: str) -> str:
    """Return the offset of a zone's abbreviation. Raises BadRecord for one that means several zones, such as IST."""
    if zone not in OFFSETS:
        message = f"time zone {zone[:20]!r} is not a known abbreviation"
        raise BadRecord(message)
    return OFFSETS[zone]


def time_with_offset(text: str, offset: str) -> str:
    """Write a time as the file has it ("2026-01-31 10:00:00") with the offset it is in. Raises BadRecord."""
    try:
        at = datetime.fromisoformat(f"{text}{offset}")
    except ValueError as error:
        message = f"{text[:40]!r} is not a time"
        raise BadRecord(message) from error
    return at.isoformat()


def in_utc(at: datetime, text: str) -> datetime:
    """Convert a time with its zone, which the file has as `text`. Raises BadRecord beyond the years that there are."""
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        message = f"{text[:40]!r} is not a time"
        raise BadRecord(message) from error


def moved(
    treatment: Treatment | None,
    *,
    words: str,
    gross: int,
    fee: int,
    currency: str,
    payout: str,
    fields: Mapping[str, str],
) -> Mapped:
    """Map an amount and the fee taken from it: a row each, the fee's id with `-fee`, and their entries.

    treatment: None if the type of the record, which `words` names, is not known: its amounts still count as other.
    fields: the columns that both rows have. A negative fee is one returned.
    """
    kind, sign, side = treatment or Treatment(Unused.NOT_TRADE, 0, Side.OTHER)
    rows: list[RawRow] = []
    unused: list[Unused] = []
    if treatment is None:
        rows.append(f"{words} is not known")
    elif gross * sign < 0:
        rows.append(f"{words} of {format_minor(gross, currency)}: the sign is the wrong way round")
    elif gross and isinstance(kind, Unused):
        unused.append(kind)
    elif gross and isinstance(kind, TransactionKind):
        is_returned = gross > 0 and kind is TransactionKind.FEE
        rows.append(_row(fields, TransactionKind.FEE_RETURNED if is_returned else kind, gross, currency))
    if fee:
        named = {**fields, "external_id": fee_id(fields["external_id"])}
        rows.append(_row(named, TransactionKind.FEE if fee > 0 else TransactionKind.FEE_RETURNED, fee, currency))
    if not rows and not unused:
        unused.append(Unused.NOTHING_MOVED)
    entries = (Entry(currency, payout, side, gross), Entry(currency, payout, Side.FEES, -fee))
    return Mapped(
        rows=tuple(rows),
        unused=tuple(unused),
        entries=tuple(entry for entry in entries if entry.minor or entry.side is Side.PAYOUTS),  # 0 may be wrong
        name=fields["external_id"],
    )


def numbered(seen: Counter[str], *parts: str) -> str:
    """Name a record by its parts; the second of a file with the same ones ends with -2."""
    name = "-".join(filter(None, parts))
    seen[name] += 1
    return name if seen[name] == 1 else f"{name}-{seen[name]}"


def fee_id(external_id: str) -> str:
    """Name the row of a fee that another record's row paid; without an id there is none for its fee either."""
    return f"{external_id}-fee" if external_id else ""


def _row(fields: Mapping[str, str], kind: TransactionKind, minor: int, currency: str) -> dict[str, str]:
    return {**fields, "kind": kind.value, "amount": format_minor(abs(minor), currency), "currency": currency}
