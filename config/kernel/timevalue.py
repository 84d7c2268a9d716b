"""Time value of money: present values, the rate that makes flows even, and level payments.

Amounts are whole or decimal, of any unit; times are in years or periods. Results are Decimals of DIGITS digits:
measures of money, to be rounded where they become money.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import partial
from typing import Final

Flow = tuple[Fraction, Decimal | int]
"""A time, and an amount: above 0 what is received, below 0 what is paid."""
Worth = Callable[[Decimal], tuple[Decimal, Decimal]]
"""Gives, for a growth u = ln(1 + rate), what something is worth, and how fast that rises with u."""
MOST_GROWTH: Final = 512
"""Of ln(1 + X): a borrowed cent repaid as three the next day is at 402."""
DIGITS: Final = 30
MOST_STEPS: Final = 100
WIDER: Final = Decimal("1.25")
"""Two roots of which one is less than this times the other may both be overlooked."""


class NoRate(ValueError):
    """No rate makes these flows even."""


def present_value(flows: Sequence[Flow], rate: Decimal) -> Decimal:
    """Discount each flow by (1 + rate)**-time, and add them up; rate: above -1."""
    with localcontext(prec=DIGITS):
        return _worth(flows, (1 + rate).ln())[0]


def effective_rate(flows: Sequence[Flow]) -> Decimal:
    """Solve for the rate at which the present value of the flows is 0, right to the twelfth decimal at least.

    After one advance and repayments there is one; flows that change their sign more often may have several, of which
    one is found. Raises NoRate.
    """
    return solve_rate(partial(_worth, flows))


def solve_rate(worth: Worth) -> Decimal:
    """Solve for a rate at which something is worth 0, right to the twelfth decimal at least. Raises NoRate.

    Newton's step is taken where it stays between two bounds of different signs, else their middle: every step narrows
    them, and near the root each doubles the number of right digits.
    """
    balance, _ = worth(Decimal(0))
    if not balance:
        return Decimal(0)
    bound = _bound_of(worth, is_above=balance > 0)
    low, high = sorted((Decimal(0), bound))
    low_is_above = (balance > 0) == (low == 0)
    digits = DIGITS + max(int(bound), 0) // 2  # e**u has fewer than u / 2 digits before its point
    with localcontext(prec=digits):
        guess, near = bound, Decimal(10) ** -(digits // 2)
        for _ in range(MOST_STEPS):
            value, slope = worth(guess)
            low, high = (guess, high) if (value > 0) == low_is_above else (low, guess)
            newton = guess - value / slope if slope else bound * 2
            before, guess = guess, newton if low <= newton <= high else (low + high) / 2
            if abs(guess - before) < near:
                break
        return guess.exp() - 1


def _bound_of(worth: Worth, *, is_above: bool) -> Decimal:
    """Widen a growth until what is worth more than 0 without growth (is_above) is not, or the other way round.

    First towards the side where a borrower's rate lies, whose flows are worth more the higher it is.
    """
    bound = Decimal(-1 if is_above else 1) / 8
    while abs(bound) <= MOST_GROWTH:
        for side in (bound, -bound):
            if (worth(side)[0] > 0) != is_above:
                return side
        bound *= WIDER
    message = "no yearly rate makes these flows even"
    raise NoRate(message)


def _worth(flows: Sequence[Flow], growth: Decimal) -> tuple[Decimal, Decimal]:
    """Return the sum of the discounted flows, and how fast it rises with the growth ln(1 + X)."""
    value = slope = Decimal(0)
    for time, amount in flows:
        years = Decimal(time.numerator) / time.denominator
        part = amount * (-growth * years).exp()
        value += part
        slope -= part * years
    return value, slope


@dataclass(frozen=True, slots=True, kw_only=True)
class Annuity:
    """Level payments at the end of each period, or at its beginning (in_advance); rate: of a period, above -1.

    Money received is above 0, money paid below. All of it comes to nothing at the end of the last period:
    present x (1 + rate)**periods + payment x (their future values) + future = 0.
    """

    rate: Decimal
    periods: Decimal
    in_advance: bool = False

    def future(self, payment: Decimal, present: Decimal) -> Decimal:
        """Return what is received at the end."""
        with localcontext(prec=DIGITS):
            growth, sum_of_growths = self._growths()
            return -(present * growth + payment * sum_of_growths)

    def present(self, payment: Decimal, future: Decimal) -> Decimal:
        """Return what is received at the beginning."""
        with localcontext(prec=DIGITS):
            growth, sum_of_growths = self._growths()
            return -(future + payment * sum_of_growths) / growth

    def payment(self, present: Decimal, future: Decimal) -> Decimal:
        """Return each payment."""
        with localcontext(prec=DIGITS):
            growth, sum_of_growths = self._growths()
            return -(present * growth + future) / sum_of_growths

    def interest_in(self, period: int, payment: Decimal, present: Decimal) -> Decimal:
        """Return the part of the payment in a period, counted from 1, that is interest."""
        if self.in_advance and period == 1:
            return Decimal(0)
        with localcontext(prec=DIGITS):
            before = Annuity(rate=self.rate, periods=Decimal(period - 1), in_advance=self.in_advance)
            interest = before.future(payment, present) * self.rate
            return interest / (1 + self.rate) if self.in_advance else interest

    def _growths(self) -> tuple[Decimal, Decimal]:
        """Return what a unit paid in at the beginning, and one in each period, have grown to at the end."""
        growth = (1 + self.rate) ** self.periods
        ends = (growth - 1) / self.rate if self.rate else self.periods
        return growth, ends * (1 + self.rate) if self.in_advance else ends


def periods_of(
    rate: Decimal, *, payment: Decimal, present: Decimal, future: Decimal, in_advance: bool = False
) -> Decimal:
    """Return how many periods an Annuity of these amounts takes; not whole as a rule. Raises NoRate if none do."""
    with localcontext(prec=DIGITS):
        if not rate:
            return -(present + future) / payment
        perpetual = payment * (1 + rate if in_advance else 1) / rate
        growth = (perpetual - future) / (perpetual + present)
        if growth <= 0:
            message = "no number of periods makes these flows even"
            raise NoRate(message)
        return growth.ln() / (1 + rate).ln()
