"""PayPal: the activity download, in English.

Source: https://developer.paypal.com/reports/reference/changed-fields (columns, statuses),
https://developer.paypal.com/reports/reference/t-codes (types), and, for what a balance impact is,
https://developer.paypal.com/api/nvp-soap/paypal-payments-standard/admin/download-history.

Documented: `Balance Impact` says whether a record adds to the balance (Credit), takes from it (Debit) or does
neither (Memo: an authorisation, a pending payment); the status of a record may change after it was downloaded.
So the impact decides, and the status is not read.

Assumed: `Balance` is what the currency's balance was after the record; a fee is negative, and net = gross + fee.
The file does not say whether 02/03/2026 is in February or in March: there is a format for each, and the whole file is
refused where a date can only be the other. Amounts have a point and all decimals of the currency, thousands may have
commas. A payment sent is the merchant's own purchase, and no trade; so is what comes back of it. A payment that
PayPal reverses is a chargeback. A hold and its release are no trade. No buyer is read: the only name is a mail address.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from config.kernel.money import exponent_of
from merchants.domain.feeds.format import (
    BadRecord,
    Balance,
    Format,
    Layout,
    Mapped,
    OtherFormat,
    Side,
    Treatment,
    Unused,
    currency_of,
    each,
    moved,
    offset_of,
    parse_amount,
    time_with_offset,
)
from merchants.domain.transaction import TransactionKind

COLUMNS = (
    "Date", "Time", "Type", "Status", "Currency", "Gross", "Fee", "Net", "Transaction ID", "Reference Txn ID",
    "Balance Impact",
)  # fmt: skip
ZONES = ("TimeZone", "Time Zone", "Time zone")  # by the country of the account
MOVED = ("Credit", "Debit")
STILL = ("Memo", "")  # a line without an impact is an item of the record above
PAYMENTS = (
    "Direct Credit Card Payment", "Donation Payment", "eBay Auction Payment", "Express Checkout Payment",
    "General Payment", "Mobile Payment", "PreApproved Payment Bill User Payment", "Subscription Payment",
    "Website Payment",
)  # fmt: skip
NOT_TRADE = (
    "Account Hold for Open Authorization", "Cancellation of Hold for Dispute Resolution", "Coupon Redemption",
    "General Account Correction", "General Authorization", "General Bonus", "General Currency Conversion",
    "General Hold", "General Hold Release", "Hold on Available Balance", "Hold on Balance for Dispute Investigation",
    "Instant Payment Review (IPR) reversal", "Mass Pay Payment", "Payment Hold", "Payment Release",
    "Payment Review Hold", "Payment Review Release", "PayPal Protection Bonus", "Postage Payment", "Reserve Hold",
    "Reserve Release", "Reversal of General Account Hold", "Tax Hold", "Tax Release", "Tax collected by partner",
    "User Initiated Currency Conversion", "Void of Authorization",
)  # fmt: skip
Kind = TransactionKind | Unused
TREATED: dict[str, tuple[Kind, Kind, Side]] = {  # what it becomes if credited, if debited, and its side
    **dict.fromkeys(PAYMENTS, (TransactionKind.SALE, Unused.NOT_TRADE, Side.CHARGES)),
    "Payment Refund": (Unused.NOT_TRADE, TransactionKind.REFUND, Side.REFUNDS),
    "Payment Reversal": (Unused.NOT_TRADE, TransactionKind.CHARGEBACK, Side.CHARGEBACKS),
    "Chargeback": (Unused.NO_KIND, TransactionKind.CHARGEBACK, Side.CHARGEBACKS),
    "Chargeback Reversal": (TransactionKind.CHARGEBACK_WON, Unused.NO_KIND, Side.CHARGEBACKS),
    **dict.fromkeys(
        ("Chargeback Fee", "Dispute Fee", "Fee Reversal", "Partner Fee", "Payment Fee"),
        (TransactionKind.FEE_RETURNED, TransactionKind.FEE, Side.FEES),
    ),
    **dict.fromkeys(
        ("Auto-sweep", "General Withdrawal", "User Initiated Withdrawal"),
        (Unused.NO_KIND, TransactionKind.PAYOUT, Side.PAYOUTS),
    ),
    **dict.fromkeys(
        ("Bank Deposit to PP Account", "General Credit Card Deposit"),
        (TransactionKind.DEPOSIT, Unused.NO_KIND, Side.OTHER),
    ),
    **dict.fromkeys(NOT_TRADE, (Unused.NOT_TRADE, Unused.NOT_TRADE, Side.OTHER)),
}
_DATE = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", re.ASCII)
_AMOUNT = re.compile(r"-?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]+)?", re.ASCII)
MONTHS = 12


def _read(record: Mapping[str, str], merchant: str, *, zone: str, is_day_first: bool) -> Mapped:
    occurred_at = time_with_offset(
        f"{_date_of(record['Date'], is_day_first=is_day_first)} {record['Time']}", offset_of(record[zone])
    )
    impact = record["Balance Impact"]
    if impact in STILL:
        return Mapped(unused=(Unused.NOTHING_MOVED,))
    if impact not in MOVED:
        message = f"Balance Impact {impact[:20]!r} is not known"
        raise BadRecord(message)
    currency = currency_of(record["Currency"])
    gross, fee, net = (_minor(record[column], column, currency) for column in ("Gross", "Fee", "Net"))
    if gross + fee != net:
        message = f"gross {record['Gross']} and fee {record['Fee']} do not make net {record['Net']}"
        raise BadRecord(message)
    if (net < 0) != (impact == "Debit") and net:
        message = f"{impact} of {record['Net']}: the sign is the wrong way round"
        raise BadRecord(message)
    words = record["Type"].strip().replace("Authoris", "Authoriz")  # some end with a space
    is_back = gross < 0 or words == "Chargeback Reversal"
    mapped = moved(
        _treatment_of(words, gross),
        words=f"Type {words[:60]}",
        gross=gross,
        fee=-fee,
        currency=currency,
        payout="",
        fields={
            "external_id": record["Transaction ID"],
            "merchant": merchant,
            "occurred_at": occurred_at,
            "order_ref": (is_back and record["Reference Txn ID"]) or record["Transaction ID"],
            "buyer": "",
        },
    )
    if not record.get("Balance"):
        return mapped
    after = _minor(record["Balance"], "Balance", currency)
    balance = Balance(currency, datetime.fromisoformat(occurred_at), net, after)
    return replace(mapped, balance=balance)


def _treatment_of(words: str, gross: int) -> Treatment | None:
    if words not in TREATED:
        return None
    credited, debited, side = TREATED[words]
    kind = credited if gross >= 0 else debited
    return Treatment(kind, 0, Side.OTHER if kind is Unused.NOT_TRADE else side)


def _date_of(text: str, *, is_day_first: bool) -> str:
    """Write a date the ISO way. Raises BadRecord, OtherFormat if it can only have day and month the other way."""
    found = _DATE.fullmatch(text)
    if found is None:
        message = f"{text[:40]!r} is not a date"
        raise BadRecord(message)
    left, right = int(found[1]), int(found[2])
    day, month = (left, right) if is_day_first else (right, left)
    if day <= MONTHS < month:
        order, name = ("month", "paypal") if is_day_first else ("day", "paypal-day-first")
        message = f"{text} has its {order} first: import it as {name}"
        raise OtherFormat(message)
    return f"{found[3]}-{month:02}-{day:02}"


def _minor(text: str, column: str, currency: str) -> int:
    """Read an amount with all decimals of its currency: 1,000 dollars may be one, as others write it."""
    if not _AMOUNT.fullmatch(text) or len(text.partition(".")[2]) != exponent_of(currency):
        message = f"{column}: {text[:40]!r} is not an amount of {currency}"
        raise BadRecord(message)
    return parse_amount(text.replace(",", ""), column, currency)


def _format(*, is_day_first: bool) -> Format:
    return Format(
        processor="paypal",
        layouts=tuple(
            Layout(columns=(*COLUMNS, zone), read=each(partial(_read, zone=zone, is_day_first=is_day_first)))
            for zone in ZONES
        ),
        account="",
    )


PAYPAL = _format(is_day_first=False)
PAYPAL_DAY_FIRST = _format(is_day_first=True)
