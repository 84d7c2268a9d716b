"""Cases of borrowers in arrears: opened, judged and closed by night, worked on by collectors by day."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

from django.db import connection

from config.db.locking import lock_rows
from config.db.planning import planned_for_its_values
from config.db.transactions import operation, require_transaction
from config.kernel.money import Money
from config.kernel.refusals import Refused
from config.office.actors import SYSTEM, Actor
from config.office.business_date import current_day
from config.office.events import Fact, record_event, record_events
from lending.domain.arrears.case import (
    CaseChange,
    CaseRefusal,
    CaseState,
    Channel,
    ContactResult,
    judge_closing,
    judge_contact,
    judge_debt,
    judge_taking,
    next_action,
)
from lending.domain.arrears.promise import (
    PromiseRefusal,
    PromiseState,
    judge_promise,
    judge_withdrawal,
    judged_on,
    outcome,
)
from lending.models import ArrearsCase, CaseContact, CaseHandover, PaymentPromise
from lending.queries.arrears import (
    PRINCIPAL,
    borrowers_to_review,
    debt_of,
    debts_of,
    handed_over,
    open_promise,
    paid_on,
    promises_to_judge,
)
from merchants.models import Merchant

CASE_CLOSED: Final = "The case was closed."
# Only what changed is written.
STANDS: Final = f"""
UPDATE lending_arrearscase c SET late_since = found.since, principal_minor = found.principal
FROM (
    SELECT c.id, min(l.late_since) FILTER (WHERE l.status = 'ACTIVE' AND l.late_since < %(on)s) AS since,
        coalesce(sum({PRINCIPAL}), 0)::bigint AS principal
    FROM lending_arrearscase c
    LEFT JOIN lending_loan l ON l.merchant_id = c.merchant_id AND l.status IN ('ACTIVE', 'WRITTEN_OFF')
    WHERE c.state = 'OPEN' GROUP BY c.id
) found
WHERE c.id = found.id AND (c.late_since, c.principal_minor) IS DISTINCT FROM (found.since, found.principal)
"""  # noqa: S608 - constants only


class CaseNotMoved(Refused[CaseRefusal]):
    """Nothing was done with the case."""


class PromiseNotMoved(Refused[PromiseRefusal]):
    """The promise was neither recorded nor withdrawn."""


def review_cases(*, on: date, now: datetime) -> int:
    """Open and close cases by how borrowers stand on the morning after a close, and judge their promises.

    Return how many cases are open then. Done twice, it changes nothing. Raises NoTransaction.
    """
    require_transaction()
    borrowers = borrowers_to_review(on=on)
    _judge_promises(on, now)
    found = debts_of(borrowers, on=on)
    known = ArrearsCase.objects.open().filter(merchant__in=Merchant.objects.filter(pk__any_of=borrowers))
    cases = {case.merchant_id: case for case in known.lock()}
    changes = {merchant: judge_debt(debt, has_case=merchant in cases) for merchant, debt in found.items()}
    _open([merchant for merchant, change in changes.items() if change is CaseChange.OPEN], on, now)
    closed = [cases[merchant] for merchant, change in changes.items() if change is CaseChange.CLOSE]
    ArrearsCase.objects.open().filter(pk__any_of=[case.pk for case in closed]).update(
        state=CaseState.CLOSED, closed_on=on, closed_by=str(SYSTEM), late_since=None, principal_minor=0
    )
    keys = [case.pk for case in closed]
    end_promises(keys, why=CASE_CLOSED, actor=SYSTEM, now=now)
    _end_handovers(keys, on=on, actor=SYSTEM)
    record_events(
        name="lending.close_case",
        changes=[(case, {"state": CaseState.OPEN}, {"state": CaseState.CLOSED}) for case in closed],
        actor=SYSTEM,
        now=now,
    )
    with planned_for_its_values(), connection.cursor() as cursor:
        cursor.execute(STANDS, {"on": on})
    return ArrearsCase.objects.open().count()


def _open(merchants: Sequence[int], on: date, now: datetime) -> None:
    currencies = dict(Merchant.objects.filter(pk__any_of=merchants).values_list("pk", "currency"))
    opened = [
        ArrearsCase(
            merchant_id=merchant,
            currency=currencies[merchant],
            state=CaseState.OPEN,
            opened_on=on,
            next_on=on,
            principal_minor=0,
        )
        for merchant in merchants
    ]
    ArrearsCase.objects.bulk_create(opened, batch_size=1_000)
    changes = [(case, dict[str, Fact](), {"state": CaseState.OPEN}) for case in opened]
    record_events(name="lending.open_case", changes=changes, actor=SYSTEM, now=now)


def _judge_promises(on: date, now: datetime) -> None:
    """Judge promises; somebody looks at an open case once its promise has ended, or ended otherwise than thought."""
    waiting = promises_to_judge(on=on)
    # First the cases, as whoever withdraws a promise does.
    lock_rows(ArrearsCase, set(PaymentPromise.objects.filter(pk__any_of=waiting).values_list("case", flat=True)))
    paid = paid_on(waiting)
    changed: list[tuple[PaymentPromise, Mapping[str, Fact], Mapping[str, Fact]]] = []
    ended = list[int]()
    for promise in PaymentPromise.objects.filter(pk__any_of=waiting).exclude(state=PromiseState.WITHDRAWN).lock():
        before, paid_minor = promise.state, paid.get(promise.pk, 0)
        state = outcome(
            PromiseState(before),
            amount_minor=promise.amount_minor,
            paid_minor=paid_minor,
            due_on=promise.due_on,
            as_of=on,
        )
        if (state, paid_minor) == (before, promise.paid_minor):
            continue
        if state != before:
            ended.append(promise.case_id)
        promise.state, promise.paid_minor = state, paid_minor
        changed.append((promise, {"state": before}, {"state": state, "paid_minor": paid_minor}))
    PaymentPromise.objects.bulk_update([promise for promise, _, _ in changed], ["state", "paid_minor"], batch_size=500)
    ArrearsCase.objects.open().filter(pk__any_of=ended).update(next_on=on)
    record_events(name="lending.judge_promise", changes=changed, actor=SYSTEM, now=now)


def end_promises(cases: Sequence[int], *, why: str, actor: Actor, now: datetime) -> None:
    """Withdraw what is still promised in cases that nobody here waits for any more. Raises NoTransaction."""
    require_transaction()
    promises = list(PaymentPromise.objects.open().filter(case__in=ArrearsCase.objects.filter(pk__any_of=cases)).lock())
    PaymentPromise.objects.filter(pk__any_of=[promise.pk for promise in promises]).update(
        state=PromiseState.WITHDRAWN, reason=why
    )
    changes = [(one, {"state": one.state}, {"state": PromiseState.WITHDRAWN, "reason": why}) for one in promises]
    record_events(name="lending.withdraw_promise", changes=changes, actor=actor, now=now)


def _end_handovers(cases: Sequence[int], *, on: date, actor: Actor) -> None:
    """End the hand-overs of cases that are closed."""
    handovers = CaseHandover.objects.open().filter(case__in=ArrearsCase.objects.filter(pk__any_of=cases))
    handovers.update(ended_on=on, ended_by=str(actor), reason=CASE_CLOSED)


def take_case(*, case_id: int, actor: Actor, now: datetime) -> ArrearsCase:
    """Let whoever asks be the one who works on a case. Raises CaseNotMoved, Contended, ArrearsCase.DoesNotExist."""
    with operation():
        case = ArrearsCase.objects.lock().get(pk=case_id)
        refusal = judge_taking(CaseState(case.state), is_owner=case.owner == str(actor))
        if refusal is not None:
            raise CaseNotMoved(refusal)
        before, case.owner = case.owner, str(actor)
        case.save(update_fields=["owner"])
        _record("take_case", case, actor, now, before={"owner": before}, after={"owner": case.owner})
        return case


def record_contact(
    *,
    case_id: int,
    channel: Channel,
    result: ContactResult,
    words: str,
    next_on: date | None,
    actor: Actor,
    now: datetime,
) -> ArrearsCase:
    """Record that a borrower was tried to be reached, or a note, and when somebody looks at the case next.

    What was said is kept with the contact, not in the audit trail. Raises CaseNotMoved, Contended,
    ArrearsCase.DoesNotExist.
    """
    with operation():
        case, today = ArrearsCase.objects.lock().get(pk=case_id), current_day(now)
        refusal = judge_contact(CaseState(case.state), result=result, words=words, next_on=next_on, today=today)
        if refusal is not None:
            raise CaseNotMoved(refusal)
        channel = Channel.NONE if result is ContactResult.NOTE else channel
        before, case.next_on = case.next_on, next_action(result, today=today, planned=case.next_on, asked=next_on)
        case.save(update_fields=["next_on"])
        CaseContact.objects.create(
            case=case,
            channel=channel,
            result=result,
            words=words.strip(),
            on=today,
            next_on=case.next_on,
            actor=str(actor),
            booked_at=now,
        )
        _record(
            "record_contact",
            case,
            actor,
            now,
            before={"next_on": before.isoformat()},
            after={"next_on": case.next_on.isoformat(), "channel": channel, "result": result},
        )
        return case


def record_promise(*, case_id: int, amount_minor: int, due_on: date, actor: Actor, now: datetime) -> ArrearsCase:
    """Record what a borrower promised to pay by a day; the case is looked at again once the money should be there.

    Raises PromiseNotMoved, Contended, ArrearsCase.DoesNotExist.
    """
    with operation():
        case, today = ArrearsCase.objects.lock().get(pk=case_id), current_day(now)
        owed = debt_of(case.merchant_id).owed_minor
        refusal = judge_promise(
            CaseState(case.state),
            is_handed_over=bool(handed_over([case.pk])),
            has_open=open_promise(case) is not None,
            amount_minor=amount_minor,
            owed_minor=owed,
            due_on=due_on,
            today=today,
        )
        if refusal is not None:
            raise PromiseNotMoved(refusal)
        PaymentPromise.objects.create(
            case=case,
            state=PromiseState.OPEN,
            amount_minor=amount_minor,
            due_on=due_on,
            made_on=today,
            made_at=now,
            made_by=str(actor),
        )
        before, case.next_on = case.next_on, judged_on(due_on)
        case.save(update_fields=["next_on"])
        _record(
            "record_promise",
            case,
            actor,
            now,
            before={"next_on": before.isoformat()},
            after={"next_on": case.next_on.isoformat(), "due_on": due_on.isoformat()},
            amount=Money(amount_minor, case.currency),
        )
        return case


def withdraw_promise(*, case_id: int, reason: str, actor: Actor, now: datetime) -> ArrearsCase:
    """Withdraw the open promise of a case, which was recorded wrongly.

    Raises PromiseNotMoved, Contended, ArrearsCase.DoesNotExist.
    """
    with operation():
        case = ArrearsCase.objects.lock().get(pk=case_id)
        promise = open_promise(case)
        refusal = judge_withdrawal(has_open=promise is not None, reason=reason)
        if promise is None or refusal is not None:
            raise PromiseNotMoved(refusal or PromiseRefusal.NOT_OPEN)
        promise.state, promise.reason, case.next_on = PromiseState.WITHDRAWN, reason.strip(), current_day(now)
        promise.save(update_fields=["state", "reason"])
        case.save(update_fields=["next_on"])
        _record(
            "withdraw_promise",
            case,
            actor,
            now,
            before={"due_on": promise.due_on.isoformat()},
            after={"reason": promise.reason},
            amount=Money(promise.amount_minor, case.currency),
        )
        return case


def close_case(*, case_id: int, reason: str, actor: Actor, now: datetime) -> ArrearsCase:
    """Close a case in which nothing is left to do. Raises CaseNotMoved, Contended, ArrearsCase.DoesNotExist."""
    with operation():
        case, today = ArrearsCase.objects.lock().get(pk=case_id), current_day(now)
        debt = debt_of(case.merchant_id)
        refusal = judge_closing(CaseState(case.state), dpd=debt.dpd, reason=reason)
        if refusal is not None:
            raise CaseNotMoved(refusal)
        case.state, case.closed_on, case.closed_by, case.reason = CaseState.CLOSED, today, str(actor), reason.strip()
        case.late_since, case.principal_minor = None, 0
        case.save(update_fields=["state", "closed_on", "closed_by", "reason", "late_since", "principal_minor"])
        end_promises([case.pk], why=CASE_CLOSED, actor=actor, now=now)
        _end_handovers([case.pk], on=today, actor=actor)
        after: dict[str, Fact] = {"state": CaseState.CLOSED, "reason": case.reason}
        _record("close_case", case, actor, now, before={"state": CaseState.OPEN}, after=after)
        return case


def _record(
    verb: str,
    case: ArrearsCase,
    actor: Actor,
    now: datetime,
    *,
    before: Mapping[str, Fact],
    after: Mapping[str, Fact],
    amount: Money | None = None,
) -> None:
    record_event(name=f"lending.{verb}", subject=case, actor=actor, before=before, after=after, now=now, amount=amount)
