"""What is kept of a loan's arrears says of every day what the loan was on it."""

from datetime import date, timedelta
from typing import Any

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from lending.domain.contract.spells import FOREVER, Spell, spells_of
from tests.lending.arrears_model import Stood, each_day
from tests.lending.domain.test_replay import ANY, SLOW, replayed

Case = dict[str, Any]
DAY = timedelta(days=1)
AHEAD = 90 * DAY


def stood(spells: list[Spell], on: date) -> Stood | None:
    found = [spell for spell in spells if spell.since <= on < spell.until]
    if not found:
        return None
    [spell] = found
    if not spell.is_late(on) or spell.late_since is None:
        return Stood(0, spell.principal_minor, 0)
    return Stood((on - spell.late_since).days, spell.principal_minor, spell.arrears_minor)


@given(ANY, st.integers(0, 120))
@settings(SLOW, max_examples=120)
def test_spells_say_of_each_day_what_the_loan_was(case: Case, after: int) -> None:
    """Red if a spell began a day early or late, an instalment that was missed later were left out, a cure not seen."""
    found = replayed(case)
    assume(found is not None and found[0].standing)
    assert found is not None
    loan = found[0]
    to = loan.standing[-1].on + after * DAY
    spells, lived = spells_of(loan, to=to), each_day(case, to + AHEAD)
    first = loan.standing[0].on
    for number in range((to - first).days + 1):
        on = first + number * DAY
        assert (on, stood(spells, on)) == (on, lived.get(on))
    event("late" if any(one.dpd for one in lived.values()) else "never late")
    if spells and spells[-1].until == FOREVER and not spells[-1].is_late(to):
        unpaid = min((day for day, one in lived.items() if one.dpd and day > to), default=None)
        assert unpaid == (None if (expected := spells[-1].late_from) and expected > to + AHEAD else expected)


@given(ANY, st.integers(0, 120), st.integers(-10, 400))
@settings(SLOW, max_examples=100)
def test_those_that_end_later_are_the_last_of_all(case: Case, after: int, later: int) -> None:
    """Red if what a booking writes anew were not what stands in its place among all."""
    found = replayed(case)
    assume(found is not None and found[0].standing)
    assert found is not None
    loan = found[0]
    to, ending = loan.standing[-1].on + after * DAY, loan.standing[0].on + later * DAY
    assert spells_of(loan, to=to, ending_from=ending) == [
        spell for spell in spells_of(loan, to=to) if spell.until >= ending
    ]
