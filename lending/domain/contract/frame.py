"""What never changes on a loan once it is disbursed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Final

from config.kernel.calendar import day_number
from config.kernel.exact import decimals_of
from lending.domain.contract.periods import FlatInterest, Places, places_of
from lending.domain.contract.schedule import Instalment, deferred_interest, draw_flat_interest
from lending.domain.contract.terms import (
    DEFAULT_WATERFALL,
    Direction,
    InterestCharged,
    InterestMethod,
    MaturedInterest,
    PenaltyOn,
    Step,
    Terms,
)

NEVER: Final = 10**9
"""A day after every date."""
NEVER_OPEN: Final = frozenset({Step.DUE_PENALTY, Step.IN_ADVANCE_PENALTY})
"""All penalty is past due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What never changes on a loan once it is disbursed, but for a further tranche. Days are numbers since 1970-01-01.

    dues, ripe_days: of each instalment, when it is due and when its grace ends, closed by NEVER. ends: on which days
    interest falls due. interest_from: the instalment with which it begins to. deferred: how much of the
    interest to each due date falls due with later ones; [] for none. decimals: the most of any rate that the
    loan ever has. steps: those of the waterfall in which anything can be open, as positions in the default one.
    is_horizontal: whether a payment walks instalment by instalment. scheduled: all interest, where it is charged as
    drawn; None where it accrues. stops: whether none accrues after the last due date. is_penalised_whole: whether
    overdue interest costs a penalty, too.
    """

    terms: Terms
    opened: int
    dues: list[int]
    ripe_days: list[int]
    ends: list[int]
    last_due: int
    interest_from: int
    deferred: list[int]
    places: Places
    flat: FlatInterest | None
    decimals: int
    steps: tuple[int, ...]
    is_horizontal: bool
    scheduled: int | None
    stops: bool
    is_penalised_whole: bool


def frame_of(terms: Terms, schedule: Sequence[Instalment], *, on: date, rates: Iterable[Decimal]) -> Frame:
    """Build the frame of a loan disbursed on a date; `rates` are those of its events."""
    dues = [day_number(instalment.due) for instalment in schedule]
    ripe_days = [due + terms.grace_days for due in dues]
    opened = day_number(on)
    return Frame(
        terms=terms,
        opened=opened,
        dues=[*dues, NEVER],
        ripe_days=[*ripe_days, NEVER],
        ends=dues,
        last_due=dues[-1],
        interest_from=terms.interest_grace and terms.interest_grace + (dues[0] == opened),
        deferred=deferred_interest(terms, schedule, on=on),
        places=places_of(terms, on),
        flat=_charged_interest(terms, schedule, on),
        decimals=max(map(decimals_of, [terms.rate, *rates])),
        steps=_steps(terms.waterfall),
        is_horizontal=terms.direction is Direction.HORIZONTAL,
        scheduled=_scheduled_interest(terms, schedule),
        stops=terms.matured_interest is MaturedInterest.STOPS,
        is_penalised_whole=terms.penalty_on is PenaltyOn.INSTALMENT,
    )


@cache
def _steps(waterfall: tuple[Step, ...]) -> tuple[int, ...]:
    return tuple(DEFAULT_WATERFALL.index(step) for step in waterfall if step not in NEVER_OPEN)


def _scheduled_interest(terms: Terms, schedule: Sequence[Instalment]) -> int | None:
    is_scheduled = terms.interest_charged is InterestCharged.AS_SCHEDULED
    return sum(row.interest_minor for row in schedule) if is_scheduled else None


def _charged_interest(terms: Terms, schedule: Sequence[Instalment], on: date) -> FlatInterest | None:
    """Return the interest of each period where it does not depend on what is outstanding; None where it does."""
    is_scheduled = terms.interest_charged is InterestCharged.AS_SCHEDULED
    if not is_scheduled and terms.interest is not InterestMethod.FLAT:
        return None
    rows = [instalment for instalment in schedule if instalment.due > on]
    charged = [row.interest_minor for row in rows] if is_scheduled else draw_flat_interest(terms, on=on)
    return FlatInterest([day_number(on), *(day_number(row.due) for row in rows)], charged)
