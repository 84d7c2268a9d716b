"""Act for the collectors of a demo and for the borrowers that they reach: promises kept, kept in part, broken."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from django.contrib.auth.models import User
from django.utils import timezone

from config.office.actors import Actor, ActorKind, actor_of
from config.office.events import subject_of
from config.office.models import Note
from config.office.notes import write_note
from config.office.staff_tasks import add_task
from lending.domain.arrears.case import Channel, ContactResult
from lending.management.borrowers import number_of
from lending.models import ArrearsCase, PaymentPromise
from lending.operations.arrears import PromiseNotMoved, record_contact, record_promise, take_case
from lending.operations.loans import EventNotBooked, book_repayment
from lending.queries.arrears import debt_of, loans_of, open_promise

WORKED_ON: Final = 80
"""Of a hundred due cases, those that the collector gets to on a day; the others wait for whoever tries the demo."""
PROMISED_WITHIN_DAYS: Final = 4
PAPERS_WITHIN: Final = timedelta(days=3)
RISK: Final = "risk"
"""The log-in of the demo's risk manager."""


class Outcome(StrEnum):
    """What a borrower makes of its promise."""

    KEPT = "KEPT"
    PARTLY = "PARTLY"
    BROKEN = "BROKEN"


OUTCOMES: Final = (Outcome.KEPT, Outcome.KEPT, Outcome.KEPT, Outcome.PARTLY, Outcome.BROKEN)
"""Drawn alike, so three promises in five are kept."""
SAID: Final = {
    ContactResult.REACHED: "Sales were slow; pays part of it on the day agreed.",
    ContactResult.NO_ANSWER: "Nobody answered; tries again in the evening.",
    ContactResult.HARDSHIP: "The main supplier failed; asks for smaller instalments.",
}


@dataclass(frozen=True, slots=True)
class Call:
    """How a call ends: its result and, where something is promised, in how many days."""

    result: ContactResult
    promised_in: int | None


def call_of(number: int) -> Call:
    """Draw how a call ends: half of the borrowers promise, a third do not answer, the others cannot pay."""
    if number % 6 < 3:  # noqa: PLR2004 - half of six
        return Call(ContactResult.REACHED, 1 + number // 6 % PROMISED_WITHIN_DAYS)
    return Call(ContactResult.HARDSHIP if number % 6 == 5 else ContactResult.NO_ANSWER, None)  # noqa: PLR2004


def paid_of(outcome: Outcome, promised_minor: int) -> int:
    """Return what a borrower pays of what it promised, in minor units."""
    return {Outcome.KEPT: promised_minor, Outcome.PARTLY: promised_minor // 2, Outcome.BROKEN: 0}[outcome]


def collect(*, on: date, collector: User) -> int:
    """Let a collector work on most of the cases that are due; return on how many.

    What happens depends on the case and the day alone: a demo that is interrupted continues alike.
    """
    _pay_promises(on)
    actor, worked = actor_of(collector), 0
    for case in ArrearsCase.objects.open().filter(next_on__lte=on).select_related("merchant").order_by("pk"):
        drawn = number_of(f"{case.merchant.external_id} case {on}")
        if drawn % 100 >= WORKED_ON or open_promise(case) is not None:
            continue
        if case.owner != str(actor):
            take_case(case_id=case.pk, actor=actor, now=timezone.now())
        _call(case, call_of(drawn // 100), on=on, actor=actor)
        worked += 1
    return worked


def _call(case: ArrearsCase, call: Call, *, on: date, actor: Actor) -> None:
    record_contact(
        case_id=case.pk,
        channel=Channel.CALL,
        result=call.result,
        words=SAID[call.result],
        next_on=None,
        actor=actor,
        now=timezone.now(),
    )
    if call.result is ContactResult.HARDSHIP:
        _ask_risk(case, on=on, actor=actor)
    if call.promised_in is None:
        return
    due_minor, due_on = debt_of(case.merchant_id).due_minor, on + timedelta(days=call.promised_in)
    with suppress(PromiseNotMoved):  # nothing is due any more, or the case is with an agency
        record_promise(case_id=case.pk, amount_minor=due_minor, due_on=due_on, actor=actor, now=timezone.now())


def _ask_risk(case: ArrearsCase, *, on: date, actor: Actor) -> None:
    """Ask the risk manager for relief, once a case, and keep in mind to look for the papers."""
    if Note.objects.filter(about=subject_of(case)).exists():
        return
    asked = f"@{RISK} Their supplier failed. May the loan be re-aged over four more instalments?"
    write_note(subject=case, text=asked, actor=actor, now=timezone.now())
    add_task(
        subject=case,
        text="Ask for the supplier's notice, and add it here.",
        due_on=on + PAPERS_WITHIN,
        assignee_id=None,
        actor=actor,
        now=timezone.now(),
    )


def _pay_promises(on: date) -> None:
    """Let borrowers pay what they make of the promises that are due, on the loan that is the most past due."""
    due = PaymentPromise.objects.open().filter(due_on=on).select_related("case__merchant")
    for promise in due.order_by("pk"):
        merchant = promise.case.merchant
        drawn = number_of(f"{merchant.external_id} promise {promise.made_on}")
        minor = paid_of(OUTCOMES[drawn % len(OUTCOMES)], promise.amount_minor)
        loan = next((standing.loan for standing in loans_of(merchant.pk)), None)
        if not minor or loan is None:
            continue
        with suppress(EventNotBooked):  # it was booked before the demo was interrupted
            book_repayment(
                loan_id=loan.pk,
                amount_minor=minor,
                on=on,
                external_ref=f"demo-promise-{promise.pk}",
                actor=Actor(ActorKind.PARTNER, merchant.partner_id),
                now=timezone.now(),
            )
