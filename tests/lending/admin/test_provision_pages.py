"""The pages of provisions: each figure is what the rows behind it come to."""

import re
from datetime import date
from html import unescape
from io import StringIO
from json import loads
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains

from config.declarations import Role
from config.kernel.money import format_minor
from config.office.words import money
from lending.domain.books.journal import Journal, account_name
from lending.domain.books.ledger import Account
from lending.models import LoanProvision, ProvisionMonth
from lending.queries.income import income_by_loan, income_statement
from lending.queries.ledger import balances, trial_balance
from tests.beginnings import begin
from tests.conftest import CLERK, NOW
from tests.lending.bookings import take_repayment
from tests.lending.loans import lent, roll
from tests.lending.management import test_export_ledger as exports
from tests.lending.office import staff
from tests.lending.provisions import APRIL_END, DAY, MARCH_END, MAY_END, policy_text, provide_by

pytestmark = pytest.mark.django_db(transaction=True)
FIGURE = re.compile(r'<a href="([^"]*/loanprovision/\?[^"]*)">([^<]*)</a>')


def two_months() -> None:
    provide_by(unscored_pd_ppm=20_000)
    repaid = lent(amount_minor=90_000)
    lent(), lent(terms={"unit": "DAY", "every": 1}), lent(currency="JPY", amount_minor=1_234_567)
    roll(MARCH_END + DAY)
    take_repayment(loan_id=repaid.pk, amount_minor=200_000, on=MARCH_END + DAY, reason="x", actor=CLERK, now=NOW)
    lent()
    roll(APRIL_END + DAY)


def three_months() -> None:
    begin("provisions of two months, to look at", two_months)
    roll(MAY_END + DAY)


@pytest.fixture
def viewer(client: Client) -> Client:
    begin("provisions of two months, to look at", two_months)
    client.force_login(staff(Role.VIEWER))
    return client


def test_each_closing_figure_is_what_the_list_behind_it_comes_to(viewer: Client) -> None:
    """Red if a figure led to another month, stage, category or currency."""
    month = ProvisionMonth.objects.latest("month")
    response = viewer.get(reverse("admin:lending_provisionmonth_change", args=[month.pk]))
    found = [(unescape(address), figure) for address, figure in FIGURE.findall(response.content.decode())]
    assert len(found) > 5
    for address, figure in found:
        rows = list(viewer.get(address).context["listing"].matching)
        assert {row.month_id for row in rows} == {month.pk}
        if "category" in address:
            assert figure == f"{len(rows):,}"
        else:
            assert figure == money(sum(row.provision_minor for row in rows), rows[0].currency)
    for currency in ("CNY", "JPY"):
        minor = -balances()[currency, Account.PROVISION]
        assert minor > 0
        assertContains(response, money(minor, currency))


def test_a_loans_provision_adds_up_on_its_page(client: Client) -> None:
    begin("provisions of three months, to look at", three_months)
    client.force_login(staff(Role.VIEWER))
    row = LoanProvision.objects.filter(stage=1).latest("pk")
    page = client.get(reverse("admin:lending_loanprovision_change", args=[row.pk]))
    assertContains(page, money(row.ecl_minor, row.currency))
    assertContains(page, f"loan_{row.loan_id}")
    shown = page.content.decode()
    for days, minor in row.periods:
        assert re.search(rf"{row.month.close.day + days * DAY}.*?{money(minor, row.currency)}", shown, re.DOTALL)
    for other in (LoanProvision.objects.filter(stage=3).latest("pk"), LoanProvision.objects.get(left="REPAID")):
        assertContains(client.get(reverse("admin:lending_loanprovision_change", args=[other.pk])), "Why")
    listed = client.get(reverse("admin:lending_loanprovision_changelist"), {"loan": f"loan_{row.loan_id}"})
    assert {one.loan_id for one in listed.context["listing"].rows} == {row.loan_id}


def test_pages_before_the_first_month_say_what_to_do(client: Client) -> None:
    client.force_login(staff(Role.VIEWER))
    assertContains(client.get(reverse("admin:lending_provisionmonth_changelist")), "manage.py enter_provision_policy")
    assertContains(client.get(reverse("admin:lending_loanprovision_changelist")), "Nothing here yet.")


def test_statements_and_proof_show_the_accounts(viewer: Client) -> None:
    """Red if the balance sheet left the provisions out, or the loans' side of the income statement did."""
    sheet = viewer.get(reverse("admin:lending_ledgeraccount_sheet"), {"until": str(APRIL_END)})
    income = viewer.get(reverse("admin:lending_ledgeraccount_income"), {"from": "2026-04-01", "until": str(APRIL_END)})
    assertContains(sheet, "Provisions for credit losses")
    assertContains(income, "Provision expense")
    april = {line.account: line for line in trial_balance(date(2026, 4, 1), APRIL_END) if line.currency == "CNY"}
    expense = april[Account.PROVISION_EXPENSE]
    assertContains(income, money(expense.credit_minor - expense.debit_minor, "CNY"))
    period = (date(2026, 4, 1), APRIL_END)
    for line in income_statement(*period, loans=income_by_loan(*period)):
        assert line.ledger_minor == line.loans_minor, line


@pytest.mark.parametrize("journal", exports.PROGRAMS)
@pytest.mark.usefixtures("viewer")
def test_other_programs_find_the_provisions(journal: Journal, tmp_path: Path) -> None:
    path = exports.export(tmp_path / "books", journal)
    assert exports.complaints(journal, path) == ""
    found = exports.balances(journal, path)
    assert found == exports.proven()
    assert found["CNY", account_name(Account.PROVISION)] < 0


@pytest.mark.usefixtures("viewer")
def test_a_month_is_printed_and_written_loan_by_loan(tmp_path: Path) -> None:
    output, file = StringIO(), tmp_path / "loans.csv"
    call_command("provisions", "2026-04", "--json", "--by-loan", str(file), stdout=output)
    found = loads(output.getvalue())
    lines = found["movements"]["CNY"]
    assert sum(lines["CLOSING"]) == -balances()["CNY", Account.PROVISION]
    between = [amounts for name, amounts in lines.items() if name != "CLOSING"]
    assert [sum(column) for column in zip(*between, strict=True)] == lines["CLOSING"]
    assert file.read_text().count("\n") == 1 + LoanProvision.objects.filter(month__month="2026-04-01").count()
    output = StringIO()
    call_command("provisions", "2026-04", stdout=output)
    assert format_minor(sum(lines["CLOSING"]), "CNY", grouped=True) in output.getvalue()
    for wrong in (["2026-05"], ["may"], ["2026-04", "--by-loan", str(tmp_path)]):
        with pytest.raises(CommandError):
            call_command("provisions", *wrong, stdout=StringIO())


def test_a_policy_is_entered_by_command(tmp_path: Path, db: None) -> None:  # noqa: ARG001
    output = StringIO()
    call_command("enter_provision_policy", stdout=output)
    assert output.getvalue().startswith("version 2: ")
    file = tmp_path / "policy.json"
    for text in (policy_text(late_dpd=20), policy_text(late_dpd=0), "{"):
        file.write_text(text)
        with pytest.raises(CommandError, match=r"raise the version|late_dpd|document"):
            call_command("enter_provision_policy", str(file), stdout=StringIO())
    with pytest.raises(CommandError):
        call_command("enter_provision_policy", str(tmp_path / "missing.json"), stdout=StringIO())
