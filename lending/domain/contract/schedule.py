"""Draw the schedule of a TERM loan, once, at its disbursement."""

from collections.abc import Sequence
from datetime import date
from itertools import accumulate
from typing import NamedTuple

from config.kernel.calendar import day_number
from config.kernel.daycount import DAILY, YEAR_UNITS, place_of, units_between
from config.kernel.exact import decimals_of, half_even, scaled
from lending.domain.contract.due_dates import due_dates, regular_start
from lending.domain.contract.fees import FeeDue
from lending.domain.contract.instalments import Factors, amounts_of, equal_parts, flat_interest
from lending.domain.contract.periods import period_units
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.domain.contract.terms import BrokenPeriod, Method, Terms


class Instalment(NamedTuple):
    """One row of a schedule, as drawn: what should be paid on its due date, in minor units.

    A tuple, as a night draws a schedule for each loan that it replays.
    """

    no: int
    due: date
    principal_minor: int
    interest_minor: int
    fee_minor: int = 0

    @property
    def total_minor(self) -> int:
        """What should be paid in all."""
        return self.principal_minor + self.interest_minor + self.fee_minor


def draw_schedule(terms: Terms, *, on: date) -> tuple[Instalment, ...]:
    """Draw the schedule for a disbursement on a date.

    The down payment, if one is agreed, is the first row, on that date, and so is a fee of that date.
    Raises LoanRefused (BAD_TERMS) if a due date cannot be (see due_dates), if the agreed instalment does not repay the
    loan, or the down payment does.
    """
    dues = due_dates(terms, on)
    factors = _factors(terms, on, dues)
    if terms.method is Method.BULLET:
        dues = dues[-1:]
    down = down_payment_minor(terms)
    amounts = list(amounts_of(terms, terms.principal_minor - down, factors))
    if terms.broken_period is BrokenPeriod.SPREAD:
        parts = equal_parts(terms, broken_interest(terms, on), len(amounts))
        amounts = [(repaid, interest + part) for (repaid, interest), part in zip(amounts, parts, strict=True)]
    if terms.instalment_minor is not None:
        _require_repaid(terms, amounts)
    if terms.instalment_minor is not None or terms.method is Method.MINIMUM_PAYMENT:
        amounts = until_repaid(amounts)
    fees = _fees(terms, [interest for _, interest in amounts], has_first=True)
    rows = [(due, *amount, fee) for due, amount, fee in zip(dues, amounts, fees, strict=False)]
    at_once = terms.fees_due(FeeDue.DISBURSEMENT)
    if terms.down_payment or at_once:
        rows.insert(0, (on, down, 0, at_once))
    return tuple(Instalment(no, *row) for no, row in enumerate(rows, 1))


def with_fees(terms: Terms, rows: Sequence[Instalment], *, has_first: bool) -> list[Instalment]:
    """Add to rows the fees that fall due with them; has_first: the first of them is the first of the loan."""
    fees = _fees(terms, [row.interest_minor for row in rows], has_first=has_first)
    return [row._replace(fee_minor=fee) for row, fee in zip(rows, fees, strict=True)]


def _fees(terms: Terms, interest: Sequence[int], *, has_first: bool) -> list[int]:
    """Return the fees that fall due with rows of this interest; has_first: the first is the first of the loan."""
    if not terms.fees:  # as of most loans, of which a night draws thousands
        return [0] * len(interest)
    fees = [terms.fees_due(FeeDue.EVERY_DUE, interest_minor=one) for one in interest]
    if has_first and fees:
        fees[0] += terms.fees_due(FeeDue.FIRST_DUE)
    return fees


def broken_interest(terms: Terms, on: date) -> int:
    """Return the interest of the days by which the first period is longer than the others."""
    decimals = decimals_of(terms.rate)
    charged = (terms.principal_minor - down_payment_minor(terms)) * scaled(terms.rate, decimals)
    found: int = half_even(charged * _broken_units(terms, on), 10**decimals * YEAR_UNITS[terms.day_count])
    return found


def deferred_interest(terms: Terms, schedule: Sequence[Instalment], *, on: date) -> list[int]:
    """Return for each row how much of the interest to its date falls due with later ones; [] where it is not spread."""
    if terms.broken_period is BrokenPeriod.FIRST:
        return []
    opens, whole = sum(row.due == on for row in schedule), broken_interest(terms, on)
    fallen = accumulate(equal_parts(terms, whole, len(schedule) - opens))
    return [whole] * opens + [whole - part for part in fallen]


def _broken_units(terms: Terms, on: date) -> int:
    start, end = (place_of(terms.day_count, day_number(day)) for day in (on, regular_start(terms, on)))
    return end - start


def draw_flat_interest(terms: Terms, *, on: date) -> list[int]:
    """Return the interest that each period of a loan with flat interest is charged, also where it falls due later."""
    return flat_interest(
        terms, terms.principal_minor - down_payment_minor(terms), _factors(terms, on, due_dates(terms, on))
    )


def _factors(terms: Terms, on: date, dues: Sequence[date]) -> Factors:
    units, scale = period_units(terms, on, dues), 1
    if terms.counted_from:
        units, scale = _begun(terms, on, dues[0], units)
    units[: terms.interest_free] = [0] * terms.interest_free
    if terms.broken_period is BrokenPeriod.SPREAD:
        units[0] -= _broken_units(terms, on)
    if terms.method is Method.BULLET:
        units = [sum(units)]
    decimals = decimals_of(terms.rate)
    rate = scaled(terms.rate, decimals)
    return Factors(
        of_periods=[rate * count for count in units],
        year=10**decimals * YEAR_UNITS[terms.day_count] * scale,
    )


def _begun(terms: Terms, on: date, due: date, units: list[int]) -> tuple[list[int], int]:
    """Return the units of periods of which the first began before the disbursement, and by how much they are scaled.

    Of the first count the days from the disbursement on: by their own weight, or an equal part of the period each.
    """
    start = terms.counted_from or on
    if terms.day_count in DAILY:
        first = units_between(on, due, terms.day_count)
        return [first, *units[1:]], 1
    scale = (due - start).days
    return [units[0] * (due - on).days, *(one * scale for one in units[1:])], scale


def down_payment_minor(terms: Terms) -> int:
    """Return the down payment: its share of the principal, a multiple of what instalments are.

    Raises LoanRefused (BAD_TERMS) if nothing is left to be lent.
    """
    if not terms.down_payment:
        return 0
    decimals = decimals_of(terms.down_payment)
    multiple = terms.instalment_multiple_minor
    share = scaled(terms.down_payment, decimals) * terms.principal_minor
    down: int = half_even(share, 10**decimals * multiple) * multiple
    if down >= terms.principal_minor:
        message = f"terms: down_payment: {down} of {terms.principal_minor} leaves nothing to be lent"
        raise LoanRefused(LoanRefusal.BAD_TERMS, message)
    return down


def until_repaid(amounts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Leave out the rows after the one that repays the loan."""
    repaid = list(accumulate(principal for principal, _ in amounts))
    return amounts[: repaid.index(repaid[-1]) + 1]


def _require_repaid(terms: Terms, amounts: list[tuple[int, int]]) -> None:
    """Demand that no row is above the agreed instalment."""
    if sum(amounts[-1]) > (terms.instalment_minor or 0):
        message = (
            f"terms: instalment_minor: {terms.instalment_minor} does not repay the loan in {terms.periods} periods"
        )
        raise LoanRefused(LoanRefusal.BAD_TERMS, message)
