"""Whole imports of files as processors hand them out."""

import csv
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from merchants.models import Batch, Merchant, Partner, Transaction

pytestmark = pytest.mark.django_db(transaction=True)
STRIPE = [
    "balance_transaction_id", "created_utc", "currency", "gross", "fee", "net", "reporting_category", "source_id",
    "description", "automatic_payout_id", "customer_id", "charge_id",
]  # fmt: skip
STRIPE_PAYOUTS = [
    "payout_id", "effective_at_utc", "currency", "gross", "fee", "net", "reporting_category",
    "balance_transaction_id", "payout_status",
]  # fmt: skip
ADYEN = [
    "Company Account", "Merchant Account", "Psp Reference", "Merchant Reference", "Payment Method", "Creation Date",
    "TimeZone", "Type", "Modification Reference", "Gross Currency", "Gross Debit (GC)", "Gross Credit (GC)",
    "Exchange Rate", "Net Currency", "Net Debit (NC)", "Net Credit (NC)", "Commission (NC)", "Markup (NC)",
    "Scheme Fees (NC)", "Interchange (NC)", "Payment Method Variant", "Modification Merchant Reference",
    "Batch Number", "Reserved4",
]  # fmt: skip
PAYPAL = [
    "Date", "Time", "TimeZone", "Name", "Type", "Status", "Currency", "Gross", "Fee", "Net", "Transaction ID",
    "Reference Txn ID", "Invoice Number", "Balance", "Balance Impact",
]  # fmt: skip
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
Cells = Sequence[str]


def write(path: Path, columns: Cells, rows: Sequence[Cells], **options: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, **options).writerows([columns, *rows])  # type: ignore[arg-type]
    return path


def write_tabs(path: Path, columns: Cells, rows: Sequence[Cells]) -> Path:
    path.write_text("".join("\t".join(row) + "\n" for row in [columns, *rows]), encoding="utf-8")
    return path


def charge(number: int, payout: str = "po_1", **changes: str) -> Cells:
    day = f"2026-01-{number % 28 + 1:02} 10:00:00"
    cells = [f"txn_{number}", day, "usd", "10.00", "0.59", "9.41", "charge", f"ch_{number}", "Tea, green", payout]
    row = dict(zip(STRIPE, [*cells, f"cus_{number % 7}", f"ch_{number}"], strict=True)) | changes
    return [row[column] for column in STRIPE]


def payout(name: str, amount: str) -> Cells:
    return [name, "2026-02-01 00:00:00", "usd", f"-{amount}", "0.00", f"-{amount}", "payout", f"txn_{name}", "paid"]


def stripe(directory: Path, rows: Sequence[Cells], payouts: Sequence[Cells]) -> Path:
    write(directory / "activity.csv", STRIPE, rows)
    write(directory / "payouts.csv", STRIPE_PAYOUTS, payouts)
    return directory


def adyen_line(kind: str, psp: str, reference: str, amounts: Cells, account: str = "Kiln") -> Cells:
    """amounts: gross debit, gross credit, net debit, net credit, and four fees."""
    debit, credit, net_debit, net_credit, *fees = amounts
    start = ["Co", account, psp, "order", "visa", "2026-03-02 09:00:00", "CET", kind, reference]
    return [*start, "EUR", debit, credit, "1", "EUR", net_debit, net_credit, *fees, "visa", "", "7", ""]


ADYEN_BATCH = [
    adyen_line("Settled", "P1", "M1", ["", "45.99", "", "45.10", "", "0.49", "0.10", "0.30"]),
    adyen_line("Settled", "P2", "M2", ["", "30.00", "", "29.50", "0.50", "", "", ""]),
    adyen_line("Refunded", "P1", "M3", ["5.00", "", "5.10", "", "", "0.10", "", ""]),
    adyen_line("ChargebackReversed", "P0", "M4", ["", "20.00", "", "20.00", "", "", "", ""]),
    adyen_line("Fee", "", "Transaction Fees March 2026", ["", "", "2.00", "", "", "", "", ""]),
    adyen_line("MerchantPayout", "", "TX1 batch 7", ["", "", "87.50", "", "", "", "", ""]),
]


def run(path: Path, **options: str) -> tuple[str, list[str]]:
    out, err = StringIO(), StringIO()
    call_command("import_marketplace", str(path), stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue().splitlines()


def figures(out: str) -> dict[str, str]:
    """The lines of the reconciliation, by their words."""
    return {line[2:34].strip(): line[34:].strip() for line in out.splitlines() if line.startswith("  ")}


def stored() -> set[tuple[str, str, str, int]]:
    return set(Transaction.objects.values_list("merchant__external_id", "external_id", "kind", "amount_minor"))


def test_stripe_reconciles_to_the_cent_and_the_same_files_again_change_nothing(tmp_path: Path) -> None:
    rows = [charge(number) for number in range(40)]
    rows[3] = charge(3, description='Tea, "green",\nand a line')
    rows.append(charge(40, gross="-4.00", fee="0.00", net="-4.00", reporting_category="refund"))
    rows.append(charge(41, gross="10.00", fee="-15.00", net="25.00", reporting_category="dispute_reversal"))
    rows.append(charge(42, payout=""))
    directory = stripe(tmp_path / "january", rows, [payout("po_1", "397.40"), payout("po_0", "12.00")])
    out, err = run(directory, format="stripe", merchant="kiln", merchant_name="The Kiln", partner="Bazaar")
    assert err == []
    assert "45 records read: 1 CHARGEBACK_WON, 41 FEE, 1 FEE_RETURNED, 2 PAYOUT, 1 REFUND, 41 SALE" in out
    assert "87 received, 87 accepted, 0 duplicate, 0 conflict, 0 rejected" in out
    assert "Reconciliation, USD" in out
    assert figures(out) == {
        "charges": "410.00",
        "refunds": "-4.00",
        "chargebacks": "10.00",
        "fees": "-9.19",
        "other": "0.00",
        "= net": "406.81",
        "of which in payouts shown here": "397.40",
        "payouts (1)": "397.40",
        "difference": "0.00",
        "not in a payout shown here": "9.41",
        "payouts without records here": "12.00",
    }
    [merchant] = Merchant.objects.all()
    assert (merchant.external_id, merchant.name, merchant.currency) == ("kiln", "The Kiln", "USD")
    assert Partner.objects.get().settlement == "IMMEDIATE"
    once = stored()
    assert {
        ("kiln", "txn_0", "SALE", 1000),
        ("kiln", "txn_0-fee", "FEE", 59),
        ("kiln", "txn_po_0", "PAYOUT", 1200),
    } < once

    out, err = run(directory, format="stripe", merchant="kiln", partner="Bazaar")

    assert "87 received, 0 accepted, 87 duplicate, 0 conflict, 0 rejected" in out
    assert err == []
    assert stored() == once
    assert Merchant.objects.get().name == "The Kiln"  # not given again: not lost


def test_files_of_two_months_that_overlap_add_only_what_is_new(tmp_path: Path) -> None:
    rows = [charge(number) for number in range(40)]
    first = stripe(tmp_path / "first", rows[:25], [])
    run(first, format="stripe", merchant="kiln")
    second = write(tmp_path / "second.csv", STRIPE, rows[15:])
    out, err = run(second, format="stripe", merchant="kiln")
    assert Partner.objects.get().code == "stripe"  # whatever the files are called
    assert "50 received, 30 accepted, 20 duplicate, 0 conflict, 0 rejected" in out
    assert "no payout here has records here: nothing to reconcile with" in out
    assert err == []
    assert Transaction.objects.count() == 80


def test_a_payout_that_differs_is_named_with_both_sums(tmp_path: Path) -> None:
    directory = stripe(tmp_path / "january", [charge(1), charge(2)], [payout("po_1", "18.81")])
    out, _ = run(directory, format="stripe", merchant="kiln")
    found = figures(out)
    assert (found["difference"], found["payout po_1: records"], found["payout po_1: paid"]) == (
        "0.01",
        "18.82",
        "18.81",
    )


BREAK: list[tuple[Callable[[int], Cells], str, str]] = [
    (lambda n: charge(n, net="9.42"), "MALFORMED", "gross 10.00 less fee 0.59 is not net 9.42"),
    (lambda n: charge(n, gross="ten", net="9.41"), "MALFORMED", "gross: 'ten' is not a decimal amount"),
    (lambda n: charge(n)[:5], "MALFORMED", "5 cells instead of 12"),
    (lambda n: charge(n, balance_transaction_id=""), "MISSING_FIELD", "external_id"),
    (lambda n: charge(n, created_utc="2999-01-01 00:00:00"), "IN_THE_FUTURE", "2999-01-01"),
    (lambda n: charge(n, reporting_category="moon_tax", fee="0", net="10.00"), "MALFORMED", "moon_tax is not known"),
]


def test_one_per_cent_of_broken_records_is_reported_with_line_and_reason_and_the_rest_comes_in(tmp_path: Path) -> None:
    """Red if a record's two rows share a batch: both would be reported under its line, and stop the batch."""
    broken = {number: BREAK[place] for place, number in enumerate(range(50, 600, 100))}
    rows = [broken[number][0](number) if number in broken else charge(number) for number in range(600)]
    path = write(tmp_path / "activity.csv", STRIPE, rows)
    out, err = run(path, format="stripe", merchant="kiln")
    found = {tuple(said.split(": ")[:2]): said for said in err}
    assert set(found) == {(f"activity.csv, row {number + 1}", reason) for number, (_, reason, _) in broken.items()}
    for number, (_, reason, words) in broken.items():
        assert words in found[f"activity.csv, row {number + 1}", reason]
    assert "1196 received, 1188 accepted, 0 duplicate, 0 conflict, 8 rejected" in out
    good = {f"txn_{number}" for number in range(600) if number not in broken}
    assert {name for _, name, kind, _ in stored() if kind == "SALE"} == good


def test_adyen_names_its_merchants_and_reconciles_each_batch(tmp_path: Path) -> None:
    other = adyen_line("Settled", "P9", "M9", ["", "10.00", "", "10.00", "", "", "", ""], account="Wharf")
    path = write(tmp_path / "settlement_detail_report_batch_7.csv", ADYEN, [*ADYEN_BATCH, other])
    out, err = run(path, format="adyen")
    assert err == []
    assert "7 records read: 1 CHARGEBACK_WON, 4 FEE, 1 PAYOUT, 1 REFUND, 3 SALE" in out
    found = figures(out)
    assert (found["= net"], found["payouts (1)"], found["difference"]) == ("97.50", "87.50", "0.00")
    assert set(Merchant.objects.values_list("external_id", "currency")) == {("Kiln", "EUR"), ("Wharf", "EUR")}
    assert ("Wharf", "M9-Settled-7", "SALE", 1000) in stored()
    once = stored()
    out, err = run(path, format="adyen")
    assert "10 received, 0 accepted, 10 duplicate, 0 conflict, 0 rejected" in out
    assert (err, stored()) == ([], once)


def paypal_line(name: str, date: str, kind: str, amounts: Cells, impact: str) -> Cells:
    """amounts: gross, fee, net and the balance after them."""
    gross, fee, net, balance = amounts
    start = [date, "10:00:00", "PST", "", kind, "Completed", "USD", gross, fee, net]
    return [*start, name, "", "", balance, impact]


def test_paypal_reconciles_balances_and_refuses_dates_of_the_other_order(tmp_path: Path) -> None:
    rows = [
        paypal_line(
            "1A", "02/03/2026", "Express Checkout Payment", ["1,250.00", "-43.40", "1,206.60", "1,306.60"], "Credit"
        ),
        paypal_line("1B", "02/03/2026", "General Authorization", ["9.00", "0.00", "9.00", ""], "Memo"),
        paypal_line("1C", "02/13/2026", "Payment Refund", ["-50.00", "1.45", "-48.55", "1,258.05"], "Debit"),
        paypal_line(
            "1D", "02/14/2026", "User Initiated Withdrawal", ["-1,000.00", "0.00", "-1,000.00", "258.05"], "Debit"
        ),
    ]
    path = write(tmp_path / "Download.CSV", PAYPAL, rows, quoting=csv.QUOTE_ALL)
    with pytest.raises(CommandError, match=r"Download.CSV, row 3: 02/13/2026 has its month first: import it as paypal"):
        run(path, format="paypal-day-first", merchant="kiln")
    assert not Transaction.objects.exists()
    assert not Merchant.objects.exists()

    out, err = run(path, format="paypal", merchant="kiln")

    assert err == []
    assert "4 records read: 1 FEE, 1 FEE_RETURNED, 1 PAYOUT, 1 REFUND, 1 SALE" in out
    assert "not used: 1, because no money moved" in out
    found = figures(out)
    assert (found["= net"], found["payouts without records here"]) == ("1,158.05", "1,000.00")
    assert "Balance in Download.CSV, USD: 100.00 before, 158.05 added, 258.05 after, difference 0.00" in out
    out, _ = run(path, format="paypal", merchant="kiln")
    assert "5 received, 0 accepted, 5 duplicate, 0 conflict, 0 rejected" in out


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


def test_records_in_another_currency_than_the_merchants_are_rejected_and_reconciled(tmp_path: Path) -> None:
    """Red if a row does not say its currency: ten euros would be stored as ten dollars."""
    path = write(tmp_path / "activity.csv", STRIPE, [charge(1), charge(2, currency="eur")])
    out, err = run(path, format="stripe", merchant="kiln", currency="usd")
    assert [said.split(": ")[:3] for said in err] == [
        ["activity.csv, row 2", "OTHER_CURRENCY", "txn_2"],
        ["activity.csv, row 2", "OTHER_CURRENCY", "txn_2-fee"],
    ]
    assert out.index("Reconciliation, EUR") < out.index("Reconciliation, USD")
    assert stored() == {("kiln", "txn_1", "SALE", 1000), ("kiln", "txn_1-fee", "FEE", 59)}
    with pytest.raises(CommandError, match="--currency EUR: the merchant is kept in USD"):
        run(path, format="stripe", merchant="kiln", currency="eur")


@pytest.mark.parametrize(
    ("columns", "options", "words"),
    [
        (STRIPE, {"format": "stripe"}, "does not name its merchant by a column connected_account: give --merchant ID"),
        (STRIPE[1:], {"format": "stripe", "merchant": "kiln"}, "no column balance_transaction_id (found created_utc, "),
        (STRIPE, {"format": "adyen", "merchant": "kiln"}, "no column Merchant Account, Psp Reference, "),
        (STRIPE, {"format": "strype"}, "invalid choice: 'strype'"),
        (STRIPE, {"format": "stripe", "merchant": "kiln", "currency": "€"}, "--currency: '€' is not a currency code"),
        (STRIPE, {"format": "stripe", "merchant-name": "Kiln"}, "--merchant-name is for --merchant only"),
        (STRIPE, {"merchant": "kiln"}, "--merchant is for --format only"),
    ],
)
def test_what_cannot_be_imported_is_refused_whole(
    tmp_path: Path, columns: list[str], options: dict[str, str], words: str
) -> None:
    path = write(tmp_path / "activity.csv", columns, [])
    with pytest.raises(CommandError) as refused:
        call_command("import_marketplace", str(path), *(f"--{name}={value}" for name, value in options.items()))
    assert words in str(refused.value)
    assert not Partner.objects.exists()
    assert not Batch.objects.exists()


def test_a_directory_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"holds no file that ends with \.csv"):
        run(tmp_path, format="stripe", merchant="kiln")
