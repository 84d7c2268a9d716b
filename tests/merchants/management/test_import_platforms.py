"""Whole imports of files as platforms hand them out."""

from pathlib import Path

import pytest
from django.core.management.base import CommandError

from merchants.models import Merchant
from tests.imports import Cells, figures, run, stored, write, write_tabs

pytestmark = pytest.mark.django_db(transaction=True)
AMAZON = [
    "settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date", "total-amount", "currency",
    "transaction-type", "order-id", "merchant-order-id", "adjustment-id", "shipment-id", "marketplace-name",
    "amount-type", "amount-description", "amount", "fulfillment-id", "posted-date", "posted-date-time",
    "order-item-code", "merchant-order-item-id", "merchant-adjustment-item-id", "sku", "quantity-purchased",
]  # fmt: skip
SHOPIFY = [
    "Transaction Date", "Type", "Order", "Card Brand", "Card Source", "Payout Status", "Payout Date", "Payout ID",
    "Available On", "Amount", "Fee", "Net", "Checkout", "Payment Method Name", "Presentment Amount",
    "Presentment Currency", "Currency", "VAT",
]  # fmt: skip
SHOPIFY_PAYOUTS = [
    "Payout Date", "Status", "Charges", "Refunds", "Adjustments", "Marketplace Sales Tax", "Advances", "Reserved Funds",
    "Fees", "Retried Amount", "Total", "Currency", "Bank Reference",
]  # fmt: skip
SQUARE = [
    "Date", "Time", "Time Zone", "Gross Sales", "Discounts", "Service Charges", "Net Sales", "Gift Card Sales", "Tax",
    "Tip", "Partial Refunds", "Total Collected", "Source", "Card", "Card Entry Methods", "Cash", "Square Gift Card",
    "Other Tender", "Other Tender Type", "Tender Note", "Fees", "Net Total", "Transaction ID", "Payment ID",
    "Event Type", "Customer ID", "Deposit ID", "Deposit Date", "Transaction Status",
]  # fmt: skip
SQUARE_DEPOSITS = [
    "Deposit Date",
    "Payment Date",
    "Type",
    "Transaction ID",
    "Collected",
    "Fees",
    "Deposited",
    "Deposit ID",
]


def settlement(total: str, currency: str) -> Cells:
    start = ["17", "2026-06-01 10:00:00 UTC", "2026-06-14 10:00:00 UTC", "2026-06-16 10:00:00 UTC", total, currency]
    return [*start, *[""] * (len(AMAZON) - len(start))]


def amazon_line(order: str, what: str, amount: str, kind: str = "Order", **changes: str) -> Cells:
    amount_type, description = what.split(": ")
    row = dict.fromkeys(AMAZON, "") | {
        "settlement-id": "17",
        "transaction-type": kind,
        "order-id": order,
        "amount-type": amount_type,
        "amount-description": description,
        "amount": amount,
        "posted-date": "09/06/26",
        "posted-date-time": "2026-06-09 05:23:19 UTC",
        "sku": 'frame, "5 x 7"',
    }
    return [(row | changes)[column] for column in AMAZON]


def amazon_order(number: int) -> list[Cells]:
    return [
        amazon_line(f"111-{number}", "ItemPrice: Principal", "10.00", sku='"5 x 7" frame'),
        amazon_line(f"111-{number}", "Promotion: Principal", "-1.00"),
        amazon_line(f"111-{number}", "ItemFees: Commission", "-1.35"),
    ]


def test_amazon_sums_the_lines_of_orders_and_reconciles_the_settlement(tmp_path: Path) -> None:
    """Red if a quote, which is text after a tab, opens a cell: the lines up to the next one would be lost."""
    path = write_tabs(
        tmp_path / "settlement.txt",
        AMAZON,
        [
            settlement("1.150,00", "EUR"),
            *(line for number in range(2) for line in amazon_order(number)),
            amazon_line("111-0", "ItemPrice: Principal", "-4,00", kind="Refund"),
            amazon_line("", "other-transaction: Storage Fee", "-1,10", kind="other-transaction"),
            amazon_line("", "other-transaction: Storage Fee", "-1,10", kind="other-transaction"),
            amazon_line("", "other-transaction: Previous Reserve Amount Balance", "1.140,90", kind="other-transaction"),
        ],
    )
    out, err = run(path, format="amazon", merchant="kiln")
    assert err == []
    assert "11 records read: 3 FEE, 1 PAYOUT, 1 REFUND, 2 SALE" in out
    assert "not used: 1, because it is no trade" in out
    found = figures(out)
    assert (found["= net"], found["payouts (1)"], found["difference"]) == ("1,150.00", "1,150.00", "0.00")
    assert sorted((kind, amount) for _, _, kind, amount in stored()) == [
        ("FEE", 135), ("FEE", 135), ("FEE", 220), ("PAYOUT", 115_000), ("REFUND", 400), ("SALE", 900), ("SALE", 900),
    ]  # fmt: skip
    once = stored()
    out, err = run(path, format="amazon", merchant="kiln")
    assert "7 received, 0 accepted, 7 duplicate, 0 conflict, 0 rejected" in out
    assert (err, stored()) == ([], once)


def test_one_per_cent_of_broken_lines_of_amazon_holds_back_their_orders_alone(tmp_path: Path) -> None:
    rows = [settlement("1500.00", "USD"), *(line for number in range(200) for line in amazon_order(number))]
    broken = {
        10: (amazon_line("111-2", "ItemFees: Commission", "-1.3o"), "amount: '-1.3o' is not an amount of USD"),
        110: (amazon_line("111-36", "Rebate: Principal", "-1.00"), "amount-type Rebate of Order is not known"),
        210: (amazon_line("111-69", "Promotion: Principal", "1,350"), "amount: '1,350' is not an amount of USD"),
        310: (amazon_line("", "Moon: Dust", "-1.00", kind="Moon"), "Moon, Moon, Dust is not known"),
        411: (rows[410][:5], "5 cells instead of 23"),
        510: (amazon_line("111-169", "ItemPrice: Principal", "1", **{"posted-date-time": "9.6."}), "'9.6.' is not"),
    }
    for number, (cells, _) in broken.items():
        rows[number - 1] = cells
    path = write_tabs(tmp_path / "settlement.txt", AMAZON, rows)
    out, err = run(path, format="amazon", merchant="kiln")
    for number, (_, words) in broken.items():
        [said] = [said for said in err if said.startswith(f"settlement.txt, row {number}: MALFORMED")]
        assert words in said
    held = {2: 10, 36: 110, 69: 210, 136: 411, 169: 510}
    assert [said.rpartition("held back, ")[2] for said in err if "held back" in said] == [
        f"2 lines of Order 111-{order}: row {row} cannot be read" for order, row in held.items()
    ]
    assert len(err) == len(broken) + len(held)
    assert "601 records read: 194 FEE, 1 PAYOUT, 195 SALE" in out
    good = {order for order in range(200) if order not in held}
    named = {int(name.split("-")[2]) for _, name, kind, _ in stored() if kind == "SALE"}
    assert named == good
    once = stored()
    out, _ = run(path, format="amazon", merchant="kiln")
    assert "0 accepted, 390 duplicate, 0 conflict, 11 rejected" in out
    assert stored() == once


def shopify_line(number: int, kind: str = "charge", **changes: str) -> Cells:
    row = dict.fromkeys(SHOPIFY, "") | {
        "Transaction Date": f"2026-08-{number % 28 + 1:02} 22:01:24 +0400",
        "Type": kind,
        "Order": f"#{number}",
        "Payout Status": "paid",
        "Payout Date": "2026-09-01",
        "Amount": "10.00",
        "Fee": "0.59",
        "Net": "9.41",
        "Presentment Amount": "10.00",
        "Presentment Currency": "EUR",
        "Currency": "EUR",
    }
    return [(row | {name.replace("_", " "): text for name, text in changes.items()})[column] for column in SHOPIFY]


def test_shopify_reconciles_each_day_and_overlapping_exports_add_only_what_is_new(tmp_path: Path) -> None:
    refund = shopify_line(3, "refund", Amount="-4.00", Fee="0.00", Net="-4.00")
    rows = [*(shopify_line(number) for number in range(40)), refund, refund]
    pending = [shopify_line(number, Payout_Status="pending", Payout_Date="2026-09-02") for number in range(30, 40)]
    first = write(tmp_path / "first" / "payment_transactions_export_1.csv", SHOPIFY, [*rows[:30], *pending]).parent
    out, err = run(first, format="shopify", merchant="kiln")
    assert "80 received, 80 accepted, 0 duplicate, 0 conflict, 0 rejected" in out
    assert "nothing to reconcile with" in out
    second = write(tmp_path / "second" / "payment_transactions_export_1.csv", SHOPIFY, rows[20:]).parent
    paid = ["2026-09-01", "paid", *["0.00"] * 8, "180.20", "EUR", "R1"]
    write(second / "payouts_export_1.csv", SHOPIFY_PAYOUTS, [paid])
    out, err = run(second, format="shopify", merchant="kiln")
    assert "43 received, 3 accepted, 40 duplicate, 0 conflict, 0 rejected" in out
    assert err == []
    found = figures(out)
    assert (found["= net"], found["payouts (1)"], found["difference"]) == ("180.20", "180.20", "0.00")
    assert sum(kind == "REFUND" for _, _, kind, _ in stored()) == 2
    assert len(stored()) == 83


def test_one_per_cent_of_broken_records_of_shopify_is_reported_and_the_rest_comes_in(tmp_path: Path) -> None:
    broken = {
        50: (shopify_line(50, Net="9.42"), "amount 10.00 less fee 0.59 is not net 9.42"),
        150: (shopify_line(150, Amount="$10.00"), "Amount: '$10.00' is not a decimal amount"),
        250: (shopify_line(250)[:5], "5 cells instead of 18"),
        350: (shopify_line(350, Transaction_Date="2026-08-24"), "'2026-08-24' is not a time with its offset"),
        450: (shopify_line(450, "moon_tax", Fee="0", Net="10.00"), "Type moon_tax is not known"),
        550: (shopify_line(550, Currency="EURO"), "'EURO' is not a currency code"),
    }
    rows = [broken[number][0] if number in broken else shopify_line(number) for number in range(600)]
    path = write(tmp_path / "payment_transactions_export_1.csv", SHOPIFY, rows)
    out, err = run(path, format="shopify", merchant="kiln")
    assert err == [f"{path.name}, row {number + 1}: MALFORMED: : {words}" for number, (_, words) in broken.items()]
    assert "1194 received, 1188 accepted, 0 duplicate, 0 conflict, 6 rejected" in out
    once = stored()
    out, _ = run(path, format="shopify", merchant="kiln")
    assert "1194 received, 0 accepted, 1188 duplicate, 0 conflict, 6 rejected" in out
    assert stored() == once


def square_line(number: int, event: str = "Payment", **changes: str) -> Cells:
    row = dict.fromkeys(SQUARE, "") | {
        "Date": f"2026-01-{number % 28 + 1:02}",
        "Time": "21:50:48",
        "Time Zone": "Pacific Time (US & Canada)",
        "Total Collected": "$10.00",
        "Card": "$10.00",
        "Fees": "-$0.59",
        "Net Total": "$9.41",
        "Transaction ID": f"T{number}",
        "Payment ID": f"P{number}",
        "Event Type": event,
        "Deposit ID": "D1",
        "Transaction Status": "Complete",
    }
    return [(row | {name.replace("_", " "): text for name, text in changes.items()})[column] for column in SQUARE]


def square_deposit(number: int, deposited: str) -> Cells:
    return ["2026-02-01", "2026-01-31", "Charge", f"T{number}", "", "", deposited, "D1"]


def test_square_reconciles_deposits_in_the_currency_that_it_is_given(tmp_path: Path) -> None:
    rows = [square_line(number) for number in range(20)]
    refund = {"Total_Collected": "-$4.00", "Fees": "$0.00", "Net_Total": "-$4.00"}
    rows.append(square_line(3, "Refund", **refund))
    rows.append(square_line(30, Fees="$0.00", Net_Total="$10.00", Cash="$10.00", Deposit_ID=""))
    directory = write(tmp_path / "january" / "transactions.csv", SQUARE, rows).parent
    deposited = [*(square_deposit(number, "$9.41") for number in range(20)), square_deposit(3, "-$4.00")]
    write(directory / "deposit-details.csv", SQUARE_DEPOSITS, deposited)
    with pytest.raises(CommandError, match="does not name its currency: give --currency CODE"):
        run(directory, format="square", merchant="kiln")
    out, err = run(directory, format="square", merchant="kiln", currency="CAD")
    assert err == []
    assert "43 records read: 20 FEE, 1 PAYOUT, 1 REFUND, 21 SALE" in out
    found = figures(out)
    assert (found["= net"], found["payouts (1)"], found["difference"]) == ("194.20", "184.20", "0.00")
    assert found["not in a payout shown here"] == "10.00"
    assert Merchant.objects.get().currency == "CAD"
    once = stored()
    out, err = run(directory, format="square", merchant="kiln", currency="CAD")
    assert "43 received, 0 accepted, 43 duplicate, 0 conflict, 0 rejected" in out
    assert (err, stored()) == ([], once)


def test_one_per_cent_of_broken_records_of_square_is_reported_and_the_rest_comes_in(tmp_path: Path) -> None:
    broken = {
        50: (square_line(50, Net_Total="$9.42"), "total $10.00 and fees -$0.59 do not make net $9.42"),
        150: (square_line(150, Total_Collected="10,00"), "Total Collected: '10,00' is not an amount of USD"),
        250: (square_line(250)[:5], "5 cells instead of 29"),
        350: (square_line(350, Time="noon"), "'2026-01-15 noon' is not a time"),
        450: (square_line(450, "Moon"), "Event Type Moon is not known"),
        550: (square_line(550, Time_Zone="Moon"), "time zone 'Moon' is not a known one"),
    }
    rows = [broken[number][0] if number in broken else square_line(number) for number in range(600)]
    path = write(tmp_path / "transactions.csv", SQUARE, rows)
    out, err = run(path, format="square", merchant="kiln", currency="USD")
    assert sorted(err) == sorted(
        f"{path.name}, row {number + 1}: MALFORMED: : {words}" for number, (_, words) in broken.items()
    )
    assert "1195 received, 1189 accepted, 0 duplicate, 0 conflict, 6 rejected" in out
    once = stored()
    out, _ = run(path, format="square", merchant="kiln", currency="USD")
    assert "1195 received, 0 accepted, 1189 duplicate, 0 conflict, 6 rejected" in out
    assert stored() == once


def test_a_settlement_cut_off_between_two_lines_is_completed_by_the_whole_one(tmp_path: Path) -> None:
    """Red if the order comes in without its last lines: the whole file would then contradict it for ever."""
    rows = [settlement("15.30", "USD"), *amazon_order(1), *amazon_order(2)]
    _, err = run(write_tabs(tmp_path / "cut.txt", AMAZON, rows[:-2]), format="amazon", merchant="kiln")
    words = "held back, 1 lines of Order 111-2: the lines of settlement 17 do not add up to its total"
    assert err == [f"cut.txt, row 5: MALFORMED: : {words}"]
    out, err = run(write_tabs(tmp_path / "whole.txt", AMAZON, rows), format="amazon", merchant="kiln")
    assert "5 received, 2 accepted, 3 duplicate, 0 conflict, 0 rejected" in out
    assert err == []


def test_a_settlement_in_two_files_counts_once(tmp_path: Path) -> None:
    rows = [settlement("15.30", "USD"), *amazon_order(1), *amazon_order(2)]
    for name in ("s.txt", "s (1).txt"):
        write_tabs(tmp_path / name, AMAZON, rows)
    out, err = run(tmp_path, format="amazon", merchant="kiln")
    assert err == []
    assert "14 records read: 2 FEE, 1 PAYOUT, 2 SALE" in out
    assert "not counted again: 7, because an earlier file has them too" in out
    found = figures(out)
    assert (found["= net"], found["payouts (1)"], found["difference"]) == ("15.30", "15.30", "0.00")
    write_tabs(tmp_path / "s (2).txt", AMAZON, [settlement("7.65", "USD"), *amazon_order(1)])
    with pytest.raises(CommandError, match=r"payout 17 has another amount in s \(1\).txt than in s \(2\).txt"):
        run(tmp_path, format="amazon", merchant="kiln")


def test_a_transaction_in_two_exports_of_shopify_counts_once_and_in_the_payout_that_one_names(tmp_path: Path) -> None:
    """Red if it counts twice, or the file that is read first, made before the payout, decides."""
    credit = {"Amount": "1.00", "Fee": "0.00", "Net": "1.00"}
    pending = {"Payout_Status": "pending", "Payout_Date": ""}
    write(
        tmp_path / "a.csv",
        SHOPIFY,
        [
            shopify_line(1),
            shopify_line(2, **pending),
            shopify_line(2, **pending),
            shopify_line(5, "adjustment", **credit),
        ],
    )
    write(tmp_path / "b.csv", SHOPIFY, [shopify_line(2), shopify_line(2), shopify_line(5, "adjustment", **credit)])
    write(tmp_path / "payouts.csv", SHOPIFY_PAYOUTS, [["2026-09-01", "paid", *["0.00"] * 8, "29.23", "EUR", "R1"]])
    out, _ = run(tmp_path, format="shopify", merchant="kiln")
    assert "8 records read: 3 FEE, 1 PAYOUT, 3 SALE" in out
    assert "not used: 1, because it is no trade" in out
    assert "not counted again: 3, because an earlier file has them too" in out
    found = figures(out)
    assert (found["= net"], found["payouts (1)"], found["difference"]) == ("29.23", "29.23", "0.00")
    assert len(stored()) == 7


@pytest.mark.parametrize("first", ["$9.50", "-$9.50", "$o.50"])
def test_a_deposit_whose_lines_are_in_two_files_is_refused(tmp_path: Path, first: str) -> None:
    """Red if the payout is stored as one file has it, also where that one is no row: the rest would be lost."""
    write(tmp_path / "d1.csv", SQUARE_DEPOSITS, [square_deposit(1, "$0.00"), square_deposit(1, first)])
    write(tmp_path / "d2.csv", SQUARE_DEPOSITS, [square_deposit(2, "$19.50")])
    with pytest.raises(CommandError, match=r"payout D1 has another amount in d1\.csv than in d2\.csv"):
        run(tmp_path, format="square", merchant="kiln", currency="USD")
    assert not Merchant.objects.exists()
    write(tmp_path / "d2.csv", SQUARE_DEPOSITS, [square_deposit(1, first), square_deposit(1, "$0.00")])
    out, _ = run(tmp_path, format="square", merchant="kiln", currency="USD")
    assert "because an earlier file has them too" in out
