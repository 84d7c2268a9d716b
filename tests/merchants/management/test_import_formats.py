"""Whole imports of files as processors hand them out."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from merchants.models import Batch, Merchant, Partner, Transaction
from tests.imports import Cells, figures, run, stored, write

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


def test_files_that_overlap_count_once_in_one_import(tmp_path: Path) -> None:
    """Red if a record of both files counts twice, or one that is in no payout yet in the older one is in none."""
    rows = [charge(number) for number in range(4)]
    stripe(tmp_path / "january", [*rows[:2], charge(2, payout="")], [payout("po_1", "37.64")])
    write(tmp_path / "january" / "later.csv", STRIPE, rows[1:])
    out, err = run(tmp_path / "january", format="stripe", merchant="kiln")
    assert err == []
    assert "7 records read: 4 FEE, 1 PAYOUT, 4 SALE" in out
    assert "not counted again: 2, because an earlier file has them too" in out
    found = figures(out)
    assert (found["= net"], found["payouts (1)"], found["difference"]) == ("37.64", "37.64", "0.00")
    write(tmp_path / "january" / "other.csv", STRIPE_PAYOUTS, [payout("po_1", "37.65")])
    with pytest.raises(CommandError, match=r"payout txn_po_1 has another amount in other.csv than in payouts.csv"):
        run(tmp_path / "january", format="stripe", merchant="kiln")


def test_a_payout_of_nothing_is_compared_with_its_records(tmp_path: Path) -> None:
    out, _ = run(stripe(tmp_path / "a", [charge(1)], [payout("po_1", "0.00")]), format="stripe", merchant="kiln")
    found = figures(out)
    assert (found["payouts (1)"], found["difference"]) == ("0.00", "9.41")
    lines = [ADYEN_BATCH[0], adyen_line("MerchantPayout", "", "TX1", ["", "", "0.00", "", "", "", "", ""])]
    out, _ = run(write(tmp_path / "batch_7.csv", ADYEN, lines), format="adyen")
    found = figures(out)
    assert (found["payouts (1)"], found["difference"]) == ("0.00", "45.10")


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


def test_adyens_and_paypals_files_that_overlap_count_once(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        write(tmp_path / "adyen" / name, ADYEN, ADYEN_BATCH)
        amounts = ["12.00", "-2.00", "10.00", "10.00"]
        payment = paypal_line("1A", "02/13/2026", "Express Checkout Payment", amounts, "Credit")
        withdrawal = paypal_line("1B", "02/14/2026", "General Withdrawal", ["-4.00", "0.00", "-4.00", "6.00"], "Debit")
        write(tmp_path / "paypal" / name, PAYPAL, [payment, withdrawal])
    out, err = run(tmp_path / "adyen", format="adyen")
    found = figures(out)
    assert (err, found["= net"], found["payouts (1)"], found["difference"]) == ([], "87.50", "87.50", "0.00")
    out, err = run(tmp_path / "paypal", format="paypal", merchant="kiln")
    found = figures(out)
    assert (err, found["= net"], found["payouts without records here"]) == ([], "10.00", "4.00")
    balance = "USD: 0.00 before, 6.00 added, 6.00 after, difference 0.00"
    assert [line for line in out.splitlines() if balance in line] == [
        f"Balance in {name}, {balance}" for name in ("a.csv", "b.csv")
    ]


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
