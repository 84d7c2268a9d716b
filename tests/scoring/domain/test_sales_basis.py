from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from scoring.domain.features.columns import column_of
from scoring.domain.sales_basis import sales_basis, worst_month
from tests.scoring.domain.values import measures_of

amounts = st.integers(-1_000, 10_000) | st.integers(-(10**17), 10**17)


@given(amounts, amounts, amounts | st.none(), st.integers(7_000, 11_000), st.integers(0, 60))
def test_the_basis_is_the_fraction_rounded_once(
    month: int, quarter: int, median: int | None, season: int, orders: int
) -> None:
    """Red if a third is rounded before the product, or int64 overflows."""
    characteristics = {
        "sales_90": column_of([quarter]),
        "med_month_12": column_of([median]),
        "orders_90": column_of([orders]),
        "season": column_of([season]),
    }
    found = sales_basis(measures_of({"s_month_0": month}), characteristics)
    least = min(Fraction(term) for term in (month, Fraction(quarter, 3), median) if term is not None)
    thin = Fraction(1, 2) if orders < 10 else Fraction(3, 4) if orders < 30 else Fraction(1)
    assert found.tolist() == [round(max(least, Fraction(0)) * Fraction(season, 10_000) * thin)]


@given(st.lists(amounts, min_size=12, max_size=12))
def test_the_worst_month_is_the_least_of_twelve(months: list[int]) -> None:
    """Red if a month is left out, or one below 0 counts as 0."""
    measures = measures_of({f"s_month_{month}": value for month, value in enumerate(months)})
    assert worst_month(measures).tolist() == [min(months)]
