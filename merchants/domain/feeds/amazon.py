"""Amazon: the settlement report, flat file V2 (GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2).

Source: https://developer-docs.amazon.com/sp-api/docs/report-type-values-settlement, its columns at
/settlement-reports-attributes, and for dates and amounts
https://developer-docs.amazon.com/sp-api/changelog/update-deprecation-of-two-payment-settlement-report-types.

Documented: cells are between tabs; every amount is a line of its own; `posted-date-time` is in UTC; amounts are
written as in the marketplace's country (95,00). The first line of a settlement has its total and currency, and no
transaction-type.

Assumed: a quote is text, as titles and SKUs have them. Dates are 2026-06-09 or 09.06.2026; `posted-date` is day first
in some files and month first in others, and is not read. One separator in an amount is that of its decimals, unless
three digits follow that could be a thousand; two are that of thousands and that of decimals. Lines of one type, order
and second are one event: prices, promotions, and the tax that Amazon withholds (which a merchant never had) make its
amount, all that is called a fee is its fee. A payout is dated on the end of its settlement, as its deposit may be
days ahead. Lines do not name the settlement's account.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import product
from typing import NamedTuple

from config.kernel.money import exponent_of
from merchants.domain.feeds.doubt import Doubt
from merchants.domain.feeds.format import (
    BadRecord,
    Entry,
    Format,
    Given,
    Layout,
    Lines,
    Mapped,
    OtherFormat,
    Side,
    Treatment,
    Unused,
    currency_of,
    moved,
    parse_amount,
    time_with_offset,
)
from merchants.domain.transaction import TransactionKind

COLUMNS = (
    "settlement-id", "settlement-end-date", "total-amount", "currency", "transaction-type", "order-id", "amount-type",
    "amount-description", "amount", "posted-date-time",
)  # fmt: skip
EVENTS = {  # by transaction-type: all lines of an event are one row
    "Order": Treatment(TransactionKind.SALE, 1, Side.CHARGES),
    "Refund": Treatment(TransactionKind.REFUND, -1, Side.REFUNDS),
    "Chargeback Refund": Treatment(TransactionKind.CHARGEBACK, -1, Side.CHARGEBACKS),
    "A-to-z Guarantee Refund": Treatment(TransactionKind.CHARGEBACK, -1, Side.CHARGEBACKS),
}
PRICES = ("ItemPrice", "ItemWithheldTax", "Promotion")  # amount-types
NOT_TRADE = frozenset({  # a transaction-type, amount-type or amount-description; the rest are fees
    "Commingling VAT", "Current Reserve Amount", "FBA Inventory Reimbursement", "Income Tax Charged",
    "Liquidations", "Liquidations Adjustments",
    "Order_Retrocharge", "Previous Reserve Amount Balance", "Refund_Retrocharge", "SAFE-T Reimbursement",
    "Shipping label purchase",
})  # fmt: skip
FEES = frozenset({"Cost of Advertising", "FBA Long-Term Storage", "ServiceFee", "StorageRenewalBilling"})
_FEE = re.compile(r"[Ff]ees?(?![a-z])")
_TIME = re.compile(r"(?:(\d{4})-(\d\d)-(\d\d)|(\d\d)\.(\d\d)\.(\d{4})) (\d\d:\d\d:\d\d) UTC", re.ASCII)
_AMOUNT = re.compile(r"(-?)(\d+|\d{1,3}(?:\.\d{3})+(?=,)|\d{1,3}(?:,\d{3})+(?=\.))(?:[.,](\d+))?", re.ASCII)
THOUSAND = 3  # digits


class _Subject(NamedTuple):
    """What a line is about; in an event of an order, the lines of all amounts are about the same."""

    settlement: str
    kind: str
    order: str
    amount_type: str
    description: str


@dataclass(slots=True)
class _Settlement:
    """left: its total less the lines so far, in minor units."""

    currency: str
    merchant: str
    left: int = 0


@dataclass(slots=True)
class _Event:
    """What the lines about one subject in one second add up to, in minor units, and the first of them."""

    line: int = 0
    lines: int = 0
    gross: int = 0
    fee: int = 0


def _read(lines: Lines, given: Given) -> Iterator[tuple[int, Mapped]]:
    """Yield payouts, and lines that cannot be read, as they come, and the events after the last line.

    An event of which a line cannot be read, or may be missing, is rejected whole: its row would have a wrong amount.
    """
    settlements: dict[str, _Settlement] = {}
    events: dict[tuple[_Subject, str], _Event] = {}
    doubt = Doubt[tuple[_Subject, str]]()
    subject = None
    for line, record in lines:
        if isinstance(record, str):
            yield doubt.reject(line, record, is_torn=True)
            continue
        subject = _subject_of(record)
        doubt.reach((subject, ""))
        try:
            if record["transaction-type"]:
                _add(events, settlements, line, record)
            else:
                yield line, _begin(settlements, line, record, given.merchant_of(record))
        except BadRecord as error:
            yield doubt.reject(line, str(error), about=(subject, _second_of(record)))
    last = settlements.get(subject.settlement) if subject else None
    if subject and last and last.left:
        doubt.end_early(f"the lines of settlement {subject.settlement[:40]} do not add up to its total")
    for (subject, at), event in events.items():
        yield event.line, _map(subject, at, event, settlements[subject.settlement], _why(doubt, subject, at))


def _why(doubt: Doubt[tuple[_Subject, str]], subject: _Subject, at: str) -> str | None:
    """Return why an event is doubted: a line about it, or one that does not say its second or transaction-type."""
    subjects = product((subject, subject._replace(kind="")), (at, ""))
    return next(filter(None, map(doubt.of, subjects)), None)


def _begin(settlements: dict[str, _Settlement], line: int, record: Mapping[str, str], merchant: str) -> Mapped:
    """Map the line of a whole settlement to its payout; a total below zero is owed. Raises BadRecord, OtherFormat."""
    name = record["settlement-id"]
    if name in settlements and not record["total-amount"]:
        message = "a line without transaction-type"
        raise BadRecord(message)
    if name in settlements:  # its lines would count twice in their rows
        message = f"row {line}: settlement {name[:40]} stands twice in the file"
        raise OtherFormat(message)
    currency = currency_of(record["currency"])
    settlement = settlements[name] = _Settlement(currency, merchant)
    total = settlement.left = _minor(record["total-amount"], "total-amount", currency)
    return moved(
        Treatment(TransactionKind.PAYOUT, -1, Side.PAYOUTS)
        if total > 0
        else Treatment(Unused.NO_KIND, 1, Side.PAYOUTS),
        words="total-amount",
        gross=-total,
        fee=0,
        currency=currency,
        payout=name,
        fields={
            "external_id": name,
            "merchant": merchant,
            "occurred_at": _time(record["settlement-end-date"]),
            "order_ref": "",
            "buyer": "",
        },
    )


def _add(
    events: dict[tuple[_Subject, str], _Event],
    settlements: Mapping[str, _Settlement],
    line: int,
    record: Mapping[str, str],
) -> None:
    """Add a line to its event. Raises BadRecord."""
    settlement = settlements.get(record["settlement-id"])
    if settlement is None:
        message = f"no line before tells the currency of settlement {record['settlement-id'][:40]!r}"
        raise BadRecord(message)
    if record["currency"] not in {"", settlement.currency}:
        message = f"{record['currency'][:40]} is not the {settlement.currency} of the settlement"
        raise BadRecord(message)
    minor = _minor(record["amount"], "amount", settlement.currency)
    subject = _subject_of(record)
    event = events.setdefault((subject, _time(record["posted-date-time"])), _Event())
    settlement.left -= minor
    amount_type = record["amount-type"]
    if subject.kind in EVENTS and _FEE.search(amount_type):
        event.fee -= minor
    else:
        event.gross += minor
        if subject.kind in EVENTS and amount_type not in PRICES:
            message = f"amount-type {amount_type[:60]} of {subject.kind} is not known"
            raise BadRecord(message)
    event.line = event.line or line
    event.lines += 1


def _subject_of(record: Mapping[str, str]) -> _Subject:
    kind = record["transaction-type"]
    is_event = kind in EVENTS or (not kind and record["order-id"])
    types = ("", "") if is_event else (record["amount-type"], record["amount-description"])
    return _Subject(record["settlement-id"], kind, record["order-id"], *types)


def _map(subject: _Subject, at: str, event: _Event, settlement: _Settlement, doubted: str | None) -> Mapped:
    """Map an event; `doubted` says why it is held back."""
    name = _external_id(subject, at)
    if doubted is not None:
        entry = Entry(settlement.currency, subject.settlement, Side.OTHER, event.gross - event.fee)
        words = f"held back, {event.lines} lines of {subject.kind[:60]} {subject.order[:40]}: {doubted}"
        return Mapped(rows=(words,) if event.lines else (), entries=(entry,), name=name, lines=event.lines)
    mapped = moved(
        EVENTS.get(subject.kind) or _treatment_of(subject),
        words=f"{subject.kind[:60]}, {subject.amount_type[:60]}, {subject.description[:60]}",
        gross=event.gross,
        fee=event.fee,
        currency=settlement.currency,
        payout=subject.settlement,
        fields={
            "external_id": name,
            "merchant": settlement.merchant,
            "occurred_at": at,
            "order_ref": subject.order,
            "buyer": "",
        },
    )
    return replace(mapped, lines=event.lines)


def _treatment_of(subject: _Subject) -> Treatment | None:
    """Return what becomes of amounts that are no event of an order."""
    words = {subject.kind, subject.amount_type, subject.description}
    if words & NOT_TRADE:
        return Treatment(Unused.NOT_TRADE, 0, Side.OTHER)
    if words & FEES or any(_FEE.search(word) for word in words):
        return Treatment(TransactionKind.FEE, 0, Side.FEES)
    return None


def _external_id(subject: _Subject, at: str) -> str:
    """Name an event by what its lines have in common: the same whatever their order in the file."""
    text = "\t".join((*subject, at))  # no cell has a tab
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return "-".join(filter(None, (subject.settlement, subject.order, digest)))


def _second_of(record: Mapping[str, str]) -> str:
    """Return when a line that cannot be read was posted; empty if that cannot be read either."""
    try:
        return _time(record["posted-date-time"])
    except BadRecord:
        return ""


def _time(text: str) -> str:
    found = _TIME.fullmatch(text)
    if found is None:
        message = f"{text[:40]!r} is not a time in UTC"
        raise BadRecord(message)
    year, month, day, day_first, month_second, year_last, clock = found.groups()
    return time_with_offset(f"{year or year_last}-{month or month_second}-{day or day_first} {clock}", "+00:00")


def _minor(text: str, column: str, currency: str) -> int:
    """Read an amount with a point or a comma before its decimals; 1,234 dollars may be one, and are rejected."""
    found = _AMOUNT.fullmatch(text)
    if found is None or len(found[3] or "") == THOUSAND != exponent_of(currency):
        message = f"{column}: {text[:40]!r} is not an amount of {currency}"
        raise BadRecord(message)
    sign, whole, decimals = found.groups()
    return parse_amount(f"{sign}{re.sub('[.,]', '', whole)}.{decimals or '0'}", column, currency)


AMAZON = Format(processor="amazon", layouts=(Layout(columns=COLUMNS, read=_read),), account="", separator="\t")
