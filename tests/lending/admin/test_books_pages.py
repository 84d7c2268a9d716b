"""The pages of the books: what they say is what the ledger has, and each figure leads to what makes it."""

import re
from datetime import date, timedelta
from html import unescape
from io import StringIO
from itertools import pairwise
from json import loads

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains

from config.declarations import Role
from config.kernel.money import format_minor
from config.office.words import MINUS, money
from lending.admin.words import ACCOUNTS
from lending.domain.books.ledger import Account
from lending.domain.contract.events import EventType
from lending.models import AccountDay, Entry, Loan, Posting
from lending.queries.ledger import balances, days_apart, trial_balance
from tests.beginnings import begin
from tests.conftest import CLERK, NOW, owner_connection
from tests.lending.bookings import book, take_repayment
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, checked, lent, roll
from tests.lending.office import staff

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
LAST = OPENED + 10 * DAY
FIGURE = re.compile(r'<a href="([^"]*/posting/\?[^"]*)">([^<]*)</a>')


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(staff(Role.VIEWER))
    return client


@pytest.fixture
def loans() -> None:
    begin("a ledger to look at", lend)


def lend() -> None:
    late, off = lent(terms=EVERY_FIVE_DAYS), lent()
    lent(currency="JPY", amount_minor=1_234_567, terms=EVERY_FIVE_DAYS)
    book(EventType.CHARGE, loan_id=off.pk, amount_minor=701)
    roll(OPENED + 8 * DAY)
    book(EventType.WRITE_OFF, loan_id=off.pk, on=OPENED + 8 * DAY)
    take_repayment(loan_id=late.pk, amount_minor=5_001, on=OPENED + 8 * DAY, reason="x", actor=CLERK, now=NOW)
    roll(LAST)


def page(client: Client, name: str, **asked: date) -> str:
    response = client.get(reverse(f"admin:lending_ledgeraccount_{name}"), {key: str(day) for key, day in asked.items()})
    assert response.status_code == 200
    return response.content.decode()


def figures(text: str) -> list[tuple[str, str]]:
    """List the figures of a page that lead to the journal, with where."""
    return [(unescape(address), figure) for address, figure in FIGURE.findall(text)]


@pytest.mark.usefixtures("loans")
@pytest.mark.parametrize("name", ["changelist", "income", "sheet"])
def test_each_figure_is_what_the_journal_behind_it_comes_to(viewer: Client, name: str) -> None:
    """Red if a date were a day off, a side wrong, or another currency's postings among them."""
    found = figures(page(viewer, name, **{"from": OPENED + 3 * DAY, "until": LAST - DAY}))
    assert len({address for address, _figure in found}) == len(found) > 5
    for address, figure in found:
        listing = viewer.get(address).context["listing"]
        account = re.search(r"(account|debit|credit)=(\w+)", address)
        assert account is not None
        side, code = account.groups()
        debits, credits_ = (
            sum(row.amount_minor for row in listing.matching if getattr(row, f"{one}_id") == code)
            for one in ("debit", "credit")
        )
        minor = {"debit": debits, "credit": credits_, "account": debits - credits_}[side]
        currency = "JPY" if "JPY" in address else "CNY"
        turned = side == "account" and (name == "income" or (name == "sheet" and code == Account.MERCHANT_CREDIT))
        assert figure == money(-minor if turned else minor, currency), address
        if minor:
            assertContains(viewer.get(address), figure.removeprefix(MINUS) if turned else figure)


@pytest.mark.usefixtures("loans")
def test_the_trial_balance_to_date_is_what_is_proven() -> None:
    """Red if a posting were left out, or the totals did not meet."""
    proven = {(one["account"], one["currency"]): one["ledger_minor"] for one in checked()["accounts"]}
    lines = trial_balance(OPENED + 4 * DAY, date.max)
    for line in lines:
        assert proven[line.account, line.currency] == line.closing_minor
    assert {key for key, minor in proven.items() if minor and key[0] in set(Account)} <= {
        (line.account, line.currency) for line in lines
    }
    for currency in ("CNY", "JPY"):
        own = [line for line in lines if line.currency == currency]
        assert sum(line.opening_minor for line in own) == sum(line.closing_minor for line in own) == 0
        assert sum(line.debit_minor for line in own) == sum(line.credit_minor for line in own) > 0


@pytest.mark.usefixtures("loans")
def test_proven_days_are_read_from_their_sums_and_later_ones_from_postings() -> None:
    """Red if a day were left out, or counted twice, where the two meet; or if a broken proof summed a day."""
    proven = LAST - DAY
    kept = AccountDay.objects.order_by("-day").values_list("day", flat=True)
    assert kept[0] == proven
    loan = Loan.objects.filter(currency="CNY", status="ACTIVE").latest("pk")
    book(EventType.CHARGE, loan_id=loan.pk, amount_minor=300, on=LAST - 4 * DAY)
    assert Entry.objects.filter(effective_date__lte=proven, code="CHARGE").count() == 1
    for last in (OPENED + 4 * DAY, proven, LAST):
        for first in (OPENED, proven, last):
            if first <= last:
                found = {(one.currency, one.account): one.closing_minor for one in trial_balance(first, last)}
                assert found == balances(through=last)
    fees = [one for one in trial_balance(LAST, LAST) if one.account == Account.FEE_INCOME and one.currency == "CNY"]
    assert [(one.debit_minor, one.credit_minor) for one in fees] == [(0, 300)]
    assert days_apart() == []


@pytest.mark.usefixtures("loans")
@pytest.mark.parametrize(("account", "minor"), [("WAIVERS", 1), ("PRINCIPAL", 0)])
def test_a_day_whose_sums_are_not_its_postings_is_told(account: str, minor: int) -> None:
    """Red if check_books looked only for sums that differ, and not for one that is missing, or has no postings."""
    day = OPENED + 8 * DAY
    with owner_connection() as owner, owner.cursor() as cursor:
        if minor:
            cursor.execute("INSERT INTO lending_accountday (day, account_id, currency, debit_minor, credit_minor)"
                           " VALUES (%s, %s, 'KWD', %s, 0)", [day, account, minor])  # fmt: skip
        else:
            cursor.execute("ALTER TABLE lending_accountday DISABLE TRIGGER USER")
            cursor.execute("DELETE FROM lending_accountday WHERE day = %s AND account_id = %s", [day, account])
            cursor.execute("ALTER TABLE lending_accountday ENABLE TRIGGER USER")
    output = StringIO()
    with pytest.raises(CommandError, match=f"the sums of 1 days are not those of their postings, the first {day}"):
        call_command("check_books", "--json", stdout=output)
    found = loads(output.getvalue())
    assert (found["days"], found["proven"]) == ([str(day)], False)


@pytest.mark.usefixtures("loans")
def test_what_is_owned_is_what_is_owed_and_earned(viewer: Client) -> None:
    """Red if income had the wrong sign, or a loss were not taken off the result."""
    text = page(viewer, "sheet", until=LAST)
    for currency in ("CNY", "JPY"):
        lines = [line for line in trial_balance(LAST, LAST) if line.currency == currency]
        income = {line.account: -line.closing_minor for line in lines}
        result = sum(
            income.get(account, 0)
            for account in (
                *(Account.INTEREST_INCOME, Account.PENALTY_INCOME, Account.FEE_INCOME),
                *(Account.RECOVERIES, Account.WAIVERS, Account.WRITE_OFFS),
            )
        )
        assert (result < 0) is (currency == "CNY")
        assert money(result, currency) in text
    feet = "".join(re.findall(r"<tfoot.*?</tfoot>", text, re.DOTALL))
    cells = [re.sub(r"<[^>]*>", "", part).strip() for part in re.findall(r"<t[dh][^>]*>.*?</t[dh]>", feet, re.DOTALL)]
    after = [(cell, figure) for cell, figure in pairwise(cells) if cell in {"Assets", "Liabilities and result"}]
    assert len(after) == 4
    assert [figure for _cell, figure in after[::2]] == [figure for _cell, figure in after[1::2]]


@pytest.mark.usefixtures("loans")
def test_the_journal_is_filtered_by_loan_code_and_day_and_leads_to_the_entry(viewer: Client) -> None:
    address = reverse("admin:lending_posting_changelist")
    entry = Entry.objects.get(code="WRITE_OFF")
    loan = entry.loan_id
    day = str(entry.effective_date)
    for asked in ({"loan": f"loan_{loan}"}, {"loan": str(loan), "code": "WRITE_OFF", "from": day, "until": day}):
        rows = viewer.get(address, asked).context["listing"].matching
        wanted = Posting.objects.filter(entry__loan=loan)
        if "code" in asked:
            wanted = wanted.filter(entry=entry)
        assert set(rows) == set(wanted) != set()
    posting = entry.postings.earliest("pk")
    shown = viewer.get(reverse("admin:lending_posting_change", args=[posting.pk]))
    assertContains(shown, ACCOUNTS[Account.WRITE_OFFS], count=entry.postings.count())
    assertContains(shown, format_minor(posting.amount_minor, posting.currency, grouped=True))
    assertContains(shown, f"loan_{loan}")
    for bad in ({"loan": "nothing"}, {"account": "CASH"}, {"from": "soon"}):
        assert viewer.get(address, bad).status_code == 302
    assert viewer.get(address, {"currency": "GBP"}).context["listing"].rows == [], "a currency comes and goes"


def test_pages_of_no_books_say_so(viewer: Client) -> None:
    for name in ("changelist", "income", "sheet"):
        assert "Nothing is booked" in page(viewer, name)
    assert "ends before it begins" in page(viewer, "changelist", **{"from": LAST, "until": OPENED})
    assert viewer.get(reverse("admin:lending_ledgeraccount_sheet"), {"until": "soon"}).status_code == 404


@pytest.mark.usefixtures("loans")
def test_the_journal_needs_as_many_queries_for_many_rows(
    viewer: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for asked in ({}, {"code": "CHARGE"}):
        with django_assert_num_queries(10):
            viewer.get(reverse("admin:lending_posting_changelist"), asked)
