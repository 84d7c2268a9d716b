"""Compute every worked table of docs/algorithms/terms.md again."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from config.kernel.business_days import BusinessCalendar, BusinessDayRule, UnknownDay
from config.kernel.daycount import YEAR_UNITS, DayCount, units_between
from config.kernel.documents import read
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.quote import quote
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.domain.contract.replay import replay
from lending.domain.contract.schedule import draw_schedule
from lending.domain.contract.terms import Terms, parse_terms, write_terms
from lending.gateways.calendar_libraries import Library, YearUnknown, read_library
from tests.lending.domain.documents import Line, tables, text_of
from tests.lending.domain.loans import OPENED, terms_of

PAGE = "terms.md"
PLAIN = write_terms(terms_of(principal_minor=100_000, rate=Decimal("0.12"), periods=3))
COUNTS = {"principal_minor", "periods", "principal_grace", "interest_grace", "interest_free", "minimum_minor"}


def terms_as_said(words: str) -> Terms:
    """Change the plain loan by what a table's first cell says."""
    said: dict[str, object] = {}
    for name, value in [pair.split("=") for pair in words.split(", ") if "=" in pair]:
        said[name] = int(value) if name in COUNTS or name.startswith("instalment_m") else value
    return parse_terms({**PLAIN, **said})


def schedules(table: list[Line]) -> list[Line]:
    """Write each loan's rows: with its date where the table's head is no date."""
    found = []
    for words, *cells in table[2:]:
        rows = draw_schedule(terms_as_said(words), on=OPENED)
        shown = [f"{row.due}: {row.principal_minor} + {row.interest_minor}" for row in rows]
        if table[0][1].startswith("2"):
            assert table[0][1:] == [row.due.isoformat() for row in rows]
            shown = [cell.partition(": ")[2] for cell in shown]
        found.append([words, *shown, *[""] * (len(cells) - len(shown))])
    return found


def of_fee(words: str) -> Terms:
    """Add to the plain loan the fee that is said: when, and what of it."""
    due, *parts = words.split(", ")
    said = [part.split("=") for part in parts]
    fee = {name: int(value) if name == "amount_minor" else value for name, value in said}
    return parse_terms({**PLAIN, "fees": [{"due": due, **fee}]})


def fees(table: list[Line]) -> list[Line]:
    found = []
    for words, *cells in table[2:]:
        quoted = quote(of_fee(words), on=OPENED)
        rows = [f"{row.due}: {row.principal_minor} + {row.interest_minor} + {row.fee_minor}" for row in quoted.schedule]
        blank = [""] * (len(cells) - 2 - len(rows))
        found.append([words, *rows, *blank, str(quoted.total_cost_minor), quoted.apr])
    return found


def fees_owed(table: list[Line]) -> list[Line]:
    """Pay the loan off on a date, and read what fees it was charged by the end."""
    found = []
    for words, on, *_ in table[2:]:
        terms, day = of_fee(words), date.fromisoformat(on)
        paid_out = LoanEvent(id="1", on=OPENED, type=EventType.DISBURSEMENT, amount_minor=100_000)
        payoff = replay(terms, [paid_out]).state(day).payoff_minor
        repaid = LoanEvent(id="2", on=day, type=EventType.REPAYMENT, amount_minor=payoff)
        charged = replay(terms, [paid_out, repaid]).state(date(2024, 12, 31)).fees_to_date_minor
        found.append([words, on, str(payoff), str(charged)])
    return found


def tranches(table: list[Line], *, down_payment: str = "0") -> list[Line]:
    """Write the rows after each tranche."""
    terms = parse_terms({**PLAIN, "tranches": 2, "down_payment": down_payment})
    events, found = [], []
    for on, amount, *cells in table[2:]:
        day = date.fromisoformat(on)
        events.append(LoanEvent(id=on, on=day, type=EventType.DISBURSEMENT, amount_minor=int(amount)))
        shown = [f"{row.due}: {row.principal_minor} + {row.interest_minor}" for row in replay(terms, events).schedule]
        found.append([on, amount, *shown, *[""] * (len(cells) - len(shown))])
    return found


def day_counts(table: list[Line]) -> list[Line]:
    periods = [[date.fromisoformat(day) for day in head.split(" to ")] for head in table[0][2:]]
    found = []
    for day_count in DayCount:
        units = [units_between(start, end, day_count) for start, end in periods]
        found.append([day_count.value, str(YEAR_UNITS[day_count]), *map(str, units)])
    return found


def business_days(table: list[Line]) -> list[Line]:
    [text] = [part.partition("```")[0] for part in text_of(PAGE).split("```json\n")[1:]]
    calendar: BusinessCalendar = read(BusinessCalendar, json.loads(text))
    return [[line[0], *(moved(calendar, line[0], rule) for rule in table[0][1:])] for line in table[2:]]


def moved(calendar: BusinessCalendar, day: str, rule: str) -> str:
    try:
        return calendar.adjusted(date.fromisoformat(day), BusinessDayRule(rule)).isoformat()
    except UnknownDay:
        return "refused"


def libraries(table: list[Line]) -> list[Line]:
    return [[line[0], *(by_library(Library(name), date.fromisoformat(line[0])) for name in table[0][1:])]
            for line in table[2:]]  # fmt: skip


def by_library(library: Library, day: date) -> str:
    try:
        calendar, _ = read_library(library, first_year=day.year, last_year=day.year)
    except YearUnknown:
        return "unknown"
    return "worked" if calendar.is_business_day(day) else "free"


def bounds(table: list[Line]) -> list[Line]:
    """Take each field to its bounds and one step beyond."""
    for field, least, most in table[2:]:
        kind: Any = Decimal if field == "down_payment" else int
        step = Decimal("1e-12") if field == "down_payment" else 1
        low, high = (kind(cell.replace(",", "")) for cell in (least, most))
        for value in (low, high):
            terms_of(**{field: value})
        for value in (low - step, high + step):
            with pytest.raises(LoanRefused) as refused:
                terms_of(**{field: value})
            assert refused.value.reason is LoanRefusal.BAD_TERMS
    return table[2:]


SCHEDULES = ("plain", "accrual", "months", "flat", "instalment", "minimum payments", "grace", "dates", "broken period")
WORKED: dict[str, Callable[[list[Line]], list[Line]]] = {
    **dict.fromkeys(SCHEDULES, schedules),
    "fees": fees,
    "fees owed": fees_owed,
    "tranches": tranches,
    "tranches paid down": partial(tranches, down_payment="0.25"),
    "day counts": day_counts,
    "business days": business_days,
    "libraries": libraries,
    "bounds": bounds,
}


def test_every_worked_table_is_what_the_code_gives() -> None:
    table = tables(PAGE)
    assert {name: work(table[name]) for name, work in WORKED.items()} == {name: table[name][2:] for name in table}
