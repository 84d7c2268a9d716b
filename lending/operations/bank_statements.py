"""Book the statements of banks in their order.

The account of the bank in the ledger stands as its last booked statement closed: every line is booked, matched with its
order or in suspense, and what the balances moved by without a line is a line in suspense, too.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import structlog
from django.db import connection
from django.db.models import Sum

from config.db.locking import lock_name
from config.db.rows import insert
from config.db.transactions import Contended, operation, require_one
from config.kernel.money import Money
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.approvals import Act, Approval, require_approval
from config.office.business_date import get_business_date
from config.office.events import record_event
from config.office.job_runs import Clock
from lending.domain.books.bank_gaps import GapRefusal, moved_before, moved_within
from lending.domain.books.bank_lines import Match, bank_movements, explained_movements, match_lines
from lending.domain.books.bank_messages import LineFacts
from lending.domain.books.bank_profile import BankProfile
from lending.domain.books.booking import effective_date
from lending.domain.books.ledger import STATEMENT, Account, Movement
from lending.models import BankStatement, Entry, StatementLine
from lending.operations.bank_files import BANK
from lending.operations.bookings import lock_books, post
from lending.queries.bank_lines import (
    BEFORE_LINES,
    PLAIN,
    gap_before,
    get_gap_refusal,
    last_booked,
    late_statement,
    next_statement,
    plain_lines_of,
)
from lending.queries.bank_orders import facts_by_batch, facts_by_key, facts_by_number
from lending.queries.closes import last_proven_day

AT_ONCE: Final = 1_000
AFTER_LINES: Final = 2**31 - 1
WRITE_PLAIN: Final = f"""
UPDATE lending_statementline l SET contra_id = plain.contra, transfer_id = plain.transfer, back = plain.back
FROM ({PLAIN}) plain WHERE l.id = plain.id
"""  # noqa: S608 - constants only
MATCH: Final = """
UPDATE lending_statementline l SET contra_id = n.contra, transfer_id = n.transfer, back = n.back, reason = n.reason,
    amount_minor = n.amount
FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bool[], %s::text[], %s::bigint[])
    n (id, contra, transfer, back, reason, amount)
WHERE l.id = n.id
"""
log = structlog.get_logger(__name__)


class StatementNotBooked(Refused[GapRefusal]):
    """The statement waits for those before it."""


def book_statements(bank: BankProfile, *, clock: Clock) -> None:
    """Book the statements of a bank that follow each other, as far as there are any."""
    for _ in range(AT_ONCE):
        try:
            if book_statement(bank, now=clock()) is None:
                return
        except Contended:  # a close proves the books: at the next turn
            log.warning("bank_statement_left", bank=bank.name)
            return


def book_statement(bank: BankProfile, *, now: datetime) -> BankStatement | None:
    """Book the next statement of a bank, once all that it says of orders is applied; None if none is to be booked."""
    with operation():
        lock_name(BANK, bank.name)
        statement = next_statement(bank.name, today=get_business_date())
        if statement is not None:
            _book(statement, now=now)
            return statement
        late = late_statement(bank.name)
        if late is None:
            return None
        _book_late(*late, now=now)
        return late[0]


def book_after_gap(
    *, statement_id: int, reason: str, actor: Actor, now: datetime, approval: Approval | None = None
) -> BankStatement:
    """Book a statement though those before it are missing: what the balance moved by between is in suspense.

    Raises StatementNotBooked, NotApproved, Contended, BankStatement.DoesNotExist.
    """
    with operation():
        lock_name(BANK, BankStatement.objects.values_list("bank", flat=True).get(pk=statement_id))
        statement = BankStatement.objects.get(pk=statement_id)
        refusal = get_gap_refusal(statement, reason=reason)
        if refusal is not None:
            raise StatementNotBooked(refusal)
        require_approval(gap_act(statement, reason=reason), approval, actor=actor, now=now)
        missing = gap_before(statement)
        _book(statement, now=now)
        record_event(
            name="lending.book_after_gap",
            subject=statement,
            actor=actor,
            before={},
            after={"missing_minor": missing, "reason": reason.strip()},
            now=now,
            amount=Money(missing, statement.currency),
        )
        return statement


def gap_act(statement: BankStatement, *, reason: str) -> Act:
    """Return what a second person has to approve before a statement is booked without those before it."""
    arguments = {"missing_minor": gap_before(statement), "reason": reason}
    return Act(operation="lending.book_after_gap", subject=statement, arguments=arguments)


def _book(statement: BankStatement, *, now: datetime) -> None:
    """Book a statement after the last one of its bank, with what its balances moved by without a line."""
    last = last_booked(statement.bank)
    before = moved_before(statement.opening_minor, last_closing_minor=None if last is None else last.closing_minor)
    if before is not None:
        _add(statement, before, place=BEFORE_LINES, words="before this statement")
    post_lines(statement, STATEMENT, bank_movements(_book_lines(statement)), now=now)
    number = 1 if last is None or last.booked_no is None else last.booked_no + 1
    waiting = BankStatement.objects.filter(pk=statement.pk, booked_at__isnull=True)
    require_one(waiting.update(booked_at=now, booked_no=number))


def _book_late(statement: BankStatement, gap: StatementLine, *, now: datetime) -> None:
    """Book a statement that came after it was booked without: its lines take the place of what is missing.

    What is at the bank is in the ledger already, by the statement that was booked without it.
    """
    shares = _book_lines(statement)
    post_lines(statement, STATEMENT, explained_movements(shares), now=now)
    moved = statement.closing_minor - statement.opening_minor
    require_one(
        StatementLine.objects.in_suspense()
        .filter(pk=gap.pk, amount_minor=gap.amount_minor)
        .update(amount_minor=gap.amount_minor - moved)
    )
    waiting = BankStatement.objects.filter(pk=statement.pk, booked_at__isnull=True)
    require_one(waiting.update(booked_at=now))


def _book_lines(statement: BankStatement) -> Counter[Account]:
    """Match the lines of a statement, and what its balances moved by without one; return their sums by account.

    Most lines are plain, and matched by one statement; what is left is read and judged.
    """
    said = statement.lines.filter(place__gte=0)
    total = said.aggregate(minor=Sum("amount_minor", default=0))["minor"]
    with connection.cursor() as cursor:
        cursor.execute(WRITE_PLAIN, plain_lines_of(statement))
    _match(statement.bank, list(said.filter(contra=None).order_by("place")))
    within = moved_within(statement.opening_minor, statement.closing_minor, lines_minor=total)
    if within is not None:
        _add(statement, within, place=AFTER_LINES, words="moved the balance without a line")
    sums = statement.lines.values_list("contra_id").annotate(Sum("amount_minor"))
    return Counter({Account(contra): int(minor) for contra, minor in sums.order_by()})


def _match(bank: str, lines: Sequence[StatementLine]) -> None:
    """Match lines with orders, and write with what; an amount for a whole file becomes a line an order."""
    if not lines:
        return
    matched = matches_of(bank, lines)
    rows = [(line.pk, *columns_of(found[0])) for line, found in zip(lines, matched, strict=True)]
    with connection.cursor() as cursor:
        for start in range(0, len(rows), AT_ONCE * 10):
            cursor.execute(MATCH, list(map(list, zip(*rows[start : start + AT_ONCE * 10], strict=True))))
    StatementLine.objects.bulk_create(
        (
            part_of(line, one, part=part)
            for line, found in zip(lines, matched, strict=True)
            for part, one in enumerate(found)
            if part
        ),
        batch_size=5_000,
    )


def matches_of(bank: str, lines: Sequence[StatementLine]) -> list[list[Match]]:
    """Match lines of a bank with its orders."""
    facts = [_facts_of(line) for line in lines]
    dates = [line.booked_on for line in lines]
    unnamed = {line.number for line in facts if line.key is None and not line.batch and line.number}
    return match_lines(
        facts,
        by_key=facts_by_key(bank, {line.key for line in facts if line.key is not None}),
        by_batch=facts_by_batch(bank, {line.batch for line in facts if line.key is None and line.batch}),
        by_number=facts_by_number(
            bank, unnamed, since=min(dates), until=max(dates), beside={line.statement_id for line in lines}
        ),
    )


def columns_of(match: Match) -> tuple[str, int | None, bool, str, int]:
    """Return a match as a line has it: other side, order, whether back, reason, amount."""
    return match.contra.value, match.order_id, match.back, match.reason or "", match.amount_minor


def part_of(line: StatementLine, match: Match, *, part: int) -> StatementLine:
    """Return a further part of a line that is split."""
    return StatementLine(
        statement_id=line.statement_id,
        place=line.place,
        part=part,
        amount_minor=match.amount_minor,
        booked_on=line.booked_on,
        value_on=line.value_on,
        batch=line.batch,
        bank_reference=line.bank_reference,
        words=line.words,
        contra_id=match.contra,
        transfer_id=match.order_id,
        back=match.back,
        reason=line.reason,
    )


def _add(statement: BankStatement, match: Match, *, place: int, words: str) -> StatementLine:
    """Add a line that the bank did not send: what the statement began with, or lacks."""
    return StatementLine.objects.create(
        statement=statement,
        place=place,
        amount_minor=match.amount_minor,
        booked_on=statement.closed_on,
        value_on=statement.closed_on,
        words=words,
        contra_id=match.contra,
        reason=match.reason or "",
    )


def _facts_of(line: StatementLine) -> LineFacts:
    return LineFacts(
        amount_minor=line.amount_minor,
        booked_on=line.booked_on,
        value_on=line.value_on,
        key=line.key,
        batch=line.batch,
        number=line.number,
    )


def post_lines(statement: BankStatement, code: str, moved: Sequence[Movement], *, now: datetime) -> None:
    """Post what lines of a statement move. Raises NoTransaction, Contended."""
    lock_books(exclusive=False)
    if not moved:
        return
    on = effective_date(statement.closed_on, last_proven=last_proven_day())
    entry = insert(Entry(code=code, effective_date=on, booked_at=now, statement=statement))
    post((entry, moved, statement.currency))
