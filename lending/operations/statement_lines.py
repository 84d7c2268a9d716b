"""Take lines of statements out of suspense, and put back what was taken out wrongly."""

from collections.abc import Iterable, Sequence
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
from config.office.business_date import get_business_date
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
    parts_of,
)
from lending.queries.bookings import get_booking_refusal, needs_second_person

MOVED: Final = ("contra", "transfer", "back", "amount_minor")
RESOLVED: Final = ("resolution", "resolved_by", "resolved_at", "resolved_why")
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
    """Put a line back in suspense that was said to be something else than it is; one that was split for it, whole.

    Raises LineNotReopened, NotApproved, Contended, StatementLine.DoesNotExist.
    """
    with operation():
        lock_name(BANK, StatementLine.objects.values_list("statement__bank", flat=True).get(pk=line_id))
        line = StatementLine.objects.lock().get(pk=line_id)
        refusal = get_reopening_refusal(line, reason=reason)
        if refusal is not None:
            raise LineNotReopened(refusal)
        act = reopening_act(line, reason=reason)
        if act is not None or approval is not None:
            require_approval(act or _reopening(line, reason=reason), approval, actor=actor, now=now)
        parts = parts_of(line)
        moved = [reopened_movement(one.amount_minor, Account(str(one.contra_id))) for one in parts]
        post_lines(line.statement, RESOLUTION, moved, now=now)
        amount = sum(one.amount_minor for one in parts)
        before = {"account": _accounts(parts), "resolution": line.resolution, "order": line.transfer_id}
        for one in parts:
            one.contra_id, one.transfer_id, one.back = Account.SUSPENSE, None, False
            one.resolution, one.resolved_by, one.resolved_at, one.resolved_why = "", "", None, ""
            one.amount_minor = amount if one is parts[0] else 0
            one.save(update_fields=[*MOVED, *RESOLVED])
        record_event(
            name="lending.reopen_line",
            subject=parts[0],
            actor=actor,
            before=before,
            after={"account": Account.SUSPENSE, "reason": reason.strip()},
            now=now,
            amount=Money(amount, line.statement.currency),
        )
        return parts[0]


def reopening_act(line: StatementLine, *, reason: str) -> Act | None:
    """Return what a second person has to approve before a line is put back; None if one person may do it alone."""
    needs = _needs_second(line, [one.amount_minor for one in parts_of(line)])
    return _reopening(line, reason=reason) if needs else None


def _reopening(line: StatementLine, *, reason: str) -> Act:
    parts = parts_of(line)
    arguments = {
        "amount_minor": sum(one.amount_minor for one in parts),
        "was": line.resolution,
        "account": _accounts(parts),
        "order": line.transfer_id,
        "reason": reason,
    }
    return Act(operation="lending.reopen_line", subject=line, arguments=arguments)


def match_again(bank: BankProfile, *, clock: Clock) -> None:
    """Match lines in suspense with orders of which the bank has told more since, each in an operation of its own."""
    for known in lines_to_match_again(bank.name, today=get_business_date()):
        try:
            with operation():
                lock_name(BANK, bank.name)
                line = StatementLine.objects.in_suspense().filter(pk=known.pk).lock().first()
                if line is not None:
                    _match_again(line, bank, now=clock())
        except Contended:  # a close proves the books: at the next turn
            log.warning("suspense_left", bank=bank.name)
            return
        except Exception:  # the others have their turn
            log.exception("suspense_left", bank=bank.name, line=known.pk)


def _match_again(line: StatementLine, bank: BankProfile, *, now: datetime) -> None:
    """Move a line to its orders, or write why it is in suspense by now."""
    [found] = matches_of(bank.name, [line])
    if all(one.contra is not Account.SUSPENSE for one in found):
        _move(line, found, now=now)
    elif found[0].reason is not None and found[0].reason != line.reason:
        StatementLine.objects.filter(pk=line.pk).update(reason=found[0].reason)


def resolution_act(line: StatementLine, asked: Asked, *, reason: str) -> Act | None:
    """Return what a second person has to approve of what a line is said to be; None if one person may say it alone."""
    parts = resolve(asked.resolution, line.amount_minor, order_of_line(line, asked))
    needs = _needs_second(line, [one.amount_minor for one in parts])
    if not needs and asked.resolution is Resolution.REPAYMENT and asked.loan_id is not None:
        loan = Loan.objects.filter(pk=asked.loan_id).first()
        needs = loan is not None and needs_second_person(loan, repayment_of(line, reason=reason))
    return _act_of(line, asked, reason=reason) if needs else None


def _needs_second(line: StatementLine, amounts: Iterable[int]) -> bool:
    """Decide by the largest of what a line is split into: an order that a few cents show is as large as it was."""
    altered, currency = line.reason == LineReason.OTHER_ACCOUNT, line.statement.currency
    return any(line_needs_second(minor, currency=currency, may_be_altered=altered) for minor in amounts)


def _accounts(parts: Iterable[StatementLine]) -> str:
    return " ".join(str(one.contra_id) for one in parts)


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
