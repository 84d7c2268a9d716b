"""Records as stores download them from Shopify Payments."""

from collections.abc import Iterable

import pytest

from merchants.domain.feeds.format import Entry, Layout, Mapped, Side, Unused
from merchants.domain.feeds.reconciliation import Tally, reconcile
from merchants.domain.feeds.shopify import SHOPIFY
from tests.feeds import KILN, map_record

TRANSACTIONS, PAYOUTS = SHOPIFY.layouts


def transaction(kind: str, amount: str, fee: str, net: str, **changes: str) -> dict[str, str]:
    return {
        "Transaction Date": "2026-08-24 22:01:24 +0400",
        "Type": kind,
        "Order": "#3439",
        "Card Brand": "master",
        "Card Source": "online",
        "Payout Status": "paid",
        "Payout Date": "2026-09-01",
        "Payout ID": "148156579998",
        "Available On": "2026-09-01",
        "Amount": amount,
        "Fee": fee,
        "Net": net,
        "Checkout": "#43736360550558",
        "Payment Method Name": "card",
        "Presentment Amount": "1010.40",
        "Presentment Currency": "SAR",
        "Currency": "AED",
        "VAT": "0.00",
    } | {name.replace("_", " "): text for name, text in changes.items()}


def payout(day: str, status: str, total: str, **changes: str) -> dict[str, str]:
    return {
        "Payout Date": day,
        "Status": status,
        "Charges": "0.00",
        "Refunds": "0.00",
        "Adjustments": "0.00",
        "Reserved Funds": "0.00",
        "Fees": "0.00",
        "Retried Amount": "0.00",
        "Total": total,
        "Currency": "AED",
    } | {name.replace("_", " "): text for name, text in changes.items()}


def mapped(record: dict[str, str], layout: Layout = TRANSACTIONS) -> Mapped:
    return map_record(layout, record)


def ids(records: Iterable[dict[str, str]], layout: Layout = TRANSACTIONS) -> list[str]:
    found = layout.read(enumerate(records, start=1), KILN)
    return [row["external_id"] for _, mapped in found for row in mapped.rows if not isinstance(row, str)]


def test_a_charge_becomes_a_sale_and_its_fee_in_the_currency_of_the_payout() -> None:
    """Red if the buyer's currency is taken for the merchant's, or the offset is lost."""
    found = mapped(transaction("charge", "988.21", "57.68", "930.53"))
    sale = {
        "external_id": "#3439-charge-20260824T180124-98821",
        "merchant": "kiln",
        "occurred_at": "2026-08-24T18:01:24+00:00",
        "order_ref": "#3439",
        "buyer": "",
        "kind": "SALE",
        "amount": "988.21",
        "currency": "AED",
    }
    fee = {"external_id": "#3439-charge-20260824T180124-98821-fee", "kind": "FEE", "amount": "57.68"}
    assert found.rows == (sale, sale | fee)
    assert found.entries == (
        Entry("AED", "2026-09-01", Side.CHARGES, 98821),
        Entry("AED", "2026-09-01", Side.FEES, -5768),
    )


@pytest.mark.parametrize(
    ("record", "rows", "unused"),
    [
        (transaction("refund", "-40.00", "0.00", "-40.00"), [("REFUND", "40.00")], ()),
        (transaction("chargeback", "-80.00", "15.00", "-95.00"), [("CHARGEBACK", "80.00"), ("FEE", "15.00")], ()),
        (
            transaction("chargeback won", "80.00", "-15.00", "95.00"),
            [("CHARGEBACK_WON", "80.00"), ("FEE_RETURNED", "15.00")],
            (),
        ),
        (transaction("dispute_reversal", "80.00", "0.00", "80.00"), [("CHARGEBACK_WON", "80.00")], ()),
        (transaction("adjustment", "1.46", "0.00", "1.46"), [], (Unused.NOT_TRADE,)),
        (transaction("reserve", "-9.00", "0.00", "-9.00"), [], (Unused.NOT_TRADE,)),
        (transaction("Shop Cash Credit", "5.00", "0.00", "5.00"), [], (Unused.NOT_TRADE,)),
        (transaction("charge", "0.00", "0.00", "0.00"), [], (Unused.NOTHING_MOVED,)),
    ],
)
def test_what_each_type_becomes(
    record: dict[str, str], rows: list[tuple[str, str]], unused: tuple[Unused, ...]
) -> None:
    found = mapped(record)
    assert [(row["kind"], row["amount"]) for row in found.rows if not isinstance(row, str)] == rows
    assert (len(found.rows), found.unused) == (len(rows), unused)
    assert sum(entry.minor for entry in found.entries) == round(float(record["Net"]) * 100)


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (transaction("charge", "100.00", "3.00", "96.00"), "amount 100.00 less fee 3.00 is not net 96.00"),
        (transaction("charge", "$1.00", "0", "1.00"), "Amount: '$1.00' is not a decimal amount"),
        (transaction("charge", "1.00", "0", "1.00", Transaction_Date="2026-08-24"), "is not a time with its offset"),
        (
            transaction("charge", "1.00", "0", "1.00", Transaction_Date="0001-01-01 00:00:00 +0400"),
            "'0001-01-01 00:00:00 +0400' is not a time",
        ),
        (transaction("charge", "-1.00", "0", "-1.00"), "Type charge of -1.00: the sign is the wrong way round"),
        (transaction("moon_tax", "-1.00", "0", "-1.00"), "Type moon_tax is not known"),
        (transaction("charge", "1.00", "0", "1.00", Currency=""), "'' is not a currency code"),
    ],
)
def test_what_cannot_be_right_is_rejected(record: dict[str, str], words: str) -> None:
    [row] = mapped(record).rows
    assert isinstance(row, str)
    assert words in row


def test_an_id_is_the_same_in_any_export_and_tells_transactions_of_an_order_apart() -> None:
    """Red if what an export writes later, or in another zone, is in the id; or if two refunds are taken for one."""
    early = transaction("refund", "-5.00", "0", "-5.00", Payout_Status="pending", Payout_Date="", Payout_ID="")
    late = transaction("refund", "-5.00", "0", "-5.00", Transaction_Date="2026-08-24 18:01:24 +0000")
    assert ids([early]) == ids([late])
    others = [
        transaction("refund", "-6.00", "0", "-6.00"),
        transaction("refund", "-5.00", "0", "-5.00", Transaction_Date="2026-08-24 22:01:25 +0400"),
        transaction("refund", "-5.00", "0", "-5.00", Order="#3440"),
        transaction("charge", "5.00", "0", "5.00"),
        late,
    ]
    found = ids([early, *others])
    assert len(set(found)) == len(found)
    assert found[-1] == f"{found[0]}-2"  # in all the same: numbered


@pytest.mark.parametrize(
    ("record", "rows", "unused"),
    [
        (payout("2026-09-01", "paid", "930.53"), [("PAYOUT", "930.53")], ()),
        (payout("2026-09-01", "paid", "-12.00"), [], (Unused.NO_KIND,)),
        (payout("2026-09-01", "failed", "12.00"), [], (Unused.NO_KIND,)),
        (payout("2026-09-01", "In transit", "12.00"), [], (Unused.NOTHING_MOVED,)),
        (payout("2026-09-01", "scheduled", "12.00"), [], (Unused.NOTHING_MOVED,)),
    ],
)
def test_only_a_payout_that_is_paid_becomes_a_row(
    record: dict[str, str], rows: list[tuple[str, str]], unused: tuple[Unused, ...]
) -> None:
    """Red if a payout on its way is stored, which may still fail or change."""
    found = mapped(record, PAYOUTS)
    assert [(row["kind"], row["amount"]) for row in found.rows if not isinstance(row, str)] == rows
    assert found.unused == unused


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (payout("2026-09-01", "lost", "1.00"), "Status lost is not known"),
        (payout("2026/9/1", "paid", "1.00"), "'2026/9/1' is not a date"),
        (payout("2026-09-31", "paid", "1.00"), "is not a time"),
    ],
)
def test_a_payout_that_cannot_be_right_is_rejected(record: dict[str, str], words: str) -> None:
    [row] = mapped(record, PAYOUTS).rows
    assert isinstance(row, str)
    assert words in row


def test_two_payouts_of_a_day_are_two_rows() -> None:
    rows = [payout("2026-09-01", "paid", total) for total in ("5.00", "6.00", "5.00")]
    assert ids(rows, PAYOUTS) == [
        "payout-2026-09-01-AED-500",
        "payout-2026-09-01-AED-600",
        "payout-2026-09-01-AED-500-2",
    ]


@pytest.mark.parametrize("status", ["failed", "canceled", "in_transit", "scheduled"])
def test_a_payouts_id_does_not_depend_on_others(status: str) -> None:
    """Red if the payout gets another id, and a second row, once an export no longer shows what failed before it."""
    paid = payout("2026-09-01", "paid", "5.00")
    assert ids([payout("2026-09-01", status, "5.00"), paid], PAYOUTS) == ids([paid], PAYOUTS)


def test_only_a_payout_that_moved_money_is_compared_and_then_also_if_it_is_nothing() -> None:
    tally = Tally()
    for day in ("2026-09-01", "2026-09-02"):
        tally.add(mapped(transaction("charge", "9.50", "0.00", "9.50", Payout_Date=day)))
    for record in [payout("2026-09-01", "paid", "0.00"), payout("2026-09-02", "scheduled", "9.50")]:
        tally.add(mapped(record, PAYOUTS))
    [aed] = reconcile(tally.sums)
    assert (aed.matched, aed.differing, aed.net - aed.settled) == (1, (("2026-09-01", 950, 0),), 950)


@pytest.mark.parametrize(("total", "difference"), [("942.53", 0), ("942.54", -1)])
def test_records_reconcile_with_the_payouts_of_their_day_also_after_one_failed(total: str, difference: int) -> None:
    """Red if what is tried again counts as paid without records."""
    tally = Tally()
    for record in [
        transaction("charge", "12.00", "0.00", "12.00", Payout_Date="2026-08-31"),
        transaction("charge", "988.21", "57.68", "930.53"),
        transaction("charge", "7.00", "0.00", "7.00", Payout_Date="2026-09-02", Payout_Status="pending"),
    ]:
        tally.add(mapped(record))
    for record in [
        payout("2026-08-31", "failed", "12.00"),
        payout("2026-09-01", "paid", total, Retried_Amount="12.00"),
    ]:
        tally.add(mapped(record, PAYOUTS))
    [aed] = reconcile(tally.sums)
    assert (aed.matched, aed.difference) == (2, difference)
    assert (aed.net - aed.settled, aed.unmatched) == (700, 0)
