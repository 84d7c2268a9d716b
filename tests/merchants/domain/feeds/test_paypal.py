"""Records as PayPal's activity download has them."""

from datetime import UTC, datetime

import pytest

from merchants.domain.feeds.format import Balance, Entry, Layout, Mapped, OtherFormat, Side, Unused
from merchants.domain.feeds.paypal import PAYPAL, PAYPAL_DAY_FIRST, TREATED
from merchants.domain.feeds.reconciliation import BalanceCheck, add_balance
from tests.feeds import map_record

LAYOUT = PAYPAL.layouts[0]


def record(kind: str, gross: str, fee: str, net: str, **changes: str) -> dict[str, str]:
    return {
        "Date": "01/31/2026",
        "Time": "23:30:05",
        "TimeZone": "PST",
        "Name": "Somebody",
        "Type": kind,
        "Status": "Completed",
        "Currency": "USD",
        "Gross": gross,
        "Fee": fee,
        "Net": net,
        "From Email Address": "buyer@example.com",
        "Transaction ID": "1AB",
        "Reference Txn ID": "0ZZ",
        "Balance": "1,300.00",
        "Balance Impact": "Debit" if net.startswith("-") else "Credit",
    } | {name.replace("_", " "): text for name, text in changes.items()}


def mapped(cells: dict[str, str], layout: Layout = LAYOUT) -> Mapped:
    return map_record(layout, cells)


def test_a_payment_becomes_a_sale_and_its_fee_and_names_no_buyer() -> None:
    """Red if a comma of thousands is not read, the fee's sign is kept, or a mail address leaves the file."""
    found = mapped(record("Express Checkout Payment", "1,250.00", "-43.40", "1,206.60"))
    sale = {
        "external_id": "1AB",
        "merchant": "kiln",
        "occurred_at": "2026-01-31T23:30:05-08:00",
        "order_ref": "1AB",
        "buyer": "",
        "kind": "SALE",
        "amount": "1250.00",
        "currency": "USD",
    }
    assert found.rows == (sale, sale | {"external_id": "1AB-fee", "kind": "FEE", "amount": "43.40"})
    assert found.entries == (Entry("USD", "", Side.CHARGES, 125000), Entry("USD", "", Side.FEES, -4340))
    assert found.balance == Balance("USD", datetime(2026, 2, 1, 7, 30, 5, tzinfo=UTC), 120660, 130000)


@pytest.mark.parametrize(
    ("cells", "rows", "unused"),
    [
        (record("Express Checkout Payment", "-9.00", "0.00", "-9.00"), [], (Unused.NOT_TRADE,)),
        (
            record("Payment Refund", "-9.00", "0.30", "-8.70"),
            [("REFUND", "9.00", "0ZZ"), ("FEE_RETURNED", "0.30", "0ZZ")],
            (),
        ),
        (record("Payment Refund", "9.00", "0.00", "9.00"), [], (Unused.NOT_TRADE,)),
        (record("Payment Reversal", "-9.00", "0.00", "-9.00"), [("CHARGEBACK", "9.00", "0ZZ")], ()),
        (record("Chargeback", "-9.00", "0.00", "-9.00"), [("CHARGEBACK", "9.00", "0ZZ")], ()),
        (record("Chargeback Reversal", "9.00", "0.00", "9.00"), [("CHARGEBACK_WON", "9.00", "0ZZ")], ()),
        (record("Chargeback Fee", "-20.00", "0.00", "-20.00"), [("FEE", "20.00", "0ZZ")], ()),
        (record("Fee Reversal", "0.59", "0.00", "0.59"), [("FEE_RETURNED", "0.59", "1AB")], ()),
        (record("General Withdrawal", "-1,000.00", "0.00", "-1,000.00"), [("PAYOUT", "1000.00", "0ZZ")], ()),
        (record("Bank Deposit to PP Account ", "60.00", "0.00", "60.00"), [("DEPOSIT", "60.00", "1AB")], ()),
        (record("Payment Hold", "-9.00", "0.00", "-9.00"), [], (Unused.NOT_TRADE,)),
        (record("Account Hold for Open Authorisation", "-9.00", "0.00", "-9.00"), [], (Unused.NOT_TRADE,)),
        (record("General Currency Conversion", "9.00", "0.00", "9.00"), [], (Unused.NOT_TRADE,)),
    ],
)
def test_what_each_type_becomes(
    cells: dict[str, str], rows: list[tuple[str, str, str]], unused: tuple[Unused, ...]
) -> None:
    found = mapped(cells)
    assert [(row["kind"], row["amount"], row["order_ref"]) for row in found.rows if not isinstance(row, str)] == rows
    assert len(found.rows) == len(rows)
    assert found.unused == unused
    assert sum(entry.minor for entry in found.entries) == round(float(cells["Net"].replace(",", "")) * 100)


@pytest.mark.parametrize("impact", ["Memo", ""])
def test_what_does_not_touch_the_balance_is_not_used_whatever_its_status(impact: str) -> None:
    """Red if the status decides: a pending payment of the memo kind would be a sale before it is paid."""
    found = mapped(
        record("Express Checkout Payment", "5.00", "-0.40", "4.60", Status="Completed", Balance_Impact=impact)
    )
    assert found == Mapped(unused=(Unused.NOTHING_MOVED,))
    held = mapped(record("Express Checkout Payment", "5.00", "-0.40", "4.60", Status="Refunded"))
    assert len(held.rows) == 2  # the status changes later; what moved did move


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (record("General Payment", "5.00", "-0.40", "4.50"), "gross 5.00 and fee -0.40 do not make net 4.50"),
        (record("General Payment", "1,000", "0.00", "1,000"), "Gross: '1,000' is not an amount of USD"),
        (record("General Payment", "5,00", "0,00", "5,00"), "Gross: '5,00' is not an amount of USD"),
        (record("General Payment", "5.00", "0.00", "5.00", Balance_Impact="Debit"), "Debit of 5.00: the sign is"),
        (record("General Payment", "5.00", "0.00", "5.00", Balance_Impact="Soll"), "Balance Impact 'Soll' is not"),
        (record("General Payment", "5.00", "0.00", "5.00", TimeZone="IST"), "time zone 'IST' is not a known"),
        (record("General Payment", "5.00", "0.00", "5.00", Date="2026-01-31"), "'2026-01-31' is not a date"),
        (record("General Payment", "5.00", "0.00", "5.00", Date="02/30/2026"), "is not a time"),
        (record("Moon Payment", "5.00", "0.00", "5.00"), "Type Moon Payment is not known"),
    ],
)
def test_what_cannot_be_right_is_rejected(cells: dict[str, str], words: str) -> None:
    [row] = mapped(cells).rows
    assert isinstance(row, str)
    assert words in row


def test_a_date_that_can_only_have_its_day_first_refuses_the_format() -> None:
    """Red if it is only rejected: the other days of the file, up to the 12th, would be stored in wrong months."""
    day_first = record("General Payment", "5.00", "0.00", "5.00", Date="31/01/2026")
    with pytest.raises(OtherFormat, match="31/01/2026 has its day first: import it as paypal-day-first"):
        mapped(day_first)
    [row] = mapped(day_first, PAYPAL_DAY_FIRST.layouts[0]).rows
    assert not isinstance(row, str)
    assert row["occurred_at"].startswith("2026-01-31")
    with pytest.raises(OtherFormat, match="01/31/2026 has its month first: import it as paypal"):
        mapped(record("General Payment", "5.00", "0.00", "5.00"), PAYPAL_DAY_FIRST.layouts[0])


def test_a_purchase_of_the_merchants_own_is_no_charge_in_the_reconciliation() -> None:
    """Red if it stands beside the sales: the charges of the reconciliation would not be what was sold."""
    found = mapped(record("Express Checkout Payment", "-9.00", "0.00", "-9.00"))
    assert found.entries == (Entry("USD", "", Side.OTHER, -900),)


def test_no_type_is_a_sale_when_money_leaves() -> None:
    assert {debited for _, debited, _ in TREATED.values()} & {"SALE", "DEPOSIT"} == set()


CHAIN = [
    ("General Payment", "100.00", "-3.00", "97.00", "01/01/2026", "107.00"),
    ("Payment Refund", "-20.00", "0.00", "-20.00", "01/02/2026", "87.00"),
    ("General Withdrawal", "-80.00", "0.00", "-80.00", "01/03/2026", "7.00"),
]


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize(("last", "difference"), [("7.00", 0), ("7.01", 1)])
def test_balances_reconcile_with_the_records_in_either_order(
    is_reversed: bool,  # noqa: FBT001
    last: str,
    difference: int,
) -> None:
    """Red if a file is taken to begin with its earliest record, or a cent between two balances is not told."""
    cells = [record(*row[:4], Date=row[4], Balance=row[5]) for row in CHAIN]
    cells[-1]["Balance"] = last
    checks: dict[str, BalanceCheck] = {}
    for row in reversed(cells) if is_reversed else cells:
        add_balance(checks, mapped(row).balance)
    check = checks["USD"]
    assert (check.opening, check.added, check.difference) == (1000, -300, difference)
