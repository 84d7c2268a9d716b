"""Take lines of statements out of suspense, and put back what was taken out wrongly."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import structlog
from django.db.models import Max

from config.db.locking import lock_name
from config.db.transactions import Contended, operation, require_one
from config.kernel.money import Money
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.approvals import Act, Approval, require_approval
from config.office.events import record_event
from config.office.job_runs import Clock
from lending.domain.books.bank_lines import (
    LineReason,
    Match,
    ReopeningRefusal,
    Resolution,
    ResolutionRefusal,
    reopened_movement,
    resolve,
    resolved_movement,
)
from lending.domain.books.bank_profile import BankProfile
from lending.domain.books.booking import Booking
from lending.domain.books.ledger import RESOLUTION, Account
from lending.domain.books.second_person import line_needs_second
from lending.domain.contract.events import EventType
from lending.models import Loan, StatementLine
from lending.operations.bank_files import BANK
from lending.operations.bank_statements import columns_of, matches_of, part_of, post_lines
from lending.operations.loans import EventNotBooked, book_on
from lending.operations.transfers import lock_loan
from lending.queries.bank_lines import (
    Asked,
    get_reopening_refusal,
    get_resolution_refusal,
    lines_to_match_again,
    order_of_line,
)
from lending.queries.bookings import get_booking_refusal, needs_second_person

CHANGED: Final = ("contra", "transfer", "back", "resolution", "resolved_by", "resolved_at", "resolved_why")
log = structlog.get_logger(__name__)


class LineNotResolved(Refused[ResolutionRefusal]):
    """The line stays in suspense."""


class LineNotReopened(Refused[ReopeningRefusal]):
    """The line stays what it was said to be."""


def resolve_line(
    *, line_id: int, asked: Asked, reason: str, actor: Actor, now: datetime, approval: Approval | None = None
) -> StatementLine:
    """Book what a line in suspense turned out to be; a repayment is booked on its loan, too.

    Raises LineNotResolved, EventNotBooked, NotApproved, Contended, StatementLine.DoesNotExist.
    """
    with operation():
        bank = StatementLine.objects.values_list("statement__bank", flat=True).get(pk=line_id)
        lock_name(BANK, bank)
        line = StatementLine.objects.lock().get(pk=line_id)
        refusal = get_resolution_refusal(line, asked, reason=reason)
        if refusal is not None:
            raise LineNotResolved(refusal)
        act = resolution_act(line, asked, reason=reason)
        if approval is not None or act is not None:
            require_approval(act or _act_of(line, asked, reason=reason), approval, actor=actor, now=now)
        if asked.resolution is Resolution.REPAYMENT:
            _book_repayment(line, asked, reason=reason, actor=actor, now=now)
        found = resolve(asked.resolution, line.amount_minor, order_of_line(line, asked))
        said = {"resolution": asked.resolution, "resolved_by": str(actor), "resolved_at": now}
        _move(line, found, now=now, **said, resolved_why=reason.strip()[:500])
        record_event(
            name="lending.resolve_line",
            subject=line,
            actor=actor,
            before={"account": Account.SUSPENSE, "amount_minor": line.amount_minor},
            after={
                "account": " ".join(one.contra for one in found),
                "resolution": asked.resolution,
                "order": asked.order,
                "loan": asked.loan_id,
                "reason": reason.strip(),
            },
            now=now,
            amount=Money(line.amount_minor, line.statement.currency),
        )
        return StatementLine.objects.get(pk=line_id)


def reopen_line(
    *, line_id: int, reason: str, actor: Actor, now: datetime, approval: Approval | None = None
) -> StatementLine:
    """Put a line back in suspense that was said to be something else than it is.

    Raises LineNotReopened, NotApproved, Contended, StatementLine.DoesNotExist.
    """
    with operation():
        lock_name(BANK, StatementLine.objects.values_list("statement__bank", flat=True).get(pk=line_id))
        line = StatementLine.objects.lock().get(pk=line_id)
        refusal = get_reopening_refusal(line, reason=reason)
        if refusal is not None:
            raise LineNotReopened(refusal)
        act = reopening_act(line, reason=reason)
        if act is not None:
            require_approval(act, approval, actor=actor, now=now)
        was = {"account": line.contra_id, "resolution": line.resolution, "order": line.transfer_id}
        moved = reopened_movement(line.amount_minor, Account(str(line.contra_id)))
        post_lines(line.statement, RESOLUTION, [moved], now=now)
        line.contra_id, line.transfer_id, line.back = Account.SUSPENSE, None, False
        line.resolution, line.resolved_by, line.resolved_at, line.resolved_why = "", "", None, ""
        line.save(update_fields=CHANGED)
        record_event(
            name="lending.reopen_line",
            subject=line,
            actor=actor,
            before=was,
            after={"account": Account.SUSPENSE, "reason": reason.strip()},
            now=now,
            amount=Money(line.amount_minor, line.statement.currency),
        )
        return line


def reopening_act(line: StatementLine, *, reason: str) -> Act | None:
    """Return what a second person has to approve before a line is put back; None if one person may do it alone."""
    if not line_needs_second(line.amount_minor, currency=line.statement.currency, may_be_altered=False):
        return None
    arguments = {"amount_minor": line.amount_minor, "was": line.resolution, "reason": reason}
    return Act(operation="lending.reopen_line", subject=line, arguments=arguments)


def match_again(bank: BankProfile, *, clock: Clock) -> None:
    """Match lines in suspense with orders of which the bank has told more since, each in an operation of its own."""
    for known in lines_to_match_again(bank.name):
        try:
            with operation():
                lock_name(BANK, bank.name)
                line = StatementLine.objects.in_suspense().filter(pk=known.pk).lock().first()
                found = [] if line is None else matches_of(bank.name, [line])[0]
                if line is not None and all(one.contra is not Account.SUSPENSE for one in found):
                    _move(line, found, now=clock())
        except Contended:  # a close proves the books: at the next turn
            log.warning("suspense_left", bank=bank.name)
            return


def resolution_act(line: StatementLine, asked: Asked, *, reason: str) -> Act | None:
    """Return what a second person has to approve of what a line is said to be; None if one person may say it alone."""
    needs = line_needs_second(
        line.amount_minor, currency=line.statement.currency, may_be_altered=line.reason == LineReason.OTHER_ACCOUNT
    )
    if not needs and asked.resolution is Resolution.REPAYMENT and asked.loan_id is not None:
        loan = Loan.objects.filter(pk=asked.loan_id).first()
        needs = loan is not None and needs_second_person(loan, repayment_of(line, reason=reason))
    return _act_of(line, asked, reason=reason) if needs else None


def _act_of(line: StatementLine, asked: Asked, *, reason: str) -> Act:
    arguments = {
        "resolution": asked.resolution.value,
        "order": asked.order,
        "loan": asked.loan_id,
        "amount_minor": line.amount_minor,
        "reason": reason,
    }
    return Act(operation="lending.resolve_line", subject=line, arguments=arguments)


def repayment_of(line: StatementLine, *, reason: str) -> Booking:
    """Return the booking of a line as the repayment of a loan."""
    return Booking(
        type=EventType.REPAYMENT, on=line.value_on, amount_minor=line.amount_minor, by_hand=True, reason=reason
    )


def _book_repayment(line: StatementLine, asked: Asked, *, reason: str, actor: Actor, now: datetime) -> None:
    """Book a line as a repayment of a loan. The approval of the line is that of the repayment."""
    loan = lock_loan(int(asked.loan_id or 0))
    booking = repayment_of(line, reason=reason)
    refusal = get_booking_refusal(loan, booking, external_ref="")
    if refusal is not None:
        raise EventNotBooked(refusal)
    book_on(loan, booking, actor=actor, now=now)


def _move(line: StatementLine, found: Sequence[Match], *, now: datetime, **said: object) -> None:
    """Move a line out of suspense to what it turned out to be; what is said of it is said of each of its parts."""
    post_lines(line.statement, RESOLUTION, [resolved_movement(one.amount_minor, one.contra) for one in found], now=now)
    contra, transfer_id, back, _, amount_minor = columns_of(found[0])
    moved = {"contra_id": contra, "transfer_id": transfer_id, "back": back, "amount_minor": amount_minor}
    require_one(StatementLine.objects.in_suspense().filter(pk=line.pk).update(**moved, **said))
    last = line.statement.lines.filter(place=line.place).aggregate(last=Max("part"))["last"]
    parts = [part_of(line, one, part=last + number) for number, one in enumerate(found) if number]
    for part in parts:
        for name, value in said.items():
            setattr(part, name, value)
    StatementLine.objects.bulk_create(parts)
