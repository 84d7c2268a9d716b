"""Compute how a loan at rest stands on a later date: until it turns, it is a straight line.

`lending.queries.at_rest` spells the same formula in SQL.
"""

from datetime import date
from typing import NamedTuple

from config.kernel.calendar import day_number
from config.kernel.daycount import place_of
from lending.domain.books.ledger import Position
from lending.domain.books.projection import AccrualCarry, position_of
from lending.domain.contract.accrual import Accrual
from lending.domain.contract.replay import Replayed
from lending.domain.contract.state import read_amounts


class Standing(NamedTuple):
    """How a loan stands on a date: its position, what is due and unpaid, how late it is and was; minor units, days.

    as_of: None for a loan whose money is not out.
    """

    as_of: date | None
    position: Position
    due_minor: int
    dpd: int
    worst_dpd: int


class RestingLoan(NamedTuple):
    """A loan as its row has it: as of `booked_to`, which is its last event or turn.

    late_since: as of `lending.domain.contract.state`. next_due: None from the last due date on.
    """

    booked_to: date
    position: Position
    carry: AccrualCarry
    due_minor: int
    late_since: date | None
    worst_dpd: int
    next_due: date | None
    turns_on: date | None
    turn_fee_minor: int

    def as_of(self, day: date) -> Standing:
        """Return how it stands on a day that is not after its next turn, or on the date it is booked to if later.

        On the day of the turn itself what falls due or turns late then is not yet counted; what was earned is.
        """
        day = max(day, self.booked_to)
        accrual = _accrual(self)
        if self.carry.day_count is not None and day > self.booked_to:
            accrual.advance(place_of(self.carry.day_count, day_number(day)))
        fee = self.turn_fee_minor if self.turns_on is not None and day >= self.turns_on else 0
        position = self.position._replace(
            interest_minor=accrual.interest_minor(),
            penalty_minor=accrual.penalty_minor(),
            fees_minor=self.position.fees_minor + fee,
        )
        due = self.due_minor + position.penalty_minor - self.position.penalty_minor
        if self.next_due is None:  # past the last due date interest is due as it accrues
            due += position.interest_minor - self.position.interest_minor
        dpd = 0 if self.late_since is None else max(0, (day - self.late_since).days)
        return Standing(as_of=day, position=position, due_minor=due, dpd=dpd, worst_dpd=max(self.worst_dpd, dpd))


def standing_by_events(replayed: Replayed, *, on: date) -> Standing:
    """Return how a loan stands on a date by a replay: what its row says of it until it turns."""
    account = replayed.account(on)
    if account is None:
        return Standing(as_of=None, position=Position(), due_minor=0, dpd=0, worst_dpd=0)
    state = read_amounts(account)
    return Standing(
        as_of=on,
        position=position_of(state, [event for event in replayed.standing if event.on <= on]),
        due_minor=state.due_minor,
        dpd=state.dpd,
        worst_dpd=state.worst_dpd,
    )


def _accrual(loan: RestingLoan) -> Accrual:
    carry = loan.carry
    return Accrual(
        at=carry.place,
        principal=loan.position.principal_minor,
        overdue=carry.overdue_minor,
        rate=carry.rate_numerator,
        interest=carry.interest_numerator,
        penalty=carry.penalty_numerator,
        year=carry.denominator,
        extra=carry.extra,
        extra_scale=carry.extra_scale,
    )
