"""Compute every worked table of docs/algorithms/warnings.md again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from lending.domain.watch.cash_flow import CashFlow, NextInstalment, Peers
from lending.domain.watch.policy import Signal, day_one_watch
from lending.domain.watch.signals import RAISED_BY_ROWS, Watched, policy_for, read_signals
from lending.domain.watch.warning import judge_signal
from lending.domain.watch.watch_run import WatchKind, judged_as_of, judged_on
from tests.lending.domain.documents import Line, tables

PAGE = "warnings.md"
ON = date(2026, 6, 30)


def numbers(text: str) -> list[int]:
    return [int(one) for one in text.split()]


def watched_of(flow: str, peers: str, instalment: str) -> Watched:
    figures = dict(one.split("=") for one in flow.split())
    due = None
    if instalment != "-":
        minor, days, balance = numbers(instalment)
        due = NextInstalment(due_minor=minor, days=days, balance_minor=balance)
    several = Peers()
    if peers != "-":
        merchants, recent, usual = numbers(peers)
        several = Peers(merchants=merchants, sales_recent=recent, sales_usual=usual)
    flows = CashFlow(**{name: int(value) for name, value in figures.items()})
    return Watched(flow=flows, peers=several, instalment=due)


def signals(table: list[Line]) -> list[Line]:
    found = list[Line]()
    for name, flow, peers, instalment, *_ in table[2:]:
        policy = replace(day_one_watch(), signals={Signal(name): day_one_watch().signals[Signal(name)]})
        read = read_signals(watched_of(flow, peers, instalment), policy)
        said = ["-"] * 4
        for one in read:
            said = [str(one.observed), str(one.expected), str(one.share_bps), "yes" if one.fires else "no"]
        found.append([name, flow, peers, instalment, *said])
    return found


def changes(table: list[Line]) -> list[Line]:
    found = list[Line]()
    for fires, stands, ceased_on, lifted_on, kind, _ in table[2:]:
        change = judge_signal(
            fires=None if fires == "-" else fires == "yes",
            stands=stands == "yes",
            ceased_on=None if ceased_on == "-" else date.fromisoformat(ceased_on),
            lifted_by_person_on=None if lifted_on == "-" else date.fromisoformat(lifted_on),
            kind=WatchKind(kind),
            today=ON,
            policy=day_one_watch(),
        )
        found.append([fires, stands, ceased_on, lifted_on, kind, "nothing" if change is None else change.value])
    return found


CHECKS: dict[str, Callable[[list[Line]], list[Line]]] = {"signals": signals, "changes": changes}


@pytest.mark.parametrize("name", CHECKS)
def test_every_line_of_the_tables_is_what_the_code_computes(name: str) -> None:
    table = tables(PAGE)[name]
    assert len(table) > 2
    assert CHECKS[name](table) == table[2:]


def test_every_table_of_the_page_is_computed() -> None:
    assert set(tables(PAGE)) == set(CHECKS)


def test_every_signal_has_a_line_that_fires_and_one_that_does_not() -> None:
    """A table without such a line could not tell a signal that never fires from one that always does."""
    table = tables(PAGE)["signals"][2:]
    assert {(name, fires) for name, *_, fires in table} >= {
        (signal, said) for signal in Signal for said in ("yes", "no")
    }


def test_rows_are_judged_to_the_end_of_the_business_date_and_nights_to_its_start() -> None:
    assert [str(judged_as_of(kind, today=ON)) for kind in WatchKind] == ["2026-06-30", "2026-07-01"]
    assert all(judged_on(kind, as_of=judged_as_of(kind, today=ON)) == ON for kind in WatchKind)


def test_between_nights_only_what_rows_raise_is_read() -> None:
    policy = day_one_watch()
    assert policy_for(WatchKind.NIGHT, policy) == policy
    assert set(policy_for(WatchKind.ROWS, policy).signals) == RAISED_BY_ROWS
