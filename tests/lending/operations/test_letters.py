"""Letters are written in the night, leave by day, and what stops them is asked again at the last moment."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.utils import timezone

from config.office.models import OperationEvent
from lending.domain.arrears.case import Channel, ContactResult
from lending.domain.arrears.letter import LetterRefusal, LetterState, Stop
from lending.domain.contract.events import EventType
from lending.models import ArrearsCase, DayClose, Letter, Loan
from lending.operations.arrears import record_contact, record_promise, withdraw_promise
from lending.operations.letters import (
    LEASE,
    LetterNotMoved,
    send_letter_again,
    send_letters,
    withhold_letter,
    write_letters,
)
from lending.queries.arrears import debt_of
from merchants.domain.contact_detail import DetailKind, Language
from merchants.models import ContactDetail
from merchants.operations.contact_details import retire_detail
from tests.conftest import CLERK, NOW
from tests.forge import forge
from tests.lending.bookings import book, take_repayment
from tests.lending.letters import ADDRESS, enter_dunning, late_borrower
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, lent, roll
from tests.mail import Sink, listening, mail_at, silent
from tests.merchants.contact_details import make_detail
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
DUE = OPENED + 5 * DAY


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    taking = Sink()
    with listening(taking) as port, mail_at(port, monkeypatch):
        yield taking


def later(**after: float) -> datetime:
    return timezone.now() + timedelta(**after)


def send(**after: float) -> None:
    send_letters(clock=lambda: later(**after))


def the_letter() -> Letter:
    return Letter.objects.latest("pk")


def pay(loan: Loan, minor: int) -> None:
    on = ArrearsCase.objects.get().opened_on
    take_repayment(loan_id=loan.pk, amount_minor=minor, on=on, reason="paid", actor=CLERK, now=timezone.now())


def promise(case: ArrearsCase) -> None:
    due_on = case.opened_on + 9 * DAY
    record_promise(case_id=case.pk, amount_minor=100, due_on=due_on, actor=CLERK, now=timezone.now())


def tell(case: ArrearsCase, result: ContactResult) -> None:
    told = {"channel": Channel.CALL, "words": "said so", "next_on": None, "actor": CLERK, "now": timezone.now()}
    record_contact(case_id=case.pk, result=result, **told)  # type: ignore[arg-type]


def test_a_letter_is_written_by_the_night_and_leaves_by_day_once(sink: Sink) -> None:
    _, case = late_borrower()
    letter = the_letter()
    debt = debt_of(case.merchant_id)
    assert (letter.state, letter.on, letter.late_since) == (LetterState.DUE, case.opened_on, DUE)
    assert (letter.due_minor, letter.owed_minor) == (debt.due_minor, debt.owed_minor)
    assert letter.due_minor > 0
    send()
    send()
    [(to, message)] = sink.taken
    assert to == [ADDRESS]
    assert message["Subject"] == letter.subject
    assert message["Message-ID"].startswith(f"<{letter.key.hex}@")
    assert message.get_content().replace("\r\n", "\n") == letter.body
    letter.refresh_from_db()
    assert (letter.state, letter.sent_on, letter.attempts) == (LetterState.SENT, case.opened_on, 1)
    events = OperationEvent.objects.filter(subject=f"lending.letter:{letter.pk}").order_by("pk")
    assert [event.name for event in events] == ["lending.write_letter", "lending.record_letter"]
    assert not any("kiln" in f"{event.before}{event.after}" for event in events), "no address in the trail"


def test_a_letter_is_in_the_language_of_the_address(sink: Sink) -> None:
    late_borrower(language=Language.ZH)
    assert the_letter().language == Language.ZH
    send()
    [(_, message)] = sink.taken
    assert "逾期" in message["Subject"]
    assert "2026年3月9日" in message.get_content()


def test_no_letter_before_a_policy_is_entered() -> None:
    lent(terms=EVERY_FIVE_DAYS)
    roll(DUE + 3 * DAY)
    assert not Letter.objects.exists()


def test_a_night_done_twice_writes_one_letter() -> None:
    _, case = late_borrower()
    with transaction.atomic():
        assert write_letters(on=case.opened_on, now=NOW) == 0
    assert Letter.objects.count() == 1


def test_a_day_that_is_caught_up_writes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if an office that was down for a week sent the letters of each of its days."""
    _, case = late_borrower()
    Letter.objects.all().update(state=LetterState.DROPPED, stop=Stop.OUT_OF_DATE)
    monkeypatch.setattr("lending.operations.letters.get_business_date", lambda: case.opened_on + DAY)
    with transaction.atomic():
        assert write_letters(on=case.opened_on, now=NOW) == 0


def test_the_ladder_goes_on_and_the_cap_holds_it(sink: Sink) -> None:
    late_borrower(cap={"letters": 1, "days": 4})
    enter_dunning(version=2, days=(3, 5, 7), cap={"letters": 1, "days": 4})
    send()
    roll(DUE + 6 * DAY)
    assert Letter.objects.count() == 1, "the cap"
    roll(DUE + 7 * DAY)
    send()
    assert list(Letter.objects.order_by("pk").values_list("from_days", "state")) == [(3, "SENT"), (7, "SENT")]
    assert len(sink.taken) == 2


def test_the_cap_is_asked_again_when_a_letter_leaves(sink: Sink) -> None:
    late_borrower()
    enter_dunning(version=2, cap={"letters": 1, "days": 7})
    sent = the_letter()
    send()
    forge(sent, from_days=2)
    other = Letter.objects.get(pk=sent.pk)
    other.pk, other.from_days, other.state, other.sent_at, other.sent_on = None, 3, LetterState.DUE, None, None
    other.key = "00000000-0000-0000-0000-000000000001"
    other.save()
    send()
    assert len(sink.taken) == 1
    assert the_letter().state == LetterState.DUE


def test_a_letter_whose_debt_was_paid_meanwhile_is_not_sent(sink: Sink) -> None:
    loan, _ = late_borrower()
    pay(loan, the_letter().due_minor)
    send()
    assert (the_letter().state, the_letter().stop) == (LetterState.DROPPED, Stop.PAID)
    assert sink.taken == []


def test_a_part_that_was_paid_makes_a_letter_of_the_next_morning(sink: Sink) -> None:
    """Red if a borrower were told an amount that is no longer true, or its step were lost."""
    loan, case = late_borrower()
    first = the_letter()
    pay(loan, first.due_minor // 4)
    send()
    first.refresh_from_db()
    assert (first.state, first.stop) == (LetterState.DROPPED, Stop.PAID_IN_PART)
    roll(case.opened_on + DAY)
    send()
    assert the_letter().due_minor < first.due_minor
    assert [message["Subject"] for _, message in sink.taken] == [the_letter().subject]


@pytest.mark.parametrize(
    ("act", "stop"),
    [
        (promise, Stop.PROMISED),
        (partial(tell, result=ContactResult.DISPUTES), Stop.DISPUTED),
        (partial(tell, result=ContactResult.HARDSHIP), Stop.HARDSHIP),
    ],
)
def test_what_a_collector_records_stops_a_letter_that_waits(sink: Sink, act: partial[None], stop: Stop) -> None:
    _, case = late_borrower()
    act(case)
    tell(case, ContactResult.NOTE)
    send()
    assert (the_letter().state, the_letter().stop) == (LetterState.DROPPED, stop)
    roll(case.opened_on + DAY)
    assert Letter.objects.count() == 1
    assert sink.taken == []


def test_once_a_promise_is_gone_the_letter_is_written_anew(sink: Sink) -> None:
    _, case = late_borrower()
    promise(case)
    send()
    withdraw_promise(case_id=case.pk, reason="of another shop", actor=CLERK, now=NOW)
    roll(case.opened_on + DAY)
    send()
    assert len(sink.taken) == 1
    assert the_letter().on == case.opened_on + DAY


def test_a_pause_that_was_agreed_stops_letters(sink: Sink) -> None:
    loan, case = late_borrower()
    book(EventType.PAUSE, loan_id=loan.pk, on=case.opened_on, periods=1)
    send()
    assert (the_letter().state, the_letter().stop) == (LetterState.DROPPED, Stop.PAUSED)
    assert sink.taken == []


@pytest.mark.parametrize(
    ("hour", "zone", "letters"), [(8, "UTC", 0), (9, "UTC", 1), (19, "UTC", 0), (2, "Asia/Shanghai", 1)]
)
def test_letters_leave_in_the_hours_of_the_business_time_zone(
    sink: Sink, monkeypatch: pytest.MonkeyPatch, hour: int, zone: str, letters: int
) -> None:
    late_borrower(hours={"from_hour": 9, "until_hour": 19})
    monkeypatch.setattr("django.conf.settings.BUSINESS_TIME_ZONE", zone)
    at = (timezone.now() + DAY).replace(hour=hour, minute=59)
    send_letters(clock=lambda: at)
    assert len(sink.taken) == letters


def test_a_mail_server_that_makes_us_wait_until_the_night_gets_no_letter(sink: Sink) -> None:
    """Red if the hours were asked for when a letter is claimed, and not when it is handed over."""
    late_borrower(hours={"from_hour": 9, "until_hour": 19})
    noon = (timezone.now() + DAY).replace(hour=18, minute=59)
    moments = [noon, noon, noon, noon, noon, noon, noon + timedelta(minutes=2)]
    send_letters(clock=lambda: moments.pop(0) if len(moments) > 1 else moments[0])
    assert sink.taken == []
    assert the_letter().state == LetterState.DUE


def test_nothing_is_sent_while_the_books_are_not_proven(sink: Sink) -> None:
    late_borrower()
    close = DayClose.objects.latest("day")
    forge(close, state="BROKEN")
    send()
    assert sink.taken == []
    forge(close, state="PROVEN")
    send()
    assert len(sink.taken) == 1


def test_a_letter_whose_figures_are_old_is_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a mail server nothing leaves; what waited for three days is true no more."""
    _, case = late_borrower()
    roll(case.opened_on + 3 * DAY)
    sink = Sink()
    with listening(sink) as port, mail_at(port, monkeypatch):
        send()
        assert the_letter().stop == Stop.OUT_OF_DATE
        roll(case.opened_on + 4 * DAY)
        send()
    assert len(sink.taken) == 1
    assert the_letter().on == case.opened_on + 4 * DAY


def test_a_borrower_without_an_address_is_put_to_a_person(sink: Sink) -> None:
    loan, _ = late_borrower()
    retire_detail(detail_id=ContactDetail.objects.get().pk, actor=CLERK, now=NOW)
    send()
    letter = the_letter()
    assert (letter.state, letter.detail, letter.sent_on) == (LetterState.REFUSED, None, None)
    make_detail(loan.merchant, "new@kiln.example", kind=DetailKind.EMAIL)
    send_letter_again(letter_id=letter.pk, reason="a new address", actor=CLERK, now=timezone.now())
    send()
    assert [to for to, _ in sink.taken] == [["new@kiln.example"]]


def test_a_server_out_of_reach_is_asked_for_one_letter_and_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    late_borrower()
    with silent() as port, mail_at(port, monkeypatch, timeout=1):
        send()
    letter = the_letter()
    assert (letter.state, letter.sent_at) == (LetterState.DUE, None)
    sink = Sink()
    with listening(sink) as port, mail_at(port, monkeypatch):
        send()
        assert sink.taken == [], "not at once"
        send(minutes=6)
    assert len(sink.taken) == 1


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
def test_a_letter_that_is_put_off_is_tried_again_and_in_the_end_put_to_a_person(
    monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    late_borrower()
    sink = Sink(replies={step: "451 4.7.1 Greylisted, try again"})
    with listening(sink) as port, mail_at(port, monkeypatch):
        for hours in range(0, 90, 9):
            send(hours=hours)
    letter = the_letter()
    assert (letter.state, letter.attempts, letter.sent_on) == (LetterState.REFUSED, 8, None)
    assert letter.answer.startswith("451")


def test_an_address_that_is_refused_is_put_to_a_person_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    late_borrower()
    sink = Sink(replies={"RCPT": f"550 5.1.1 <{ADDRESS}>: unknown user"})
    with listening(sink) as port, mail_at(port, monkeypatch):
        send()
        send(hours=9)
    letter = the_letter()
    assert (letter.state, letter.attempts) == (LetterState.REFUSED, 1)
    assert letter.answer == "550 5.1.1 <…>: unknown user", "without the address"


@pytest.mark.parametrize("sink", [Sink(hangs_up=True), Sink(slow=3)], ids=["hangs up", "slow"])
def test_a_letter_that_may_have_left_is_never_sent_again_by_itself(monkeypatch: pytest.MonkeyPatch, sink: Sink) -> None:
    late_borrower()
    with listening(sink) as port, mail_at(port, monkeypatch, timeout=1):
        send()
        send(hours=9)
    assert len(sink.taken) == 1
    assert the_letter().state == LetterState.UNKNOWN
    assert the_letter().sent_on is not None, "it counts under the cap"


def test_a_person_sends_what_is_unknown_again_under_the_same_message_id(monkeypatch: pytest.MonkeyPatch) -> None:
    late_borrower()
    lost, sink = Sink(hangs_up=True), Sink()
    with listening(lost) as port, mail_at(port, monkeypatch):
        send()
    send_letter_again(letter_id=the_letter().pk, reason="not in the log", actor=CLERK, now=timezone.now())
    with listening(sink) as port, mail_at(port, monkeypatch):
        send()
    assert sink.keys == lost.keys
    assert the_letter().state == LetterState.SENT


def test_what_is_old_is_not_sent_again_but_its_step_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    _, case = late_borrower()
    with listening(Sink(replies={"RCPT": "550 no"})) as port, mail_at(port, monkeypatch):
        send()
    roll(case.opened_on + 3 * DAY)
    assert Letter.objects.count() == 1, "refused, it holds its step"
    letter = send_letter_again(letter_id=the_letter().pk, reason="new address", actor=CLERK, now=timezone.now())
    assert (letter.state, letter.stop) == (LetterState.DROPPED, Stop.OUT_OF_DATE)
    roll(case.opened_on + 4 * DAY)
    assert Letter.objects.count() == 2


def test_a_letter_that_is_withheld_is_not_written_anew(sink: Sink) -> None:
    _, case = late_borrower()
    withhold_letter(letter_id=the_letter().pk, reason="the owner died", actor=CLERK, now=NOW)
    send()
    roll(case.opened_on + DAY)
    send()
    assert sink.taken == []
    assert Letter.objects.count() == 1
    with pytest.raises(LetterNotMoved) as refused:
        send_letter_again(letter_id=the_letter().pk, reason="after all", actor=CLERK, now=NOW)
    assert refused.value.reason is LetterRefusal.NOT_UNSETTLED


def test_two_workers_send_a_letter_once(sink: Sink) -> None:
    _, case = late_borrower()
    race(*[partial(send_letters, clock=timezone.now)] * 3, held=ArrearsCase.objects.filter(pk=case.pk))
    send(minutes=6)
    assert len(sink.taken) == 1
    assert the_letter().state == LetterState.SENT


@pytest.mark.usefixtures("sink")
def test_one_letter_that_cannot_be_read_keeps_no_other() -> None:
    """Red if a key that is missing for one address stopped the letters behind it."""
    loan = lent(terms=EVERY_FIVE_DAYS)
    other = lent(terms=EVERY_FIVE_DAYS)
    for one in (loan, other):
        make_detail(one.merchant, f"{one}@kiln.example", kind=DetailKind.EMAIL)
    enter_dunning()
    roll(DUE + 3 * DAY)
    first, second = Letter.objects.order_by("pk")
    forge(ContactDetail.objects.get(merchant=loan.merchant_id), text_key="lost")
    send()
    second.refresh_from_db()
    first.refresh_from_db()
    assert (first.state, second.state) == (LetterState.DUE, LetterState.SENT)
    assert first.next_attempt_at > timezone.now() + LEASE / 2


def test_what_a_letter_says_stays_as_it_was() -> None:
    late_borrower()
    for statement in (
        "UPDATE lending_letter SET body = 'x'",
        "UPDATE lending_letter SET due_minor = 1",
        'UPDATE lending_letter SET "on" = "on" - 1',
        "UPDATE lending_letter SET key = gen_random_uuid()",
        "DELETE FROM lending_letter",
    ):
        with pytest.raises(Exception, match=r"denied|this stays"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
