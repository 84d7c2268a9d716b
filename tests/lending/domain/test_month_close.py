"""When a month may be closed, and that what is kept of it is read as it was written."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lending.domain.books.ledger import Account
from lending.domain.books.month_close import (
    KeptMalformed,
    MonthRefusal,
    judge_month,
    kept_of,
    last_day_of,
    month_to_close,
    parse_kept,
)
from lending.domain.books.statements import TrialLine

FEBRUARY, MARCH, APRIL = date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)
FINE: dict[str, Any] = {
    "today": APRIL,
    "last_proven": date(2026, 3, 31),
    "last_closed": None,
    "provided": [MARCH],
}
REFUSED: list[tuple[date, dict[str, Any], MonthRefusal | None]] = [
    (MARCH, {}, None),
    (MARCH, {"today": None}, MonthRefusal.NO_BUSINESS_DATE),
    (MARCH, {"today": date(2026, 3, 31)}, MonthRefusal.MONTH_NOT_OVER),
    (MARCH, {"last_proven": None}, MonthRefusal.DAYS_NOT_PROVEN),
    (MARCH, {"last_proven": date(2026, 3, 30)}, MonthRefusal.DAYS_NOT_PROVEN),
    (MARCH, {"provided": []}, MonthRefusal.PROVISIONS_NOT_BOOKED),
    (FEBRUARY, {}, MonthRefusal.PROVISIONS_NOT_BOOKED),
    (MARCH, {"provided": [FEBRUARY, MARCH]}, MonthRefusal.EARLIER_MONTH_OPEN),
    (MARCH, {"provided": [FEBRUARY, MARCH], "last_closed": FEBRUARY}, None),
    (MARCH, {"last_closed": MARCH}, MonthRefusal.CLOSED_ALREADY),
    (FEBRUARY, {"provided": [FEBRUARY, MARCH], "last_closed": MARCH}, MonthRefusal.CLOSED_ALREADY),
    (APRIL, {"last_closed": FEBRUARY}, MonthRefusal.MONTH_NOT_OVER),
]


@pytest.mark.parametrize(("month", "changes", "refusal"), REFUSED)
def test_a_month_is_closed_once_it_is_over_proven_provided_for_and_next(
    month: date, changes: dict[str, Any], refusal: MonthRefusal | None
) -> None:
    assert judge_month(month, **FINE | changes) is refusal


def test_months_follow_each_other() -> None:
    assert month_to_close(last_closed=None, provided=[]) is None
    assert month_to_close(last_closed=None, provided=[MARCH, APRIL]) == MARCH
    assert month_to_close(last_closed=date(2025, 12, 1), provided=[]) == date(2026, 1, 1)
    assert [last_day_of(month) + timedelta(days=1) for month in (FEBRUARY, MARCH)] == [MARCH, APRIL]


minors = st.integers(-(10**15), 10**15)
lines = st.builds(
    TrialLine,
    account=st.sampled_from(Account),
    currency=st.sampled_from(["CNY", "JPY"]),
    opening_minor=minors,
    debit_minor=minors.map(abs),
    credit_minor=minors.map(abs),
)


@given(st.lists(lines, max_size=6, unique_by=lambda line: (line.account, line.currency)), st.randoms())
def test_what_is_kept_does_not_depend_on_the_order_and_is_read_back(trial: list[TrialLine], random: Any) -> None:  # noqa: ANN401
    content, sha256 = kept_of(MARCH, trial)
    random.shuffle(trial)
    assert kept_of(MARCH, trial) == (content, sha256)
    assert kept_of(MARCH, parse_kept(content, sha256)) == (content, sha256)
    with pytest.raises(KeptMalformed):
        parse_kept(content.replace("2026", "2027"), sha256)
