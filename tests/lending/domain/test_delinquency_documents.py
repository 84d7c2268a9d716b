"""Compute every worked table of docs/algorithms/delinquency.md again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from lending.domain.books.delinquency import bucket_of, standstills_of
from lending.domain.books.delinquency_policy import day_one_delinquency
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.replay import replay
from lending.domain.contract.spells import FOREVER, Spell, spells_of
from tests.lending.domain.documents import Line, tables, text_of
from tests.lending.domain.loans import OPENED, disbursed, terms_of

PAGE = "delinquency.md"
TERMS = terms_of(principal_minor=9_000, rate=Decimal(0), periods=3, tolerance_minor=0)
DUE, AS_OF, DAY = date(2024, 2, 29), date(2024, 4, 5), timedelta(days=1)


def event_of(text: str) -> LoanEvent:
    on, kind, *amount = text.split()
    return LoanEvent(
        id="e",
        on=date.fromisoformat(on),
        type=EventType(kind),
        amount_minor=int(amount[0]) if amount else None,
    )


def shown(day: date | None) -> str:
    return "-" if day in {None, FOREVER} else str(day)


def spells(table: list[Line]) -> list[Line]:
    found = list[Line]()
    for text in dict.fromkeys(events for events, *_ in table[2:]):
        events = [event_of(text)] if text else []
        for one in spells_of(replay(TERMS, [disbursed(TERMS), *events]), to=AS_OF):
            dates = [shown(one.since), shown(one.until), str(one.principal_minor)]
            found.append([text, *dates, shown(one.late_from), shown(one.late_since), str(one.arrears_minor)])
    return found


def classes(table: list[Line]) -> list[Line]:
    found = list[Line]()
    for pause, grace, cure, paid, on, *_ in table[2:]:
        coming = day_one_delinquency()
        policy = replace(coming, rule=replace(coming.rule, grace_days=int(grace)), cure_days=int(cure))
        day, until = date.fromisoformat(on), FOREVER if paid == "-" else date.fromisoformat(paid)
        late = Spell(
            since=OPENED, until=until, principal_minor=9_000, late_from=DUE + DAY, late_since=DUE, arrears_minor=3_000
        )
        healed = late._replace(since=until, until=FOREVER, late_from=None, late_since=None, arrears_minor=0)
        begins, _, periods = pause.partition(" ")
        agreed = [] if pause == "-" else [paused(date.fromisoformat(begins), int(periods))]
        kept = [late] if paid == "-" else [late, healed]
        bucket = bucket_of(policy, kept, standstills_of(TERMS, agreed), on=day)
        dpd = (day - DUE).days if late.is_late(day) and day < until else 0
        found.append([pause, grace, cure, paid, on, str(dpd), policy.name_of(bucket) if bucket else "-"])
    return found


def paused(on: date, periods: int) -> LoanEvent:
    return LoanEvent(id="p", on=on, type=EventType.PAUSE, periods=periods)


COMPUTED: dict[str, Callable[[list[Line]], list[Line]]] = {"spells": spells, "classes": classes}


@pytest.mark.parametrize("title", COMPUTED)
def test_table_is_computed(title: str) -> None:
    table = tables(PAGE)[title]
    assert table[2:] == COMPUTED[title](table)


def test_every_figure_of_the_policy_is_explained() -> None:
    text = text_of(PAGE)
    for name in ("rule.buckets", "rule.grace_days", "pauses", "level", "cure_days"):
        assert f"| `{name}` |" in text
