"""A credit line: when it may be drawn on, and what a night makes of it."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lending.domain.origination.assessment import NO_OFFER_RULES, NoOffer, assess
from lending.domain.origination.facts import LineFacts
from lending.domain.origination.granted_limit import GrantedLimit
from lending.domain.origination.line import (
    FREEZING,
    DrawableLine,
    DrawRefusal,
    LineRefusal,
    LineState,
    judge_close,
    judge_draw,
    judge_freeze,
    judge_line,
    judge_unfreeze,
    most_at_once,
    repaid_minor,
    review,
    state_after_review,
)
from lending.domain.origination.offer import SignedTerms
from scoring.domain.calibration import Grade
from scoring.domain.policy import NotScored
from tests.conftest import NOW
from tests.lending.domain.borrowers import ON, YUAN, line_product, merchant

EVIDENCE = SignedTerms(signatory="The owner", signed_at=NOW, document_sha256="c" * 64, address="192.0.2.1")
LINE = DrawableLine(
    state=LineState.ACTIVE,
    facts=LineFacts(limit_minor=5_000 * YUAN, used_minor=1_000 * YUAN),
    minimum_minor=100 * YUAN,
    choices=(3, 6, None),
)
R = DrawRefusal


def drawn(**changes: Any) -> DrawRefusal | None:  # noqa: ANN401
    """Draw 4,000 over 6 months, as it should be, but for these changes."""
    asked = {"amount_minor": 4_000 * YUAN, "months": 6, "evidence": EVIDENCE, "payout_account_verified": True}
    line = replace(LINE, **{name: changes.pop(name) for name in DrawableLine.__slots__ if name in changes})
    return judge_draw(line, **{**asked, **changes})


def facts(limit: int, used: int) -> LineFacts:
    return LineFacts(limit_minor=limit * YUAN, used_minor=used * YUAN)


DRAWS: list[tuple[dict[str, Any], DrawRefusal | None]] = [
    ({}, None),
    ({"months": None}, None),
    ({"months": 12}, R.MONTHS_NOT_OFFERED),
    ({"amount_minor": 100 * YUAN}, None),
    ({"amount_minor": 100 * YUAN - 1}, R.AMOUNT_BELOW_MINIMUM),
    ({"amount_minor": 4_000 * YUAN + 1}, R.AMOUNT_ABOVE_FREE),
    ({"facts": facts(5_000, 4_901)}, R.NOTHING_LEFT),
    ({"facts": facts(1_000, 2_000)}, R.NOTHING_LEFT),
    ({"facts": facts(5_000, 4_900), "amount_minor": 100 * YUAN}, None),
    ({"state": LineState.FROZEN}, R.LINE_FROZEN),
    ({"state": LineState.CLOSED}, R.LINE_CLOSED),
    ({"payout_account_verified": False}, R.PAYOUT_ACCOUNT_NOT_VERIFIED),
    ({"is_verifier": True}, R.VERIFIED_THE_ACCOUNT),
    ({"evidence": replace(EVIDENCE, document_sha256="C" * 64)}, R.EVIDENCE_MALFORMED),
]


@pytest.mark.parametrize(("changes", "refused"), DRAWS)
def test_a_line_is_drawn_on_within_its_bounds_only(changes: dict[str, Any], refused: DrawRefusal | None) -> None:
    """Red if the last unit of the limit could not be drawn, or one more could."""
    assert drawn(**changes) is refused


def test_every_refusal_of_a_draw_is_shown() -> None:
    assert {refused for _, refused in DRAWS if refused} == set(DrawRefusal)


@given(st.sets(st.sampled_from([case for case in DRAWS if case[1]]).map(DRAWS.index), min_size=1))
def test_of_several_refusals_the_first_counts(chosen: set[int]) -> None:
    changes: dict[str, Any] = {}
    for number in sorted(chosen):
        changes |= DRAWS[number][0]
    alone = [drawn(**{name: value}) for name, value in changes.items()]
    assert drawn(**changes) is not None
    assert list(DrawRefusal).index(drawn(**changes)) <= min(  # type: ignore[arg-type]
        list(DrawRefusal).index(one) for one in alone if one is not None
    )


def test_whether_a_line_may_be_drawn_on_is_asked_without_an_amount() -> None:
    assert judge_line(LINE, payout_account_verified=True) is None
    assert judge_line(LINE, payout_account_verified=False) is R.PAYOUT_ACCOUNT_NOT_VERIFIED


def test_staff_freeze_unfreeze_and_close_for_a_reason() -> None:
    active, frozen, closed = LineState
    by_hand = [judge_freeze(state, frozen_for="", reason="r") for state in LineState]
    assert by_hand == [None, *[LineRefusal.NOT_ACTIVE] * 2]
    assert judge_freeze(frozen, frozen_for="SCORE_TOO_OLD", reason="r") is None, "a person's hold outlasts the review's"
    assert [judge_unfreeze(state, reason="r") for state in LineState] == [
        LineRefusal.NOT_FROZEN,
        None,
        LineRefusal.NOT_FROZEN,
    ]
    for state in (active, frozen):
        assert judge_close(state, loans=0, waiting=0, reason="r") is None
        assert judge_close(state, loans=1, waiting=1, reason="") is LineRefusal.STILL_DRAWN
        assert judge_close(state, loans=0, waiting=1, reason="") is LineRefusal.DRAW_WAITS
        assert judge_close(state, loans=0, waiting=0, reason=" ") is LineRefusal.REASON_MISSING
    assert judge_close(closed, loans=0, waiting=0, reason="r") is LineRefusal.CLOSED
    assert judge_freeze(active, frozen_for="", reason=" ") is LineRefusal.REASON_MISSING
    assert judge_unfreeze(frozen, reason=" ") is LineRefusal.REASON_MISSING


@pytest.mark.parametrize(
    ("draws", "most"),
    [
        ([], 0),
        ([(1, 5, 100), (5, 9, 100)], 100),
        ([(1, 5, 100), (4, 9, 70), (6, 7, 20)], 170),
        ([(3, 3, 900)] * 12, 0),
    ],
)
def test_what_draws_owed_at_once_is_no_turnover(draws: list[tuple[int, int, int]], most: int) -> None:
    """Red if the same amount drawn and repaid over and over adds up, or one repaid on its day counts."""
    dated = [(date(2026, 3, first), date(2026, 3, end), minor) for first, end, minor in draws]
    assert most_at_once(dated) == most


def reviewed(limit: int, *, used: int = 0, nights: int = 1, **changes: Any) -> list[int]:  # noqa: ANN401
    """Review a line of a merchant who may owe 25,000 in all, on nights in a row; give its limit after each."""
    found, line = [], GrantedLimit(limit_minor=limit * YUAN)
    for night in range(nights):
        when = ON + timedelta(night)
        case = assess(merchant(on=when, as_of=when, **changes), line_product(), NO_OFFER_RULES)
        line = review(line, case, used_minor=used * YUAN).limit
        assert review(line, case, used_minor=used * YUAN).limit == line, "reviewed again, it stays"
        found.append(line.limit_minor // YUAN)
    return found


def test_a_limit_is_cut_at_once_for_what_is_undrawn_and_never_below_what_is_drawn() -> None:
    assert reviewed(30_000) == [25_000]
    assert reviewed(40_000, used=28_000, outstanding_minor=28_000 * YUAN) == [28_000]


def test_what_is_owed_otherwise_leaves_less_for_the_line() -> None:
    """Red if a term loan beside the line were lent a second time."""
    assert reviewed(20_000, used=2_000, outstanding_minor=12_000 * YUAN) == [15_000]


def test_a_limit_is_raised_when_more_was_possible_for_seven_nights() -> None:
    assert reviewed(20_000, nights=7) == [20_000] * 6 + [25_000]
    assert reviewed(23_000, nights=8) == [23_000] * 8, "less than a tenth more"


def test_without_a_computed_limit_a_line_stays_and_is_frozen() -> None:
    for changes, reason in (
        ({"grade": Grade.D}, NoOffer.GRADE_TOO_LOW),
        ({"not_scored": NotScored.TOO_YOUNG, "needed": 1}, NoOffer.NOT_SCORED),
    ):
        found = review(
            GrantedLimit(limit_minor=9),
            assess(merchant(**changes), line_product(), NO_OFFER_RULES),
            used_minor=5,
        )
        assert (found.limit, found.freezes) == (GrantedLimit(limit_minor=9), reason)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"days_past_due": 1}, NoOffer.PAST_DUE),
        ({"as_of": ON - timedelta(9)}, NoOffer.SCORE_TOO_OLD),
        ({"outstanding_minor": 24_500 * YUAN}, None),
        ({"sales_basis_minor": 500 * YUAN}, NoOffer.LIMIT_BELOW_MINIMUM),
    ],
)
def test_a_line_is_frozen_while_its_merchant_would_have_none(changes: dict[str, Any], reason: NoOffer | None) -> None:
    """Red if a merchant froze its own line by drawing all of it."""
    case = assess(merchant(**changes), line_product(), NO_OFFER_RULES)
    assert review(GrantedLimit(limit_minor=100 * YUAN), case, used_minor=0).freezes is reason
    assert reason is None or reason in FREEZING


def test_a_review_ends_only_what_a_review_began() -> None:
    """Red if a review unfroze what a person froze."""
    active, frozen, closed = LineState
    late = NoOffer.PAST_DUE
    assert state_after_review(active, frozen_for="", freezes=None) == (active, "")
    assert state_after_review(active, frozen_for="", freezes=late) == (frozen, "PAST_DUE")
    assert state_after_review(frozen, frozen_for="PAST_DUE", freezes=None) == (active, "")
    assert state_after_review(frozen, frozen_for="GATE_FAILED", freezes=late) == (frozen, "PAST_DUE")
    for freezes in (None, late):
        assert state_after_review(frozen, frozen_for="", freezes=freezes) == (frozen, "")
        assert state_after_review(closed, frozen_for="", freezes=freezes) == (closed, "")


@given(st.integers(0, 100), st.integers(0, 100), st.integers(1, 50), st.integers(0, 100))
def test_a_line_climbs_the_ladder_once_it_was_turned_over(less: int, more: int, agreed: int, limit: int) -> None:
    """Red if the first small draw that is repaid lowered what its merchant may borrow, or further ones did."""
    low, high = (
        repaid_minor(repaid_on_time_minor=repaid, agreed_minor=agreed, limit_minor=limit)
        for repaid in sorted((less, more))
    )
    assert low <= high <= max(agreed, limit)
    assert low == 0 or low >= agreed
