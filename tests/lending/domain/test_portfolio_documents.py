"""Compute every worked table of docs/algorithms/portfolio.md again."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from lending.domain.books.portfolio import (
    PAR,
    Band,
    Count,
    Offered,
    Share,
    VintagePoint,
    at_risk,
    average_of,
    band_of,
    concentration_of,
    expected_loss,
    is_better,
    is_first_payment_default,
    is_worse,
    matures_on,
    month_ends,
    months_on_book,
    roll_rates,
    rolled,
    steps_of,
    yield_of,
)
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.flows import flows_of
from lending.domain.contract.replay import replay
from tests.lending.domain.documents import Line, tables
from tests.lending.domain.loans import disbursed, terms_of

PAGE = "portfolio.md"
TERMS = terms_of(principal_minor=9_000, rate=Decimal(0), periods=3, tolerance_minor=0)


def parts(text: str) -> list[list[str]]:
    return [part.split() for part in text.split(", ") if part]


def said(share: Share) -> str:
    return f"{share.part} of {share.whole}"


def par(table: list[Line]) -> list[Line]:
    found = list[Line]()
    for text, *_ in table[2:]:
        loans = [(int(dpd), int(minor)) for dpd, minor in parts(text)]
        found.append([text, *(said(at_risk(loans, days)) for days in PAR)])
    return found


def bands(table: list[Line]) -> list[Line]:
    return [[dpd, band_of(int(dpd))] for dpd, _ in table[2:]]


def rolls(table: list[Line]) -> list[Line]:
    found = list[Line]()
    for text, *_ in table[2:]:
        moves = {(Band(began), Band(ended)): Count(loans=1, minor=int(minor)) for began, ended, minor in parts(text)}
        rates = roll_rates(moves)
        asked = [(words.split()[1], words.split()[3]) for words in table[0][1:]]
        found.append([text, *(said(rates[Band(began), Band(ended)]) for began, ended in asked)])
        of_row = [rates[Band.CURRENT, band] for band in Band]
        assert sum(share.part for share in of_row) == of_row[0].whole
    return found


def worse(table: list[Line]) -> list[Line]:
    found = list[Line]()
    for text, *_ in table[2:]:
        moves = {(Band(began), Band(ended)): Count(loans=1, minor=int(minor)) for began, ended, minor in parts(text)}
        found.append([text, said(rolled(moves, is_worse)), said(rolled(moves, is_better))])
    return found


def months(table: list[Line]) -> list[Line]:
    dates = [list(map(date.fromisoformat, line[:2])) for line in table[2:]]
    return [[str(lent), str(on), str(months_on_book(lent, on))] for lent, on in dates]


def ends(table: list[Line]) -> list[Line]:
    dates = [list(map(date.fromisoformat, line[:2])) for line in table[2:]]
    return [[str(first), str(on), ", ".join(map(str, month_ends(first, on)))] for first, on in dates]


def vintages(table: list[Line]) -> list[Line]:
    found = list[Line]()
    for lent, bad, lost, _ in table[2:]:
        counts = [Count(loans=1, minor=int(minor)) for minor in (lent, bad, lost)]
        point = VintagePoint(lent=counts[0], bad=counts[1], lost=counts[2])
        found.append([lent, bad, lost, said(point.share)])
    return found


def first(table: list[Line]) -> list[Line]:
    found = list[Line]()
    for due, late, *_ in table[2:]:
        first_due, late_since = date.fromisoformat(due), None if late == "-" else date.fromisoformat(late)
        is_default = is_first_payment_default(first_due, late_since=late_since)
        found.append([due, late, str(matures_on(first_due)), "yes" if is_default else "no"])
    return found


def yields(table: list[Line]) -> list[Line]:
    found = list[Line]()
    for text, received, *_ in table[2:]:
        days = list(map(int, text.split()))
        average = average_of(sum(days), max(len(days), 1))
        found.append([text, received, str(average), said(yield_of(int(received), sum(days)))])
    return found


def losses(table: list[Line]) -> list[Line]:
    found = list[Line]()
    for text, _ in table[2:]:
        weighted = sum(int(minor) * int(pd) * int(lgd) for minor, pd, lgd in parts(text))
        found.append([text, str(expected_loss(weighted))])
    return found


def holders(table: list[Line]) -> list[Line]:
    found = list[Line]()
    for text, *_ in table[2:]:
        spread = concentration_of((name, Count(loans=1, minor=int(minor))) for name, minor in parts(text))
        found.append([text, ", ".join(name for name, _ in spread.largest), str(spread.index)])
    return found


def funnel(table: list[Line]) -> list[Line]:
    found = list[Line]()
    for delivered, outcome, paid_out, _ in table[2:]:
        offered = Offered(delivered == "yes", None if outcome == "-" else outcome, "", paid_out == "yes")
        found.append([delivered, outcome, paid_out, ", ".join(steps_of(offered))])
    return found


def event_of(on: str, kind: str, *amount: str) -> LoanEvent:
    minor = int(amount[0]) if amount else None
    return LoanEvent(id=f"{on} {kind}", on=date.fromisoformat(on), type=EventType(kind), amount_minor=minor)


def flows(table: list[Line]) -> list[Line]:
    found = list[Line]()
    for text in dict.fromkeys(events for events, *_ in table[2:]):
        events = [event_of(*part) for part in parts(text)]
        found += [[text, *map(str, flow)] for flow in flows_of(replay(TERMS, [disbursed(TERMS), *events]))]
    return found


COMPUTED: dict[str, Callable[[list[Line]], list[Line]]] = {
    "par": par,
    "bands": bands,
    "rolls": rolls,
    "worse": worse,
    "months": months,
    "ends": ends,
    "vintages": vintages,
    "first": first,
    "yields": yields,
    "losses": losses,
    "holders": holders,
    "funnel": funnel,
    "flows": flows,
}


def test_every_table_is_computed() -> None:
    assert tables(PAGE).keys() == COMPUTED.keys()


@pytest.mark.parametrize("title", COMPUTED)
def test_table_is_computed(title: str) -> None:
    table = tables(PAGE)[title]
    assert table[2:] == COMPUTED[title](table)
