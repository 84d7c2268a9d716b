"""Compute every worked table of docs/algorithms/charging.md again."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from lending.domain.contract.delinquency import classed, parse_rule
from lending.domain.contract.events import EventType, LoanEvent, parse_event
from lending.domain.contract.quote import quote
from lending.domain.contract.replay import Replayed, replay
from lending.domain.contract.schedule import Instalment
from lending.domain.contract.terms import parse_terms, write_terms
from tests.lending.domain.documents import Line, tables, text_of
from tests.lending.domain.loans import OPENED, terms_of

PAGE = "charging.md"
SAID = {"principal_minor": 100_000, "rate": Decimal("0.12"), "periods": 3, "penalty_multiple_extra": Decimal(0)}
PLAIN = write_terms(terms_of(**SAID, grace_days=0, tolerance_minor=0))
PAID_OUT = LoanEvent(id="out", on=OPENED, type=EventType.DISBURSEMENT, amount_minor=100_000)


def loan(words: str, happened: str) -> Replayed:
    """Replay events as a table writes them: date, type, figure and what more is said of it; separated by commas."""
    events = [PAID_OUT]
    for number, said in enumerate(filter(None, happened.split(", "))):
        on, kind, figure, *more = said.split()
        fields: dict[str, Any] = dict(pair.split("=") for pair in more)
        fields |= {"rate": figure} if kind == "rate_change" else {"amount_minor": int(figure)}
        events.append(parse_event({"id": str(number), "on": on, "type": kind, **fields}))
    return replay(parse_terms({**PLAIN, **said_terms(words)}), events)


def said_terms(words: str) -> dict[str, Any]:
    return dict(pair.split("=") for pair in words.split(", ") if "=" in pair)


def cells(rows: list[Instalment] | tuple[Instalment, ...]) -> list[str]:
    return [f"{row.due}: {row.principal_minor} + {row.interest_minor}" for row in rows]


def rows(table: list[Line]) -> list[Line]:
    """Write how the rows stand on a date."""
    found = []
    for words, happened, on, *_ in table[2:]:
        account = loan(words, happened).account(date.fromisoformat(on))
        assert account
        found.append([words, happened, on, *cells(account.schedule)])
    return found


def states(table: list[Line]) -> list[Line]:
    """Write what a loan's state has, under the names of the table's head."""
    found = []
    for words, happened, on, *_ in table[2:]:
        state = loan(words, happened).state(date.fromisoformat(on))
        figures = [getattr(state, name.replace(" ", "_") + "_minor") for name in table[0][3:]]
        found.append([words, happened, on, *map(str, figures)])
    return found


def payments(table: list[Line]) -> list[Line]:
    """Write where the last payment went, and what is left of the principal of each row."""
    found = []
    for words, happened, *_ in table[2:]:
        replayed = loan(words, happened)
        went, left = replayed.allocations[-1], replayed.state(replayed.standing[-1].on).unpaid_minor
        found.append([words, happened, *map(str, went[2:6]), " ".join(map(str, left))])
    return found


def drawn(table: list[Line]) -> list[Line]:
    return [
        [words, *cells(quote(parse_terms({**PLAIN, **said_terms(words)}), on=OPENED).schedule)]
        for words, *_ in table[2:]
    ]


def delinquency(table: list[Line]) -> list[Line]:
    [text] = [part.partition("```")[0] for part in text_of(PAGE).split("```json\n")[1:]]
    rule, unpaid = parse_rule(json.loads(text)), loan("rate=0", "")
    found = []
    for on, *_ in table[2:]:
        day = date.fromisoformat(on)
        now = classed(unpaid.account(day), rule)
        by_bucket = ", ".join(f"{name}: {amount}" for name, amount in now.by_bucket)
        figures = (unpaid.state(day).dpd, now.days, now.bucket or "", now.overdue_minor, by_bucket)
        found.append([on, *map(str, figures)])
    return found


WORKED: dict[str, Callable[[list[Line]], list[Line]]] = {
    "kept instalments": rows,
    "charged interest": states,
    "after the last due date": states,
    "directions": payments,
    "charges due later": payments,
    "penalties": states,
    "counted from": drawn,
    "delinquency": delinquency,
}


def test_every_worked_table_is_what_the_code_gives() -> None:
    table = tables(PAGE)
    assert {name: work(table[name]) for name, work in WORKED.items()} == {name: table[name][2:] for name in table}
