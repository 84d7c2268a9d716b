from datetime import date
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from config.office.actors import SYSTEM
from config.office.business_date import open_day
from lending.models import Loan
from lending.operations.loans import book_repayment
from lending.queries.servicing import get_servicing
from merchants.models import Partner
from tests.conftest import CLERK, NOW
from tests.lending.api.calls import yuan
from tests.lending.bookings import change_rate, reverse_event
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, lent, make_loan, roll
from tests.partners import Api, token_for

pytestmark = pytest.mark.django_db(transaction=True)


def caller() -> Api:
    return Api(token_for(Partner.objects.get()))


def pay(loan: Loan, amount: int, on: date) -> int:
    event = book_repayment(loan_id=loan.pk, amount_minor=amount, on=on, external_ref="", actor=CLERK, now=NOW)
    return event.seq


def test_a_loan_says_how_it_stands_today_also_before_the_close() -> None:
    """Red if the row were shown: its books end when the last day was closed."""
    loan = lent(amount_minor=1_200_000, terms=EVERY_FIVE_DAYS)
    open_day(on=date(2026, 3, 11), actor=SYSTEM, now=NOW)
    api = caller()
    status, said = api.get(f"loans/loan_{loan.pk}")
    assert status == 200
    servicing = get_servicing(loan)
    due = servicing.projection.due_minor
    assert said == {
        "id": f"loan_{loan.pk}",
        "application": f"application_{loan.application_id}",
        "line": None,
        "merchant": loan.merchant.external_id,
        "status": "active",
        "amount": yuan("12000.00"),
        "disbursed_on": "2026-03-01",
        "closed_on": None,
        "as_of": "2026-03-11",
        "balances": {
            "principal": yuan("12000.00"),
            "interest": yuan("48.00"),  # ten nights of 12,000 at 0.04 %
            "penalty": yuan(f"{servicing.projection.position.penalty_minor / 100:.2f}"),
            "fees": yuan("0.00"),
            "written_off": yuan("0.00"),
            "refund_owed": yuan("0.00"),
            "credit": yuan("0.00"),
        },
        "due": yuan(f"{due / 100:.2f}"),
        "days_past_due": 5,
        "next_due": "2026-03-16",
    }
    assert servicing.projection.position.penalty_minor > 0
    [listed] = api.get("loans")[1]["loans"]
    assert listed.keys() == said.keys()
    assert (listed["as_of"], listed["balances"]["interest"], listed["days_past_due"]) == (
        "2026-03-01",
        yuan("0.00"),
        0,
    )


@pytest.mark.parametrize("loans", [1, 3])
def test_a_list_takes_as_many_queries_for_one_as_for_three(
    loans: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    made = [f"loan_{lent().pk}" for _ in range(loans)]
    api = caller()
    with django_assert_num_queries(4):
        _, page = api.get("loans")
    assert [loan["id"] for loan in page["loans"]] == made


def test_the_list_comes_in_pages_and_by_merchant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lending.api.loans.A_PAGE", 2)
    loans = [make_loan() for _ in range(3)]
    api = caller()
    _, first = api.get("loans")
    _, second = api.get(f"loans?after={first['next_after']}")
    assert [loan["id"] for loan in first["loans"] + second["loans"]] == [f"loan_{loan.pk}" for loan in loans]
    assert second["next_after"] is None
    [only] = api.get(f"loans?merchant={loans[1].merchant.external_id}")[1]["loans"]
    assert (only["id"], only["status"], only["as_of"]) == (f"loan_{loans[1].pk}", "approved", None)
    assert api.get("loans?merchant=nobody")[1]["code"] == "not_found"
    assert api.get("loans?after=offer_1")[1]["fields"].keys() == {"after"}


def test_a_schedule_says_what_is_paid_late_and_ahead() -> None:
    loan = lent(terms=EVERY_FIVE_DAYS)
    assert caller().get(f"loans/loan_{make_loan().pk}/schedule")[1]["instalments"] == []
    roll(date(2026, 3, 6))
    pay(loan, 250_000, date(2026, 3, 6))
    open_day(on=date(2026, 3, 12), actor=SYSTEM, now=NOW)
    status, said = caller().get(f"loans/loan_{loan.pk}/schedule")
    rows = said["instalments"]
    assert (status, said["as_of"], len(rows)) == (200, "2026-03-12", 6)
    assert [row["state"] for row in rows[:3]] == ["paid", "late", "ahead"]
    drawn = get_servicing(loan).rows
    for row, expected in zip(rows, drawn, strict=True):
        assert row["due"] == expected.drawn.due.isoformat()
        assert row["total"] == yuan(f"{expected.drawn.total_minor / 100:.2f}")
        assert row["principal_left"] == yuan(f"{expected.principal_left_minor / 100:.2f}")


def test_events_are_told_with_where_their_money_went(monkeypatch: pytest.MonkeyPatch) -> None:
    loan = lent()
    seq = pay(loan, 100_000, OPENED)
    reverse_event(loan_id=loan.pk, seq=seq, on=OPENED, reason="a secret of staff", actor=CLERK, now=NOW)
    change_rate(loan_id=loan.pk, rate=Decimal("0.073"), on=OPENED, reason="agreed", actor=CLERK, now=NOW)
    pay(loan, 200_000, OPENED)
    api = caller()
    status, said = api.get(f"loans/loan_{loan.pk}/events")
    assert (status, said["next_after"]) == (200, None)
    events = said["events"]
    assert [(event["type"], event["amount"], event["reverses"], event["reversed_by"]) for event in events] == [
        ("disbursement", yuan("12000.00"), None, None),
        ("repayment", yuan("1000.00"), None, 3),
        ("reversal", None, 2, None),
        ("rate_change", None, None, None),
        ("repayment", yuan("2000.00"), None, None),
    ]
    assert [event["allocation"] and event["allocation"]["principal"] for event in events] == [
        None,
        None,
        None,
        None,
        yuan("2000.00"),
    ]
    assert [event["yearly_rate"] for event in events] == [None, None, None, "0.073", None]
    assert "secret" not in str(said)
    monkeypatch.setattr("lending.api.loans.A_PAGE", 3)
    _, first = api.get(f"loans/loan_{loan.pk}/events")
    _, second = api.get(f"loans/loan_{loan.pk}/events?after={first['next_after']}")
    assert first["events"] + second["events"] == events
    assert second["next_after"] is None
    assert api.get(f"loans/loan_{loan.pk}/events?after=x")[0] == 400


def test_a_payoff_quote_is_what_closes_the_loan_on_its_date() -> None:
    loan = lent()
    api, path = caller(), f"loans/loan_{loan.pk}/payoff"
    status, today = api.get(path)
    assert (status, today["on"], today["payoff"]) == (200, "2026-03-01", yuan("12000.00"))
    _, ahead = api.get(f"{path}?on=2026-03-21")
    # Twenty nights of 12,000 at 0.04 %.
    assert (ahead["on"], ahead["payoff"], ahead["balances"]["interest"]) == (
        "2026-03-21",
        yuan("12096.00"),
        yuan("96.00"),
    )
    open_day(on=date(2026, 3, 21), actor=SYSTEM, now=NOW)
    pay(loan, 1_209_600, date(2026, 3, 21))
    loan.refresh_from_db()
    assert (loan.status, loan.credit_minor) == ("CLOSED", 0)
    assert api.get(path)[1]["payoff"] == yuan("0.00")


@pytest.mark.parametrize("on", ["2026-02-28", "2026-05-01", "tomorrow", "", "2026-13-01", "9999-12-31"])
def test_a_payoff_is_quoted_from_today_on_and_sixty_days_ahead(on: str) -> None:
    loan = lent()
    api = caller()
    status, problem = api.get(f"loans/loan_{loan.pk}/payoff?on={on}")
    assert (status, problem["code"], list(problem["fields"])) == (400, "invalid", ["on"])
    assert api.get(f"loans/loan_{loan.pk}/payoff?on=2026-04-30")[0] == 200


def test_a_loan_whose_money_is_not_out_has_no_payoff() -> None:
    loan = make_loan()
    status, problem = caller().get(f"loans/loan_{loan.pk}/payoff")
    assert (status, problem["code"]) == (409, "not_disbursed")
