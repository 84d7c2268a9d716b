import json
from typing import Any

import pytest

from lending.domain.contract.files import BadFile, load_cases, load_object, quote_case, replay_case
from lending.domain.contract.refusal import LoanRefused
from lending.domain.contract.terms import write_terms
from tests.lending.domain.loans import terms_of

TERMS = write_terms(terms_of())
OUT = {"id": "e1", "on": "2024-01-31", "type": "disbursement", "amount_minor": 1_200_000}
GOOD: dict[str, Any] = {"id": "good", "terms": TERMS, "events": [OUT], "as_of": ["2024-02-29"]}


def replayed(text: str) -> list[dict[str, Any]]:
    return [replay_case(case) for case in load_cases(text)]


def test_a_case_gives_what_the_page_says() -> None:
    [found] = replayed(json.dumps({"meta": 1, "cases": [{**GOOD, "description": "ignored", "expect": 7}]}))
    assert list(found) == ["id", "schedule", "allocations", "states"]
    assert found["schedule"][0] == {
        "no": 1,
        "due": "2024-02-29",
        "principal_minor": 95_578,
        "interest_minor": 10_440,
        "total_minor": 106_018,
    }
    assert list(found["states"][0].items()) == [
        ("as_of", "2024-02-29"),
        ("principal_minor", 1_200_000),
        ("interest_to_date_minor", 10_440),
        ("interest_paid_minor", 0),
        ("penalty_to_date_minor", 0),
        ("penalty_paid_minor", 0),
        ("fees_unpaid_minor", 0),
        ("credit_minor", 0),
        ("due_minor", 106_018),
        ("dpd", 0),
        ("payoff_minor", 1_210_440),
    ]
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        "{",
        "{}",
        '{"cases": {}}',
        '{"cases": [], "cases": []}',
        '{"cases": [}',
        '{"cases": ' + "[" * 100_000,
    ],
)
def test_a_file_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(BadFile):
        load_cases(text)


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (7, "BAD_TERMS"),
        (None, "BAD_TERMS"),
        ({}, "BAD_TERMS"),
        ({**GOOD, "id": None}, "BAD_TERMS"),
        ({**GOOD, "terms": []}, "BAD_TERMS"),
        ({name: value for name, value in GOOD.items() if name != "events"}, "BAD_EVENT"),
        ({**GOOD, "events": {}}, "BAD_EVENT"),
        ({**GOOD, "events": [None]}, "BAD_EVENT"),
        ({**GOOD, "as_of": "2024-02-29"}, "BAD_EVENT"),
        ({**GOOD, "as_of": ["2024-02-30"]}, "BAD_EVENT"),
        ({**GOOD, "as_of": [None]}, "BAD_EVENT"),
    ],
)
def test_a_broken_case_stops_no_other(broken: object, code: str) -> None:
    first, second, third = replayed(json.dumps({"cases": [GOOD, broken, GOOD]}))
    assert second["refused"] == code
    assert second["error"]
    assert first == third == replay_case(GOOD)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('"periods": 12', '"periods": 12, "periods": 12', "BAD_TERMS"),
        ('"periods": 12', '"periods": 12.0', "BAD_TERMS"),
        ('"periods": 12', '"periods": NaN', "BAD_TERMS"),
        ('"periods": 12', f'"periods": {"9" * 5_000}', "BAD_TERMS"),
        ('"rate": "0.1095"', '"rate": 0.1095', "BAD_TERMS"),
        ('"amount_minor": 1200000', '"amount_minor": 1200000, "amount_minor": 1200000', "BAD_EVENT"),
        ('"amount_minor": 1200000', '"amount_minor": 1200000.0', "BAD_EVENT"),
        ('"amount_minor": 1200000', '"amount_minor": Infinity', "BAD_EVENT"),
        ('"amount_minor": 1200000', f'"amount_minor": 1{"0" * 5_000}', "BAD_EVENT"),
        ('"as_of": ', '"as_of": [], "as_of": ', "BAD_EVENT"),
        ('"events": ', '"events": [], "events": ', "BAD_EVENT"),
        ('"id": "good"', '"id": "good", "id": "good"', "BAD_TERMS"),
    ],
)
def test_what_json_leaves_open_is_refused_in_its_case_alone(old: str, new: str, code: str) -> None:
    """Red if a key given twice silently counts once."""
    text = json.dumps(GOOD)
    assert old in text
    first, second = replayed(f'{{"cases": [{text.replace(old, new)}, {text}]}}')
    assert first["refused"] == code
    assert second == replay_case(GOOD)


def test_a_quote_gives_what_the_page_says() -> None:
    found: Any = quote_case(load_object(json.dumps({"terms": TERMS, "on": "2024-01-31"})))
    assert list(found) == ["schedule", "total_interest_minor", "total_cost_minor", "apr"]
    assert found["schedule"] == replay_case(GOOD)["schedule"]
    assert found["apr"] == "11.49"


@pytest.mark.parametrize("on", [None, "2024-02-30", 20240131])
def test_a_quote_for_no_date_is_refused(on: object) -> None:
    with pytest.raises(BadFile, match="on: "):
        quote_case({"terms": TERMS, "on": on})


def test_a_quote_of_bad_terms_is_refused() -> None:
    with pytest.raises(LoanRefused):
        quote_case({"terms": {**TERMS, "first_due": "2024-01-31"}, "on": "2024-01-31"})
