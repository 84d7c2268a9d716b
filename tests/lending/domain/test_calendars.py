"""Which terms a calendar lets a product have, and what becomes of the others."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.business_days import BusinessDayRule
from lending.domain.contract.refusal import LoanRefused
from lending.domain.contract.schedule import draw_schedule
from lending.domain.origination.assessment import NoOffer, assess
from lending.domain.origination.calendars import (
    AHEAD,
    SETTLING,
    CalendarMalformed,
    calendar_from,
    canonical_calendar,
    is_beyond_calendar,
    known_months,
    knows_dues,
    parse_calendar,
    refused_from,
    sha256_of_calendar,
    within_calendar,
)
from lending.domain.origination.decision import DecisionFacts, DecisionRefusal, NotDecidable, decide
from lending.domain.origination.kinds.line import draw_choices
from lending.domain.origination.limit import most_by_months
from lending.domain.origination.product import LENDABLE, LONGEST_MONTHS, Product, terms_of
from lending.domain.origination.product_document import ProductMalformed
from lending.domain.origination.rules import CALENDARS, DAY_ONE, Ground, Outcome
from lending.domain.origination.snapshot import parse_snapshot, snapshot_of
from scoring.domain.calibration import Grade
from tests.lending.calendars import by_calendar, calendar, document
from tests.lending.domain.borrowers import ON, application, day_one, line_product, merchant, product

DAY = timedelta(days=1)
RULES = ("FOLLOWING", "MODIFIED_FOLLOWING", "PRECEDING")


def sold(rule: str = "FOLLOWING", *, last_year: int = 2027, cooling_off_days: int = 0) -> Product:
    made = product(by_calendar(rule))
    origination = replace(made.origination, cooling_off_days=cooling_off_days)
    return replace(made, origination=origination, calendar=calendar(last_year=last_year))


def can_be_drawn(made: Product, months: int, on: date) -> bool:
    try:
        draw_schedule(terms_of(made, grade=LENDABLE[0], principal_minor=100_000, months=months), on=on)
    except LoanRefused:
        return False
    return True


@given(st.sampled_from(RULES), st.integers(0, 700), st.sampled_from([0, 14]), st.integers(1, 24))
def test_a_term_is_known_if_it_can_be_drawn_whenever_the_money_leaves(
    rule: str, ahead: int, cooling: int, months: int
) -> None:
    """Red if a payout that takes some weeks could find that its last due date is not known."""
    made, on = sold(rule, cooling_off_days=cooling), date(2026, 1, 1) + ahead * DAY
    leaves = [on + days * DAY for days in range(cooling + SETTLING.days + 1)]
    assert (not is_beyond_calendar(made, months, on=on)) is all(can_be_drawn(made, months, day) for day in leaves)


def test_without_a_rule_every_term_is_known_and_without_the_calendar_none() -> None:
    assert known_months(day_one(), ON) == LONGEST_MONTHS
    assert within_calendar(day_one(), on=ON) is day_one()
    assert known_months(product(by_calendar()), ON) == 0
    assert known_months(sold(last_year=2026), date(2025, 11, 1)) == 0, "January is known, December not"


@pytest.mark.parametrize("rule", RULES)
def test_the_day_from_which_the_longest_term_is_refused_is_told_a_quarter_ahead(rule: str) -> None:
    made, longest = sold(rule), 12
    first = next(
        day for day in (date(2026, 1, 1) + days * DAY for days in range(700)) if known_months(made, day) < longest
    )
    assert [refused_from(made, on=first - days * DAY) for days in (-5, 0, 1, 90, 91)] == [
        first + 5 * DAY, first, first, first, None,
    ]  # fmt: skip
    assert AHEAD == 90 * DAY
    assert refused_from(day_one(), on=first) is None


@pytest.mark.parametrize("on", [date(2027, 2, 27), date(2027, 6, 1), date(2027, 11, 1)])
def test_an_offer_has_the_terms_that_are_known(on: date) -> None:
    made, facts = sold(), merchant(on=on, as_of=on)
    case = assess(facts, made, CALENDARS.no_offer)
    known = known_months(made, on)
    if not known:
        assert (case.no_offer, case.limit) == (NoOffer.CALENDAR_ENDS, None)
        return
    most = most_by_months(facts, case.product, grade=Grade.B1, free_minor=case.free_minor)
    assert case.no_offer is None
    assert list(most) == list(range(1, min(known, 9) + 1))


ASKED: list[tuple[date, int, Outcome, Ground | None]] = [
    (date(2027, 2, 27), 9, Outcome.APPROVE, None),
    (date(2027, 4, 1), 7, Outcome.APPROVE, None),
    (date(2027, 4, 1), 8, Outcome.DECLINE, Ground.TERM_BEYOND_CALENDAR),
    (date(2027, 4, 1), 0, Outcome.DECLINE, Ground.MONTHS_OUT_OF_RANGE),
    (date(2027, 11, 1), 1, Outcome.DECLINE, Ground.CALENDAR_ENDS),
]


@pytest.mark.parametrize(("on", "months", "outcome", "ground"), ASKED)
def test_a_term_that_is_not_known_is_declined_for_that(
    on: date, months: int, outcome: Outcome, ground: Ground | None
) -> None:
    made = sold()
    facts = replace(asked(made, months, on), amount_minor=1_000_00)
    found = decide(facts, made)
    assert (found.outcome, found.ground) == (outcome, ground)
    text, sha256 = snapshot_of(facts)
    assert decide(parse_snapshot(text, sha256), made) == found


def asked(made: Product, months: int, on: date) -> DecisionFacts:
    facts = application(made, months=months, on=on, as_of=on)
    return replace(facts, calendar_sha256=sha256_of_calendar(made.calendar))


def test_a_decision_is_replayed_with_its_own_calendar_alone() -> None:
    """Red if a calendar that is mended later could change what an old decision comes to."""
    made, on = sold(), date(2027, 4, 1)
    facts = asked(made, 8, on)
    with pytest.raises(NotDecidable) as refused:
        decide(facts, replace(made, calendar=calendar(last_year=2030)))
    assert refused.value.reason is DecisionRefusal.OTHER_CALENDAR
    old = replace(facts, rules_version=DAY_ONE.version)
    assert "TERM_BEYOND_CALENDAR" not in {ground for ground, _ in decide(old, made).evaluated}


def test_a_line_has_the_tenors_that_are_known_and_nothing_open_ended() -> None:
    line = line_product()
    contract = replace(line.contract, business_days=BusinessDayRule.FOLLOWING, calendar="town")
    made = replace(line, contract=contract, calendar=calendar())
    assert None in draw_choices(line, Grade.A1)
    assert draw_choices(within_calendar(made, on=date(2027, 4, 1)), Grade.A1) == tuple(
        months for months in draw_choices(line, Grade.A1) if months is not None and months <= 7
    )
    assert refused_from(made, on=date(2026, 1, 1)) == date(2026, 1, 1), "an open-ended draw needs five years"


def test_a_loan_knows_its_due_dates_until_the_money_could_be_late() -> None:
    terms = terms_of(sold(), grade=Grade.A1, principal_minor=100_000, months=6)
    assert knows_dues(terms, on=date(2027, 5, 30))
    assert not knows_dues(terms, on=date(2027, 5, 31))
    assert knows_dues(terms_of(day_one(), grade=Grade.A1, principal_minor=1, months=6), on=date(2099, 1, 1))


@pytest.mark.parametrize(("change", "where"), [
    ({"calendar": "town"}, "contract"), ({"business_days": "FOLLOWING"}, "contract"),
    ({"business_days": "FOLLOWING", "calendar": "Town"}, "contract"), ({"business_days": "NEAREST"}, "contract"),
    ({"principal_grace": 1}, "contract"), ({"principal_grace": -1}, "contract"), ({"remainder": "FIRST"}, "contract"),
    ({"instalment_multiple": "1"}, "contract"), ({"interest": "FLAT"}, "contract"),
])  # fmt: skip
def test_a_contract_that_makes_no_loan_is_refused(change: dict[str, object], where: str) -> None:
    with pytest.raises(ProductMalformed, match=f"{where}.*{min(change)}|{where}.*{max(change)}"):
        product(lambda data: data["contract"].update(change))


def test_a_grace_does_not_go_with_principal_that_is_due_at_the_end() -> None:
    def change(data: dict[str, Any]) -> None:
        data["shortest_months"] = 3
        data["contract"].update(principal_grace=2, method="INTEREST_ONLY")

    with pytest.raises(ProductMalformed, match="principal_grace"):
        product(change)
    with pytest.raises(ProductMalformed, match="calendar"):
        product(lambda data: data.update(calendar={"name": "town"}))


SHAPED: list[Callable[[dict[str, Any]], object]] = [
    lambda data: data["contract"].update(month_end="STAY_LAST", remainder="LAST"),
    lambda data: (data.update(shortest_months=3), data["contract"].update(principal_grace=2)),
    by_calendar("MODIFIED_FOLLOWING", month_end="NEXT_DAY"),
]


@pytest.mark.parametrize("change", SHAPED)
def test_what_a_product_names_is_in_its_loans(change: Callable[[dict[str, Any]], object]) -> None:
    """Red if a term of the contract were read and forgotten."""
    made = replace(product(change), calendar=None)
    if made.contract.calendar is not None:
        made = replace(made, calendar=calendar())
    terms = terms_of(made, grade=Grade.A1, principal_minor=100_000, months=6)
    for name in ("month_end", "remainder", "principal_grace", "business_days"):
        assert getattr(terms, name) == getattr(made.contract, name)
    assert terms.calendar == made.calendar


@pytest.mark.parametrize("text", [
    "", "[]", document(name="Town hall"), document(name=""), document(first_year=2028), document(weekend=[0]),
    document(weekend=[1, 2, 3, 4, 5, 6, 7]), document(working=["2026-05-01"]), document(holidays=["2028-01-01"]),
    document(holidays=["1 May 2026"]), document(note="x"), document(first_year=2026.0),
    document()[:-1] + ', "name": "a"}',
])  # fmt: skip
def test_what_is_no_calendar_is_refused(text: str) -> None:
    with pytest.raises(CalendarMalformed):
        calendar_from(text)


def test_a_calendar_has_one_form_whatever_the_order_of_its_days() -> None:
    one, other = calendar(), calendar(holidays=["2026-05-04", "2026-05-02", "2026-05-03", "2026-05-01"], weekend=[7, 6])
    assert canonical_calendar(one) == canonical_calendar(other)
    text, sha256 = canonical_calendar(other)
    assert parse_calendar(text, sha256) == one
    with pytest.raises(CalendarMalformed):
        parse_calendar(text, "0" * 64)
