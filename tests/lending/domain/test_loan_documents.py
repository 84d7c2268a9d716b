"""Compute every worked table of docs/algorithms/loans.md again."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from config.kernel.calendar import day_number
from config.kernel.daycount import DAILY, YEAR_UNITS, units_at
from lending.domain.contract.apr import years_between
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.domain.contract.replay import replay
from lending.domain.contract.terms import Prepayment
from tests.lending.domain.documents import Line, tables
from tests.lending.domain.loans import OPENED, disbursed, paid, terms_of

PAGE = "loans.md"
TERMS = terms_of(principal_minor=120_000, periods=3, rate=Decimal("0.365"), tolerance_minor=0)


def weights(table: list[Line]) -> list[Line]:
    assert table[0][1:] == [f"{day_count} of {YEAR_UNITS[day_count]}" for day_count in DAILY]
    found = []
    for line in table[2:]:
        day = day_number(date.fromisoformat(line[0]))
        found.append([line[0], *(str(np.diff(units_at(np.array([day, day + 1]), each))[0]) for each in DAILY)])
    return found


def schedule(_table: list[Line]) -> list[Line]:
    return [
        [*map(str, (row.no, row.due, row.principal_minor, row.interest_minor, row.total_minor))]
        for row in replay(TERMS, [disbursed(TERMS)]).schedule
    ]


def walk(table: list[Line]) -> list[Line]:
    charge = LoanEvent(id="fee", on=date(2024, 3, 5), type=EventType.CHARGE, amount_minor=500)
    events = [disbursed(TERMS), charge]
    found = []
    for line in table[2:]:
        on = date.fromisoformat(line[0])
        before = replay(TERMS, events).state(on).dpd
        events.append(LoanEvent(id=line[0], on=on, type=EventType.REPAYMENT, amount_minor=int(line[1])))
        found.append([*line[:2], *map(str, replay(TERMS, events).allocations[-1][1:6]), str(before)])
    return found


def prepayment(table: list[Line]) -> list[Line]:
    found = []
    for line in table[2:]:
        left = []
        for how in Prepayment:
            terms = terms_of(principal_minor=42, periods=4, rate=Decimal(0), prepayment=how)
            state = replay(terms, [disbursed(terms), paid("p", 0, int(line[0]))]).state(OPENED)
            left.append(" ".join(map(str, state.unpaid_minor)))
        found.append([line[0], *left])
    return found


def time(table: list[Line]) -> list[Line]:
    """Take the months and days of the document, and demand that they are the years of the code."""
    for start, end, months, days, of in table[2:]:
        years = years_between(date.fromisoformat(start), date.fromisoformat(end))
        assert years == Fraction(int(months), 12) + Fraction(int(days), int(of))
    return table[2:]


def bounds(table: list[Line]) -> list[Line]:
    """Take each field to its bounds and one step beyond."""
    for field, least, most in table[2:]:
        kind = Decimal if field in {"rate", "penalty_multiple_extra"} else int
        low, high = (kind(cell.replace(",", "")) for cell in (least, most))
        for value in (low, high):
            terms_of(**{field: value})
        for value in (low - 1, high + 1):
            with pytest.raises(LoanRefused) as refused:
                terms_of(**{field: value})
            assert refused.value.reason is LoanRefusal.BAD_TERMS
    return table[2:]


WORKED: dict[str, Callable[[list[Line]], list[Line]]] = {
    "weights": weights,
    "schedule": schedule,
    "walk": walk,
    "prepayment": prepayment,
    "time": time,
    "bounds": bounds,
}


def test_every_worked_table_is_what_the_code_gives() -> None:
    table = tables(PAGE)
    assert {name: work(table[name]) for name, work in WORKED.items()} == {name: table[name][2:] for name in table}
