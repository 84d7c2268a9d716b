from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from config.kernel.timevalue import Annuity, NoRate, effective_rate, periods_of, present_value

RATES = st.decimals("-0.5", "2", places=4)
AMOUNTS = st.decimals(-1000, 1000, places=2)
NEAR = Decimal("1e-9")


@given(RATES, st.integers(1, 60), AMOUNTS, AMOUNTS, st.booleans())
def test_an_annuity_is_its_flows(rate: Decimal, periods: int, present: Decimal, future: Decimal, advance: bool) -> None:  # noqa: FBT001
    """Red if a payment is counted at the wrong end of its period, or one too many."""
    annuity = Annuity(rate=rate, periods=Decimal(periods), in_advance=advance)
    payment = annuity.payment(present, future)
    first = 0 if advance else 1
    flows = [(Fraction(time), payment) for time in range(first, first + periods)]
    flows += [(Fraction(0), present), (Fraction(periods), future)]
    scale = 1 + sum(abs(amount) for _, amount in flows) * max(Decimal(1), (1 + rate) ** -periods)
    assert abs(present_value(flows, rate)) < NEAR * scale
    assert abs(annuity.future(payment, present) - future) < NEAR * scale * max(Decimal(1), (1 + rate) ** periods)
    assert abs(annuity.present(payment, future) - present) < NEAR * scale


@given(RATES, st.integers(2, 24), st.decimals(1, 1000, places=2), st.booleans())
def test_interest_is_the_rate_on_the_balance(rate: Decimal, periods: int, present: Decimal, advance: bool) -> None:  # noqa: FBT001
    annuity = Annuity(rate=rate, periods=Decimal(periods), in_advance=advance)
    payment = annuity.payment(present, Decimal(0))
    balance = present
    for period in range(1, periods + 1):
        interest = annuity.interest_in(period, payment, present)
        due = Decimal(0) if advance and period == 1 else balance * rate
        assert abs(interest + due) < NEAR * 10**6
        balance += due + payment
    assert abs(balance) < NEAR * 10**9


@given(st.decimals("0.0001", "0.5", places=4), st.integers(1, 200), st.booleans())
def test_periods_are_found_again(rate: Decimal, periods: int, advance: bool) -> None:  # noqa: FBT001
    annuity = Annuity(rate=rate, periods=Decimal(periods), in_advance=advance)
    payment, present, future = Decimal(-10), Decimal(3), annuity.future(Decimal(-10), Decimal(3))
    found = periods_of(rate, payment=payment, present=present, future=future, in_advance=advance)
    assert abs(found - periods) < NEAR


def test_periods_without_a_rate_are_a_quotient() -> None:
    assert periods_of(Decimal(0), payment=Decimal(-100), present=Decimal(1000), future=Decimal(0)) == 10


def test_a_payment_below_the_interest_repays_never() -> None:
    with pytest.raises(NoRate):
        periods_of(Decimal("0.1"), payment=Decimal(-5), present=Decimal(100), future=Decimal(0))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-1000, 1000)), min_size=2, max_size=8))
def test_what_is_found_is_a_root(drawn: list[tuple[int, int]]) -> None:
    """Flows of any signs: red if the bounds are lost where the worth falls as the growth rises."""
    flows = [(Fraction(time, 2), amount) for time, amount in drawn]
    try:
        rate = effective_rate(flows)
    except NoRate:
        return
    assume(Decimal("-0.9") < rate < 100)
    gap = Decimal("1e-9")
    below, above = (present_value(flows, rate + side) for side in (-gap, gap))
    assert below * above <= 0 or abs(present_value(flows, rate)) < NEAR
