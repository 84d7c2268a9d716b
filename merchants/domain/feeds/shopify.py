"""Shopify Payments: the export of transactions, and that of payouts.

Source:
https://help.shopify.com/en/manual/payments/shopify-payments/getting-paid-with-shopify-payments/view-payouts/view-details
and https://help.shopify.com/manual/payment-settings/shopify-payments/glossary, and for the types
https://shopify.dev/docs/api/admin-graphql/latest/enums/ShopifyPaymentsTransactionType. What columns the files have is
documented nowhere; they are read as stores hand them out.

Documented: charges are full amounts, fees beside them. An adjustment is a chargeback, one won, or a fee given back
with a refund: the file does not say which, and it is not used.

Assumed: net = amount - fee on every record, in the currency of the payout, and what is not so is rejected; the
presentment amount, in the buyer's currency, has no sign and is not read. A time has an offset of hours and minutes.
The file has no id of a transaction: order, type, time and amount name it, and equal ones in a file are numbered.
Payouts have no id either; a record names the day it is, or will be, paid out. Only a payout that is paid is final. A
total holds what is tried again of one that failed.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from merchants.domain.feeds.format import (
    BadRecord,
    Entry,
    Format,
    Given,
    Layout,
    Lines,
    Mapped,
    Side,
    Treatment,
    Unused,
    currency_of,
    each,
    in_utc,
    minor_of,
    moved,
    numbered,
    time_with_offset,
)
from merchants.domain.transaction import TransactionKind

TRANSACTIONS = ("Transaction Date", "Type", "Order", "Payout Date", "Amount", "Fee", "Net", "Currency")
PAYOUTS = ("Payout Date", "Status", "Retried Amount", "Total", "Currency")
TREATED = {
    "charge": Treatment(TransactionKind.SALE, 1, Side.CHARGES),
    "refund": Treatment(TransactionKind.REFUND, -1, Side.REFUNDS),
    "chargeback": Treatment(TransactionKind.CHARGEBACK, -1, Side.CHARGEBACKS),
    "chargeback_won": Treatment(TransactionKind.CHARGEBACK_WON, 1, Side.CHARGEBACKS),
    "dispute_reversal": Treatment(TransactionKind.CHARGEBACK_WON, 1, Side.CHARGEBACKS),
    **dict.fromkeys(
        ("adjustment", "marketplace_sales_tax", "reserve", "shop_cash_credit", "transfer"),
        Treatment(Unused.NOT_TRADE, 0, Side.OTHER),
    ),
}
PAID = Treatment(TransactionKind.PAYOUT, -1, Side.PAYOUTS)
NOT_PAID = Treatment(Unused.NO_KIND, 0, Side.PAYOUTS)  # also one below zero: taken from the merchant's bank account
ENDED = ("canceled", "failed", "paid")  # statuses
TO_COME = ("in_transit", "pending", "scheduled")  # its total may still change
_TIME = re.compile(r"([0-9-]{10} [0-9:]{8}) ([+-][0-9]{4})", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _read_transactions(lines: Lines, given: Given) -> Iterator[tuple[int, Mapped]]:
    return each(partial(_read_transaction, seen=Counter()))(lines, given)


def _read_payouts(lines: Lines, given: Given) -> Iterator[tuple[int, Mapped]]:
    return each(partial(_read_payout, seen=Counter()))(lines, given)


def _read_transaction(record: Mapping[str, str], merchant: str, *, seen: Counter[str]) -> Mapped:
    currency = currency_of(record["Currency"])
    amount, fee, net = (minor_of(record, column, currency) for column in ("Amount", "Fee", "Net"))
    if amount - fee != net:
        message = f"amount {record['Amount']} less fee {record['Fee']} is not net {record['Net']}"
        raise BadRecord(message)
    order, kind, at = record["Order"], _word(record["Type"]), _time(record["Transaction Date"])
    return moved(
        TREATED.get(kind),
        words=f"Type {record['Type'][:60]}",
        gross=amount,
        fee=fee,
        currency=currency,
        payout=record["Payout Date"],
        fields={
            "external_id": numbered(seen, order, kind, f"{at:%Y%m%dT%H%M%S}", str(amount)),
            "merchant": merchant,
            "occurred_at": at.isoformat(),
            "order_ref": order,
            "buyer": "",
        },
    )


def _read_payout(record: Mapping[str, str], merchant: str, *, seen: Counter[str]) -> Mapped:
    currency = currency_of(record["Currency"])
    total, retried = (minor_of(record, column, currency) for column in ("Total", "Retried Amount"))
    day, status = record["Payout Date"], _word(record["Status"])
    if status not in (*ENDED, *TO_COME):
        message = f"Status {record['Status'][:60]} is not known"
        raise BadRecord(message)
    if not _DAY.fullmatch(day):
        message = f"{day[:40]!r} is not a date"
        raise BadRecord(message)
    if status in TO_COME:
        return Mapped(unused=(Unused.NOTHING_MOVED,))
    mapped = moved(
        PAID if status == "paid" and total > 0 else NOT_PAID,
        words="Total",
        gross=-total,
        fee=0,
        currency=currency,
        payout=day,
        fields={
            "external_id": numbered(seen, "payout", day, currency, str(total), "" if status == "paid" else status),
            "merchant": merchant,
            "occurred_at": time_with_offset(f"{day} 00:00:00", "+00:00"),
            "order_ref": "",
            "buyer": "",
        },
    )
    if not retried:
        return mapped
    return replace(mapped, entries=(*mapped.entries, Entry(currency, day, Side.OTHER, retried)))


def _word(text: str) -> str:
    return text.strip().lower().replace(" ", "_")


def _time(text: str) -> datetime:
    found = _TIME.fullmatch(text)
    if found is None:
        message = f"{text[:40]!r} is not a time with its offset"
        raise BadRecord(message)
    return in_utc(datetime.fromisoformat(time_with_offset(*found.groups())), text)


SHOPIFY = Format(
    processor="shopify",
    layouts=(
        Layout(columns=TRANSACTIONS, read=_read_transactions),
        Layout(columns=PAYOUTS, read=_read_payouts),
    ),
    account="",
)
