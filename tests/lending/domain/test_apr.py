from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.timevalue import NoRate, effective_rate
from lending.domain.contract.apr import (
    UnitPeriod,
    nominal_rate,
    single_payment_rate,
    unit_periods_between,
    years_between,
)
from lending.domain.contract.quote import percent

TWELFTHS = [Fraction(month, 12) for month in range(1, 241)]


@pytest.mark.parametrize(
    ("start", "end", "years"),
    [
        ("2024-01-15", "2024-01-15", Fraction(0)),
        ("2024-01-15", "2024-04-15", Fraction(3, 12)),
        ("2024-01-31", "2024-02-29", Fraction(1, 12)),
        ("2023-01-31", "2023-02-28", Fraction(1, 12)),
        ("2023-01-31", "2023-04-30", Fraction(3, 12)),
        ("2023-02-28", "2023-03-31", Fraction(1, 12)),
        # counted back: whole months from the end, then days of the year that ends where they do
        ("2023-01-12", "2023-02-15", Fraction(1, 12) + Fraction(3, 365)),
        ("2024-02-26", "2024-04-02", Fraction(1, 12) + Fraction(5, 366)),
        ("2024-03-01", "2024-03-15", Fraction(14, 366)),
        ("2025-02-20", "2025-03-06", Fraction(14, 365)),
        ("0001-01-05", "0001-02-10", Fraction(1, 12) + Fraction(5, 365)),
        ("9998-12-31", "9999-12-31", Fraction(1)),
    ],
)
def test_time_is_whole_months_and_the_days_before_them(start: str, end: str, years: Fraction) -> None:
    assert years_between(date.fromisoformat(start), date.fromisoformat(end)) == years


@pytest.mark.parametrize(
    ("flows", "rate"),
    [
        # European Commission (DG FISMA), Examples for the calculation of the APRC, January 2015: 1, 2.1, 18.2, 8.1
        ([(Fraction(0), 19_600_000), *((years, -143_286) for years in TWELFTHS)], "6.434412"),
        ([(Fraction(0), 19_600_000), *((years + Fraction(3, 365), -143_357) for years in TWELFTHS)], "6.434185"),
        ([(Fraction(0), 19_600_000), *((years + Fraction(20, 366), -143_754) for years in TWELFTHS)], "6.432478"),
        (
            [
                (Fraction(0), 19_600_000),
                *((years, -116_667) for years in TWELFTHS[:-1]),
                (Fraction(20), -20_116_667),
            ],
            "7.430479",
        ),
        ([(Fraction(0), 10_000), (Fraction(31 * 4, 1461), -12_500)], "1286.177"),
        ([(Fraction(0), 50_000), (Fraction(1), -40_000)], "-20.000000"),
    ],
)
def test_published_examples(flows: list[tuple[Fraction, int]], rate: str) -> None:
    digits = Decimal(rate).as_tuple().exponent
    assert isinstance(digits, int)
    assert round(100 * effective_rate(flows), -digits) == Decimal(rate)


times = st.fractions(Fraction(1, 366), 10, max_denominator=400)


@given(st.lists(st.tuples(times, st.integers(1, 10**9)), max_size=6), times, st.integers(1, 10**9))
def test_the_flows_are_even_at_the_rate(cost: list[tuple[Fraction, int]], term: Fraction, principal: int) -> None:
    """Red if the solver stops early, or loses its bounds."""
    flows = [(Fraction(0), principal), (term, -principal), *((years, -amount) for years, amount in cost)]
    try:
        rate = effective_rate(flows)
    except NoRate:
        assert min(years for years, _ in cost) < Fraction(1, 10)  # else a billionfold is not beyond the bound
        return
    with localcontext(prec=300):
        growth = (1 + rate).ln()
        worth = [amount * (-growth * years.numerator / years.denominator).exp() for years, amount in flows]
        assert abs(sum(worth, Decimal(0))) <= Decimal("1e-9") * principal


@pytest.mark.parametrize(
    "flows",
    [
        [(Fraction(0), 100)],
        [(Fraction(0), 100), (Fraction(0), -101)],
        [(Fraction(0), 100), (Fraction(1, 365), -(10**15))],
        [(Fraction(0), -100), (Fraction(1), -5)],
    ],
)
def test_flows_without_a_rate_are_refused(flows: list[tuple[Fraction, int]]) -> None:
    with pytest.raises(NoRate):
        effective_rate(flows)


def test_what_costs_nothing_has_no_rate() -> None:
    assert effective_rate([(Fraction(0), 500), (Fraction(0), -500)]) == 0


@pytest.mark.parametrize(
    ("rate", "text"),
    [("0", "0.00"), ("0.12345", "12.35"), ("0.123449", "12.34"), ("-0.2", "-20.00"), ("1e30", f"1{'0' * 32}.00")],
)
def test_a_rate_is_written_in_per_cent(rate: str, text: str) -> None:
    assert percent(Decimal(rate)) == text


MONTH, HALF_MONTH, QUARTER = (UnitPeriod(half_months=count) for count in (2, 1, 6))
WEEK, DAY = UnitPeriod(days=7), UnitPeriod(days=1)


@pytest.mark.parametrize(
    ("start", "end", "unit", "whole", "odd"),
    [
        ("1978-01-10", "1978-02-10", MONTH, 1, Fraction(0)),
        ("1978-02-10", "1978-04-01", MONTH, 1, Fraction(19, 30)),
        ("2024-01-30", "2024-02-29", MONTH, 1, Fraction(0)),
        ("1978-02-23", "1978-03-01", HALF_MONTH, 0, Fraction(6, 15)),
        ("1978-02-13", "1978-03-01", HALF_MONTH, 1, Fraction(1, 15)),
        ("1978-07-23", "1978-10-01", QUARTER, 0, Fraction(69, 90)),
        ("2023-10-28", "2023-11-30", WEEK, 4, Fraction(5, 7)),
        ("2023-10-26", "2023-11-30", DAY, 35, Fraction(0)),
    ],
)
def test_unit_periods_are_counted_back_from_the_payment(
    start: str, end: str, unit: UnitPeriod, whole: int, odd: Fraction
) -> None:
    """Regulation Z, appendix J, b 5: odd days of a month are thirtieths."""
    assert unit_periods_between(date.fromisoformat(start), date.fromisoformat(end), unit) == (whole, odd)


@pytest.mark.parametrize(
    ("unit", "a_year"), [(MONTH, 12), (HALF_MONTH, 24), (QUARTER, 4), (WEEK, 52), (UnitPeriod(days=14), 26), (DAY, 365)]
)
def test_unit_periods_of_a_year(unit: UnitPeriod, a_year: int) -> None:
    assert unit.in_a_year == a_year


@pytest.mark.parametrize(
    ("advance", "payments", "first", "unit", "rate"),
    [
        # Regulation Z, appendix J, c: (1)(i), (1)(ii), (4)(i)
        (5_000, [230] * 24, (1, Fraction(0)), MONTH, "9.69"),
        (6_000, [200] * 36, (1, Fraction(19, 30)), MONTH, "11.82"),
        (5_000, [250, *[230] * 22, 280], (1, Fraction(0)), MONTH, "10.90"),
        (100, [100], (1, Fraction(0)), MONTH, "0.00"),
        (200, [100], (1, Fraction(0)), MONTH, "-600.00"),
    ],
)
def test_published_examples_of_the_us(
    advance: int, payments: list[int], first: tuple[int, Fraction], unit: UnitPeriod, rate: str
) -> None:
    whole, odd = first
    timed = [((whole + number, odd), payment) for number, payment in enumerate(payments)]
    assert percent(nominal_rate(advance, timed, unit)) == rate


@pytest.mark.parametrize(
    ("start", "end", "rate"),
    [
        # the first: Regulation Z, appendix J, c (5) (i)
        ("1978-01-03", "1978-09-15", "11.45"),
        ("1978-07-15", "1979-01-15", "16.00"),
        ("2024-01-31", "2024-02-29", "96.00"),
    ],
)
def test_a_single_payment_makes_its_term_the_unit_period(start: str, end: str, rate: str) -> None:
    paid = 1_080
    found = single_payment_rate(1_000, paid, start=date.fromisoformat(start), end=date.fromisoformat(end))
    assert percent(found) == rate


def test_a_single_payment_after_more_than_a_year_has_the_year_as_its_unit() -> None:
    """Regulation Z, appendix J, c (5) (iii): a year and six months, half of it by simple interest."""
    found = single_payment_rate(100_000, 113_519, start=date(1980, 1, 17), end=date(1981, 7, 17))
    assert percent(found) == "8.76"
