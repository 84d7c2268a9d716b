"""Letters to borrowers in arrears: written in the night, sent by day, settled by people where it is not known.

A letter is claimed, handed over, and recorded; the three are transactions around the talk with the mail server, which
is held outside any. Until it is handed over a letter is free to be tried again; from then on it is not sent again by
itself, as no mail server tells whether it has one already.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import uuid4
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings

from config.db.locking import lock_rows
from config.db.transactions import Contended, StaleRow, operation, require_one, require_transaction
from config.jobs import wake
from config.kernel.refusals import Refused
from config.office.actors import SYSTEM, Actor
from config.office.business_date import current_day, get_business_date
from config.office.events import Fact, record_event, record_events
from config.office.job_runs import Clock
from lending.domain.arrears.case import CaseState
from lending.domain.arrears.letter import (
    FIRST_WAIT,
    LetterRefusal,
    LetterState,
    MailAnswer,
    MailResult,
    Recipient,
    Stop,
    due_step,
    find_stop_of,
    is_capped,
    is_out_of_date,
    judge_sending_again,
    judge_withholding,
    state_after,
    wait_after,
)
from lending.domain.arrears.letter_text import Addressee, compose
from lending.gateways.mail import Mail, MailUnreachable, is_set_up, mail_line
from lending.models import ArrearsCase, Letter
from lending.queries.arrears import debt_of, debts_of
from lending.queries.letters import (
    PolicyInForce,
    are_books_proven,
    dunning_policy,
    has_waiting,
    is_sending,
    letters_given_up,
    letters_to_send,
    recipients_of,
    written_of,
)
from merchants.domain.contact_detail import Language
from merchants.queries.contact_details import address_of, languages_of

LEASE: Final = timedelta(minutes=5)
"""A worker that says nothing for so long is dead: its tasks are ended before."""
SENT_FOR: Final = timedelta(seconds=25)
"""How long one task sends: the next is half a minute away."""
log = structlog.get_logger(__name__)


class LetterNotMoved(Refused[LetterRefusal]):
    """The letter is neither sent again nor withheld."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedLetter:
    """A letter that a worker may hand over, as long as it was not claimed anew: attempt counts the claims."""

    letter_id: int
    attempt: int
    mail: Mail


def write_letters(*, on: date, now: datetime) -> int:
    """Write the letters of the morning after a close, and return how many; none for a day that is caught up.

    Done twice, it writes nothing more. Raises NoTransaction, PolicyMalformed.
    """
    require_transaction()
    in_force = dunning_policy()
    if in_force is None or on != get_business_date():
        return 0
    policy = in_force.policy
    late_enough = on - timedelta(days=policy.steps[0].from_days)
    # Locked, so that nobody has an older letter of theirs sent again meanwhile.
    open_cases = ArrearsCase.objects.open().filter(late_since__lte=late_enough)
    cases = list(open_cases.lock().select_related("merchant"))
    written = written_of([case.pk for case in cases])
    recipients = recipients_of(cases, on=on, policy=policy)
    steps = {case: due_step(policy, recipients[case.pk], written.get(case.pk, ()), on=on) for case in cases}
    merchants = [case.merchant_id for case, step in steps.items() if step is not None]
    debts, languages = debts_of(merchants, on=on), languages_of(merchants)
    letters = list[Letter]()
    for case, step in steps.items():
        debt = debts.get(case.merchant_id)
        if step is None or debt is None or debt.late_since is None or debt.due_minor <= 0:
            continue
        language = languages.get(case.merchant_id, Language.EN)
        to = Addressee(merchant=case.merchant.name, case=str(case), currency=case.currency)
        subject, body = compose(policy, step, language, to, debt, on=on)
        letters.append(
            Letter(
                case=case,
                policy=in_force.row,
                from_days=step.from_days,
                step=step.name,
                on=on,
                late_since=debt.late_since,
                due_minor=debt.due_minor,
                owed_minor=debt.owed_minor,
                language=language,
                subject=subject,
                body=body,
                key=uuid4(),
                written_at=now,
                state=LetterState.DUE,
                next_attempt_at=now,
            )
        )
    Letter.objects.bulk_create(letters, batch_size=1_000)
    changes = [(one, dict[str, Fact](), {"state": LetterState.DUE, "step": one.step}) for one in letters]
    record_events(name="lending.write_letter", changes=changes, actor=SYSTEM, now=now)
    return len(letters)


def send_letters(*, clock: Clock) -> None:
    """Send the letters whose turn it is, in the hours of the policy, once the books are proven.

    The first that finds the mail server out of reach ends it: the others wait for the next turn.
    """
    for letter_id in letters_given_up(now=clock()):
        with suppress(Contended):  # somebody works on the case: at the next turn
            give_up_letter(letter_id=letter_id, now=clock())
    if not is_set_up() or not _may_leave(dunning_policy(), clock()) or is_sending(now=clock()):
        return
    until = clock() + SENT_FOR
    for letter_id in letters_to_send(now=clock()):
        if clock() >= until:
            return
        try:
            send_letter(letter_id=letter_id, clock=clock)
        except MailUnreachable as error:
            log.warning("mail_server_out_of_reach", letter_id=letter_id, error=str(error))
            return
        except (Contended, StaleRow):
            continue  # somebody works on the case, or another worker has the letter
        except Exception:  # the others have their turn
            log.exception("letter_failed", letter_id=letter_id)
            put_back_letter(letter_id=letter_id, now=clock())


def send_letter(*, letter_id: int, clock: Clock) -> None:
    """Claim a letter, hand it over and record the answer. Raises MailUnreachable, Contended, StaleRow, KeyMissing."""
    claimed = claim_letter(letter_id=letter_id, now=clock())
    if claimed is None:
        return
    try:
        with mail_line() as line:
            if hold_letter(claimed, now=clock()):
                record_letter(claimed, answer=line.hand_over(claimed.mail), now=clock())
    except MailUnreachable:
        put_back_letter(letter_id=letter_id, now=clock())
        raise


def claim_letter(*, letter_id: int, now: datetime) -> ClaimedLetter | None:
    """Claim a letter for sending; None if it is not sent now.

    What meanwhile stops it drops it; without an address it is refused. Raises Contended, KeyMissing, TextUnreadable.
    """
    with operation():
        case, letter = _locked(letter_id)
        in_force = dunning_policy()
        if letter.state not in {LetterState.DUE, LetterState.CLAIMED} or letter.next_attempt_at > now:
            return None
        if in_force is None or not _may_leave(in_force, now):
            return None
        today = current_day(now)
        to = _recipient(case, in_force, today)
        stop = find_stop_of(
            to, written_on=letter.on, due_minor=letter.due_minor, late_since=letter.late_since, today=today
        )
        if stop is not None:
            _drop(letter, stop, actor=SYSTEM, now=now)
            return None
        if is_capped(in_force.policy, to.sent_on, on=today):
            _move(letter, state=LetterState.DUE, next_attempt_at=now + LEASE)
            return None
        detail, attempt = address_of(case.merchant_id), letter.attempts + 1
        if detail is None:
            before = letter.state
            _move(letter, state=LetterState.REFUSED, detail=None, answer="")
            _record("record_letter", letter, SYSTEM, now, before={"state": before}, after={"state": letter.state})
            return None
        _move(letter, state=LetterState.CLAIMED, attempts=attempt, detail=detail, next_attempt_at=now + LEASE)
        mail = Mail(key=letter.key, to=detail.text, subject=letter.subject, body=letter.body)
        return ClaimedLetter(letter_id=letter.pk, attempt=attempt, mail=mail)


def hold_letter(claimed: ClaimedLetter, *, now: datetime) -> bool:
    """Record that a claimed letter is handed over from now on; False if letters do not leave at this hour any more.

    Raises StaleRow if it was claimed anew.
    """
    with operation():
        letter = _locked_alone(claimed.letter_id)
        if (letter.state, letter.attempts) != (LetterState.CLAIMED, claimed.attempt):
            raise StaleRow
        if not _may_leave(dunning_policy(), now):
            _move(letter, state=LetterState.DUE, next_attempt_at=now)
            return False
        _move(letter, state=LetterState.HANDED, sent_at=now, sent_on=current_day(now), next_attempt_at=now + LEASE)
        return True


def record_letter(claimed: ClaimedLetter, *, answer: MailAnswer, now: datetime) -> None:
    """Record what the mail server made of a letter; an answer that comes late counts, if nobody decided meanwhile."""
    with operation():
        letter = _locked_alone(claimed.letter_id)
        if letter.state in {LetterState.HANDED, LetterState.UNKNOWN} and letter.attempts == claimed.attempt:
            _settle(letter, answer, now)


def give_up_letter(*, letter_id: int, now: datetime) -> None:
    """Mark a letter as unknown that a worker began to hand over, and never said more of."""
    with operation():
        letter = _locked_alone(letter_id)
        if letter.state == LetterState.HANDED and letter.next_attempt_at <= now:
            _settle(letter, MailAnswer(MailResult.UNKNOWN), now)


def put_back_letter(*, letter_id: int, now: datetime) -> None:
    """Let a letter that the mail server has not seen wait for another turn."""
    with operation():
        letter = _locked_alone(letter_id)
        if letter.state in {LetterState.DUE, LetterState.CLAIMED}:
            _move(letter, state=LetterState.DUE, next_attempt_at=now + FIRST_WAIT)


def send_letter_again(*, letter_id: int, reason: str, actor: Actor, now: datetime) -> Letter:
    """Let a letter leave that was refused, or nobody knows of; one whose figures are old is written anew instead.

    Raises LetterNotMoved, Contended, Letter.DoesNotExist.
    """
    with operation():
        case, letter = _locked(letter_id)
        before = LetterState(letter.state)
        waits = has_waiting(case)
        refusal = judge_sending_again(before, CaseState(case.state), another_waits=waits, reason=reason)
        if refusal is not None:
            raise LetterNotMoved(refusal)
        if is_out_of_date(letter.on, today=current_day(now)):
            _drop(letter, Stop.OUT_OF_DATE, actor=actor, now=now, reason=reason)
            return letter
        _move(letter, state=LetterState.DUE, next_attempt_at=now, answer="", deferrals=0, **_taken_back(letter))
        after: dict[str, Fact] = {"state": letter.state, "reason": reason.strip()}
        _record("send_letter_again", letter, actor, now, before={"state": before}, after=after)
        wake()
        return letter


def withhold_letter(*, letter_id: int, reason: str, actor: Actor, now: datetime) -> Letter:
    """Decide that a letter is not sent, or not sent again. Raises LetterNotMoved, Contended, Letter.DoesNotExist."""
    with operation():
        _, letter = _locked(letter_id)
        before = LetterState(letter.state)
        refusal = judge_withholding(before, reason=reason)
        if refusal is not None:
            raise LetterNotMoved(refusal)
        _move(letter, state=LetterState.WITHHELD, reason=reason.strip(), decided_by=str(actor))
        after: dict[str, Fact] = {"state": letter.state, "reason": letter.reason}
        _record("withhold_letter", letter, actor, now, before={"state": before}, after=after)
        return letter


def _may_leave(in_force: PolicyInForce | None, now: datetime) -> bool:
    """Whether letters leave now: in the hours of the policy, while the books are proven."""
    if in_force is None or not are_books_proven():
        return False
    return in_force.policy.hours.admit(now.astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE)))


def _locked(letter_id: int) -> tuple[ArrearsCase, Letter]:
    """Lock a letter and its case, as whoever works on the case does, then read both. Raises Letter.DoesNotExist."""
    lock_rows(ArrearsCase, [Letter.objects.values_list("case_id", flat=True).get(pk=letter_id)])
    letter = _locked_alone(letter_id)
    return letter.case, letter


def _locked_alone(letter_id: int) -> Letter:
    """Lock a letter, then read it: what a mail server answers waits for nobody who works on the case."""
    lock_rows(Letter, [letter_id])
    return Letter.objects.select_related("case__merchant").get(pk=letter_id)


def _recipient(case: ArrearsCase, in_force: PolicyInForce, today: date) -> Recipient:
    """Return how the borrower stands now: what was booked since the night counts."""
    debt = debt_of(case.merchant_id)
    found = recipients_of([case], on=today, policy=in_force.policy)[case.pk]
    return replace(found, late_since=debt.late_since, due_minor=debt.due_minor)


def _settle(letter: Letter, answer: MailAnswer, now: datetime) -> None:
    before = letter.state
    deferrals = letter.deferrals + (answer.result is MailResult.DEFERRED)
    state = state_after(answer.result, deferrals=deferrals)
    left = {} if state in {LetterState.SENT, LetterState.UNKNOWN} else {"sent_at": None, "sent_on": None}
    wait = wait_after(deferrals)
    _move(letter, state=state, answer=answer.words, deferrals=deferrals, next_attempt_at=now + wait, **left)
    if state != LetterState.DUE:
        _record("record_letter", letter, SYSTEM, now, before={"state": before}, after={"state": state})


def _taken_back(letter: Letter) -> dict[str, object]:
    """Return the fields of a letter that was not handed over, or of which nobody knows: then the day is kept."""
    days = [] if letter.sent_on is None else [letter.sent_on]
    return {"sent_at": None, "sent_on": None, "may_have_left_on": [*letter.may_have_left_on, *days]}


def _drop(letter: Letter, stop: Stop, *, actor: Actor, now: datetime, reason: str = "") -> None:
    before = letter.state
    _move(letter, state=LetterState.DROPPED, stop=stop, **_taken_back(letter))
    after: dict[str, Fact] = {"state": letter.state, "stop": stop, "reason": reason.strip()}
    _record("drop_letter", letter, actor, now, before={"state": before}, after=after)


def _move(letter: Letter, **fields: object) -> None:
    """Write the fields of a locked letter. Raises StaleRow."""
    state, attempts = letter.state, letter.attempts
    for name, value in fields.items():
        setattr(letter, name, value)
    require_one(Letter.objects.filter(pk=letter.pk, state=state, attempts=attempts).update(**fields))


def _record(
    verb: str, letter: Letter, actor: Actor, now: datetime, *, before: Mapping[str, Fact], after: Mapping[str, Fact]
) -> None:
    record_event(name=f"lending.{verb}", subject=letter, actor=actor, before=before, after=after, now=now)
