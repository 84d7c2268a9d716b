"""Square: the export of transactions, and that of the details of deposits (transfers).

Source: https://squareup.com/help/us/en/article/3813-view-and-correlate-deposits (exports of deposits) and, for what the
columns mean, https://squareup.com/help/ca/en/article/5200-square-glossary. Which columns there are is documented
nowhere; they are read as https://github.com/rwslippey/square_transaction_parser (`square_example.csv`) and
https://github.com/remedialchaostheory/square-deposit-id show them.

Documented: total collected holds tax, tips and sold gift cards, and is less by refunds of an amount; net total is what
is left of it after fees. Cash and other tenders are not transferred to the bank.

Assumed: what is paid with a gift card was sold with it, and is not sold again. Fees have the sign of what they do to
the balance, and are what lies between total and net. No column says the currency; a symbol of another one is
rejected. Time zones have the names of Ruby on Rails; a clock that is set back shows an hour twice, and the first is
taken. A date with slashes has its month first, in the United States and Canada only. A payment has one row for
its tenders; a row is named by payment, event, time and amount, equal ones of a file are numbered.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import product
from zoneinfo import ZoneInfo

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
    each,
    in_utc,
    moved,
    numbered,
    parse_amount,
)
from merchants.domain.transaction import TransactionKind

TRANSACTIONS = (
    "Date", "Time", "Time Zone", "Total Collected", "Cash", "Square Gift Card", "Other Tender", "Fees", "Net Total",
    "Transaction ID", "Payment ID", "Event Type", "Deposit ID",
)  # fmt: skip
DEPOSITS = ("Deposit ID", "Deposit Date", "Deposited")
TREATED = {
    "Payment": Treatment(TransactionKind.SALE, 1, Side.CHARGES),
    "Refund": Treatment(TransactionKind.REFUND, -1, Side.REFUNDS),
}
COMPLETE = ("", "Complete")  # transaction statuses
INCOMPLETE = ("Canceled", "Failed", "Pending")
SYMBOLS = {"$": ("AUD", "CAD", "USD"), "£": ("GBP",), "€": ("EUR",), "¥": ("JPY",)}
AMERICAN = {
    "Alaska": "America/Juneau",
    "Arizona": "America/Phoenix",
    "Atlantic Time (Canada)": "America/Halifax",
    "Central Time (US & Canada)": "America/Chicago",
    "Eastern Time (US & Canada)": "America/New_York",
    "Hawaii": "Pacific/Honolulu",
    "Indiana (East)": "America/Indiana/Indianapolis",
    "Mountain Time (US & Canada)": "America/Denver",
    "Newfoundland": "America/St_Johns",
    "Pacific Time (US & Canada)": "America/Los_Angeles",
    "Puerto Rico": "America/Puerto_Rico",
    "Saskatchewan": "America/Regina",
}
ZONES = AMERICAN | {
    "Adelaide": "Australia/Adelaide",
    "Brisbane": "Australia/Brisbane",
    "Canberra": "Australia/Canberra",
    "Darwin": "Australia/Darwin",
    "Dublin": "Europe/Dublin",
    "Edinburgh": "Europe/London",
    "Hobart": "Australia/Hobart",
    "London": "Europe/London",
    "Madrid": "Europe/Madrid",
    "Melbourne": "Australia/Melbourne",
    "Osaka": "Asia/Tokyo",
    "Paris": "Europe/Paris",
    "Perth": "Australia/Perth",
    "Sapporo": "Asia/Tokyo",
    "Sydney": "Australia/Sydney",
    "Tokyo": "Asia/Tokyo",
}
ISO_DAY = "%Y-%m-%d"
AMERICAN_DAYS, DAY_FIRST = ("%m/%d/%Y", "%m/%d/%y"), ("%d/%m/%Y", "%d/%m/%y")
CLOCKS = (" %H:%M:%S", " %I:%M:%S %p")
_AMOUNT = re.compile(r"(-?)([$£€¥]?)([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)((?:\.[0-9]+)?)", re.ASCII)


@dataclass(slots=True)
class _Deposit:
    """What the lines of a deposit that can be read add up to, in minor units, and the first of them."""

    merchant: str
    day: str = ""
    line: int = 0
    lines: int = 0
    minor: int = 0


def _read_transactions(lines: Lines, given: Given) -> Iterator[tuple[int, Mapped]]:
    return each(partial(_read_transaction, currency=given.currency, seen=Counter()))(lines, given)


def _read_transaction(record: Mapping[str, str], merchant: str, *, currency: str, seen: Counter[str]) -> Mapped:
    status = record.get("Transaction Status", "")
    if status in INCOMPLETE:
        return Mapped(unused=(Unused.NOTHING_MOVED,))
    if status not in COMPLETE:
        message = f"Transaction Status {status[:40]!r} is not known"
        raise BadRecord(message)
    total, net, card, cash, other = (
        _minor(record, column, currency)
        for column in ("Total Collected", "Net Total", "Square Gift Card", "Cash", "Other Tender")
    )
    fees = [_minor(record, column, currency) for column in ("Fees", "Third Party Fees")]
    if net - total not in {fees[0], sum(fees)}:
        message = f"total {record['Total Collected']} and fees {record['Fees']} do not make net {record['Net Total']}"
        raise BadRecord(message)
    at, event = _time(record), record["Event Type"]
    payment = record["Payment ID"] or record["Transaction ID"]
    gross, outside = total - card, cash + other
    mapped = moved(
        TREATED.get(event),
        words=f"Event Type {event[:60]}",
        gross=gross,
        fee=total - net,
        currency=currency,
        payout=record["Deposit ID"],
        fields={
            "external_id": payment and numbered(seen, payment, event, f"{at:%Y%m%dT%H%M%S}", str(gross)),
            "merchant": merchant,
            "occurred_at": at.isoformat(),
            "order_ref": record["Transaction ID"],
            "buyer": record.get("Customer ID", ""),
        },
    )
    if not outside:
        return mapped
    side = TREATED[event].side if event in TREATED else Side.OTHER
    moves = (Entry(currency, record["Deposit ID"], side, -outside), Entry(currency, "", side, outside))
    return replace(mapped, entries=(*mapped.entries, *moves))


def _read_deposits(lines: Lines, given: Given) -> Iterator[tuple[int, Mapped]]:
    """Yield lines that cannot be read as they come, and the deposits, summed over their lines, after the last one."""
    deposits: dict[str, _Deposit] = {}
    doubt = Doubt[str]()
    for line, record in lines:
        if isinstance(record, str):
            yield doubt.reject(line, record, is_torn=True)
            continue
        name = record["Deposit ID"]
        doubt.reach(name)
        deposit = deposits.setdefault(name, _Deposit(given.merchant_of(record)))
        try:
            minor = _minor(record, "Deposited", given.currency)
            day = _parse(record["Deposit Date"], ("",), is_american=given.currency in {"CAD", "USD"})
        except BadRecord as error:
            yield doubt.reject(line, str(error))
            continue
        except OtherFormat as error:
            message = f"row {line}: {error}"
            raise OtherFormat(message) from error
        deposit.day = deposit.day or day.replace(tzinfo=UTC).isoformat()
        deposit.line = deposit.line or line
        deposit.lines += 1
        deposit.minor += minor
    for name, deposit in deposits.items():
        yield deposit.line, _map_deposit(name, deposit, given.currency, doubt.of(name))


def _map_deposit(name: str, deposit: _Deposit, currency: str, doubted: str | None) -> Mapped:
    """Map a deposit; `doubted` says why it is held back. One below zero is taken from the bank."""
    if doubted is not None:
        words = f"held back, {deposit.lines} lines of deposit {name[:40]}: {doubted}"
        entry = Entry(currency, name, Side.PAYOUTS, -deposit.minor)
        return Mapped(rows=(words,) if deposit.lines else (), entries=(entry,), name=name, lines=deposit.lines)
    is_paid = deposit.minor > 0
    mapped = moved(
        Treatment(TransactionKind.PAYOUT if is_paid else Unused.NO_KIND, -1 if is_paid else 1, Side.PAYOUTS),
        words="Deposited",
        gross=-deposit.minor,
        fee=0,
        currency=currency,
        payout=name,
        fields={
            "external_id": name,
            "merchant": deposit.merchant,
            "occurred_at": deposit.day,
            "order_ref": "",
            "buyer": "",
        },
    )
    return replace(mapped, lines=deposit.lines)


def _time(record: Mapping[str, str]) -> datetime:
    zone, text = record["Time Zone"], f"{record['Date']} {record['Time']}"
    if zone not in ZONES:
        message = f"time zone {zone[:40]!r} is not a known one"
        raise BadRecord(message)
    local = _parse(text, CLOCKS, is_american=zone in AMERICAN)
    return in_utc(local.replace(tzinfo=ZoneInfo(ZONES[zone])), text)


def _parse(text: str, clocks: tuple[str, ...], *, is_american: bool) -> datetime:
    """Parse a local time. Raises BadRecord, OtherFormat for a date whose month should stand first and cannot."""
    days = (ISO_DAY, *AMERICAN_DAYS) if is_american else (ISO_DAY,)
    found = _first(text, days, clocks)
    if found is not None:
        return found
    if is_american and _first(text, DAY_FIRST, clocks):
        message = f"{text[:40]} has its day first, other dates of the file may be taken for others"
        raise OtherFormat(message)
    message = f"{text[:40]!r} is not a time"
    raise BadRecord(message)


def _first(text: str, days: tuple[str, ...], clocks: tuple[str, ...]) -> datetime | None:
    for day, clock in product(days, clocks):
        try:
            return datetime.strptime(text, f"{day}{clock}")  # noqa: DTZ007 - the zone is in a column of its own
        except ValueError:
            continue
    return None


def _minor(record: Mapping[str, str], column: str, currency: str) -> int:
    """Read an amount as "$1,149.00", "-$0.95" or, as spreadsheets write it, "($33.62)"; none is 0. Raises BadRecord."""
    text = record.get(column, "").strip()
    found = _AMOUNT.fullmatch(f"-{text[1:-1]}" if text.startswith("(") and text.endswith(")") else text or "0")
    symbol = found and found[2]
    if (
        found is None
        or (symbol and currency not in SYMBOLS[symbol])
        or len(found[4]) not in {0, exponent_of(currency) + 1}
    ):
        message = f"{column}: {text[:40]!r} is not an amount of {currency}"
        raise BadRecord(message)
    return parse_amount(f"{found[1]}{found[3].replace(',', '')}{found[4]}", column, currency)


SQUARE = Format(
    processor="square",
    layouts=(
        Layout(columns=TRANSACTIONS, read=_read_transactions),
        Layout(columns=DEPOSITS, read=_read_deposits),
    ),
    account="",
    has_currency=False,
)
