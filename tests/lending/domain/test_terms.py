from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from config.kernel.documents import ADDED
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.domain.contract.terms import DEFAULT_WATERFALL, Terms, parse_terms, write_terms
from tests.lending.cases import special_terms
from tests.lending.domain.loans import terms_of

CALENDAR = {"name": "cn", "first_year": 2024, "last_year": 2026, "weekend": [6, 7], "holidays": [], "working": []}
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
    "accrual": ["DAILY", None],
    "interest": ["flat", None],
    "instalment_minor": [0, -1, "100", 1.0, 10**15 + 1],
    "instalment_multiple_minor": [0, True, "100", None, 10**15 + 1],
    "instalment_rounding": ["DOWN", None],
    "remainder": ["FIRST", None],
    "principal_grace": [-1, 12, "1", None],
    "interest_grace": [-1, 1, None],  # above the principal's
    "interest_free": [-1, 13, None],
    "tranches": [0, -1, True, "2", None, 3_661],
    "month_end": ["CLAMP", None],
    "last_due": ["", "2024-02-30", 20240301],
    "down_payment": [0.25, "-0.1", "1", "1.5", None],
    "minimum_share": [0.1, "-0.1", "101", None, "0.1"],  # of minimum payments alone
    "minimum_minor": [-1, True, "100", None, 1],
    "business_days": ["NEXT", None, "FOLLOWING"],  # without a calendar
    "recalculation": ["KEEP", True, None],
    "interest_charged": ["as_scheduled", None],
    "matured_interest": ["STOP", None],
    "direction": ["DIAGONAL", None],
    "penalty_on": ["INTEREST", None],
    "counted_from": ["", "2024-02-30", 20240301],
    "calendar": ["cn", [], {}, CALENDAR, {**CALENDAR, "weekend": [8]}, {**CALENDAR, "holidays": ["2030-01-01"]}],
}
TOGETHER: list[tuple[dict[str, object], str]] = [
    ({"method": "EQUAL_PRINCIPAL", "instalment_minor": 100}, "instalment_minor: only equal instalments"),
    ({"method": "BULLET", "instalment_multiple_minor": 100}, "instalment_multiple_minor: only equal instalments"),
    ({"method": "INTEREST_ONLY", "instalment_rounding": "UP"}, "instalment_rounding: only equal instalments"),
    ({"instalment_minor": 100_000, "instalment_rounding": "UP"}, "instalment_minor: what is agreed is not rounded"),
    ({"method": "MINIMUM_PAYMENT"}, "minimum_minor: 0 is not a whole number from 1"),
    ({"minimum_minor": 1}, "minimum_minor: 1 is not a whole number from 0 to 0"),
    ({"minimum_share": "0.1"}, "minimum_share: 0.1 goes with MINIMUM_PAYMENT"),
    ({"method": "MINIMUM_PAYMENT", "minimum_minor": 1, "minimum_share": "1.01"}, "minimum_share: "),
    ({"method": "MINIMUM_PAYMENT", "minimum_minor": 1, "interest": "FLAT"}, "method: flat interest"),
    ({"method": "MINIMUM_PAYMENT", "minimum_minor": 1, "tranches": 2}, "tranches: with flat interest"),
    ({"instalment_minor": 100_000, "interest": "FLAT"}, "instalment_minor: flat interest"),
    ({"method": "BULLET", "principal_grace": 1}, "principal_grace: BULLET has principal due at the end alone"),
    ({"unit": "DAY", "month_end": "NEXT_DAY"}, "month_end: 'NEXT_DAY' is not a rule for periods of days or weeks"),
    ({"tranches": 2, "interest": "FLAT"}, "tranches: with flat interest"),
    ({"tranches": 2, "principal_grace": 1}, "tranches: with flat interest, an agreed instalment or a grace"),
    ({"calendar": CALENDAR}, "calendar: a calendar needs a rule of business_days"),
    ({"recalculation": "KEEP_INSTALMENT", "method": "EQUAL_PRINCIPAL"}, "does not go with this method"),
    ({"recalculation": "KEEP_INSTALMENT", "interest": "FLAT"}, "does not go with this interest"),
    ({"recalculation": "KEEP_INSTALMENT", "principal_grace": 1}, "does not go with this principal_grace"),
    ({"recalculation": "KEEP_INSTALMENT", "interest_charged": "AS_SCHEDULED"}, "go with this recalculation"),
    ({"matured_interest": "STOPS", "interest_charged": "AS_SCHEDULED"}, "does not go with this matured_interest"),
    ({"tranches": 2, "interest_charged": "AS_SCHEDULED"}, "does not go with this tranches"),
    ({"principal_grace": 1, "interest_grace": 2}, "interest_grace: 2 is not from 0 to principal_grace, 1"),
    ({"fees": [{"due": "FIRST_DUE", "share": "0.1"}, {"due": "FIRST_DUE"}]}, "fees: no. 2: a share"),
    ({"direction": "HORIZONTAL", "waterfall": [*reversed(DEFAULT_WATERFALL)]}, "direction: HORIZONTAL needs"),
    ({"counted_from": "2024-01-01", "first_due": "2024-03-01"}, "counted_from: .* one is enough"),
    ({"fees": [{"due": "FIRST_DUE", "share": "0.1", "base": "INTEREST"}]}, "fees: no. 1: base: "),
]


@given(special_terms(date(2024, 1, 31)))
def test_what_is_written_reads_the_same(raw: dict[str, Any]) -> None:
    terms = parse_terms(raw)
    assert parse_terms(write_terms(terms)) == terms


def test_terms_of_a_plain_loan_name_no_others() -> None:
    """Red if the stored terms of every loan grow by what none of them has."""
    required = [field.name for field in fields(Terms) if field.metadata != ADDED]
    assert list(write_terms(terms_of())) == [*required, "waterfall"]


@pytest.mark.parametrize(("changed", "message"), TOGETHER)
def test_terms_that_contradict_each_other_are_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(LoanRefused, match=message) as refused:
        parse_terms({**write_terms(terms_of()), **changed})
    assert refused.value.reason is LoanRefusal.BAD_TERMS


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
