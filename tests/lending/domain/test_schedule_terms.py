"""Schedules by the terms that a plain loan leaves out."""

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.domain.contract.schedule import draw_schedule
from lending.domain.contract.terms import parse_terms
from tests.lending.cases import OPENED, Case, special_terms
from tests.lending.schedule_model import Refused, draw

SLOW = settings(suppress_health_check=[HealthCheck.too_slow], max_examples=500)


@st.composite
def loans(draw: st.DrawFn) -> tuple[Case, date]:
    opened = draw(OPENED)
    return draw(special_terms(opened)), opened


def rows(terms: Case, opened: date) -> list[tuple[date, int, int]] | None:
    """Draw a schedule; None if it is refused."""
    try:
        drawn = draw_schedule(parse_terms(terms), on=opened)
    except LoanRefused as refused:
        return None if refused.reason is LoanRefusal.BAD_TERMS else []
    return [(row.due, row.principal_minor, row.interest_minor) for row in drawn]


@given(loans())
@SLOW
def test_a_schedule_is_what_the_slow_model_draws(loan: tuple[Case, date]) -> None:
    try:
        wanted: Any = draw(*loan)
    except Refused:
        wanted = None
    event("refused" if wanted is None else "drawn")
    assert rows(*loan) == wanted


@given(loans())
@SLOW
def test_every_schedule_repays_the_principal_and_no_amount_is_negative(loan: tuple[Case, date]) -> None:
    drawn = rows(*loan)
    if drawn is None:
        return
    dues = [due for due, _, _ in drawn]
    assert sum(principal for _, principal, _ in drawn) == loan[0]["principal_minor"]
    assert min(min(principal, interest) for _, principal, interest in drawn) >= 0
    assert dues == sorted(set(dues))
    assert dues[0] >= loan[1]


@pytest.mark.parametrize("principal", [1, 2, 3, 10, 99])
def test_parts_that_round_up_take_no_more_than_there_is(principal: int) -> None:
    """Red if the last part of 1 in 3 rounded to 0, or of 2 in 3 rounded to 1, is negative."""
    terms = {**draw_plain(principal), "remainder": "LAST"}
    drawn = rows(terms, date(2024, 1, 31))
    assert drawn is not None
    assert sum(part for _, part, _ in drawn) == principal


def draw_plain(principal: int) -> Case:
    return {
        "principal_minor": principal,
        "currency": "EUR",
        "rate": "0",
        "day_count": "ACT/365F",
        "method": "EQUAL_PRINCIPAL",
        "periods": 3,
        "every": 1,
        "unit": "MONTH",
        "first_due": None,
        "grace_days": 0,
        "tolerance_minor": 0,
        "penalty_multiple_extra": "0",
        "prepayment": "NEXT",
    }
