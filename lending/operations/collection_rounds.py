"""Collect what many loans owe on a day: claimed together, asked for one by one, recorded together.

What is not simple is collected loan by loan (`lending.operations.collections`), and so are those of which somebody
holds one.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import uuid4

import structlog
from django.db import connection
from django.db.models import Q

from config.db.locking import lock_rows
from config.db.transactions import Contended, StaleRow, operation
from config.office.actors import SYSTEM
from config.office.job_runs import Claim, Clock, report_progress
from lending.domain.books.transfer import (
    AWAITED_TRANSFERS,
    OPEN_TRANSFERS,
    Answer,
    Settlement,
    TransferKind,
    TransferState,
    settle,
    wait_after,
)
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.refusal import LoanRefused
from lending.gateways.breaker import Breaker
from lending.gateways.protocol import Gateway
from lending.models import DayClose, Loan, Transfer
from lending.models.transfer import OPEN
from lending.operations.bookings import NewEvent, book_events
from lending.operations.collections import collect_loan, record_collection
from lending.operations.transfers import Claimed, order_of
from lending.queries.gateways import collection_routes
from lending.queries.loans import contracts_of, due_of, next_event_ids
from lending.queries.transfers import loans_due

COLLECTED_AT_ONCE: Final = 100
"""Loans that are locked together, for some tenths of a second, before their orders are sent and after."""
RENEWED_AFTER: Final = timedelta(seconds=5)
FRESH: Final = timedelta(seconds=5)
"""So long after it was computed a bank is asked for what a loan owes: meanwhile a partner may report a payment."""
log = structlog.get_logger(__name__)
GIVE_ACCOUNTS: Final = """
UPDATE lending_loan l SET payout_account_id = o.id FROM merchants_payoutaccount o
WHERE l.id = ANY(%s::bigint[]) AND l.payout_account_id IS NULL
    AND o.merchant_id = l.merchant_id AND o.state = 'VERIFIED'
"""
SETTLE: Final = """
UPDATE lending_transfer t SET state = n.state, moved_minor = n.moved_minor, answer = n.answer, settled_at = n.settled_at
FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::timestamptz[])
    n (id, state, moved_minor, answer, settled_at)
WHERE t.id = n.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claims:
    """claimed: by loan. alone: the loans that already have a collection of the day, or an open one."""

    claimed: Mapping[int, Claimed]
    alone: Sequence[int]


def collect_dues(gateways: Mapping[str, Gateway], *, claim: Claim, clock: Clock) -> int:
    """Collect what the loans of a close's part owe on its day; return how many were asked. Raises StaleRow.

    What is done stays done, whoever takes over.
    """
    if not gateways:
        return 0
    on, done = DayClose.objects.get(pk=claim.subject_id).day, 0
    routes = collection_routes(loans_due(close_id=claim.subject_id, part=claim.part))
    asked = {name: loans for name, loans in routes.items() if name in gateways}
    total = sum(map(len, asked.values()))
    for name, due in asked.items():
        bank, loans = Breaker(name, gateways[name]), with_accounts(due)
        for start in range(0, len(loans), COLLECTED_AT_ONCE):
            renew = _renewing(claim, done=done + start, total=total, clock=clock)
            some = loans[start : start + COLLECTED_AT_ONCE]
            for loan_id in collect_together(bank, loans=some, on=on, clock=clock, renew=renew):
                renew()
                try:
                    collect_loan(bank, loan_id=loan_id, on=on, to=on, clock=clock)
                except Contended:  # somebody is working on this loan: the next close asks again, and no other waits
                    log.warning("collection_left", loan_id=loan_id)
        done += len(loans)
    return done


def collect_together(
    bank: Breaker, *, loans: Sequence[int], on: date, clock: Clock, renew: Callable[[], None]
) -> Sequence[int]:
    """Collect what is due on a day of those loans that have no collection of it, nor an open one; return the others.

    Returned are also those for which there was no time while what they owed was fresh; and all while the bank is down,
    or somebody holds one of them.
    """
    if bank.is_down:
        return loans
    try:
        claims, claimed_at = _claim(loans, on=on, gateway=bank.name, now=clock()), clock()
    except Contended:
        return loans
    answers = dict[int, Answer | None]()
    try:
        for loan_id, claimed in claims.claimed.items():
            renew()
            if bank.is_down or clock() - claimed_at > FRESH:
                break
            answers[loan_id] = bank.collect(claimed.order)
    finally:  # whatever stopped it: what the bank did is recorded, and what it was not asked for waits
        _record_all(claims.claimed, answers, clock=clock)
        unasked = [loan_id for loan_id in claims.claimed if loan_id not in answers]
        _put_back([claims.claimed[loan_id].transfer_id for loan_id in unasked], now=clock())
    return [*claims.alone, *unasked]


def with_accounts(loans: Sequence[int]) -> Sequence[int]:
    """Return the loans that can be collected; one imported without an account takes a verified one."""
    lacking = Loan.objects.filter(pk__any_of=loans, payout_account=None)
    ids = list(lacking.values_list("pk", flat=True))
    if not ids:
        return loans
    with suppress(Contended), operation(), connection.cursor() as cursor:
        lock_rows(Loan, ids)
        cursor.execute(GIVE_ACCOUNTS, [ids])
    without = set(lacking.values_list("pk", flat=True))
    return [loan for loan in loans if loan not in without]


def _record_all(claimed: Mapping[int, Claimed], answers: Mapping[int, Answer | None], *, clock: Clock) -> None:
    """Record answers by loan, together or, where that does not do, one by one."""
    try:
        _record({claimed[loan_id].transfer_id: answer for loan_id, answer in answers.items()}, now=clock())
    except (Contended, StaleRow, LoanRefused):
        for loan_id, answer in answers.items():
            try:
                record_collection(transfer_id=claimed[loan_id].transfer_id, answer=answer, now=clock())
            except Exception:  # the sweep asks for it again, under its key
                log.exception("collection_left", loan_id=loan_id)


def _put_back(unasked: Sequence[int], *, now: datetime) -> None:
    """Let claimed orders that the bank was not asked for count as never sent, unless the sweep took them meanwhile."""
    never_asked = Transfer.objects.filter(pk__in=unasked, state=TransferState.SENT, attempts=1)
    with operation():
        never_asked.update(state=TransferState.DUE, attempts=0, sent_at=None, next_attempt_at=now)


def _claim(loan_ids: Sequence[int], *, on: date, gateway: str, now: datetime) -> _Claims:
    with operation():
        lock_rows(Loan, loan_ids)
        known = Transfer.objects.filter(loan__in=loan_ids, kind=TransferKind.COLLECTION)
        alone = set(known.filter(Q(on=on) | Q(state__in=OPEN)).values_list("loan_id", flat=True))
        others = Loan.objects.active().filter(pk__in=loan_ids).exclude(pk__in=alone)
        loans = list(others.select_related("payout_account").order_by("pk"))
        contracts = contracts_of(loans)
        dues = {loan.pk: due_of(loan, contracts[loan.pk], on=on) for loan in loans}
        transfers = Transfer.objects.bulk_create(
            Transfer(
                loan=loan,
                kind=TransferKind.COLLECTION,
                state=TransferState.SENT,
                gateway=gateway,
                key=uuid4(),
                on=on,
                amount_minor=dues[loan.pk],
                attempts=1,
                made_at=now,
                sent_at=now,
                next_attempt_at=now + wait_after(1),
            )
            for loan in loans
            if dues[loan.pk]
        )
        claimed = {one.loan_id: Claimed(transfer_id=one.pk, order=order_of(one, one.loan)) for one in transfers}
        return _Claims(claimed=claimed, alone=sorted(alone))


def _record(answers: Mapping[int, Answer | None], *, now: datetime) -> None:
    """Record a gateway's answers to collections, and book what came as repayments of their date."""
    with operation():
        lock_rows(Loan, Transfer.objects.filter(pk__in=answers).values_list("loan_id", flat=True))
        transfers = Transfer.objects.filter(pk__in=answers, state__in=AWAITED_TRANSFERS).lock()
        found = [
            (one, settle(TransferKind(one.kind), amount_minor=one.amount_minor, answer=answers[one.pk]))
            for one in transfers
        ]
        _settle(found, now=now)
        moved = [(one, settled) for one, settled in found if settled.moved_minor]
        loans = Loan.objects.select_related("merchant").in_bulk([one.loan_id for one, _ in moved])
        ids = next_event_ids(loans)
        repaid = [
            NewEvent(
                loan=loans[one.loan_id],
                event=LoanEvent(
                    id=ids[one.loan_id], on=one.on, type=EventType.REPAYMENT, amount_minor=settled.moved_minor
                ),
            )
            for one, settled in moved
        ]
        if repaid:
            book_events(repaid, actor=SYSTEM, now=now)


def _settle(found: Sequence[tuple[Transfer, Settlement]], *, now: datetime) -> None:
    rows = [
        (one.pk, new.state, new.moved_minor, new.words[:200], None if new.state in OPEN_TRANSFERS else now)
        for one, new in found
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(SETTLE, list(map(list, zip(*rows, strict=True))))


def _renewing(claim: Claim, *, done: int, total: int, clock: Clock) -> Callable[[], None]:
    """Report progress at once, and return what renews the lease from time to time while banks are asked."""
    renewed = clock()
    report_progress(claim=claim, done=done, total=total, now=renewed)

    def renew() -> None:
        nonlocal renewed
        now = clock()
        if now - renewed >= RENEWED_AFTER:
            renewed = now
            report_progress(claim=claim, done=done, total=total, now=now)

    return renew
