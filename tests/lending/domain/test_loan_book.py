"""A loan book in figures alone: when it may be taken over, what its rows and totals must be, which terms may rest."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from config.kernel.documents import Unfit
from lending.domain.books.at_rest import RestingLoan
from lending.domain.books.book_rows import (
    BALANCES,
    SCHEDULE_ONLY,
    STANDARD,
    Balances,
    BookLoan,
    BookRefusal,
    NotTaken,
    RawLoan,
    read_head,
    read_loan,
)
from lending.domain.books.loan_book import (
    CutOverRefusal,
    Totals,
    compare,
    judge_cut_over,
    judge_loan,
    read_control,
)
from lending.domain.books.projection import project
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.replay import replay
from lending.domain.contract.terms import parse_terms
from lending.domain.origination.product import NOT_SOLD
from tests.lending.books import CUT_OVER, LENT_ON, Written, some_history, standard_terms, written_loan

DAY = timedelta(days=1)
# Each further term that a book may set, as some loan has it.
FURTHER: list[dict[str, Any]] = [
    {"instalment_minor": 260_000},
    {"instalment_multiple_minor": 1_000, "instalment_rounding": "UP"},
    {"method": "EQUAL_PRINCIPAL", "remainder": "LAST"},
    {"principal_grace": 2},
    {"month_end": "STAY_LAST"},
    {"last_due": "2026-05-28"},
    {"broken_period": "SPREAD", "first_due": "2026-01-20"},
    {"down_payment": "0.2"},
    {"method": "MINIMUM_PAYMENT", "minimum_share": "0.1", "minimum_minor": 10_000},
    {
        "business_days": "FOLLOWING",
        "calendar": {
            "name": "CN",
            "first_year": 2025,
            "last_year": 2027,
            "holidays": ["2026-01-20"],
            "working": [],
            "weekend": [6, 7],
        },
    },
]


def raw(written: Written, **cells: str) -> RawLoan:
    row = {**written.loan, **cells}
    return RawLoan(
        line=7,
        number=row["loan"],
        is_twice=False,
        shared=[],
        row=row,
        schedule=list(enumerate(written.schedule, 1)),
        events=list(enumerate(written.events, 1)),
    )


def read(written: Written, **cells: str) -> BookLoan:
    found = raw(written, **cells)
    return read_loan(found, read_head(found))


@pytest.mark.parametrize("number", range(9))
def test_each_history_is_judged_as_it_stands(number: int) -> None:
    loan = read(written_loan("L-1", *some_history(number), merchant="kiln"))
    taken = judge_loan(loan, standard=standard_terms(), cut_over=CUT_OVER, tolerance_minor=0)
    assert Balances.of(taken.opening) == loan.head.balances
    assert (taken.differences, taken.history.events) == ((), loan.events)


@pytest.mark.parametrize(("column", "cell"), [
    ("loan", ""), ("loan", " L-1"), ("merchant", "a\nb"), ("currency", "XAU"), ("currency", "yuan"), ("principal", ""),
    ("principal", "1e5"), ("principal", "-1.00"), ("principal", "1.001"), ("rate", "14.6%"), ("rate", "1e-2"),
    ("method", "ANNUITY"), ("periods", "6.0"), ("periods", "²"), ("periods", "1" * 5_000), ("first_due", "20.12.2025"),
    ("disbursed_on", "2025-02-30"), ("grade", "Z9"), ("version", "-1"), ("terms", "[]"), ("terms", "{"),
    ("terms", '{"interest": "FLAT"}'), ("terms", '{"rate": "0.1"}'), ("open_interest", "n/a"),
    ("days_past_due", "late"),
])  # fmt: skip
def test_a_cell_that_is_not_what_it_should_be_is_named(column: str, cell: str) -> None:
    """Red if something is guessed, or a row fails otherwise than by its refusal."""
    with pytest.raises(NotTaken, match=f"loans, row 7: {column}: ") as refused:
        read_head(raw(written_loan("L-1", merchant="kiln"), **{column: cell}))
    assert refused.value.reason is BookRefusal.UNREADABLE


def test_no_loan_comes_with_terms_that_a_night_does_not_accrue() -> None:
    """Red if a term is added to the engine that neither is let in nor kept out on purpose."""
    kept_out = {"accrual", "interest", "interest_grace", "interest_free", "tranches"}
    kept_out |= {"recalculation", "interest_charged", "matured_interest", "direction", "penalty_on", "counted_from"}
    assert kept_out == NOT_SOLD - SCHEDULE_ONLY - STANDARD
    assert {name for terms in FURTHER for name in terms} - {"method", "first_due"} == SCHEDULE_ONLY


@pytest.mark.parametrize("further", FURTHER, ids="+".join)
def test_a_loan_with_each_term_that_is_let_in_rests_between_its_turns(further: dict[str, Any]) -> None:
    """Red if a night would book another interest for it than replay has, or its row not tell how it stands."""
    own = {"principal_minor": 1_200_000, "currency": "CNY", "rate": "0.146", "periods": 6}
    terms = parse_terms({**standard_terms(), "method": "EQUAL_INSTALMENTS", **own, **further})
    events = [
        LoanEvent(id="1", on=LENT_ON, type=EventType.DISBURSEMENT, amount_minor=1_200_000),
        LoanEvent(id="2", on=LENT_ON + 45 * DAY, type=EventType.REPAYMENT, amount_minor=300_000),
    ]
    replayed = replay(terms, events)
    turns = 0
    day = LENT_ON
    while day < LENT_ON + 250 * DAY:
        now = project(replayed, as_of=day)
        ends = min(filter(None, (now.turns_on, day + 40 * DAY, *(one.on for one in events if one.on > day))))
        row = RestingLoan(
            booked_to=day, position=now.position, carry=now.carry, due_minor=now.due_minor, late_since=now.late_since,
            worst_dpd=now.worst_dpd, next_due=now.next_due, turns_on=now.turns_on, turn_fee_minor=now.turn_fee_minor,
        )  # fmt: skip
        for later in range(1, (ends - day).days):
            then, told = project(replayed, as_of=day + later * DAY), row.as_of(day + later * DAY)
            assert (told.position, told.due_minor, told.dpd) == (then.position, then.due_minor, then.dpd)
        if not [one for one in events if one.on == ends]:
            ours, row_s = project(replayed, as_of=ends).position, row.as_of(ends).position
            assert (row_s.interest_minor, row_s.penalty_minor) == (ours.interest_minor, ours.penalty_minor)
        day, turns = ends, turns + 1
    assert turns > 6


@pytest.mark.parametrize(("refusal", "change"), [
    (None, {}),
    (None, {"next_day": CUT_OVER}),
    (None, {"next_day": CUT_OVER + DAY, "today": CUT_OVER + 3 * DAY}),
    (CutOverRefusal.NO_BUSINESS_DATE, {"today": None}),
    (CutOverRefusal.IN_THE_FUTURE, {"today": CUT_OVER - DAY}),
    (CutOverRefusal.CLOSE_UNDER_WAY, {"close_under_way": True}),
    (CutOverRefusal.NOT_CLOSED_UP_TO, {"next_day": CUT_OVER - DAY}),
])  # fmt: skip
def test_when_a_book_may_be_taken_over(refusal: CutOverRefusal | None, change: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"today": CUT_OVER, "next_day": None, "close_under_way": False, **change}
    assert judge_cut_over(CUT_OVER, **asked) is refusal


def test_what_removes_an_event_is_not_removed_itself() -> None:
    """Red if it were: events are written before those that remove them."""
    loan = written_loan("L-1", *some_history(5), merchant="kiln")
    loan.events.append({**loan.events[2], "of": "3"})
    with pytest.raises(NotTaken, match="NOT_REVERSIBLE"):
        judge_loan(read(loan), standard=standard_terms(), cut_over=CUT_OVER, tolerance_minor=0)


SUMS = dict.fromkeys(BALANCES, "1.00")


@pytest.mark.parametrize("spoiled", [
    {"loans": "1"}, {"totals": []}, {"totals": {"XAU": SUMS}}, {"totals": {"CNY": {**SUMS, "credit": 1}}},
    {"totals": {"CNY": {**SUMS, "fees": "1.00"}}}, {"totals": {"CNY": {"credit": "1.00"}}}, {"cut_over": "today"},
    {"note": ""},
])  # fmt: skip
def test_control_totals_that_leave_something_open_are_refused(spoiled: dict[str, Any]) -> None:
    good = {"cut_over": "2026-03-01", "loans": 1, "totals": {"CNY": SUMS}}
    assert read_control(json.dumps(good)).totals.sums["CNY"]["credit"] == 100
    with pytest.raises(Unfit):
        read_control(json.dumps(good | spoiled))


def test_totals_are_compared_by_currency_in_both_directions() -> None:
    """Red if a currency that only one side has is not a difference."""
    ours, theirs = Totals(), Totals()
    ours.add("CNY", Balances(open_principal=5))
    theirs.add("EUR", Balances(open_principal=5))
    found = {(line.currency, line.control, line.book) for line in compare(theirs, ours) if not line.agrees}
    assert found == {("CNY", 0, 5), ("EUR", 5, 0)}


def test_the_same_loan_has_one_digest_and_another_has_another() -> None:
    """Red if another version of the code told a loan that was imported by this one from the same loan in a book."""
    written = written_loan("L-1", *some_history(1), merchant="kiln")
    digest = read(written).digest(cut_over=CUT_OVER)
    assert digest == "49aeee7321e5fd3a977c62bccc1cec49a791cdf71c597a304820150e582e9ae4"
    assert read(written, rate="0.1460").digest(cut_over=CUT_OVER) == digest
    assert read(written, principal="12000").digest(cut_over=CUT_OVER) == digest
    assert read(written).digest(cut_over=date(2026, 3, 2)) != digest
    written.events[1]["external_ref"] = "another"
    assert read(written).digest(cut_over=CUT_OVER) != digest
