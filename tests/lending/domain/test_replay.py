from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from time import process_time
from typing import Any

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from config.kernel.daycount import DayCount
from config.kernel.money import MAX_MINOR
from lending.domain.contract.events import EventType, LoanEvent, parse_event
from lending.domain.contract.files import replay_case
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.domain.contract.replay import STRIDE, Replayed, replay
from lending.domain.contract.terms import (
    Direction,
    PeriodUnit,
    Prepayment,
    Recalculation,
    Terms,
    parse_terms,
    write_terms,
)
from tests.lending.cases import SERVICING, cases, charging_terms, special_terms, terms_of_loans, tranche_terms
from tests.lending.domain.loans import OPENED, disbursed, paid, terms_of
from tests.lending.model import model

Case = dict[str, Any]
UNSERVICED = cases() | cases(special_terms) | cases(tranche_terms) | cases(charging_terms)
SERVICED = cases(terms_of_loans, SERVICING) | cases(special_terms, SERVICING) | cases(tranche_terms, SERVICING)
SERVICED |= cases(charging_terms, SERVICING)
ANY = UNSERVICED | SERVICED
SLOW = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def read(case: Case) -> tuple[Terms, list[LoanEvent], list[date]]:
    events = [parse_event(raw) for raw in case["events"]]
    return parse_terms(case["terms"]), events, [date.fromisoformat(text) for text in case["as_of"]]


def replayed(case: Case) -> tuple[Replayed, Terms, list[LoanEvent], list[date]] | None:
    terms, events, dates = read(case)
    try:
        return replay(terms, events), terms, events, dates
    except LoanRefused:
        return None


def result(terms: Terms, events: list[LoanEvent], dates: list[date]) -> object:
    """Everything of a loan, or its refusal."""
    try:
        loan = replay(terms, events)
    except LoanRefused as refused:
        return refused.reason
    return loan.schedule, loan.allocations, [loan.state(on) for on in dates]


def many_events(terms: Terms, number: int, *, days: int = 730) -> list[LoanEvent]:
    most = 2 * terms.principal_minor // number
    payments = [paid(f"p{n}", 1 + n * days // number, 1 + n * 7919 % most) for n in range(1, number)]
    return [disbursed(terms), *payments]


@given(UNSERVICED)
@settings(SLOW, max_examples=900)
def test_the_engine_says_what_the_slow_model_says(case: Case) -> None:
    """Red for, to name some: penalty without its grace; interest due by S_i; PRO_RATA by the p_i as drawn."""
    found = replay_case(case)
    found.pop("error", None)
    event(str(found.get("refused", "replayed")))
    assert found == model(case)


RE_AGED_TWICE = {
    "id": "drawn",
    "terms": {
        "principal_minor": 99_969,
        "currency": "CNY",
        "rate": "36.5",
        "day_count": "30E/360",
        "periods": 8,
        "method": "INTEREST_ONLY",
        "every": 2,
        "unit": "MONTH",
        "first_due": None,
        "grace_days": 10,
        "tolerance_minor": 500,
        "penalty_multiple_extra": "0.333",
        "prepayment": "PRO_RATA",
    },
    "events": [
        {"id": "e1", "on": "2023-01-29", "type": "disbursement", "amount_minor": 99_969},
        {"id": "e2", "on": "2023-04-25", "type": "re_age", "periods": 5},
        {"id": "e3", "on": "2023-05-28", "type": "repayment", "amount_minor": 1},
        {"id": "e4", "on": "2023-05-29", "type": "re_age", "periods": 1},
    ],
    "as_of": ["2023-01-29"],
}


@given(SERVICED)
@example(RE_AGED_TWICE)  # the row between them keeps what was paid after the first
@settings(SLOW, max_examples=600)
def test_servicing_is_what_the_slow_model_says(case: Case) -> None:
    """Red for, to name some: a pause that lets principal fall due; a re-aged loan late; a claim that earns interest."""
    found = replay_case(case)
    found.pop("error", None)
    event(str(found.get("refused", "replayed")))
    assert found == model(case)


@given(UNSERVICED)
@SLOW
def test_a_reversal_leaves_what_was_never_booked(case: Case) -> None:
    """Red if the reversal's own date counts, or the reversed payment's money stays credit."""
    terms, events, dates = read(case)
    removed = {event.of for event in events} | {event.id for event in events if event.of is not None}
    if (loan := replayed(case)) and any(event.of for event in events):
        never = [event for event in events if event.id not in removed]
        assert result(terms, never, dates) == (
            loan[0].schedule,
            loan[0].allocations,
            [loan[0].state(on) for on in dates],
        )


@given(ANY)
@SLOW
def test_a_back_dated_event_is_as_one_booked_in_order(case: Case) -> None:
    """Red if events apply in the order of booking."""
    terms, events, dates = read(case)
    if not any(event.of for event in events):
        assert result(terms, events, dates) == result(terms, sorted(events, key=lambda event: event.on), dates)


@given(ANY)
@SLOW
def test_what_comes_later_changes_no_earlier_state(case: Case) -> None:
    if loan := replayed(case):
        whole, terms, _, dates = loan
        for on in dates:
            known = [event for event in whole.standing if event.on <= on]
            before = replay(terms, known).state(on)
            assert whole.state(on) == before


@given(cases(), st.data())
@SLOW
def test_what_pays_off_on_a_date_closes_the_loan(case: Case, data: st.DataObject) -> None:
    """Red if the payoff nets the credit, or a walk leaves a step out."""
    if (loan := replayed(case)) and loan[0].standing:
        whole, terms, events, _ = loan
        on = max(whole.standing[-1].on, whole.schedule[-1].due) if data.draw(st.booleans()) else whole.standing[-1].on
        owed = whole.state(on)
        if 0 < owed.payoff_minor <= MAX_MINOR:
            payoff = LoanEvent(id="off", on=on, type=EventType.REPAYMENT, amount_minor=owed.payoff_minor)
            after = replay(terms, [*events, payoff])
            assert after.allocations[-1].credit_minor == 0
            for later in (0, 1, 400):
                state = after.state(on + timedelta(later))
                assert (state.closed, state.payoff_minor, state.due_minor, state.dpd) == (True, 0, 0, 0)
                assert state.credit_minor == owed.credit_minor
                assert state.interest_to_date_minor == owed.interest_to_date_minor


@given(ANY)
@SLOW
def test_money_adds_up(case: Case) -> None:
    """What was paid is what principal, interest, penalty and fees fell by without being let go; the rest is credit."""
    if (loan := replayed(case)) and loan[0].standing:
        whole, _, _, dates = loan
        for on in dates:
            state, known = whole.state(on), [event for event in whole.standing if event.on <= on]
            moved = {kind: sum(event.amount_minor or 0 for event in known if event.type is kind) for kind in EventType}
            if not known:
                continue
            assert moved[EventType.REPAYMENT] + moved[EventType.SETTLEMENT] == (
                moved[EventType.DISBURSEMENT]
                - state.principal_minor
                - state.principal_written_off_minor
                + state.interest_paid_minor
                + state.penalty_paid_minor
                + state.fees_to_date_minor
                - state.fees_unpaid_minor
                - state.fees_written_off_minor
                + state.recovered_minor
                + state.credit_minor
                - state.receivable_minor
                + moved[EventType.REFUND_CREDIT]
            )
            assert sum(state.unpaid_minor) == state.principal_minor
            assert state.due_minor <= state.payoff_minor


@given(ANY)
@SLOW
def test_the_next_amount_falls_due_on_the_next_date(case: Case) -> None:
    if (loan := replayed(case)) and loan[0].standing:
        on = loan[0].standing[-1].on
        state = loan[0].state(on)
        if state.next_due:
            due = loan[0].state(state.next_due)
            grown = due.penalty_to_date_minor - state.penalty_to_date_minor
            assert due.due_minor == state.due_minor + state.next_due_minor + grown
            assert state.next_due_minor > 0


@pytest.mark.parametrize("prepayment", Prepayment)
def test_states_of_a_long_history_are_those_of_its_beginnings(prepayment: Prepayment) -> None:
    """Red if a kept copy shares a list with the account that went on, or is one event off."""
    terms = terms_of(prepayment=prepayment)
    events = many_events(terms, 3 * STRIDE, days=200)
    whole = replay(terms, events)
    for number in (1, STRIDE - 1, STRIDE, STRIDE + 1, STRIDE + 2, 2 * STRIDE + 1, 3 * STRIDE):
        on = events[number - 1].on
        known = [event for event in events if event.on <= on]
        assert whole.state(on) == replay(terms, known).state(on)
        assert whole.allocations[: len(known) - 1] == replay(terms, known).allocations


def test_no_payment_leaves_a_loan_that_is_late_by_every_day() -> None:
    terms = terms_of()
    loan = replay(terms, [disbursed(terms)])
    assert [loan.state(date(2024, 2, 28) + timedelta(day)).dpd for day in range(4)] == [0, 0, 1, 2]


def test_a_loan_not_disbursed_has_no_figures() -> None:
    terms = terms_of()
    back = LoanEvent(id="r", on=OPENED, type=EventType.REVERSAL, of="out")
    for events in ([], [disbursed(terms), back]):
        loan = replay(terms, events)
        state = loan.state(OPENED + timedelta(50))
        assert (loan.schedule, loan.allocations, state.payoff_minor, state.closed) == ((), (), 0, False)


def test_a_loan_disbursed_again_is_drawn_afresh() -> None:
    """Payments booked between the two payouts stand if they lie after the second."""
    terms, numbers = terms_of(), count(1)
    again = disbursed(terms)._replace(id="again", on=OPENED + timedelta(14))
    back = LoanEvent(id="r", on=OPENED + timedelta(7), type=EventType.REVERSAL, of="out")
    payment = paid(f"p{next(numbers)}", 20, 5_000)
    assert result(terms, [disbursed(terms), payment, back, again], [OPENED]) == result(
        terms, [again, payment], [OPENED]
    )


def test_the_largest_figures_stay_exact() -> None:
    """Red if anything passes through int64 or a float."""
    case = {
        "id": "huge",
        "terms": write_terms(
            terms_of(
                principal_minor=10**15,
                rate=Decimal("99.999999999999"),
                day_count=DayCount.ACT_ACT,
                periods=3,
                grace_days=0,
                penalty_multiple_extra=Decimal("99.999999999999"),
                prepayment=Prepayment.PRO_RATA,
            )
        ),
        "events": [
            {"id": "a", "on": "2023-12-31", "type": "disbursement", "amount_minor": 10**15},
            {"id": "b", "on": "2024-02-10", "type": "repayment", "amount_minor": 10**15},
            {"id": "c", "on": "2024-03-01", "type": "rate_change", "rate": "0.000000000001"},
            {"id": "d", "on": "2024-07-01", "type": "repayment", "amount_minor": 999_999_999_999_999},
        ],
        "as_of": ["2024-02-10", "2024-06-30", "2025-07-01"],
    }
    assert replay_case(case) == model(case)


def yardstick() -> float:
    """Time some 10 ms of Python: how fast the machine is just now."""
    start = process_time()
    assert sum(number % 7 for number in range(200_000))
    return process_time() - start


@pytest.mark.parametrize("unit", [PeriodUnit.MONTH, PeriodUnit.DAY])
def test_a_long_loan_replays_fast(unit: PeriodUnit) -> None:
    """Two years, 2,400 events: some 5 yardsticks; the bound has room for noise, not for a rescan an event."""
    terms = terms_of(periods=24 if unit is PeriodUnit.MONTH else 730, unit=unit)
    events = many_events(terms, 2_400)
    spent, yards = [], []
    for _ in range(5):
        yards.append(yardstick())
        start = process_time()
        replay(terms, events)
        spent.append(process_time() - start)
    assert min(spent) < 15 * min(yards)
    loan, start = replay(terms, events), process_time()
    for day in range(0, 730, 7):
        loan.state(OPENED + timedelta(day))
    assert process_time() - start < 104 * 0.4 * min(yards)


def test_a_rate_holds_from_the_day_of_its_change() -> None:
    terms = terms_of(rate=Decimal("0.365"), principal_minor=1_000_000)
    change = LoanEvent(id="c", on=OPENED + timedelta(10), type=EventType.RATE_CHANGE, rate=Decimal("0.73"))
    loan = replay(terms, [disbursed(terms), change])
    interest = [loan.state(OPENED + timedelta(day)).interest_to_date_minor for day in (9, 10, 11)]
    assert interest == [9_000, 10_000, 12_000]
    assert loan.schedule == replay(terms, [disbursed(terms)]).schedule


def tranche(id: str, after: int, amount: int) -> LoanEvent:  # noqa: A002
    return paid(id, after, amount)._replace(type=EventType.DISBURSEMENT)


def test_a_tranche_gives_money_in_advance_rows_to_repay_again() -> None:
    """Red if the next prepayment goes on where the last one ended, past rows that were at 0 and are not any more."""
    terms = terms_of(principal_minor=9_000, rate=Decimal(0), periods=3, tranches=2, tolerance_minor=0)
    first = disbursed(terms)._replace(amount_minor=6_000)
    loan = replay(terms, [first, paid("p1", 1, 4_000), tranche("t", 2, 3_000), paid("p2", 3, 1_000)])
    assert [row.principal_minor for row in loan.schedule] == [3_000, 3_000, 3_000]
    assert loan.state(OPENED + timedelta(3)).unpaid_minor == (0, 1_000, 3_000)


def kept(**changed: Any) -> Terms:  # noqa: ANN401
    usual: dict[str, Any] = {"principal_minor": 100_001, "rate": Decimal("0.12"), "periods": 3, "tolerance_minor": 0}
    return terms_of(**{**usual, "tranches": 2, "recalculation": Recalculation.KEEP_INSTALMENT, **changed})


@pytest.mark.parametrize("rule", Prepayment)
def test_a_tranche_leaves_what_was_paid_in_advance_of_instalments_that_are_kept(rule: Prepayment) -> None:
    """Red if a unit more were lent, and more than a unit or two of what was paid in advance were owed again."""
    terms = kept(prepayment=rule)
    first, day = disbursed(terms)._replace(amount_minor=100_000), OPENED + timedelta(29)
    ahead = paid("p", 10, 33_989)
    before = replay(terms, [first, ahead]).state(day).due_minor
    after = replay(terms, [first, ahead, tranche("t", 11, 1)]).state(day).due_minor
    assert before <= after <= before + 2


def test_interest_that_was_waived_is_not_paid_of_an_instalment_that_is_kept() -> None:
    """Red if what is due with the next row were less by it: its total is kept, and more of it is principal."""
    terms = kept(principal_minor=100_000)
    first = disbursed(terms)._replace(amount_minor=50_000)
    waived = LoanEvent(id="w", on=OPENED + timedelta(10), type=EventType.WAIVE_INTEREST, amount_minor=100)
    loan = replay(terms, [first, waived, tranche("t", 12, 50_000)])
    assert loan.state(OPENED + timedelta(29)).due_minor == loan.schedule[0].total_minor


def test_a_write_off_takes_charges_that_fall_due_later_with_it() -> None:
    """Red if they vanished: they were part of the payoff."""
    charge = LoanEvent(
        id="c", on=OPENED + timedelta(5), type=EventType.CHARGE, amount_minor=700, due=OPENED + timedelta(60)
    )
    lost = LoanEvent(id="w", on=OPENED + timedelta(10), type=EventType.WRITE_OFF)
    terms = terms_of()
    loan = replay(terms, [disbursed(terms), charge, lost])
    owed = replay(terms, [disbursed(terms), charge]).state(lost.on)
    for later in (0, 60):
        state = loan.state(lost.on + timedelta(later))
        assert (state.fees_written_off_minor, state.payoff_minor) == (700, owed.payoff_minor)


def test_long_schedules_take_no_square_of_their_rows() -> None:
    """Red if each row of thousands that are kept, or paid by instalment, looked through all others."""
    many = {"principal_minor": 10**8, "periods": 3_000, "unit": PeriodUnit.DAY, "rate": Decimal("0.12")}
    terms = terms_of(**many, recalculation=Recalculation.KEEP_INSTALMENT, prepayment=Prepayment.LAST)
    began = process_time()
    replay(terms, [disbursed(terms), paid("p", 1, 9 * 10**7)]).state(OPENED + timedelta(30))
    late = terms_of(**many, direction=Direction.HORIZONTAL)
    replay(late, [disbursed(late), *(paid(f"p{n}", 2_900, 30_000) for n in range(200))])
    assert process_time() - began < 6  # 14 s for the first alone, looked through


def test_a_reversed_tranche_was_never_paid_out() -> None:
    terms = terms_of(principal_minor=9_000, periods=3, tranches=2)
    first, second = disbursed(terms)._replace(amount_minor=6_000), tranche("t", 40, 3_000)
    back = LoanEvent(id="back", on=OPENED + timedelta(50), type=EventType.REVERSAL, of="t")
    assert replay(terms, [first, second, back]).schedule == replay(terms, [first]).schedule
    alone = replay(terms, [first, second, back._replace(of="out")])
    assert (alone.standing[0].id, alone.state(second.on).principal_minor) == ("t", 3_000)


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([tranche("t", 1, 3_000), tranche("u", 2, 1)], LoanRefusal.ALREADY_DISBURSED),
        ([tranche("t", 1, 3_001)], LoanRefusal.AMOUNT_NOT_PRINCIPAL),
        ([tranche("t", 400, 3_000)], LoanRefusal.ALREADY_DISBURSED),
    ],
)
def test_tranches_that_were_not_agreed_are_refused(events: list[LoanEvent], reason: LoanRefusal) -> None:
    terms = terms_of(principal_minor=9_000, periods=3, tranches=2)
    with pytest.raises(LoanRefused) as refused:
        replay(terms, [disbursed(terms)._replace(amount_minor=6_000), *events])
    assert refused.value.reason is reason


def test_a_part_of_the_principal_needs_tranches() -> None:
    terms = terms_of()
    with pytest.raises(LoanRefused) as refused:
        replay(terms, [disbursed(terms)._replace(amount_minor=terms.principal_minor - 1)])
    assert refused.value.reason is LoanRefusal.AMOUNT_NOT_PRINCIPAL
