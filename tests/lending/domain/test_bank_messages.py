"""What a bank's answer does to an order, in every state, in every order of arrival."""

from dataclasses import replace
from datetime import date
from itertools import permutations

import pytest

from config.kernel.money import Money
from lending.domain.books.bank_messages import (
    DUPLICATES,
    AnswerFacts,
    AnswerHold,
    BankMessage,
    Effect,
    LineFacts,
    Outcome,
    StatementFacts,
    Verdict,
    fault_of,
    is_lost,
    judge_answer,
)
from lending.domain.books.transfer import (
    AWAITED_TRANSFERS,
    Moved,
    Nothing,
    Pending,
    TransferKind,
    TransferState,
    counts_on,
)

ORDERED = Money(90_000, "EUR")
NOTHING = Verdict()
ON = date(2026, 3, 2)


def judged(answer: AnswerFacts, state: TransferState, *, kind: TransferKind = TransferKind.PAYOUT) -> Verdict:
    moved = ORDERED.minor if state in {TransferState.DONE, TransferState.RETURNED} else 0
    return judge_answer(answer, kind=kind, state=state, ordered=ORDERED, moved_minor=moved)


def booked(minor: int, currency: str = "EUR") -> AnswerFacts:
    return AnswerFacts(outcome=Outcome.BOOKED, amount=Money(minor, currency))


REJECTED = AnswerFacts(outcome=Outcome.REJECTED, code="AC04")
RETURNED = AnswerFacts(outcome=Outcome.RETURNED, amount=ORDERED)
KNOWN_ALREADY = [AnswerFacts(outcome=Outcome.REJECTED, code=code) for code in sorted(DUPLICATES)]
OUT, BACK = booked(-90_000), booked(90_000)


@pytest.mark.parametrize("state", TransferState)
@pytest.mark.parametrize("answer", KNOWN_ALREADY)
def test_what_says_nothing_new_changes_nothing(answer: AnswerFacts, state: TransferState) -> None:
    """Red if a file that the bank has already read as a rejection of its orders."""
    assert judged(answer, state) == NOTHING


@pytest.mark.parametrize("state", sorted(AWAITED_TRANSFERS))
def test_an_order_that_is_awaited_ends_as_the_bank_says(state: TransferState) -> None:
    assert judged(OUT, state) == Verdict(effect=Effect.MOVED)
    assert judged(REJECTED, state) == Verdict(effect=Effect.NOT_MOVED)
    assert judged(BACK, state) == judged(RETURNED, state) == Verdict(hold=AnswerHold.EARLY)


@pytest.mark.parametrize(
    ("state", "answer", "verdict"),
    [
        (TransferState.DONE, OUT, NOTHING),
        (TransferState.DONE, RETURNED, Verdict(effect=Effect.CAME_BACK)),
        (TransferState.DONE, BACK, Verdict(effect=Effect.CAME_BACK)),
        (TransferState.DONE, REJECTED, Verdict(hold=AnswerHold.CONTRADICTS)),
        (TransferState.FAILED, REJECTED, NOTHING),
        (TransferState.FAILED, OUT, Verdict(hold=AnswerHold.CONTRADICTS)),
        (TransferState.FAILED, RETURNED, NOTHING),
        (TransferState.RETURNED, OUT, NOTHING),
        (TransferState.RETURNED, BACK, NOTHING),
        (TransferState.RETURNED, REJECTED, Verdict(hold=AnswerHold.CONTRADICTS)),
        (TransferState.DUE, OUT, Verdict(hold=AnswerHold.CONTRADICTS)),
        (TransferState.PENDING, booked(-89_999), Verdict(hold=AnswerHold.AMOUNT_DIFFERS)),
        (TransferState.PENDING, booked(-90_000, "USD"), Verdict(hold=AnswerHold.AMOUNT_DIFFERS)),
        (TransferState.DONE, booked(89_999), Verdict(hold=AnswerHold.AMOUNT_DIFFERS)),
    ],
)
def test_an_order_that_ended(state: TransferState, answer: AnswerFacts, verdict: Verdict) -> None:
    assert judged(answer, state) == verdict


def test_money_that_comes_back_as_a_duplicate_has_come_back() -> None:
    """Red if the code of a rejection were read in a return: the loan would earn on, and nobody be told."""
    for answer in (replace(BACK, code="DUPL"), replace(RETURNED, code="AM05")):
        assert judged(answer, TransferState.DONE) == Verdict(effect=Effect.CAME_BACK)


def test_what_is_about_no_order_of_ours_is_looked_at_unless_the_statement_has_it() -> None:
    assert is_lost(REJECTED)
    assert is_lost(RETURNED)
    assert not any(map(is_lost, (OUT, *KNOWN_ALREADY)))


def test_a_collection_comes_in_and_goes_back() -> None:
    assert judged(BACK, TransferState.PENDING, kind=TransferKind.COLLECTION) == Verdict(effect=Effect.MOVED)
    assert judged(OUT, TransferState.DONE, kind=TransferKind.COLLECTION) == Verdict(effect=Effect.CAME_BACK)


@pytest.mark.parametrize("order", list(permutations([OUT, OUT, BACK, RETURNED])))
def test_whatever_comes_first_the_end_is_the_same(order: tuple[AnswerFacts, ...]) -> None:
    """Red if a return that overtakes the booking were lost, or one that is said twice counted twice."""
    state, waiting, done = TransferState.PENDING, list(order), []
    for _ in range(2):
        early = []
        for answer in waiting:
            verdict = judged(answer, state)
            if verdict.hold is AnswerHold.EARLY:
                early.append(answer)
            elif verdict.effect is Effect.MOVED:
                state = TransferState.DONE
            elif verdict.effect is Effect.CAME_BACK:
                state = TransferState.RETURNED
            done.append(verdict.effect)
        waiting = early
    assert state is TransferState.RETURNED
    assert (done.count(Effect.MOVED), done.count(Effect.CAME_BACK)) == (1, 1)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Moved(1, on=date(2026, 3, 4)), date(2026, 3, 4)),
        (Moved(1, on=date(2026, 3, 1)), ON),
        (Moved(1, on=date(2026, 3, 9)), date(2026, 3, 5)),
        (Moved(1), ON),
        (Nothing("no"), ON),
        (Pending("ref"), ON),
        (None, ON),
    ],
)
def test_a_payout_counts_from_the_banks_date_between_order_and_today(answer: object, expected: date) -> None:
    today = date(2026, 3, 5)
    assert counts_on(TransferKind.PAYOUT, answer, ordered_on=ON, today=today) == expected  # type: ignore[arg-type]
    assert counts_on(TransferKind.COLLECTION, answer, ordered_on=ON, today=today) == ON  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "same"),
    [
        ((100, 90, -10), True),
        ((100, 90, None), True),
        ((100, 90, -9), False),
        ((101, 90, -10), False),
        ((100, 91, None), False),
    ],
)
def test_a_statement_sent_again_says_the_same(known: tuple[int, int, int | None], *, same: bool) -> None:
    opening, closing, lines = known
    found = statement(opening_minor=100, closing_minor=90)
    assert found.repeats(opening_minor=opening, closing_minor=closing, lines_minor=lines) is same


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        ([{}], ""),
        ([{}, {"statement_id": "2"}], ""),
        ([{}, {}], "it has a statement twice"),
        ([{"statement_id": "x" * 36}], "a statement's name is longer than the standard allows"),
        ([{"account": "b"}], "statement 1 is of another account, or in another currency"),
        ([{"currency": "USD"}], "statement 1 is of another account, or in another currency"),
    ],
)
def test_a_message_of_something_else_is_set_aside(statements: list[dict[str, object]], fault: str) -> None:
    message = BankMessage(kind="camt.053.001.08", statements=[statement(**changes) for changes in statements])
    assert fault_of(message, account="a", currency="EUR") == fault


def statement(**changes: object) -> StatementFacts:
    line = LineFacts(amount_minor=-5, booked_on=ON, value_on=ON)
    facts: dict[str, object] = {
        "account": "a",
        "statement_id": "1",
        "number": 1,
        "currency": "EUR",
        "closed_on": ON,
        "opening_minor": 0,
        "closing_minor": -10,
        "lines": [line, line],
    }
    return StatementFacts(**{**facts, **changes})  # type: ignore[arg-type]
