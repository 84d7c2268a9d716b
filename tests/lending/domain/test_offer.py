from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lending.domain.origination.assessment import NO_OFFER_RULES, NO_OFFER_RULES_3, NoOffer, assess
from lending.domain.origination.eligibility import Ineligible
from lending.domain.origination.facts import Hold, MerchantFacts
from lending.domain.origination.granted_limit import GrantedLimit
from lending.domain.origination.limit import Cap
from lending.domain.origination.no_offer import Measure, NoOfferExplanation, Threshold, explain_no_offer
from lending.domain.origination.offer import (
    AcceptanceRefusal,
    Offered,
    OfferState,
    SignedTerms,
    expires_on,
    judge_acceptance,
    may_become,
)
from scoring.domain.calibration import Grade
from scoring.domain.policy import Gate, NotScored
from tests.lending.domain.borrowers import ON, YUAN, day_one, merchant, merchants, product

OFFERED = Offered(
    state=OfferState.DELIVERED,
    expires_on=ON + timedelta(30),
    minimum_minor=1_000 * YUAN,
    most_by_months={1: 0, 2: 10_000 * YUAN, 3: 25_000 * YUAN, 4: 25_000 * YUAN},
)
EVIDENCE = SignedTerms(
    signatory="Li Na", signed_at=datetime(2026, 3, 2, 9, tzinfo=UTC), document_sha256="c" * 64, address="203.0.113.7"
)
OPEN = {OfferState.MADE, OfferState.DELIVERED}
R = AcceptanceRefusal


def accepted(**changes: Any) -> AcceptanceRefusal | None:  # noqa: ANN401
    """Accept 20,000 for 4 months, as it should be, but for these changes."""
    asked = {
        "on": ON,
        "amount_minor": 20_000 * YUAN,
        "months": 4,
        "evidence": EVIDENCE,
        "payout_account_verified": True,
    }
    offered = replace(OFFERED, **{name: changes.pop(name) for name in Offered.__slots__ if name in changes})
    return judge_acceptance(offered, **{**asked, **changes})


ACCEPTANCES: list[tuple[dict[str, Any], AcceptanceRefusal | None]] = [
    ({}, None),
    ({"state": OfferState.MADE}, None),
    ({"state": OfferState.ACCEPTED}, R.NOT_OPEN),
    ({"state": OfferState.WITHDRAWN}, R.NOT_OPEN),
    ({"on": ON + timedelta(29)}, None),
    ({"on": ON + timedelta(30)}, R.EXPIRED),
    ({"months": 0}, R.MONTHS_OUT_OF_RANGE),
    ({"months": 5}, R.MONTHS_OUT_OF_RANGE),
    ({"amount_minor": 100_000 - 1}, R.AMOUNT_BELOW_MINIMUM),
    ({"amount_minor": 100_000}, None),
    ({"amount_minor": 25_000 * YUAN}, None),
    ({"amount_minor": 25_000 * YUAN + 1}, R.AMOUNT_ABOVE_LIMIT),
    ({"amount_minor": 10_000 * YUAN, "months": 2}, None),
    ({"amount_minor": 10_000 * YUAN + 1, "months": 2}, R.INSTALMENTS_TOO_LARGE),
    ({"amount_minor": 1_000 * YUAN, "months": 1}, R.INSTALMENTS_TOO_LARGE),
    ({"evidence": None}, R.EVIDENCE_MISSING),
    ({"evidence": replace(EVIDENCE, document_sha256="c" * 63)}, R.EVIDENCE_MALFORMED),
    ({"evidence": replace(EVIDENCE, signatory="")}, R.EVIDENCE_MALFORMED),
    ({"evidence": replace(EVIDENCE, address="")}, R.EVIDENCE_MALFORMED),
    ({"payout_account_verified": False}, R.PAYOUT_ACCOUNT_NOT_VERIFIED),
    ({"is_verifier": True}, R.VERIFIED_THE_ACCOUNT),
    ({"has_line": True}, R.LINE_OPEN),
]


@pytest.mark.parametrize(("changes", "refused"), ACCEPTANCES)
def test_an_offer_is_accepted_within_its_bounds_only(
    changes: dict[str, Any], refused: AcceptanceRefusal | None
) -> None:
    """Red if the last day is one too many, or an amount above the term's most passes."""
    assert accepted(**changes) is refused


@given(st.sets(st.sampled_from([case for case in ACCEPTANCES if case[1]]).map(ACCEPTANCES.index), min_size=1))
def test_of_several_refusals_the_first_counts(chosen: set[int]) -> None:
    """Changes of the same argument replace each other, so the last one of each is what is wrong."""
    changes: dict[str, Any] = {}
    for number in sorted(chosen):
        changes |= ACCEPTANCES[number][0]
    alone = [
        refused
        for number, (change, refused) in enumerate(ACCEPTANCES)
        if number in chosen and refused and all(changes[name] == value for name, value in change.items())
    ]
    assert accepted(**changes) is min(alone, key=list(AcceptanceRefusal).index)


def test_every_refusal_of_an_acceptance_is_shown() -> None:
    assert {refused for _, refused in ACCEPTANCES if refused} == set(AcceptanceRefusal)


@pytest.mark.parametrize("before", OfferState)
@pytest.mark.parametrize("after", OfferState)
def test_an_offer_leaves_the_open_states_once(before: OfferState, after: OfferState) -> None:
    forwards = {OfferState.MADE: set(OfferState) - {OfferState.MADE}, OfferState.DELIVERED: set(OfferState) - OPEN}
    assert may_become(before, after) is (after in forwards.get(before, set()))


def test_an_offer_stands_for_the_days_of_its_product() -> None:
    assert expires_on(day_one(), made_on=date(2026, 2, 27)) == date(2026, 3, 29)


def of(measure: Measure, have: int, need: int) -> Threshold:
    return Threshold(measure=measure, have=have, need=need)


WITHOUT: list[tuple[dict[str, object], NoOffer, object, Threshold | None]] = [
    (
        {"not_scored": NotScored.FEW_ORDERS, "needed": 3},
        NoOffer.NOT_SCORED,
        NotScored.FEW_ORDERS,
        of(Measure.ORDERS, 7, 10),
    ),
    (
        {"not_scored": NotScored.NO_RECENT_SALE, "needed": 1},
        NoOffer.NOT_SCORED,
        NotScored.NO_RECENT_SALE,
        of(Measure.RECENT_SALES, 0, 1),
    ),
    (
        {"not_scored": NotScored.TOO_YOUNG, "needed": 30},
        NoOffer.NOT_SCORED,
        NotScored.TOO_YOUNG,
        of(Measure.DAYS_SINCE_FIRST_SALE, 60, 90),
    ),
    ({"as_of": ON - timedelta(9)}, NoOffer.SCORE_TOO_OLD, None, of(Measure.SCORE_AGE_DAYS, 9, 8)),
    (
        {"gates": (Gate.DISPUTES, Gate.TENURE), "tenure_months": 4},
        NoOffer.GATE_FAILED,
        Gate.TENURE,
        of(Measure.TENURE_MONTHS, 4, 6),
    ),
    (
        {"gates": (Gate.RECENCY,), "recency_days": 40},
        NoOffer.GATE_FAILED,
        Gate.RECENCY,
        of(Measure.DAYS_SINCE_LAST_SALE, 40, 30),
    ),
    (
        {"gates": (Gate.DISPUTES,), "disputes_bps": 150},
        NoOffer.GATE_FAILED,
        Gate.DISPUTES,
        of(Measure.DISPUTES_BPS, 150, 149),
    ),
    ({"gates": (Gate.RECENCY,), "recency_days": None}, NoOffer.GATE_FAILED, Gate.RECENCY, None),
    ({"grade": Grade.C2, "score": 400}, NoOffer.GRADE_TOO_LOW, None, of(Measure.SCORE, 400, 422)),
    ({"grade": None, "cut_off": None}, NoOffer.GRADE_TOO_LOW, None, None),
    ({"region": "Hubei"}, NoOffer.NOT_ELIGIBLE, Ineligible.REGION, None),
    ({"tenure_months": None}, NoOffer.NOT_ELIGIBLE, Ineligible.TENURE, of(Measure.TENURE_MONTHS, 0, 9)),
    ({"score": 430}, NoOffer.NOT_ELIGIBLE, Ineligible.SCORE, of(Measure.SCORE, 430, 450)),
    ({"days_past_due": 4}, NoOffer.PAST_DUE, None, of(Measure.DAYS_PAST_DUE, 4, 0)),
    ({"hold": Hold.FREEZE}, NoOffer.DRAWS_HELD, None, None),
    ({"hold": Hold.NO_OFFER}, NoOffer.CREDIT_HELD, None, None),
    (
        {"sales_basis_minor": 1_500 * YUAN},
        NoOffer.LIMIT_BELOW_MINIMUM,
        Cap.LADDER,
        of(Measure.AMOUNT_MINOR, 750 * YUAN, 1_000 * YUAN),
    ),
    ({"line": GrantedLimit(limit_minor=0)}, NoOffer.RAISE_PENDING, None, of(Measure.NIGHTS, 1, 7)),
    (
        {"line": GrantedLimit(limit_minor=500, higher_since=ON - timedelta(4), sustained_minor=200_000)},
        NoOffer.RAISE_PENDING,
        None,
        of(Measure.NIGHTS, 5, 7),
    ),
    (
        {"outstanding_minor": 24_500 * YUAN},
        NoOffer.NO_ROOM_LEFT,
        None,
        of(Measure.AMOUNT_MINOR, 500 * YUAN, 1_000 * YUAN),
    ),
]
PICKY = {"regions": ["Zhejiang"], "tenure_months": 9, "score": 450}


@pytest.mark.parametrize(("changes", "reason", "cause", "threshold"), WITHOUT)
def test_whoever_has_no_offer_is_told_why_and_what_comes_next(
    changes: dict[str, object], reason: NoOffer, cause: object, threshold: Threshold | None
) -> None:
    sold = product(lambda data: data["eligibility"].update(PICKY))
    case = assess(merchant(**changes), sold, NO_OFFER_RULES_3)  # type: ignore[arg-type]
    found = explain_no_offer(case)
    assert found == NoOfferExplanation(reason=reason, cause=cause, threshold=threshold)  # type: ignore[arg-type]
    assert type(found.cause) is type(cause), "texts of two enums may be equal"
    assert case.no_offer is reason


def test_every_reason_is_shown_and_asked_in_the_order_of_the_enum() -> None:
    """That the calendar ends is shown in test_calendars.py: the first product has none."""
    assert {reason for _, reason, _, _ in WITHOUT} == set(NoOffer) - {NoOffer.CALENDAR_ENDS}
    assert [reason for reason, _ in NO_OFFER_RULES_3] == list(NoOffer)
    assert {cause for _, _, cause, _ in WITHOUT if isinstance(cause, NotScored)} == set(NotScored)
    assert {cause for _, _, cause, _ in WITHOUT if isinstance(cause, Gate)} == set(Gate)


def test_whoever_has_an_offer_needs_no_explanation() -> None:
    case = assess(merchant(), day_one(), NO_OFFER_RULES)
    assert (explain_no_offer(case), case.no_offer) == (None, None)
    assert case.free_minor == case.granted_minor == 25_000 * YUAN
    assert case.granted == GrantedLimit(limit_minor=25_000 * YUAN)


@given(merchants)
def test_an_offer_is_never_below_the_minimum_nor_above_limit_and_line(facts: MerchantFacts) -> None:
    """Red if a line is not cut when the limit falls, or what is outstanding is lent a second time."""
    case = assess(facts, day_one(), NO_OFFER_RULES)
    explained = explain_no_offer(case)
    assert (explained is None) is (case.no_offer is None)
    if case.no_offer is None:
        assert case.limit is not None
        assert case.free_minor >= 1_000 * YUAN
        assert case.free_minor + facts.exposure.outstanding_minor == case.granted_minor <= case.limit.limit_minor
        assert facts.exposure.days_past_due == 0
        assert not facts.score.gates
    else:
        holding = [reason for reason, holds in NO_OFFER_RULES if holds(case)]
        assert case.no_offer is holding[0]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"line": GrantedLimit(limit_minor=9_000 * YUAN)}, 9_000 * YUAN),
        ({"line": GrantedLimit(limit_minor=90_000 * YUAN)}, 25_000 * YUAN),
        ({"line": GrantedLimit(limit_minor=90_000 * YUAN), "grade": Grade.D}, 0),
        ({"line": GrantedLimit(limit_minor=90_000 * YUAN), "not_scored": NotScored.TOO_YOUNG, "needed": 1}, 0),
        ({"line": GrantedLimit(limit_minor=9_000 * YUAN), "days_past_due": 3}, 9_000 * YUAN),
    ],
)
def test_a_refusal_leaves_the_line_and_a_lower_limit_cuts_it(changes: dict[str, object], line: int) -> None:
    assert assess(merchant(**changes), day_one(), NO_OFFER_RULES).granted_minor == line  # type: ignore[arg-type]
