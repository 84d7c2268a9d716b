"""How principal and interest are spread over the rows of a schedule."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import gcd

from config.kernel.exact import decimals_of, half_even, scaled
from config.kernel.money import allocate
from lending.domain.contract.terms import AccrualRule, InstalmentRounding, InterestMethod, Method, Remainder, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """The rate times the length of each period: of_periods[i] / year."""

    of_periods: Sequence[int]
    year: int


def amounts_of(
    terms: Terms, principal: int, factors: Factors, *, earned: int = 0, shares: Sequence[int] | None = None
) -> Iterator[tuple[int, int]]:
    """Yield principal and interest of each row, in minor units; principal: what the rows repay together.

    shares: what each row repays, where that is agreed and not by the method of the terms. earned: interest, over the
    year of the factors, that was earned before and falls due with the first row. In the rows of the interest grace no
    interest falls due; it does with the row after them.
    """
    flat = flat_interest(terms, principal, factors) if terms.interest is InterestMethod.FLAT else None
    declining = _Declining(terms, factors, earned)
    shares = _shares(terms, principal, factors) if shares is None else shares
    level = 0 if shares else _level(terms, principal, factors, flat, earned)
    balance, rows, deferred = principal, len(factors.of_periods), 0
    for row in range(rows):
        interest = flat[row] if flat else declining.of_row(row, balance)
        if shares:
            repaid = shares[row]
        elif row < terms.principal_grace:
            repaid = 0
        else:
            repaid = balance if row == rows - 1 else min(max(level - interest, 0), balance)
        balance -= repaid
        deferred += interest
        if row < terms.interest_grace:
            yield repaid, 0
        else:
            yield repaid, deferred
            deferred = 0


class _Declining:
    """Interest on what is outstanding; CUMULATIVE: the difference of sums that are each rounded once."""

    def __init__(self, terms: Terms, factors: Factors, earned: int) -> None:
        self._factors = factors
        self._is_cumulative = terms.accrual is AccrualRule.CUMULATIVE
        self._accrued, self._booked = earned, 0

    def of_row(self, row: int, balance: int) -> int:
        """Return the interest of the next row."""
        self._accrued += balance * self._factors.of_periods[row]
        interest = half_even(self._accrued, self._factors.year) - self._booked
        if self._is_cumulative:
            self._booked += interest
        else:
            self._accrued = 0
        return interest


def flat_interest(terms: Terms, principal: int, factors: Factors) -> list[int]:
    """Return each row's interest on what the rows repay together: PER_PERIOD by the length of its period.

    CUMULATIVE: the whole is rounded once, and spread over the periods that are charged, in equal parts.
    """
    exact = [principal * factor for factor in factors.of_periods]
    if terms.accrual is AccrualRule.PER_PERIOD:
        return [half_even(one, factors.year) for one in exact]
    charged = len(exact) - exact.count(0)
    parts = iter(equal_parts(terms, half_even(sum(exact), factors.year), charged) if charged else [])
    return [next(parts) if one else 0 for one in exact]


def _shares(terms: Terms, principal: int, factors: Factors) -> list[int] | None:
    """Return the principal of each row where it does not depend on the interest; None where it does."""
    rows = len(factors.of_periods)
    grace = [0] * terms.principal_grace
    parts = rows - len(grace)
    match terms.method:
        case Method.INTEREST_ONLY | Method.BULLET:
            return [0] * (rows - 1) + [principal]
        case Method.EQUAL_PRINCIPAL:
            return grace + equal_parts(terms, principal, parts)
        case Method.MINIMUM_PAYMENT:
            return grace + _minimum_payments(terms, principal, parts)
        case Method.EQUAL_INSTALMENTS:
            is_level = (
                terms.instalment_minor or terms.instalment_multiple_minor > 1 or terms.remainder is Remainder.LAST
            )
            return None if is_level or any(factors.of_periods) else grace + allocate(principal, [1] * parts)


def _minimum_payments(terms: Terms, principal: int, rows: int) -> list[int]:
    """Return the principal of each row: the share of what is outstanding, rounded up, at least the minimum.

    Never more than what is left; the last row takes all of it.
    """
    decimals = decimals_of(terms.minimum_share)
    share, whole = scaled(terms.minimum_share, decimals), 10**decimals
    found, left = list[int](), principal
    for _ in range(rows - 1):
        part = min(left, max(terms.minimum_minor, -(-left * share // whole)))
        found.append(part)
        left -= part
    return [*found, left]


def equal_parts(terms: Terms, total: int, count: int) -> list[int]:
    """Split a total in equal parts; the terms say where the units go that these leave over."""
    if terms.remainder is Remainder.SPREAD:
        return allocate(total, [1] * count)
    part = half_even(total, count)
    taken = [max(0, min(part, total - part * number)) for number in range(count - 1)]
    return [*taken, total - sum(taken)]


def _level(terms: Terms, principal: int, factors: Factors, flat: Sequence[int] | None, earned: int) -> int:
    """Return the equal instalment: as agreed, or solved for and rounded to its multiple.

    A multiple that would make it 0, so that all were due at the end, does not apply.
    """
    if terms.instalment_minor is not None:
        return terms.instalment_minor
    if flat:
        of_rows = flat[terms.principal_grace :]
        above, below = principal + sum(of_rows), len(of_rows)
    else:
        above, below = _annuity(principal, earned, factors.of_periods[terms.principal_grace :], factors.year)
    multiple = terms.instalment_multiple_minor
    if terms.instalment_rounding is InstalmentRounding.UP:
        return -(-above // (below * multiple)) * multiple
    return half_even(above, below * multiple) * multiple or half_even(above, below)


def _annuity(principal: int, earned: int, factors: Sequence[int], year: int) -> tuple[int, int]:
    """Solve P + E / (1 + f_1) = sum over i of A / product over j up to i of (1 + f_j) for A, exactly: as a fraction.

    E is interest, over the year, that was earned before and falls due with the first row.

    Times the product of all (1 + f_j), both sides are sums of products; times year**n, of integers. Source: the
    annuity on period rate factors; for equal f it is P f / (1 - (1 + f)**-n).
    """
    common = gcd(year, *factors)  # hundreds of rows multiply up: short numbers are worth it
    year //= common
    product, discounts, power = 1, 0, 1
    for factor in factors:
        growth = year + factor // common
        product *= growth
        power *= year
        discounts = discounts * growth + power
    return principal * product * common + earned * (product // (year + factors[0] // common)), discounts * common
