"""Accrue many loans at once over days on which none falls due, becomes late or leaves its grace period."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

import numpy as np

from config.kernel.calendar import day_number
from config.kernel.daycount import YEAR_UNITS, DayCount, units_at
from config.kernel.exact import decimals_of, scaled
from lending.domain.books.ledger import Position
from lending.domain.books.projection import AccrualCarry, Projection
from lending.domain.contract.accrual import DAY_COUNTS, Accrual, GraceEnds, advance_column, as_column, minor_to_date

_EMPTY: Final = np.empty(0, np.int64)
NO_GRACE_ENDS: Final = GraceEnds(rows=_EMPTY, days=_EMPTY, principal=_EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanAccrualState:
    """A loan on the date its books reach; day_count and penalty_multiple_extra are its terms'."""

    booked_to: date
    day_count: DayCount
    penalty_multiple_extra: Decimal
    position: Position
    carry: AccrualCarry
    due_minor: int
    dpd: int
    next_due: date | None


def advance_accruals(loans: Sequence[LoanAccrualState], *, to: date) -> list[LoanAccrualState]:
    """Accrue loans up to a date that is before any of their `replay_on`, and not before any of their `booked_to`.

    A late loan is a day later for each day; what is due grows by the penalty.
    """
    if not loans:
        return []
    codes = np.array([DAY_COUNTS.index(loan.day_count) for loan in loans], np.int64)
    column = as_column([_accrual(loan) for loan in loans])
    moved = advance_column(column, day_counts=codes, to_day=day_number(to), grace_ends=NO_GRACE_ENDS)
    interest, penalty = (part.tolist() for part in minor_to_date(moved))
    sums = zip(moved.interest.tolist(), moved.penalty.tolist(), strict=True)
    found = []
    for loan, earned, fined, (interest_sum, penalty_sum) in zip(loans, interest, penalty, sums, strict=True):
        position = replace(loan.position, interest_minor=earned, penalty_minor=fined)
        found.append(
            replace(
                loan,
                booked_to=to,
                position=position,
                carry=replace(loan.carry, interest_numerator=interest_sum, penalty_numerator=penalty_sum),
                due_minor=loan.due_minor + fined - loan.position.penalty_minor,
                dpd=loan.dpd + (to - loan.booked_to).days if loan.dpd else 0,
            )
        )
    return found


def turned(loan: LoanAccrualState, projection: Projection, *, to: date) -> LoanAccrualState:
    """Take a loan's state from its replay as of a date on which something fell due, became late or left its grace."""
    return replace(
        loan,
        booked_to=to,
        position=projection.position,
        carry=projection.carry,
        due_minor=projection.due_minor,
        dpd=projection.dpd,
        next_due=projection.next_due,
    )


def _accrual(loan: LoanAccrualState) -> Accrual[int]:
    decimals, carry = decimals_of(loan.penalty_multiple_extra), loan.carry
    [at] = units_at(np.array([day_number(loan.booked_to)], np.int64), loan.day_count).tolist()
    return Accrual(
        at=at,
        principal=loan.position.principal_minor,
        overdue=carry.overdue_minor,
        rate=carry.rate_numerator,
        interest=carry.interest_numerator,
        penalty=carry.penalty_numerator,
        year=10**carry.rate_decimals * YEAR_UNITS[loan.day_count],
        extra=scaled(loan.penalty_multiple_extra, decimals),
        extra_scale=10**decimals,
    )
