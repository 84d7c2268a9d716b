"""A loan at rest is a straight line: what its row gives for a later date is what a replay gives, until it turns."""

from datetime import date, timedelta
from typing import Any

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from lending.domain.books.at_rest import RestingLoan, Standing
from lending.domain.books.projection import Projection, project
from tests.lending import model
from tests.lending.cases import cases, terms_with_fees
from tests.lending.domain.test_replay import SLOW, replayed

Case = dict[str, Any]


def resting(projection: Projection, on: date) -> RestingLoan:
    return RestingLoan(
        booked_to=on,
        position=projection.position,
        carry=projection.carry,
        due_minor=projection.due_minor,
        late_since=projection.late_since,
        worst_dpd=projection.worst_dpd,
        next_due=projection.next_due,
        turns_on=projection.turns_on,
        turn_fee_minor=projection.turn_fee_minor,
    )


def standing(projection: Projection, on: date) -> Standing:
    return Standing(
        as_of=on,
        position=projection.position,
        due_minor=projection.due_minor,
        dpd=projection.dpd,
        worst_dpd=projection.worst_dpd,
    )


@given(cases() | cases(terms_with_fees), st.data())
@settings(SLOW, max_examples=300)
def test_a_row_gives_what_a_replay_gives_until_it_turns(case: Case, data: st.DataObject) -> None:
    """Red for a turn that comes too late, a due date past the last one, a day past due that is counted early."""
    found = replayed(case)
    assume(found is not None and found[0].standing)
    assert found is not None
    loan = found[0]
    on = loan.standing[-1].on + timedelta(data.draw(st.integers(0, 900), "days after the last event"))
    row = project(loan, as_of=on)
    last = on + timedelta(3_000) if row.turns_on is None else row.turns_on
    later = data.draw(st.dates(on, min(last, on + timedelta(3_000))), "as of")
    then, given_by_row = project(loan, as_of=later), resting(row, on).as_of(later)
    assert given_by_row.position == then.position
    event("turns" if later == row.turns_on else "rests")
    if later != row.turns_on:
        assert given_by_row == standing(then, later)


@given(cases() | cases(terms_with_fees))
@settings(SLOW, max_examples=150)
def test_a_row_turned_night_by_night_stays_what_a_replay_gives(case: Case) -> None:
    """From the disbursement to long after the last due date, in the order of nights; red if one is left out."""
    found = replayed(case)
    assume(found is not None and found[0].standing)
    assert found is not None
    loan, on, turns = found[0], found[0].standing[-1].on, 0
    row = project(loan, as_of=on)
    for _ in range(60):
        if row.turns_on is None:
            break
        on, turns = row.turns_on, turns + 1
        row = project(loan, as_of=on)
    if row.turns_on is None:
        assert turns <= 3 * len(loan.schedule) + 1, "when it is due, the day after, and at the end of its grace"
    assert row.worst_dpd == model.worst_dpd(case | {"as_of": [on.isoformat()]})
