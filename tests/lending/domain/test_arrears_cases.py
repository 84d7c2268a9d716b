"""When cases open and close, when somebody looks at them, and whether promises were kept."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from lending.domain.arrears.case import (
    FOLLOW_UP,
    LATEST_ACTION,
    OPENED_FROM,
    CaseChange,
    CaseRefusal,
    CaseState,
    ContactResult,
    Debt,
    judge_closing,
    judge_contact,
    judge_debt,
    judge_taking,
    next_action,
)
from lending.domain.arrears.promise import (
    AWAITED_FOR,
    JUDGED_AGAIN_FOR,
    PROMISED_WITHIN,
    PromiseRefusal,
    PromiseState,
    judge_promise,
    judge_withdrawal,
    outcome,
)

TODAY = date(2026, 3, 10)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("arrears", "has_case", "change"),
    [
        (Debt(dpd=OPENED_FROM - 1, due_minor=100), False, None),
        (Debt(dpd=OPENED_FROM, due_minor=100), False, CaseChange.OPEN),
        (Debt(dpd=OPENED_FROM, due_minor=100), True, None),
        (Debt(dpd=1, due_minor=100), True, None),
        (Debt(due_minor=100), True, CaseChange.CLOSE),
        (Debt(claim_minor=100), False, None),
        (Debt(claim_minor=100), True, None),
        (Debt(), True, CaseChange.CLOSE),
        (Debt(), False, None),
    ],
)
def test_a_case_is_opened_for_what_is_late_and_closed_when_nothing_is(
    arrears: Debt,
    has_case: bool,  # noqa: FBT001 - of a table
    change: CaseChange | None,
) -> None:
    assert judge_debt(arrears, has_case=has_case) is change


@pytest.mark.parametrize(
    ("result", "words", "asked", "found"),
    [
        (ContactResult.NO_ANSWER, "", None, TODAY + DAY),
        (ContactResult.REACHED, "", None, TODAY + 3 * DAY),
        (ContactResult.REACHED, "", TODAY, TODAY),
        (ContactResult.NOTE, "the shop has moved", None, TODAY + 5 * DAY),
        (ContactResult.NOTE, " ", None, CaseRefusal.NOTE_EMPTY),
        (ContactResult.REACHED, "", TODAY - DAY, CaseRefusal.NEXT_IN_THE_PAST),
        (ContactResult.REACHED, "", TODAY + 31 * DAY, TODAY + 31 * DAY),
        (ContactResult.REACHED, "", TODAY + 32 * DAY, CaseRefusal.NEXT_TOO_LATE),
    ],
)
def test_after_a_contact_somebody_looks_again(
    result: ContactResult, words: str, asked: date | None, found: date | CaseRefusal
) -> None:
    refusal = judge_contact(CaseState.OPEN, result=result, words=words, next_on=asked, today=TODAY)
    assert (refusal or next_action(result, today=TODAY, planned=TODAY + 5 * DAY, asked=asked)) == found


def test_every_result_but_a_note_says_when() -> None:
    for result in set(ContactResult) - {ContactResult.NOTE}:
        assert next_action(result, today=TODAY, planned=TODAY, asked=None) > TODAY


def test_nothing_is_done_with_a_closed_case() -> None:
    closed = CaseState.CLOSED
    assert judge_taking(closed, is_owner=True) is CaseRefusal.CLOSED
    assert judge_closing(closed, dpd=0, reason="x") is CaseRefusal.CLOSED
    contact = judge_contact(closed, result=ContactResult.NOTE, words="", next_on=None, today=TODAY)
    assert contact is CaseRefusal.CLOSED
    promise = judge_promise(
        closed, is_handed_over=False, has_open=False, amount_minor=1, owed_minor=1, due_on=TODAY, today=TODAY
    )
    assert promise is PromiseRefusal.CASE_CLOSED


def test_a_person_closes_a_case_only_where_no_running_loan_is_late() -> None:
    assert judge_closing(CaseState.OPEN, dpd=1, reason="x") is CaseRefusal.STILL_LATE
    assert judge_closing(CaseState.OPEN, dpd=0, reason=" ") is CaseRefusal.REASON_MISSING
    assert judge_closing(CaseState.OPEN, dpd=0, reason="sold to an agency") is None


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({}, None),
        ({"is_handed_over": True, "has_open": True}, PromiseRefusal.HANDED_OVER),
        ({"has_open": True}, PromiseRefusal.OPEN_ALREADY),
        ({"amount_minor": 0}, PromiseRefusal.NOT_POSITIVE),
        ({"amount_minor": 1_001}, PromiseRefusal.ABOVE_OWED),
        ({"due_on": TODAY - DAY}, PromiseRefusal.IN_THE_PAST),
        ({"due_on": TODAY}, None),
        ({"due_on": TODAY + PROMISED_WITHIN}, None),
        ({"due_on": TODAY + PROMISED_WITHIN + DAY}, PromiseRefusal.TOO_LATE),
    ],
)
def test_a_promise_is_of_what_is_owed_and_for_a_day_that_is_near(
    change: dict[str, object], refusal: PromiseRefusal | None
) -> None:
    asked = {
        "is_handed_over": False,
        "has_open": False,
        "amount_minor": 1_000,
        "owed_minor": 1_000,
        "due_on": TODAY + DAY,
    } | change
    assert judge_promise(CaseState.OPEN, **asked, today=TODAY) is refusal  # type: ignore[arg-type] # of a table


@pytest.mark.parametrize(
    ("paid", "days", "state"),
    [
        (0, 0, PromiseState.OPEN),
        (999, AWAITED_FOR.days, PromiseState.OPEN),
        (1_000, 0, PromiseState.KEPT),
        (1_000, 30, PromiseState.KEPT),
        (999, AWAITED_FOR.days + 1, PromiseState.PARTLY),
        (0, AWAITED_FOR.days + 1, PromiseState.BROKEN),
    ],
)
def test_a_promise_is_judged_once_its_money_should_be_there(paid: int, days: int, state: PromiseState) -> None:
    asked = {"amount_minor": 1_000, "paid_minor": paid, "due_on": TODAY, "as_of": TODAY + timedelta(days)}
    assert outcome(PromiseState.OPEN, **asked) is state  # type: ignore[arg-type] # of a table


def test_a_promise_that_was_kept_is_never_open_again() -> None:
    """Red if a bounce before its day opened it: another may be open by then, and a case has one."""
    asked = {"amount_minor": 1_000, "due_on": TODAY, "as_of": TODAY - DAY}
    assert outcome(PromiseState.KEPT, paid_minor=0, **asked) is PromiseState.BROKEN  # type: ignore[arg-type]
    assert outcome(PromiseState.BROKEN, paid_minor=1_000, **asked) is PromiseState.KEPT  # type: ignore[arg-type]


def test_a_promise_is_withdrawn_with_a_reason() -> None:
    assert judge_withdrawal(has_open=False, reason="x") is PromiseRefusal.NOT_OPEN
    assert judge_withdrawal(has_open=True, reason="") is PromiseRefusal.REASON_MISSING
    assert judge_withdrawal(has_open=True, reason="another shop's") is None


def test_the_page_says_what_the_rules_do() -> None:
    """Red if docs/arrears.md named other days."""
    text = Path("docs/arrears.md").read_text()
    days = {"the next day": 1, "in two days": 2, "in three days": 3, "in a week": 7}
    said = {
        "no answer, wrong number or address": (ContactResult.NO_ANSWER, ContactResult.WRONG_CONTACT),
        "disputes the debt, cannot pay": (ContactResult.DISPUTES, ContactResult.HARDSHIP),
        "spoke with the borrower": (ContactResult.REACHED,),
        "refuses to pay": (ContactResult.REFUSES,),
    }
    for words, results in said.items():
        [when] = re.findall(rf"^\| … {words} \| (.*) \|$", text, re.MULTILINE)
        assert {FOLLOW_UP[result].days for result in results} == {days[when]}
    assert f"at least {OPENED_FROM} days past due" in text
    assert text.count(f"within {LATEST_ACTION.days} days") + text.count(f"within {PROMISED_WITHIN.days} days") == 4
    assert "after two days" in text
    assert AWAITED_FOR.days == 2
    assert f"For {JUDGED_AGAIN_FOR.days} days after its day" in text
