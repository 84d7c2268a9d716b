import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from lending.domain.arrears.case import CaseState, ContactResult
from lending.domain.arrears.dunning_policy import DunningPolicy, canonical_dunning, parse_dunning
from lending.domain.arrears.letter import (
    LONGEST_WAIT,
    MOST_DEFERRALS,
    TRUE_FOR,
    UNSETTLED,
    WAITING,
    LetterRefusal,
    LetterState,
    MailResult,
    Recipient,
    Stop,
    Written,
    due_step,
    find_stop,
    find_stop_of,
    is_capped,
    judge_sending_again,
    judge_withholding,
    state_after,
    wait_after,
)
from tests.lending.letters import dunning_document

DAY = timedelta(days=1)
SINCE = date(2026, 3, 1)
LATE = Recipient(case=CaseState.OPEN, late_since=SINCE, due_minor=5_000)


def ladder(*, letters: int = 9, days: int = 1) -> DunningPolicy:
    document = dunning_document(days=(3, 15, 31), cap={"letters": letters, "days": days})
    return parse_dunning(*canonical_dunning(json.dumps(document)))


def step_on(day: date, *written: Written, to: Recipient = LATE) -> int | None:
    """Return from how many days past due the step is that is written on a morning."""
    step = due_step(ladder(), to, written, on=day)
    return None if step is None else step.from_days


@pytest.mark.parametrize(("dpd", "step"), [(2, None), (3, 3), (14, 3), (15, 15), (30, 15), (31, 31), (400, 31)])
def test_the_highest_step_reached_is_written(dpd: int, step: int | None) -> None:
    assert step_on(SINCE + dpd * DAY) == step


def test_a_step_is_written_once_and_a_lower_one_never_after_it() -> None:
    first = Written(3, SINCE + 3 * DAY)
    assert step_on(SINCE + 4 * DAY, first) is None
    assert step_on(SINCE + 15 * DAY, first) == 15
    second = Written(15, SINCE + 15 * DAY)
    assert step_on(SINCE + 16 * DAY, second) is None, "the first was passed over"


def test_the_ladder_begins_anew_for_what_has_become_due_since() -> None:
    """Red if a shop that is always an instalment behind were written to once, and never again."""
    letters = [Written(3, SINCE + 3 * DAY), Written(15, SINCE + 15 * DAY), Written(31, SINCE + 31 * DAY)]
    later = replace(LATE, late_since=SINCE + 30 * DAY)
    assert step_on(SINCE + 32 * DAY, *letters, to=later) is None
    assert step_on(SINCE + 33 * DAY, *letters, to=later) == 3
    assert step_on(SINCE + 46 * DAY, *letters, Written(3, SINCE + 33 * DAY), to=later) == 15


def test_a_payment_that_bounces_repeats_no_letter() -> None:
    """Red if what was written about a later due date hid what was written about this one."""
    letters = [Written(days, SINCE + days * DAY) for days in (3, 15, 31)]
    assert step_on(SINCE + 34 * DAY, *letters, Written(3, SINCE + 33 * DAY)) is None


def test_nothing_is_written_while_another_letter_waits() -> None:
    assert step_on(SINCE + 15 * DAY, Written(3, SINCE + 14 * DAY, is_waiting=True)) is None


@pytest.mark.parametrize(
    ("changes", "stop"),
    [
        ({"case": CaseState.CLOSED}, Stop.CASE_CLOSED),
        ({"late_since": None}, Stop.PAID),
        ({"has_promise": True}, Stop.PROMISED),
        ({"is_paused": True}, Stop.PAUSED),
        ({"last_result": ContactResult.DISPUTES}, Stop.DISPUTED),
        ({"last_result": ContactResult.HARDSHIP}, Stop.HARDSHIP),
        ({"last_result": ContactResult.REACHED}, None),
        ({"last_result": ContactResult.REFUSES}, None),
    ],
)
def test_what_stops_letters(changes: dict[str, object], stop: Stop | None) -> None:
    to = replace(LATE, **changes)  # type: ignore[arg-type] # of any field
    assert find_stop(to) == stop
    assert (step_on(SINCE + 3 * DAY, to=to) is None) is (stop is not None)
    assert (
        find_stop_of(to, written_on=SINCE + 3 * DAY, due_minor=5_000, late_since=SINCE, today=SINCE + 3 * DAY) == stop
    )


@pytest.mark.parametrize(
    ("due_minor", "days", "stop"),
    [
        (5_000, 0, None),
        (6_000, 0, None),
        (4_001, 0, None),
        (4_000, 0, Stop.PAID_IN_PART),
        (5_000, TRUE_FOR.days - 1, None),
        (5_000, TRUE_FOR.days, Stop.OUT_OF_DATE),
    ],
)
def test_a_letter_that_is_no_longer_true_is_not_sent(due_minor: int, days: int, stop: Stop | None) -> None:
    written = SINCE + 3 * DAY
    to = replace(LATE, due_minor=due_minor)
    assert find_stop_of(to, written_on=written, due_minor=5_000, late_since=SINCE, today=written + days * DAY) == stop


def test_a_letter_about_an_older_arrear_is_not_sent() -> None:
    to = replace(LATE, late_since=SINCE + 30 * DAY)
    on = SINCE + 61 * DAY
    assert find_stop_of(to, written_on=on, due_minor=5_000, late_since=SINCE, today=on) == Stop.OUT_OF_DATE


def test_no_more_letters_than_the_cap_in_its_days() -> None:
    today = SINCE + 20 * DAY
    policy = ladder(letters=2, days=7)
    assert not is_capped(policy, [today], on=today)
    assert is_capped(policy, [today - 6 * DAY, today], on=today)
    assert not is_capped(policy, [today - 7 * DAY, today], on=today), "the seventh day is over"
    to = replace(LATE, sent_on=[today, today - DAY])
    assert due_step(policy, to, (), on=today) is None
    assert due_step(policy, replace(to, sent_on=[today]), (), on=today) is not None


def test_what_a_mail_server_answers_decides_what_becomes_of_a_letter() -> None:
    assert {result: state_after(result, deferrals=1) for result in MailResult} == {
        MailResult.ACCEPTED: LetterState.SENT,
        MailResult.DEFERRED: LetterState.DUE,
        MailResult.REFUSED: LetterState.REFUSED,
        MailResult.UNKNOWN: LetterState.UNKNOWN,
    }
    assert state_after(MailResult.DEFERRED, deferrals=MOST_DEFERRALS - 1) == LetterState.DUE
    assert state_after(MailResult.DEFERRED, deferrals=MOST_DEFERRALS) == LetterState.REFUSED


def test_a_letter_waits_longer_each_time_and_is_given_up_before_it_is_out_of_date() -> None:
    waits = [wait_after(deferrals) for deferrals in range(1, MOST_DEFERRALS + 5)]
    assert waits == sorted(waits)
    assert waits[0] == timedelta(minutes=5)
    assert waits[1] == timedelta(minutes=15)
    assert waits[-1] == LONGEST_WAIT
    assert timedelta(days=1) < sum(waits[: MOST_DEFERRALS - 1], start=timedelta()) < TRUE_FOR
    assert wait_after(10**6) == LONGEST_WAIT


def test_people_decide_about_what_is_not_under_way() -> None:
    for state in LetterState:
        again = judge_sending_again(state, CaseState.OPEN, another_waits=False, reason="new address")
        assert (again is None) is (state in UNSETTLED)
        assert (judge_withholding(state, reason="it arrived") is None) is (state in UNSETTLED | {LetterState.DUE})
    assert {LetterState.HANDED, LetterState.CLAIMED} < WAITING


@pytest.mark.parametrize(
    ("case", "another_waits", "reason", "refusal"),
    [
        (CaseState.CLOSED, True, "", LetterRefusal.CASE_CLOSED),
        (CaseState.OPEN, True, "", LetterRefusal.ANOTHER_WAITS),
        (CaseState.OPEN, False, " ", LetterRefusal.REASON_MISSING),
    ],
)
def test_a_letter_is_not_sent_again(
    case: CaseState,
    another_waits: bool,  # noqa: FBT001
    reason: str,
    refusal: LetterRefusal,
) -> None:
    found = judge_sending_again(LetterState.REFUSED, case, another_waits=another_waits, reason=reason)
    assert found is refusal
    assert judge_withholding(LetterState.SENT, reason="") is LetterRefusal.NOT_TO_BE_WITHHELD
    assert judge_withholding(LetterState.DUE, reason=" ") is LetterRefusal.REASON_MISSING
