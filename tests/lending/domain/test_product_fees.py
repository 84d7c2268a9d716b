"""Fees of a product: in what a grade earns, in what a loan costs, in what can be borrowed."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from config.kernel.exact import BASIS_POINTS
from lending.domain.contract.fees import MOST_FEES, Fee, FeeDue
from lending.domain.contract.schedule import draw_schedule
from lending.domain.origination.limit import affordable, debt_service_room
from lending.domain.origination.product import LENDABLE, Product, margin_at, terms_of
from lending.domain.origination.product_document import ProductMalformed
from scoring.domain.calibration import Grade
from tests.lending.domain.borrowers import YUAN, day_one, document, grades, merchant, product

ALL = [
    {"due": "DISBURSEMENT", "share": "0.02"},
    {"due": "FIRST_DUE", "share": "0.005", "amount": "3"},
    {"due": "EVERY_DUE", "share": "0.001", "amount": "20"},
]
FEES = st.lists(st.sampled_from(ALL), min_size=1, max_size=3, unique_by=lambda fee: fee["due"])


def sold(fees: list[dict[str, str]], **contract: object) -> Product:
    return product(lambda data: data["contract"].update(fees=fees, **contract))


def test_the_fees_of_a_product_are_those_of_its_loans_in_its_own_units() -> None:
    terms = terms_of(sold(ALL), grade=LENDABLE[0], principal_minor=10_000 * YUAN, months=3)
    assert terms.fees[1] == Fee(due=FeeDue.FIRST_DUE, share=terms.fees[1].share, amount_minor=300)
    drawn = draw_schedule(terms, on=merchant().on)
    assert [row.fee_minor for row in drawn] == [200_00, 50_00 + 3_00 + 10_00 + 20_00, 30_00, 30_00]


@given(FEES, grades)
@settings(max_examples=40, deadline=None)
def test_what_a_grade_earns_in_fees_is_that_of_its_longest_and_largest_loan(
    fees: list[dict[str, str]], grade: Grade
) -> None:
    """Counted month by month; red if a fee were taken for a yearly share of the principal."""
    made = sold(fees)
    months, principal = made.grades[grade].months, made.maximum_minor
    rows = draw_schedule(terms_of(made, grade=grade, principal_minor=principal, months=months), on=merchant().on)
    out, left = 0, principal
    for row in rows[-months:]:
        out += left
        left -= row.principal_minor
    a_year = Fraction(sum(row.fee_minor for row in rows) * 12, out)
    found = margin_at(made, grade).income - margin_at(day_one(), grade).income
    assert abs(found / a_year - 1) < Fraction(1, 100), "the schedule is drawn on another day"


def test_fees_make_good_what_a_rate_alone_would_lose() -> None:
    data = document()
    low = {grade: terms | {"daily_rate": "0.00010"} for grade, terms in data["grades"].items()}
    with pytest.raises(ProductMalformed, match="income"):
        product(lambda data: data.update(grades=low))
    product(
        lambda data: data.update(grades=low) or data["contract"].update(fees=[{"due": "EVERY_DUE", "share": "0.02"}])
    )


@given(FEES, grades, st.integers(2_000, 400_000), st.integers(1, 12), st.sampled_from(["EQUAL_INSTALMENTS", "BULLET"]))
@example([{"due": "EVERY_DUE", "share": "0.001", "amount": "20"}], Grade.A2, 2_000, 11, "EQUAL_INSTALMENTS")
@settings(max_examples=60, deadline=None)
def test_no_month_of_a_loan_within_the_gate_takes_more_than_the_gate(
    fees: list[dict[str, str]],
    grade: Grade,
    basis: int,
    months: int,
    method: str,
) -> None:
    made, facts = sold(fees, method=method), merchant(sales_basis_minor=basis * YUAN)
    amount = debt_service_room(facts, made, grade=grade, months=months)
    assume(amount > 0)
    drawn = draw_schedule(terms_of(made, grade=grade, principal_minor=amount, months=months), on=facts.on)
    first = sum(row.total_minor for row in drawn[: len(drawn) - len(drawn[-months:]) + 1])
    largest = max(first, *(row.total_minor for row in drawn))
    gate = Fraction(made.limits.debt_service_bps * facts.score.sales_basis_minor, BASIS_POINTS)
    # Each instalment is rounded by at most half a unit, and the last row takes what they leave.
    assert largest <= gate + len(fees) + 2 + (months + 1) // 2, "but for rounding"
    if method != "BULLET":  # a fee of the payout counts in the month of the first instalment, which is its only one
        assert largest > gate - (len(fees) + 4) - 23 * YUAN - amount // 100, "and most of it may be used"


@given(FEES, grades, st.integers(10_000, 400_000))
@settings(max_examples=60, deadline=None)
def test_the_share_of_sales_repays_the_loan_with_its_fees(fees: list[dict[str, str]], grade: Grade, basis: int) -> None:
    made, facts = sold(fees), merchant(sales_basis_minor=basis * YUAN)
    row = made.grades[grade]
    amount = min(affordable(facts, made, grade=grade), made.maximum_minor)
    assume(amount > 0)
    drawn = draw_schedule(terms_of(made, grade=grade, principal_minor=amount, months=row.months), on=facts.on)
    available = Fraction(row.sales_share_bps * facts.score.sales_basis_minor * row.months, BASIS_POINTS)
    repaid = sum(one.total_minor for one in drawn)
    assert repaid <= available + 3 * row.months
    assert amount == made.maximum_minor or repaid > available - 3 * row.months - 100


def test_without_fees_no_price_moves() -> None:
    facts = merchant()
    none = replace(day_one(), contract=replace(day_one().contract, fees=()))
    assert affordable(facts, none, grade=LENDABLE[0]) == affordable(facts, day_one(), grade=LENDABLE[0])


@pytest.mark.parametrize("fee", [
    {"due": "EVERY_DUE"}, {"due": "EVERY_DUE", "share": "0", "amount": "0"}, {"due": "EVERY_DUE", "share": "1.01"},
    {"due": "SOMETIMES", "amount": "1"}, {"due": "EVERY_DUE", "amount": "-1"}, {"due": "EVERY_DUE", "amount": "1.001"},
    {"due": "EVERY_DUE", "amount_minor": 1}, {"share": "0.1"},
])  # fmt: skip
def test_a_fee_that_is_none_is_refused(fee: dict[str, str]) -> None:
    with pytest.raises(ProductMalformed):
        sold([fee])


def test_there_are_only_so_many_fees() -> None:
    assert len(sold([{"due": "EVERY_DUE", "amount": "1"}] * MOST_FEES).contract.fees) == MOST_FEES
    with pytest.raises(ProductMalformed, match="fees: 13"):
        sold([{"due": "EVERY_DUE", "amount": "1"}] * (MOST_FEES + 1))
