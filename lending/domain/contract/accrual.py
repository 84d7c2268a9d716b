"""Accrue interest and penalty of one loan: the only place for both in Python.

Interest to date is X(D) = sum over the days t before D of principal outstanding after the events of t x rate x
dcf(t, t + 1): simple interest, cumulative, an exact fraction that is rounded once, when it is read. It is kept as
its numerator over one denominator a loan, 10**(decimals of its rates) x the units of a year: so a day that is
skipped is caught up, and a day closed twice adds nothing. The penalty is the same sum over overdue principal; its
multiple is applied when it is read. `lending.queries.at_rest` spells the same in SQL.
"""

from dataclasses import dataclass
from typing import Final

from config.kernel.exact import INT64_MAX, half_even

FAR: Final = 2**40
"""Units after every date."""


@dataclass(kw_only=True)
class Accrual:
    """What accrues on one loan.

    at: the day reached, in units of its day count (see units_at). principal: what is outstanding, overdue: what of
    it is past its grace, minor units. rate: a year's, as a numerator over 10**decimals. interest, penalty: sums of
    balance x rate x units. year: their denominator. extra over extra_scale: the penalty's multiple of the rate.
    """

    at: int
    principal: int
    overdue: int
    rate: int
    interest: int
    penalty: int
    year: int
    extra: int
    extra_scale: int

    def fork(self) -> "Accrual":
        """Copy it, so that one of the two may continue."""
        forked: Accrual = object.__new__(Accrual)
        forked.__dict__.update(self.__dict__)  # as an account is forked
        return forked

    def advance(self, to: int) -> None:
        """Let the days up to a later place pass; principal, overdue and rate hold for all of them."""
        passed = self.rate * (to - self.at)
        self.interest += self.principal * passed
        self.penalty += self.overdue * passed
        self.at = to

    def end_grace(self, principal: int) -> None:
        """Let principal pass its grace on the day reached."""
        self.overdue += principal

    def interest_minor(self) -> int:
        """Return the interest to date, rounded once."""
        return half_even(self.interest, self.year)

    def penalty_minor(self) -> int:
        """Return the penalty to date, rounded once."""
        return half_even(self.penalty * self.extra, self.year * self.extra_scale)

    def fits_to(self) -> int:
        """Return the last place up to which both are computed within 64 bits; a past one if there is none.

        Up to there 2 x numerator + denominator and 2 x denominator, which rounding needs, stay below 2**63.
        """
        scale = self.year * self.extra_scale
        interest = (INT64_MAX - self.year) // 2 - self.interest
        penalty = (INT64_MAX - scale) // 2 // max(1, self.extra) - self.penalty
        if 2 * scale > INT64_MAX or min(interest, penalty) < 0:
            return self.at - 1
        growth = ((interest, self.rate * self.principal), (penalty, self.rate * self.overdue))
        units = min([FAR, *(left // a_unit for left, a_unit in growth if a_unit)])
        return self.at + (units or -1)
