"""Of several faults the first counts: the terms, then each event as it was booked, then what stands."""

from typing import Any

import pytest

from lending.domain.contract.files import replay_case
from lending.domain.contract.refusal import LoanRefusal
from lending.domain.contract.terms import write_terms
from tests.lending.domain.loans import terms_of

Case = dict[str, Any]
TERMS = write_terms(terms_of())
OUT: Case = {"id": "e1", "on": "2024-01-31", "type": "disbursement", "amount_minor": 1_200_000}


def booked(number: int, on: str, kind: str, **figure: object) -> Case:
    return {"id": f"e{number}", "on": on, "type": kind, **figure}


def repaid(number: int, on: str, amount: object) -> Case:
    return booked(number, on, "repayment", amount_minor=amount)


def undone(number: int, of: str, on: str = "2024-05-01") -> Case:
    return booked(number, on, "reversal", of=of)


LATE_FIRST_DUE = {**TERMS, "first_due": "2024-01-31"}
FAULTS: list[tuple[str, Case, list[Case]]] = [
    ("BAD_TERMS", {**TERMS, "periods": 0}, [repaid(2, "2024-01-01", 0)]),
    ("BAD_TERMS", LATE_FIRST_DUE, [OUT, booked(2, "2024-03-01", "refund_credit", amount_minor=1)]),
    ("BAD_EVENT", TERMS, [OUT, repaid(2, "2024-03-01", 1.5), repaid(3, "2024-03-01", 0), undone(4, "e9")]),
    ("BAD_EVENT", TERMS, [OUT, repaid(1, "2024-03-01", 5)]),
    ("BAD_EVENT", LATE_FIRST_DUE, [OUT, booked(2, "2024-03-01", "rate_change", rate="-1")]),
    ("AMOUNT_NOT_POSITIVE", TERMS, [OUT, repaid(2, "2024-03-01", 0), repaid(3, "2024-03-01", 1.5)]),
    ("AMOUNT_NOT_POSITIVE", TERMS, [OUT, repaid(2, "2024-03-01", -3), undone(3, "e2")]),
    ("UNKNOWN_EVENT", TERMS, [OUT, undone(2, "e3"), repaid(3, "2024-03-01", -3)]),
    ("UNKNOWN_EVENT", TERMS, [OUT, undone(2, "e2")]),
    ("ALREADY_REVERSED", TERMS, [OUT, repaid(2, "2024-03-01", 5), undone(3, "e2"), undone(4, "e2"), undone(5, "e9")]),
    ("NOT_REVERSIBLE", TERMS, [OUT, repaid(2, "2024-03-01", 5), undone(3, "e2"), undone(4, "e3"), undone(5, "e2")]),
    ("BEFORE_DISBURSEMENT", TERMS, [repaid(2, "2024-03-01", 5)]),
    ("BEFORE_DISBURSEMENT", TERMS, [booked(2, "2024-01-30", "rate_change", rate="0"), OUT, OUT | {"id": "e3"}]),
    ("BEFORE_DISBURSEMENT", TERMS, [repaid(2, "2024-01-31", 5), OUT]),
    ("BEFORE_DISBURSEMENT", TERMS, [OUT, repaid(2, "2024-03-01", 5), undone(3, "e1")]),
    ("BEFORE_DISBURSEMENT", LATE_FIRST_DUE, [OUT, repaid(2, "2024-01-30", 5)]),
    ("ALREADY_DISBURSED", TERMS, [OUT, OUT | {"id": "e2", "on": "2024-03-01", "amount_minor": 7}]),
    ("ALREADY_DISBURSED", TERMS, [OUT, OUT | {"id": "e2"}, booked(3, "2024-03-01", "refund_credit", amount_minor=1)]),
    ("AMOUNT_NOT_PRINCIPAL", TERMS, [OUT | {"amount_minor": 7}, OUT | {"id": "e2"}]),
    ("CREDIT_TOO_SMALL", TERMS, [OUT, booked(2, "2024-03-01", "apply_credit", amount_minor=1)]),
    (
        "CREDIT_TOO_SMALL",
        TERMS,
        [OUT, booked(2, "2024-02-01", "refund_credit", amount_minor=1), OUT | {"id": "e3", "on": "2024-02-02"}],
    ),
]


@pytest.mark.parametrize(("code", "terms", "events"), FAULTS)
def test_the_first_fault_counts(code: str, terms: Case, events: list[Case]) -> None:
    found = replay_case({"id": "x", "terms": terms, "events": events, "as_of": []})
    assert found.keys() == {"id", "refused", "error"}
    assert (found["id"], found["refused"]) == ("x", code)
    assert found["error"]


def test_every_reason_is_tried() -> None:
    assert {code for code, _, _ in FAULTS} == {reason.value for reason in LoanRefusal}


def test_a_reversal_may_take_the_credit_that_was_used() -> None:
    """Red if credit is checked when an event is booked, not when it takes effect."""
    over = repaid(2, "2024-02-01", 2_000_000)
    used = booked(3, "2024-03-01", "refund_credit", amount_minor=700_000)
    assert "refused" not in replay_case({"id": "x", "terms": TERMS, "events": [OUT, over, used], "as_of": []})
    undone_over = undone(4, "e2")
    found = replay_case({"id": "x", "terms": TERMS, "events": [OUT, over, used, undone_over], "as_of": []})
    assert found["refused"] == "CREDIT_TOO_SMALL"
    settled = [OUT, over, used, undone_over, undone(5, "e3")]
    assert "refused" not in replay_case({"id": "x", "terms": TERMS, "events": settled, "as_of": []})
