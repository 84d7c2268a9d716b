"""Compute every worked table of docs/algorithms/lines.md again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from lending.domain.origination.assessment import NO_OFFER_RULES, NoOffer, assess
from lending.domain.origination.granted_limit import GrantedLimit
from lending.domain.origination.line import FREEZING, repaid_minor, review
from tests.lending.domain.borrowers import line_product, merchant
from tests.lending.domain.documents import Line, tables

PAGE = "lines.md"


def reviews(table: list[Line]) -> list[Line]:
    found, limit = [], GrantedLimit(limit_minor=20_000)
    for night, computed, otherwise, drawn, _ in table[2:]:
        on = date.fromisoformat(night)
        facts = merchant(on=on, as_of=on, outstanding_minor=int(otherwise) + int(drawn))
        case = assess(facts, line_product(), NO_OFFER_RULES)
        assert case.limit is not None
        known = None if computed == "-" else replace(case.limit, limit_minor=int(computed))
        limit = review(limit, replace(case, limit=known), used_minor=int(drawn)).limit
        found.append([night, computed, otherwise, drawn, str(limit.limit_minor)])
    return found


def freezing(_table: list[Line]) -> list[Line]:
    return [[reason.value, "yes" if reason in FREEZING else "no"] for reason in NoOffer]


def ladder(table: list[Line]) -> list[Line]:
    found = []
    for agreed, limit, repaid, _ in table[2:]:
        counted = repaid_minor(repaid_on_time_minor=int(repaid), agreed_minor=int(agreed), limit_minor=int(limit))
        found.append([agreed, limit, repaid, str(counted)])
    return found


WORKED: dict[str, Callable[[list[Line]], list[Line]]] = {"reviews": reviews, "freezing": freezing, "ladder": ladder}


def test_every_worked_table_is_what_the_code_gives() -> None:
    table = tables(PAGE)
    assert {name: work(table[name]) for name, work in WORKED.items()} == {name: table[name][2:] for name in table}
