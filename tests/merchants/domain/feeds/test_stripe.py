"""Records as https://docs.stripe.com/reports/report-types/balance describes them."""

import pytest

from merchants.domain.feeds.format import Entry, Mapped, Side, Unused
from merchants.domain.feeds.reconciliation import Tally, reconcile
from merchants.domain.feeds.stripe import STRIPE
from merchants.domain.transaction import TransactionKind
from tests.feeds import map_record

ACTIVITY, PAYOUTS = STRIPE.layouts


def activity(category: str, gross: str, fee: str, net: str, **changes: str) -> dict[str, str]:
    return {
        "balance_transaction_id": "txn_1",
        "created_utc": "2026-01-31 23:30:00",
        "created": "2026-01-31 18:30:00",
        "currency": "eur",
        "gross": gross,
        "fee": fee,
        "net": net,
        "reporting_category": category,
        "source_id": "ch_1",
        "automatic_payout_id": "po_1",
        "customer_id": "cus_1",
        "charge_id": "ch_1",
    } | changes


def mapped(*record: str, **changes: str) -> Mapped:
    return map_record(ACTIVITY, activity(*record, **changes))


def shape(found: Mapped) -> tuple[list[tuple[str, str, str]], tuple[Unused, ...]]:
    rows = [row for row in found.rows if not isinstance(row, str)]
    assert len(rows) == len(found.rows)
    return [(row["external_id"], row["kind"], row["amount"]) for row in rows], found.unused


def test_a_charge_becomes_a_sale_and_its_fee_in_utc() -> None:
    """Red if the time is read from `created`, whose zone the file does not name, or the net is taken for the sale."""
    found = mapped("charge", "100.00", "3.20", "96.80")
    sale = {
        "external_id": "txn_1",
        "merchant": "kiln",
        "occurred_at": "2026-01-31T23:30:00+00:00",
        "order_ref": "ch_1",
        "buyer": "cus_1",
        "kind": "SALE",
        "amount": "100.00",
        "currency": "EUR",
    }
    assert found.rows == (sale, sale | {"external_id": "txn_1-fee", "kind": "FEE", "amount": "3.20"})
    assert found.unused == ()
    assert found.entries == (Entry("EUR", "po_1", Side.CHARGES, 10000), Entry("EUR", "po_1", Side.FEES, -320))


@pytest.mark.parametrize(
    ("record", "rows", "unused"),
    [
        (("charge", "10.00", "0.00", "10.00"), [("txn_1", "SALE", "10.00")], ()),
        (("charge", "0.00", "0.00", "0.00"), [], (Unused.NOTHING_MOVED,)),
        (("refund", "-40.00", "0.00", "-40.00"), [("txn_1", "REFUND", "40.00")], ()),
        (
            ("refund", "-40.00", "-1.20", "-38.80"),
            [("txn_1", "REFUND", "40.00"), ("txn_1-fee", "FEE_RETURNED", "1.20")],
            (),
        ),
        (("charge_failure", "-9.00", "0.00", "-9.00"), [("txn_1", "REFUND", "9.00")], ()),
        (("partial_capture_reversal", "-5.00", "0", "-5.00"), [("txn_1", "REFUND", "5.00")], ()),
        (
            ("dispute", "-80.00", "15.00", "-95.00"),
            [("txn_1", "CHARGEBACK", "80.00"), ("txn_1-fee", "FEE", "15.00")],
            (),
        ),
        (
            ("dispute_reversal", "80.00", "-15.00", "95.00"),
            [("txn_1", "CHARGEBACK_WON", "80.00"), ("txn_1-fee", "FEE_RETURNED", "15.00")],
            (),
        ),
        (("refund_failure", "40.00", "0.00", "40.00"), [], (Unused.NO_KIND,)),
        (("fee", "-2.00", "0.00", "-2.00"), [("txn_1", "FEE", "2.00")], ()),
        (("fee", "0.00", "2.00", "-2.00"), [("txn_1", "FEE", "2.00")], ()),
        (("fee", "2.00", "0.00", "2.00"), [("txn_1", "FEE_RETURNED", "2.00")], ()),
        (("tax", "-0.42", "0.00", "-0.42"), [("txn_1", "FEE", "0.42")], ()),
        (("topup", "500.00", "0.00", "500.00"), [("txn_1", "DEPOSIT", "500.00")], ()),
        (("risk_reserved_funds", "-30.00", "0.00", "-30.00"), [], (Unused.NOT_TRADE,)),
        (("risk_reserved_funds", "30.00", "0.00", "30.00"), [], (Unused.NOT_TRADE,)),
    ],
)
def test_what_each_category_becomes(
    record: tuple[str, str, str, str], rows: list[tuple[str, str, str]], unused: tuple[Unused, ...]
) -> None:
    found = mapped(*record)
    assert shape(found) == (rows, unused)
    assert sum(entry.minor for entry in found.entries) == round(float(record[3]) * 100)  # nothing is left out of it


def test_a_payout_with_a_fee_of_the_payouts_report() -> None:
    record = {
        "payout_id": "po_9",
        "effective_at_utc": "2026-02-02 00:00:00",
        "currency": "usd",
        "gross": "-100.00",
        "fee": "1.00",
        "net": "-101.00",
        "reporting_category": "payout",
        "balance_transaction_id": "txn_9",
        "payout_status": "paid",
    }
    found = map_record(PAYOUTS, record)
    assert shape(found) == ([("txn_9", "PAYOUT", "100.00"), ("txn_9-fee", "FEE", "1.00")], ())
    assert found.entries == (Entry("USD", "po_9", Side.PAYOUTS, -10000), Entry("USD", "po_9", Side.FEES, -100))


@pytest.mark.parametrize(
    ("record", "changes", "words"),
    [
        (("charge", "100.00", "3.20", "96.90"), {}, "gross 100.00 less fee 3.20 is not net 96.90"),
        (("charge", "-1.00", "0.00", "-1.00"), {}, "charge of -1.00: the sign is the wrong way round"),
        (("refund", "1.00", "0.00", "1.00"), {}, "refund of 1.00: the sign is the wrong way round"),
        (("charge", "1,00", "0", "1,00"), {}, "gross: '1,00' is not a decimal amount"),
        (("charge", "1.00", "0", "1.00"), {"currency": "€"}, "'€' is not a currency code"),
        (("charge", "1.50", "0", "1.50"), {"currency": "jpy"}, "'1.50' has more than 0 decimals"),
        (("charge", "1.00", "0", "1.00"), {"created_utc": "31/01/2026"}, "'31/01/2026' is not a time"),
        (("moon_tax", "-1.00", "0", "-1.00"), {}, "reporting_category moon_tax is not known"),
    ],
)
def test_what_cannot_be_right_is_rejected(
    record: tuple[str, str, str, str], changes: dict[str, str], words: str
) -> None:
    [row] = mapped(*record, **changes).rows
    assert isinstance(row, str)
    assert words in row


def test_an_unknown_category_is_rejected_and_still_counts_in_the_payout() -> None:
    """Red if its money is left out: the payout would then seem wrong, and the reason not be found."""
    assert mapped("moon_tax", "-1.00", "0", "-1.00").entries == (Entry("EUR", "po_1", Side.OTHER, -100),)


PAID = [
    activity("charge", "100.00", "3.20", "96.80"),
    activity("charge", "50.00", "1.75", "48.25", automatic_payout_id="po_2"),
    activity("refund", "-40.00", "0.00", "-40.00"),
    activity("dispute_reversal", "20.00", "-15.00", "35.00", automatic_payout_id="po_2"),
    activity("charge", "7.00", "0.50", "6.50", automatic_payout_id=""),
    activity("payout", "-56.80", "0.00", "-56.80", source_id="po_1", automatic_payout_id=""),
]


def reconciled(second_payout: str) -> Tally:
    tally = Tally()
    second = activity("payout", second_payout, "0.00", second_payout, source_id="po_2", automatic_payout_id="")
    earlier = activity("payout", "-11.00", "0.00", "-11.00", source_id="po_0", automatic_payout_id="")
    for record in [*PAID, second, earlier]:
        tally.add(map_record(ACTIVITY, record))
    return tally


def test_records_reconcile_with_their_payouts_to_the_cent() -> None:
    tally = reconciled("-83.25")
    [eur] = reconcile(tally.sums)
    assert eur.sides == {
        Side.CHARGES: 15700,
        Side.REFUNDS: -4000,
        Side.CHARGEBACKS: 2000,
        Side.FEES: 955,
        Side.OTHER: 0,
        Side.PAYOUTS: -15105,
    }
    assert (eur.net, eur.settled, eur.payouts, eur.matched, eur.difference) == (14655, 14005, 14005, 2, 0)
    assert (eur.unmatched, eur.differing) == (1100, ())
    assert tally.kinds == {
        TransactionKind.SALE: 3,
        TransactionKind.FEE: 3,
        TransactionKind.REFUND: 1,
        TransactionKind.CHARGEBACK_WON: 1,
        TransactionKind.FEE_RETURNED: 1,
        TransactionKind.PAYOUT: 3,
    }
    assert not tally.unused


def test_a_payout_that_is_a_cent_off_is_named() -> None:
    """Red if payouts are compared only in total, or the difference has no sign."""
    [eur] = reconcile(reconciled("-83.24").sums)
    assert eur.difference == 1
    assert eur.differing == (("po_2", 8325, 8324),)
