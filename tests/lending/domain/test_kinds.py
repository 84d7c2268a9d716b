"""The kinds of product: what each decides for itself."""

import json
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lending.domain.contract.quote import quote
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.domain.contract.schedule import draw_schedule
from lending.domain.contract.terms import Method
from lending.domain.origination.decision import decide
from lending.domain.origination.facts import LineFacts
from lending.domain.origination.kinds.line import draw_choices, for_draws
from lending.domain.origination.kinds.registry import KINDS, kind_of
from lending.domain.origination.limit import most_by_months
from lending.domain.origination.offer import read_choices, write_choices
from lending.domain.origination.product import LENDABLE, Product, ProductKind, terms_of
from lending.domain.origination.product_document import DAY_ONE_PRODUCTS, ProductDefect, ProductMalformed, parse_product
from lending.domain.origination.product_document import canonical_product as canonical
from lending.domain.origination.rules import Ground, Outcome
from lending.domain.origination.snapshot import parse_snapshot, snapshot_of
from scoring.domain.calibration import Grade
from tests.conftest import ROOT
from tests.lending.domain.borrowers import ON, YUAN, Change, application, day_one, line_product, merchant

MALFORMED: list[tuple[Change, str]] = [
    (lambda data: data.pop("line"), "the figures of a line"),
    (lambda data: data.update(kind="TERM"), "a TERM product has none"),
    (lambda data: data["line"].update(minimum_draw="0"), "minimum_draw"),
    (lambda data: data["line"].update(minimum_draw="1000.01"), "minimum_draw"),
    (lambda data: data["line"].update(tenors=[13]), "tenors"),
    (lambda data: data["line"].update(tenors=[6], open_ended=None), "a choice for every grade"),
    (lambda data: data["line"].update(tenors=[], open_ended=None), "a choice for every grade"),
    (lambda data: data["line"]["open_ended"].update(share_bps=0), "share_bps"),
    (lambda data: data["line"]["open_ended"].update(least="0"), "least"),
    (lambda data: data["contract"].update(method="MINIMUM_PAYMENT"), "over a number of months"),
]


def changed(change: Change) -> Product:
    data: dict[str, Any] = json.loads(DAY_ONE_PRODUCTS[ProductKind.LINE].read_text())
    change(data)
    return parse_product(*canonical(json.dumps(data)))


def test_every_kind_is_registered_and_comes_with_a_first_product() -> None:
    assert set(KINDS) == set(DAY_ONE_PRODUCTS) == set(ProductKind)
    for kind, file in DAY_ONE_PRODUCTS.items():
        assert parse_product(*canonical(file.read_text())).kind is kind


def test_nothing_but_the_kinds_asks_which_kind_it_is() -> None:
    """Red for `if kind == …` outside of them: another kind would need a change there."""
    member = r"ProductKind\.\w+"
    asks = re.compile(
        rf"(?:==|!=|\bis|\bis not|\bin|\bcase)\s*[({{\[]?\s*{member}|{member}\s*(?:==|!=)"
        r"|product\.kind\s*(?:==|!=|is\b|in\b)"
    )
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sorted((ROOT / "lending").rglob("*.py"))
        if "migrations" not in path.parts
        for line in path.read_text().splitlines()
        if asks.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(("change", "what"), MALFORMED)
def test_the_form_of_a_product_is_that_of_its_kind(change: Change, what: str) -> None:
    with pytest.raises(ProductMalformed, match=what) as refused:
        changed(change)
    assert refused.value.reason is ProductDefect.FIELD


def test_a_term_product_is_what_it_was_before_there_were_kinds() -> None:
    """Red if a document of before were hashed anew: what a kind adds is left out where it has none."""
    text, _ = canonical(DAY_ONE_PRODUCTS[ProductKind.TERM].read_text())
    assert "line" not in json.loads(text)
    assert json.loads(text) == json.loads(DAY_ONE_PRODUCTS[ProductKind.TERM].read_text())


@pytest.mark.parametrize("grade", LENDABLE)
def test_a_term_loan_is_chosen_by_months_and_a_line_is_not(grade: Grade) -> None:
    longest = day_one().grades[grade].months
    assert list(kind_of(day_one()).choices(day_one(), grade)) == list(range(1, longest + 1))
    line = line_product()
    assert list(kind_of(line).choices(line, grade)) == [None]
    assert kind_of(line).judged(line, grade, None) == longest
    assert draw_choices(line, grade) == (*(months for months in (1, 3, 6, 12) if months <= longest), None)


def test_a_draw_over_months_is_a_loan_like_any_other() -> None:
    terms = kind_of(line_product()).terms(line_product(), grade=Grade.B1, principal_minor=5_000 * YUAN, months=6)
    assert terms == terms_of(day_one(), grade=Grade.B1, principal_minor=5_000 * YUAN, months=6)


@given(st.sampled_from(LENDABLE), st.integers(100 * YUAN, 500_000 * YUAN))
def test_an_open_ended_draw_pays_its_minimum_each_month_until_it_is_repaid(grade: Grade, principal: int) -> None:
    """Red if a month asked for less than the share, or the schedule did not end."""
    line = line_product()
    terms = kind_of(line).terms(line, grade=grade, principal_minor=principal, months=None)
    assert (terms.method, terms.minimum_share, terms.minimum_minor) == (
        Method.MINIMUM_PAYMENT,
        Decimal("0.1"),
        100 * YUAN,
    )
    left, rows = principal, draw_schedule(terms, on=ON)
    assert len(rows) <= 60
    for row in rows:
        assert row.principal_minor >= min(left, 100 * YUAN)
        assert row.principal_minor * 10 >= left or left == row.principal_minor
        left -= row.principal_minor
    assert left == 0
    assert quote(terms, on=ON).total_cost_minor == sum(row.interest_minor for row in rows)


def test_what_is_not_open_ended_has_no_such_terms() -> None:
    bounded = changed(lambda data: data["line"].update(open_ended=None))
    assert None not in draw_choices(bounded, Grade.A1)
    for product in (bounded, day_one()):
        with pytest.raises((LoanRefused, ValueError)) as refused:
            kind_of(product).terms(product, grade=Grade.A1, principal_minor=100 * YUAN, months=None)
        assert getattr(refused.value, "reason", None) is LoanRefusal.BAD_TERMS


def test_an_offer_of_a_line_promises_what_an_application_for_it_is_judged_by() -> None:
    """Red if all of a line could not be accepted."""
    line = line_product()
    most = most_by_months(merchant(), line, grade=Grade.B1, free_minor=25_000 * YUAN)
    assert list(most) == [None]
    assert read_choices(write_choices(most)) == most
    assert read_choices({"12": 3, "2": 1}) == {2: 1, 12: 3}
    asked = application(line, amount_minor=most[None], months=kind_of(line).judged(line, Grade.B1, None))
    assert decide(asked, line).outcome is Outcome.APPROVE


DRAWS: list[tuple[dict[str, Any], LineFacts, Outcome, Ground | None]] = [
    ({"amount_minor": 100 * YUAN}, LineFacts(limit_minor=5_000 * YUAN, used_minor=0), Outcome.APPROVE, None),
    (
        {"amount_minor": 99 * YUAN},
        LineFacts(limit_minor=5_000 * YUAN, used_minor=0),
        Outcome.DECLINE,
        Ground.AMOUNT_BELOW_MINIMUM,
    ),
    (
        {"amount_minor": 3_000 * YUAN, "outstanding_minor": 2_000 * YUAN},
        LineFacts(limit_minor=5_000 * YUAN, used_minor=2_000 * YUAN),
        Outcome.APPROVE,
        None,
    ),
    (
        {"amount_minor": 3_000 * YUAN + 1, "outstanding_minor": 2_000 * YUAN},
        LineFacts(limit_minor=5_000 * YUAN, used_minor=2_000 * YUAN),
        Outcome.DECLINE,
        Ground.AMOUNT_ABOVE_LIMIT,
    ),
    (  # what it owes otherwise leaves less than the line does
        {"amount_minor": 2_000 * YUAN, "outstanding_minor": 23_001 * YUAN},
        LineFacts(limit_minor=5_000 * YUAN, used_minor=0),
        Outcome.DECLINE,
        Ground.AMOUNT_ABOVE_LIMIT,
    ),
    (
        {"amount_minor": 100 * YUAN, "days_past_due": 1},
        LineFacts(limit_minor=5_000 * YUAN, used_minor=0),
        Outcome.DECLINE,
        Ground.PAST_DUE,
    ),
    (
        {"amount_minor": 500 * YUAN, "owner_days_past_due": 1},
        LineFacts(limit_minor=5_000 * YUAN, used_minor=0),
        Outcome.REFER,
        Ground.OWNER_PAST_DUE,
    ),
]


@pytest.mark.parametrize(("changes", "line", "outcome", "ground"), DRAWS)
@pytest.mark.parametrize("months", [None, 3])
def test_a_draw_is_decided_by_the_rules_of_an_offer_within_its_line(
    changes: dict[str, Any], line: LineFacts, outcome: Outcome, ground: Ground | None, months: int | None
) -> None:
    facts = replace(application(line_product(), months=months, **changes), line=line)
    found = decide(facts, line_product())
    assert (found.outcome, found.ground) == (outcome, ground)
    assert decide(parse_snapshot(*snapshot_of(facts)), line_product()) == found


def test_a_draw_open_ended_is_bounded_by_its_first_payments() -> None:
    """Red if the largest month of an open-ended draw were not weighed against sales: 10 % of it and the interest."""
    line = LineFacts(limit_minor=500_000 * YUAN, used_minor=0)
    rich = {"sales_basis_minor": 10_000 * YUAN, "largest_repaid_minor": 10**9, "worst_month_minor": 10**9}
    facts = replace(application(line_product(), months=None, amount_minor=11_900 * YUAN, **rich), line=line)
    assert dict(decide(facts, line_product()).evaluated)[Ground.DEBT_SERVICE] is False
    more = replace(facts, amount_minor=24_000 * YUAN)
    assert dict(decide(more, line_product()).evaluated)[Ground.DEBT_SERVICE] is True


def test_older_snapshots_read_as_they_were() -> None:
    """Red if a fact of draws were written into a decision that is none."""
    text, _ = snapshot_of(application(day_one()))
    assert "line" not in json.loads(text)
    assert for_draws(line_product()).sha256 == line_product().sha256
