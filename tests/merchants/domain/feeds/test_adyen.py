"""Records as Adyen's documentation of the settlement details report shows them."""

import pytest

from merchants.domain.feeds.adyen import ADYEN, COLUMNS
from merchants.domain.feeds.format import Entry, Mapped, Side, Unused
from merchants.domain.feeds.reconciliation import Tally, reconcile
from tests.feeds import map_record

[LAYOUT] = ADYEN.layouts


def record(kind: str, **changes: str) -> dict[str, str]:
    """A record of a payment; columns by the first word of their names, `gross_debit` and so on."""
    cells = dict.fromkeys(COLUMNS, "") | {
        "Merchant Account": "TestMerchant",
        "Psp Reference": "1813702551707653",
        "Merchant Reference": "order-7",
        "Creation Date": "2026-06-03 01:26:49",
        "TimeZone": "CEST",
        "Type": kind,
        "Modification Reference": "1713702551795048",
        "Gross Currency": "GBP",
        "Net Currency": "GBP",
        "Batch Number": "4",
    }
    names = {column.partition(" (")[0].lower().replace(" ", "_"): column for column in COLUMNS}
    return cells | {names[name]: text for name, text in changes.items()}


def batch_line(kind: str, **changes: str) -> dict[str, str]:
    words = {"psp_reference": "", "gross_currency": "GBP", "modification_reference": "Transaction Fees June 2026"}
    return record(kind, **(words | changes))


def mapped(cells: dict[str, str]) -> Mapped:
    return map_record(LAYOUT, cells)


def test_a_settled_payment_of_the_documentation() -> None:
    """5.00 credited, 4.88 net, fees of 0.04, 0.01 and 0.07. Red if the zone beside the time is not read."""
    fees = {"markup": "0.04", "scheme_fees": "0.01", "interchange": "0.07"}
    found = mapped(record("Settled", gross_credit="5.00", net_credit="4.88", **fees))
    sale = {
        "external_id": "1713702551795048-Settled-4",
        "merchant": "kiln",
        "occurred_at": "2026-06-03T01:26:49+02:00",
        "order_ref": "1813702551707653",
        "buyer": "",
        "kind": "SALE",
        "amount": "5.00",
        "currency": "GBP",
    }
    fee = {"external_id": "1713702551795048-Settled-4-fee", "kind": "FEE", "amount": "0.12"}
    assert found.rows == (sale, sale | fee)
    batch = "TestMerchant batch 4"
    assert found.entries == (Entry("GBP", batch, Side.CHARGES, 500), Entry("GBP", batch, Side.FEES, -12))


@pytest.mark.parametrize(
    ("cells", "rows", "unused"),
    [
        (
            record("Chargeback", gross_debit="349.99", net_debit="357.49", commission="7.5"),
            [("CHARGEBACK", "349.99"), ("FEE", "7.50")],
            (),
        ),
        (
            record("Refunded", gross_debit="5.00", net_debit="5.10", markup="0.1"),
            [("REFUND", "5.00"), ("FEE", "0.10")],
            (),
        ),
        (record("RefundedReversed", gross_credit="5.00", net_credit="5.00"), [], (Unused.NO_KIND,)),
        (record("ChargebackReversed", gross_credit="9.99", net_credit="9.99"), [("CHARGEBACK_WON", "9.99")], ()),
        (record("SecondChargeback", gross_debit="9.99", net_debit="9.99"), [("CHARGEBACK", "9.99")], ()),
        (batch_line("Fee", net_debit="2.00"), [("FEE", "2.00")], ()),
        (batch_line("MiscCosts", net_credit="2.00"), [("FEE_RETURNED", "2.00")], ()),
        (batch_line("InvoiceDeduction", net_debit="120.00"), [("FEE", "120.00")], ()),
        (batch_line("DepositCorrection", net_debit="1.02"), [], (Unused.NOT_TRADE,)),
        (batch_line("DepositCorrection", net_credit="1.02"), [], (Unused.NOT_TRADE,)),
        (batch_line("BankInstructionReturned", net_credit="18.00"), [], (Unused.NO_KIND,)),
        (batch_line("MerchantPayout", net_debit="18.00"), [("PAYOUT", "18.00")], ()),
        (batch_line("Fee"), [], (Unused.NOTHING_MOVED,)),
    ],
)
def test_what_each_type_becomes(cells: dict[str, str], rows: list[tuple[str, str]], unused: tuple[Unused, ...]) -> None:
    found = mapped(cells)
    assert [(row["kind"], row["amount"]) for row in found.rows if not isinstance(row, str)] == rows
    assert found.unused == unused
    assert len(found.rows) == len(rows)
    net = float(cells["Net Credit (NC)"] or 0) - float(cells["Net Debit (NC)"] or 0)
    assert sum(entry.minor for entry in found.entries) == round(net * 100)


def test_a_payment_in_another_currency_is_counted_in_that_of_the_payout() -> None:
    """Red if 1000 yen are read as pounds, or fees with more decimals than a penny are rounded one by one."""
    fees = {"commission": "0.1044", "markup": "0.0143", "scheme_fees": "0.0033", "interchange": "0.0140"}
    found = mapped(record("Settled", gross_currency="JPY", gross_credit="1000", net_credit="5.11", **fees))
    assert [(row["amount"], row["currency"]) for row in found.rows if not isinstance(row, str)] == [
        ("5.25", "GBP"),
        ("0.14", "GBP"),
    ]


def test_ids_tell_batches_types_and_references_apart() -> None:
    """Red if a month's fees, which stand in each of its batches, are taken for one, or a refund for its reversal."""
    cells = [
        batch_line("Fee", net_debit="2.00"),
        batch_line("Fee", net_debit="2.00", batch_number="5"),
        batch_line("Fee", net_debit="2.00", merchant_account="Other"),
        batch_line("Fee", net_debit="2.00", net_currency="EUR"),
        record("Settled", gross_credit="5.00", net_credit="5.00"),
        record("Settled", gross_credit="5.00", net_credit="5.00", modification_reference="1713702551795049"),
        record("Refunded", gross_debit="5.00", net_debit="5.00"),
        record("Settled", gross_credit="5.00", net_credit="5.00", modification_reference=""),
    ]
    ids = [row["external_id"] for cell in cells for row in mapped(cell).rows if not isinstance(row, str)]
    assert len(set(ids)) == len(cells)
    assert ids[-1] == "1813702551707653-Settled-4"


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (record("Settled", gross_credit="5.00", net_credit="4.88"), "gross 5.00 less fees 0.00 is not net 4.88"),
        (
            record("Settled", gross_credit="5.00", net_credit="4.88", markup="free"),
            "fees 0, free, 0, 0 are not",
        ),
        (record("Settled", gross_credit="5.00", net_credit="5.00", timezone="IST"), "time zone 'IST' is not a known"),
        (record("Settled", gross_credit="5,00", net_credit="5.00"), "Gross Credit (GC): '5,00' is not a decimal"),
        (record("Settled", gross_credit="5.00", net_credit="5.00", net_currency=""), "'' is not a currency code"),
        (record("Settled", gross_debit="5.00", net_debit="5.00"), "Type Settled of -5.00: the sign is the wrong way"),
        (record("Moved", gross_debit="5.00", net_debit="5.00"), "Type Moved is not known"),
        (record("Settled", net_credit="5.00", creation_date="3 June"), "'3 June' is not a time"),
    ],
)
def test_what_cannot_be_right_is_rejected(cells: dict[str, str], words: str) -> None:
    [row] = mapped(cells).rows
    assert isinstance(row, str)
    assert words in row


def batch(paid: str) -> Tally:
    tally = Tally()
    for cells in [
        record(
            "Settled", gross_credit="45.99", net_credit="45.10", commission="0.20", markup="0.39", interchange="0.30"
        ),
        record("Refunded", gross_debit="5.00", net_debit="5.10", markup="0.10"),
        record("Chargeback", gross_debit="20.00", net_debit="35.00", commission="15"),
        record("ChargebackReversed", gross_credit="20.00", net_credit="20.00"),
        batch_line("Fee", net_debit="2.00"),
        batch_line("DepositCorrection", net_debit="5.00"),
        batch_line("MerchantPayout", net_debit=paid),
        record("Settled", gross_credit="9.00", net_credit="9.00", batch_number="5"),
    ]:
        tally.add(mapped(cells))
    return tally


def test_a_batch_reconciles_with_its_payout_to_the_cent() -> None:
    [gbp] = reconcile(batch("18.00").sums)
    assert {side: minor for side, minor in gbp.sides.items() if side is not Side.PAYOUTS} == {
        Side.CHARGES: 5499,
        Side.REFUNDS: -500,
        Side.CHARGEBACKS: 0,
        Side.FEES: -1799,
        Side.OTHER: -500,
    }
    assert (gbp.net, gbp.settled, gbp.payouts, gbp.matched, gbp.difference) == (2700, 1800, 1800, 1, 0)
    assert gbp.differing == ()


def test_a_batch_whose_payout_is_a_penny_off_is_named() -> None:
    [gbp] = reconcile(batch("18.01").sums)
    assert gbp.difference == -1
    assert gbp.differing == (("TestMerchant batch 4", 1800, 1801),)
