"""Compute every worked table of docs/algorithms/provisions.md again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from lending.domain.books.provision import (
    Before,
    Exposure,
    Left,
    Period,
    Stage,
    category_of,
    effective_rate_ppm,
    expected_loss,
    line_rate_ppm,
    provide,
)
from lending.domain.books.provision_movement import Line as MovementLine
from lending.domain.books.provision_movement import Moved, movement_tables
from lending.domain.books.provision_policy import DAY_ONE_POLICY
from lending.domain.contract.terms import parse_terms
from tests.lending.books import standard_terms
from tests.lending.domain.documents import Line, tables, text_of
from tests.lending.provisions import MARCH_END, policy

PAGE = "provisions.md"
ADDED_UP = ("OPENING", "NEW", "TO_STAGE_1", "TO_STAGE_2", "TO_STAGE_3", "REMEASURED", "REPAID", "WRITTEN_OFF")
LOAN = Exposure(
    on=MARCH_END,
    dpd=0,
    worst_dpd=0,
    re_aged_on=None,
    pd_ppm=20_000,
    origination_pd_ppm=20_000,
    lgd_bps=6_000,
    rate_ppm=156_170,
    ead_minor=1_203_400,
    periods=(Period(30, 1_214_880), Period(151, 1_025_000), Period(334, 520_000), Period(426, 260_000)),
)


def stages(table: list[Line]) -> list[Line]:
    found = []
    for dpd, worst, before_worst, before, good, origination, now, re_aged, other, *_ in table[2:]:
        exposure = replace(
            LOAN,
            dpd=int(dpd),
            worst_dpd=int(worst),
            pd_ppm=None if now == "-" else int(now),
            origination_pd_ppm=None if origination == "-" else int(origination),
            re_aged_on=None if re_aged == "-" else date.fromisoformat(re_aged),
            borrower_defaulted=other == "yes",
        )
        kept = None
        if before != "-":
            kept = Before(stage=Stage(int(before)), good_months=int(good), worst_dpd=int(before_worst))
        made = provide(policy(), exposure, kept)
        given = [dpd, worst, before_worst, before, good, origination, now, re_aged, other]
        found.append([*given, str(made.stage.value), made.cause.value, str(made.good_months), str(made.pd_ppm)])
    return found


def categories(table: list[Line]) -> list[Line]:
    found = []
    for dpd, stage, *_ in table[2:]:
        category = category_of(policy(), int(dpd), is_impaired=stage == "3")
        found.append([dpd, stage, category.value, str(policy().categories[category].minimum_bps)])
    return found


def losses(table: list[Line]) -> list[Line]:
    found = []
    for stage, pd, *_ in table[2:]:
        found.append([stage, pd, str(expected_loss(LOAN, stage=Stage(int(stage)), pd_ppm=int(pd)))])
    return found


def provisions(table: list[Line]) -> list[Line]:
    found = []
    for basis, dpd, *_ in table[2:]:
        made = provide(policy(basis=basis), replace(LOAN, dpd=int(dpd), worst_dpd=int(dpd)), None)
        amounts = [made.ecl_minor, made.minimum_minor, made.provision_minor]
        found.append([basis, dpd, str(made.stage.value), made.category.value, *map(str, amounts)])
    return found


def rates(table: list[Line]) -> list[Line]:
    found = []
    for rate, method, periods, *_ in table[2:]:
        own = {"principal_minor": 1_200_000, "rate": rate, "method": method, "periods": int(periods)}
        terms = parse_terms({**standard_terms(), **own})
        found.append([rate, method, periods, str(effective_rate_ppm(terms, date(2026, 3, 1)))])
    return found


def line_rates(table: list[Line]) -> list[Line]:
    return [[rate, str(line_rate_ppm(Decimal(rate)))] for rate, _ in table[2:]]


def movements(table: list[Line]) -> list[Line]:
    """Move a loan each: one stays, three change their stage, two leave, one is new."""
    one, two, three = Stage
    moves = [
        moved(one, one, 1_000, 900),
        moved(one, two, 500, 4_000),
        moved(two, three, 3_000, 60_000),
        moved(two, one, 2_500, 400),
        moved(None, one, 0, 700),
        moved(one, None, 300, 0, Left.REPAID),
        moved(three, None, 8_000, 0, Left.WRITTEN_OFF),
    ]
    [made] = movement_tables(moves)
    lines = {line: made.of(MovementLine(line)) for line in (*ADDED_UP, "CLOSING")}
    assert [sum(column) for column in zip(*(lines[line] for line in ADDED_UP), strict=True)] == list(lines["CLOSING"])
    assert [line for line, *_ in table[2:]] == list(lines)
    return [[line, *(str(minor) for minor in amounts), str(sum(amounts))] for line, amounts in lines.items()]


def moved(before: Stage | None, stage: Stage | None, was: int, now: int, left: Left | None = None) -> Moved:
    return Moved(currency="CNY", before=before, stage=stage, left=left, before_minor=was, provision_minor=now)


COMPUTED: dict[str, Callable[[list[Line]], list[Line]]] = {
    "stages": stages,
    "categories": categories,
    "losses": losses,
    "provisions": provisions,
    "rates": rates,
    "line rates": line_rates,
    "movements": movements,
}


@pytest.mark.parametrize("title", COMPUTED)
def test_table_is_computed(title: str) -> None:
    table = tables(PAGE)[title]
    assert len(table) > 3
    assert COMPUTED[title](table) == table[2:]


def test_every_table_has_a_test() -> None:
    assert set(tables(PAGE)) == set(COMPUTED)


def test_the_page_shows_the_policy_that_comes_with_the_product() -> None:
    """Red if a figure were changed in one place alone."""
    shown = text_of(PAGE).partition("```json\n")[2].partition("```")[0]
    assert shown == DAY_ONE_POLICY.read_text(encoding="utf-8")


def test_the_worked_loan_by_hand() -> None:
    """Add the loss up in floats, from the formula alone: red if a period, its PD or its discount were another's."""
    hazard, total, last = 0.98, 0.0, 1.0
    for period in LOAN.periods:
        survives = hazard ** (period.days / 365)
        total += (last - survives) * period.exposure_minor * 1.15617 ** (-period.days / 365)
        last = survives
    assert abs(total * 0.6 - expected_loss(LOAN, stage=Stage.TWO, pd_ppm=20_000)) < 1
