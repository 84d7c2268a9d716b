from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.domain.contract.terms import DEFAULT_WATERFALL, parse_terms, write_terms
from tests.lending.cases import terms_of_loans
from tests.lending.domain.loans import terms_of

BROKEN: dict[str, list[object]] = {
    "principal_minor": [0, -1, True, 1.0, "100", None, 10**15 + 1, 10**400],
    "currency": ["", "cny", "CNYX", 156, None],
    "rate": [
        0.1095,
        0,
        "-0.1",
        "1e-3",
        ".5",
        "",
        " 0.1",
        "NaN",
        "Infinity",
        "100.1",
        "0.1234567890123",
        "\u0660.5",
        None,
    ],
    "day_count": ["ACT/364", "act/360", 1, None],
    "method": ["equal_principal", "ANNUITY", None],
    "periods": [0, -1, True, 2.0, "3", 3_661, 10**30, None],
    "every": [0, False, 10**9, None],
    "unit": ["YEAR", "DAYS", None],
    "first_due": ["", "2024-02-30", "20240301", "2024-W09-5", "10000-01-01", 20240301, False],
    "grace_days": [-1, True, 10**6, "3", None],
    "tolerance_minor": [-1, 0.5, None],
    "penalty_multiple_extra": [0.5, "-0.5", "101", None],
    "prepayment": ["FIRST", None],
    "waterfall": [None, [], "DUE_FEE", ["DUE_FEE"] * 12, [*DEFAULT_WATERFALL, "DUE_FEE"], [*DEFAULT_WATERFALL[1:], 7]],
}


@given(st.data())
def test_what_is_written_reads_the_same(data: st.DataObject) -> None:
    terms = parse_terms(data.draw(terms_of_loans(date(2024, 1, 31))))
    assert parse_terms(write_terms(terms)) == terms


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BROKEN.items() for value in values])
def test_a_field_that_is_not_its_own_type_is_refused(name: str, value: object) -> None:
    with pytest.raises(LoanRefused, match=name) as refused:
        parse_terms({**write_terms(terms_of()), name: value})
    assert refused.value.reason is LoanRefusal.BAD_TERMS


def test_a_number_too_long_to_be_shown_is_refused() -> None:
    with pytest.raises(LoanRefused, match="principal_minor: what cannot be shown, of type int, is not a whole number"):
        parse_terms({**write_terms(terms_of()), "principal_minor": 10**5_000})


@pytest.mark.parametrize("name", sorted(write_terms(terms_of()).keys() - {"waterfall"}))
def test_a_field_that_is_missing_is_refused(name: str) -> None:
    raw = write_terms(terms_of())
    del raw[name]
    with pytest.raises(LoanRefused, match=f"{name} is missing"):
        parse_terms(raw)


@pytest.mark.parametrize("raw", [None, [], "terms", 7, {**write_terms(terms_of()), "rounding": "HALF_UP"}])
def test_what_is_no_object_of_these_fields_is_refused(raw: object) -> None:
    with pytest.raises(LoanRefused) as refused:
        parse_terms(raw)
    assert refused.value.reason is LoanRefusal.BAD_TERMS


@pytest.mark.parametrize(
    "changed",
    [{"rate": Decimal("NaN")}, {"rate": Decimal(-1)}, {"periods": 0}, {"waterfall": DEFAULT_WATERFALL[:-1]}],
)
def test_terms_made_in_python_are_judged_as_well(changed: dict[str, Any]) -> None:
    with pytest.raises(LoanRefused):
        replace(terms_of(), **changed)


def test_the_waterfall_is_the_default_one_where_none_is_given() -> None:
    raw = write_terms(terms_of())
    del raw["waterfall"]
    assert parse_terms(raw).waterfall == DEFAULT_WATERFALL
