from dataclasses import replace
from datetime import date

import pytest

from lending.domain.books.instalment import InstalmentState, instalment_state
from lending.domain.books.projection import NOT_DISBURSED
from lending.domain.origination.offer import OfferState, state_after_night

ON = date(2026, 3, 10)
RUNS = replace(NOT_DISBURSED, payoff_minor=900, due_minor=100)


@pytest.mark.parametrize(
    ("due", "left", "loan", "state"),
    [
        (date(2026, 3, 11), 500, RUNS, InstalmentState.AHEAD),
        (date(2026, 3, 11), 0, RUNS, InstalmentState.AHEAD),
        (date(2026, 3, 11), 0, replace(RUNS, payoff_minor=0), InstalmentState.PAID),
        (ON, 100, RUNS, InstalmentState.DUE),
        (ON, 0, replace(RUNS, due_minor=0), InstalmentState.PAID),
        (date(2026, 3, 9), 100, replace(RUNS, dpd=1), InstalmentState.LATE),
        (date(2026, 3, 9), 0, replace(RUNS, dpd=1), InstalmentState.LATE),
        (date(2026, 3, 8), 0, replace(RUNS, dpd=1), InstalmentState.PAID),
        (date(2026, 3, 9), 0, RUNS, InstalmentState.PAID),
    ],
)
def test_how_an_instalment_stands(due: date, left: int, loan: object, state: InstalmentState) -> None:
    """Red if an instalment counts as late before the date since which its loan is."""
    assert instalment_state(due=due, left_minor=left, loan=loan, as_of=ON) is state  # type: ignore[arg-type]


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
