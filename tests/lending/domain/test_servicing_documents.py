"""Compute every worked table of docs/algorithms/servicing.md again."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from lending.domain.books.ledger import movements
from lending.domain.books.projection import project
from lending.domain.contract.events import EventType, parse_event
from lending.domain.contract.replay import Replayed, replay
from tests.lending.domain.documents import Line, tables
from tests.lending.domain.loans import disbursed, terms_of

PAGE = "servicing.md"
TERMS = terms_of(principal_minor=100_000, rate=Decimal("0.12"), periods=3, tolerance_minor=0)


def loan(words: str) -> Replayed:
    """Replay events as a table writes them: date, type and figure, separated by commas; a removal names its place."""
    events = [disbursed(TERMS)]
    for number, said in enumerate(filter(None, words.split(", ")), start=2):
        on, kind, *figure = said.split()
        name = {"pause": "periods", "re_age": "periods", "extend": "periods", "re_amortise": "periods"}.get(kind)
        name = "of" if kind in {"reversal", "bounce"} else name or "amount_minor"
        value = [figure[0] if name == "of" else int(figure[0])] if figure else []
        events.append(
            parse_event({"id": str(number), "on": on, "type": kind, **dict(zip([name], value, strict=False))})
        )
    return replay(TERMS, events)


def redrawn(table: list[Line]) -> list[Line]:
    found = []
    for words, *_ in table[2:]:
        rows = [f"{row.due}: {row.principal_minor} + {row.interest_minor}" for row in loan(words).schedule]
        found.append([words, *rows, *[""] * (len(table[0]) - 1 - len(rows))])
    return found


def let_go(table: list[Line]) -> list[Line]:
    names = table[0][2:]
    found = []
    for words, on, *_ in table[2:]:
        projection = project(loan(words), as_of=date.fromisoformat(on))
        figures = {
            **{name: getattr(projection.position, f"{name.replace(' ', '_')}_minor", None) for name in names},
            "claim": projection.position.lost_minor - projection.position.recovered_minor,
            "payoff": projection.payoff_minor,
            "days past due": projection.dpd,
            "status": projection.status,
        }
        found.append([words, on, *(str(figures[name]) for name in names)])
    return found


def postings(table: list[Line]) -> list[Line]:
    found = []
    for words, *_ in table[2:]:
        before, after = loan(", ".join(words.split(", ")[:-1])), loan(words)
        on = after.standing[-1].on if after.standing[-1].type is not EventType.REPAYMENT else date(2024, 6, 1)
        moved = movements(project(before, as_of=on).position, project(after, as_of=on).position)
        found.append([words, "; ".join(f"{one.debit} to {one.credit} {one.amount_minor}" for one in moved)])
    return found


WORKED: dict[str, Callable[[list[Line]], list[Line]]] = {
    "redrawn": redrawn,
    "let go": let_go,
    "postings": postings,
}


def test_every_worked_table_is_what_the_code_gives() -> None:
    table = tables(PAGE)
    assert {name: work(table[name]) for name, work in WORKED.items()} == {name: table[name][2:] for name in table}
