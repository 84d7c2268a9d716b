"""The pages of delinquency: each figure is what the list behind it comes to, on any day."""

import json
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office.actors import SYSTEM
from config.office.display import Cell, Row, Table
from config.office.words import money
from lending.domain.contract.events import EventType
from lending.models import LoanEvent, LoanSpell
from lending.operations.loans import EventNotBooked
from lending.operations.policies import PolicyNotEntered, enter_delinquency_policy
from merchants.models import Merchant, Owner
from tests.conftest import CLERK, NOW
from tests.lending.bookings import book, reverse_event, take_repayment
from tests.lending.domain.test_delinquency_policy import text_of
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, checked, lent, make_loan, roll
from tests.lending.office import staff
from tests.lending.provisions import provide_by

pytestmark = pytest.mark.django_db(transaction=True)
TABLE, LIST = "admin:lending_loanspell_changelist", "admin:lending_loanspell_loans"
DAY = timedelta(days=1)
SMALL = {
    "buckets": [{"name": "1-3", "from_days": 1}, {"name": "4-9", "from_days": 4}, {"name": "10+", "from_days": 10}]
}


def viewer(client: Client) -> Client:
    client.force_login(staff(Role.VIEWER))
    return client


def random_book(random: Random) -> date:
    """Make loans in two currencies, two of one owner, and let some days pass; return the open day."""
    loans = [
        lent(terms=EVERY_FIVE_DAYS, amount_minor=100_000, currency=random.choice(["CNY", "EUR"])) for _ in range(7)
    ]
    owner = Owner.objects.create(partner=loans[0].merchant.partner, external_ref="o")
    Merchant.objects.filter(pk__in=[loan.merchant_id for loan in loans[:2]]).update(owner=owner)
    today = OPENED
    for _ in range(8):
        today += random.randint(1, 4) * DAY
        roll(today)
        loan, on = random.choice(loans), max(OPENED, today - random.randint(0, 6) * DAY)
        paid = LoanEvent.objects.filter(loan=loan, type="repayment", of=None)
        told: dict[str, Any] = {"loan_id": loan.pk, "reason": "x", "actor": CLERK, "now": NOW}
        try:
            match random.randint(0, 5):
                case 0 if paid:
                    reverse_event(seq=random.choice(list(paid)).seq, on=today, **told)
                case 1:
                    book(EventType.PAUSE, loan_id=loan.pk, on=today, periods=1)
                case 2:
                    book(EventType.WRITE_OFF, loan_id=loan.pk, on=today)
                case _:
                    take_repayment(amount_minor=random.choice([20_000, 40_000, 120_000]), on=on, **told)
        except EventNotBooked:
            continue
    return today


def figures(client: Client, on: date) -> list[tuple[Any, list[object]]]:
    """Return the linked figures of the page, each with what stands right of it of the same list."""
    page = client.get(reverse(TABLE), {"on": str(on)}).context["page"]
    found = []
    for card in page.cards:
        for part in card.parts:
            rows = [*part.rows, *part.foot] if isinstance(part, Table) else []
            lines = [list(row.cells if isinstance(row, Row) else row) for row in rows]
            for _, first, *cells in lines:
                assert isinstance(first, Cell)
                beside = [cell.text for cell in cells if isinstance(cell, Cell) and cell.link == first.link]
                found.append((first, beside))
                found += [(cell, []) for cell in cells if isinstance(cell, Cell) and cell.link != first.link]
    return found


@pytest.mark.parametrize("seed", range(4))
def test_each_figure_is_what_the_list_behind_it_comes_to(client: Client, seed: int) -> None:
    """Red if a figure led to another day, bucket, product or currency, or was summed over other loans than it lists."""
    random = Random(seed)  # noqa: S311 - no secret
    text = text_of(rule=SMALL, cure_days=random.choice([0, 3]), level=random.choice(["LOAN", "BORROWER"]))
    enter_delinquency_policy(text=text, actor=SYSTEM, now=NOW)
    today = random_book(random)
    viewer(client)
    for on in {today, *(OPENED + random.randrange((today - OPENED).days) * DAY for _ in range(4))}:
        for figure, beside in figures(client, on):
            shown = client.get(figure.link).context
            rows = list(shown["listing"].matching.select_related("loan"))
            if not figure.tag:  # of a month before
                principal = sum(row.principal_minor for row in rows)
                assert figure.text == money(principal, rows[0].loan.currency if rows else "CNY")
                continue
            assert figure.text == f"{len(rows):,}"
            if not rows:
                continue
            [currency] = {row.loan.currency for row in rows}
            principal = money(sum(row.principal_minor for row in rows), currency)
            arrears = money(sum(row.arrears_minor for row in rows if row.late_from and row.late_from <= on), currency)
            assert beside == ([arrears, principal] if figure.tag == "bucket" else [principal])
            [total] = shown["parts"][0].rows
            assert total == [currency, len(rows), arrears, principal]
    assert checked()["proven"]


def test_a_command_prints_the_same(client: Client) -> None:
    enter_delinquency_policy(text=text_of(rule=SMALL), actor=SYSTEM, now=NOW)
    late, lent_too = lent(terms=EVERY_FIVE_DAYS, amount_minor=100_000), lent(amount_minor=50_000)
    roll(OPENED + 9 * DAY)
    output = StringIO()
    call_command("delinquency", "--json", stdout=output)
    found = json.loads(output.getvalue())
    assert found["on"] == str(OPENED + 8 * DAY), "the last day that is closed"
    [table] = found["tables"]
    assert table["running"]["loans"] == 2
    assert [one["loans"] for one in table["buckets"]] == [1, 1, 0, 0]
    assert table["buckets"][1]["principal_minor"] == late.principal_minor
    assert table["buckets"][0]["principal_minor"] == lent_too.principal_minor
    assert [one["loans"] for one in table["at_risk"]] == [1, 0, 0, 0]
    printed = StringIO()
    call_command("delinquency", str(OPENED + 2 * DAY), stdout=printed)
    assert "in no bucket             2" in printed.getvalue()
    assertContains(viewer(client).get(reverse(TABLE)), "4-9 days")
    with pytest.raises(CommandError, match="has not come yet"):
        call_command("delinquency", str(OPENED + 10 * DAY))
    with pytest.raises(CommandError, match="not a date"):
        call_command("delinquency", "yesterday")
    nothing = StringIO()
    call_command("delinquency", str(OPENED - DAY), stdout=nothing)
    assert "No loan ran" in nothing.getvalue()


def test_pages_say_why_there_is_nothing(client: Client) -> None:
    viewer(client)
    make_loan()
    assertContains(client.get(reverse(TABLE)), "No loan ran on this day")
    assertContains(client.get(reverse(LIST)), f'value="{OPENED}"')
    assertContains(client.get(reverse(TABLE), {"on": str(OPENED + DAY)}), "has not come yet")
    assert client.get(reverse(TABLE), {"on": "soon"}).status_code == 404
    assertContains(client.get(reverse(LIST), {"on": "soon"}, follow=True), "This list does not know")
    assertContains(client.get(reverse(TABLE)), "not all closed")


def test_lists_and_the_loan_say_the_bucket(client: Client) -> None:
    """Red if a loan that follows another were not told apart, or a cure were not shown."""
    provide_by()
    enter_delinquency_policy(text=text_of(rule=SMALL), actor=SYSTEM, now=NOW)
    late = lent(terms=EVERY_FIVE_DAYS, amount_minor=100_000)
    follows, sound = lent(merchant=late.merchant, amount_minor=50_000), lent(amount_minor=50_000)
    on = OPENED + 9 * DAY
    roll(on)
    viewer(client)
    loans = reverse("admin:lending_loan_changelist")
    listed = client.get(loans, {"bucket": "2"})
    assert {loan.pk for loan in listed.context["listing"].rows} == {late.pk, follows.pk}
    assertContains(listed, "with another loan of the borrower", count=1)
    assert not client.get(loans, {"bucket": "1"}).context["listing"].rows
    assertNotContains(client.get(loans, {"q": str(sound)}), "4-9 days</span>")
    page = client.get(reverse("admin:lending_loan_change", args=[late.pk]))
    assertContains(page, '<span class="tl-chip tl-bad">4-9 days</span>', html=True)
    assertContains(page, "still past due")
    on_day = client.get(reverse(LIST), {"on": str(on), "loan": f"loan_{follows.pk}"})
    assertContains(on_day, "with another loan of the borrower")
    assertContains(on_day, "Normal")
    take_repayment(loan_id=late.pk, amount_minor=60_000, on=on - 2 * DAY, reason="x", actor=CLERK, now=NOW)
    healed = client.get(reverse("admin:lending_loan_change", args=[late.pk]))
    assertContains(healed, "cured")
    assertContains(healed, str(on - 2 * DAY))
    assertNotContains(healed, "4-9 days</span>")


def test_another_content_under_a_version_is_refused(tmp_path: Path) -> None:
    first = enter_delinquency_policy(text=text_of(), actor=SYSTEM, now=NOW)
    assert enter_delinquency_policy(text=text_of(), actor=SYSTEM, now=NOW) == first
    with pytest.raises(PolicyNotEntered):
        enter_delinquency_policy(text=text_of(cure_days=5), actor=SYSTEM, now=NOW)
    (tmp_path / "policy.json").write_text(text_of(cure_days=5))
    with pytest.raises(CommandError, match="raise the version"):
        call_command("enter_delinquency_policy", tmp_path / "policy.json")


def test_a_spell_that_drifted_is_found() -> None:
    """Red if check_books did not compare what is kept of a loan's arrears with its events."""
    loan = lent()
    LoanSpell.objects.filter(loan=loan).update(late_since=OPENED)
    with pytest.raises(CommandError, match="1 loans drifted"):
        call_command("check_books", stdout=StringIO())
