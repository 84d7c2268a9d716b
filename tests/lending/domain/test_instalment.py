from datetime import date

import pytest

from lending.domain.books.instalment import InstalmentState, instalment_state, left_with_interest
from lending.domain.books.projection import NOT_DISBURSED, project
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.replay import replay
from lending.domain.contract.terms import parse_terms
from lending.domain.origination.offer import OfferState, state_after_night
from tests.lending.books import standard_terms

ON = date(2026, 3, 10)
RUNS = NOT_DISBURSED._replace(payoff_minor=900, due_minor=100)


@pytest.mark.parametrize(
    ("due", "left", "loan", "state"),
    [
        (date(2026, 3, 11), 500, RUNS, InstalmentState.AHEAD),
        (date(2026, 3, 11), 0, RUNS, InstalmentState.AHEAD),
        (date(2026, 3, 11), 0, RUNS._replace(payoff_minor=0), InstalmentState.PAID),
        (ON, 100, RUNS, InstalmentState.DUE),
        (ON, 0, RUNS._replace(due_minor=0), InstalmentState.PAID),
        (date(2026, 3, 9), 100, RUNS._replace(dpd=1), InstalmentState.LATE),
        (date(2026, 3, 9), 0, RUNS._replace(dpd=1), InstalmentState.LATE),
        (date(2026, 3, 8), 0, RUNS._replace(dpd=1), InstalmentState.PAID),
        (date(2026, 3, 9), 0, RUNS, InstalmentState.PAID),
    ],
)
def test_how_an_instalment_stands(due: date, left: int, loan: object, state: InstalmentState) -> None:
    """Red if an instalment counts as late before the date since which its loan is."""
    assert instalment_state(due=due, left_minor=left, loan=loan, as_of=ON) is state  # type: ignore[arg-type]


def test_the_next_instalment_has_left_what_will_fall_due_with_it() -> None:
    """Red if a prepayment, which lowers what will accrue, left the next instalment as it was quoted."""
    events = [
        LoanEvent(id="1", on=date(2026, 1, 10), type=EventType.DISBURSEMENT, amount_minor=1_200_000),
        LoanEvent(id="2", on=date(2026, 1, 20), type=EventType.REPAYMENT, amount_minor=300_000),
    ]
    replayed = replay(parse_terms({**standard_terms(), "principal_minor": 1_200_000, "periods": 6}), events)
    projection = project(replayed, as_of=date(2026, 1, 25))
    left = left_with_interest(replayed.schedule, projection)
    following = next(row for row, drawn in enumerate(replayed.schedule) if drawn.due == projection.next_due)
    drawn, principal = replayed.schedule[following], projection.left_minor[following]
    assert left[following] == projection.next_due_minor < principal + drawn.interest_minor


@pytest.mark.parametrize(
    ("expires_on", "anew", "same", "state"),
    [
        (date(2026, 3, 11), True, True, None),
        (date(2026, 3, 11), True, False, OfferState.REPLACED),
        (date(2026, 3, 11), False, False, OfferState.WITHDRAWN),
        (ON, True, True, OfferState.EXPIRED),
    ],
)
def test_what_a_night_makes_of_an_open_offer(
    expires_on: date,
    anew: bool,  # noqa: FBT001 - a case of the table
    same: bool,  # noqa: FBT001 - a case of the table
    state: OfferState | None,
) -> None:
    assert state_after_night(expires_on=expires_on, on=ON, anew=anew, same=same) is state
