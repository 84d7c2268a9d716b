"""Statements that are to be booked, and lines in suspense."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from config.office.business_date import get_business_date
from lending.domain.books.bank_gaps import GapRefusal, explains, judge_gap, skips
from lending.domain.books.bank_lines import (
    AGAIN_WITHIN,
    CONTRA,
    LOOKED_AT_AGAIN,
    OF_AN_ORDER,
    LineReason,
    OrderFacts,
    ReopeningRefusal,
    Resolution,
    ResolutionRefusal,
    judge_reopening,
    judge_resolution,
)
from lending.domain.books.ledger import Account
from lending.domain.books.transfer import TransferKind
from lending.models import BankAnswer, BankStatement, Loan, StatementLine
from lending.queries.bank_orders import facts_by_key

# The rule of `match_lines` for lines that leave nothing to weigh: each alone names an order, of its amount, that moved
# and has no such line, and of its account it says nothing or the same. Whatever is not certain is left to that rule.
PLAIN: Final = """
SELECT n.id, t.id AS transfer, CASE t.kind WHEN 'PAYOUT' THEN %(payouts)s ELSE %(collections)s END AS contra,
    direction.back
FROM lending_statementline n JOIN lending_transfer t ON t.key = n.key JOIN lending_loan l ON l.id = t.loan_id
LEFT JOIN merchants_payoutaccount o ON o.id = l.payout_account_id
CROSS JOIN LATERAL (SELECT (n.amount_minor < 0) <> (t.kind = 'PAYOUT') AS back) direction
WHERE n.statement_id = %(statement)s AND t.gateway = %(bank)s
    AND abs(n.amount_minor) = coalesce(nullif(t.moved_minor, 0), t.amount_minor)
    AND (t.state = 'RETURNED' OR t.state = 'DONE' AND NOT direction.back)
    AND (n.number_key = '' OR o.id IS NULL OR (n.number_key, n.number_index) = (o.number_key, o.number_index))
    AND NOT EXISTS (SELECT FROM lending_statementline s WHERE s.transfer_id = t.id AND s.back = direction.back)
    AND NOT EXISTS (
        SELECT FROM lending_statementline other
        WHERE other.statement_id = %(statement)s AND other.key = n.key AND other.id <> n.id
    )
"""
BEFORE_LINES: Final = -1
"""The place of what a statement lacks before its first line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownStatement:
    """What is kept of a statement; lines_minor: the sum of its lines until they are booked, which may split them."""

    opening_minor: int
    closing_minor: int
    lines_minor: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person says that a line in suspense is: an order by its reference, or the repayment of a loan."""

    resolution: Resolution
    order: str = ""
    loan_id: int | None = None


def next_statement(bank: str, *, today: date | None) -> BankStatement | None:
    """Return the statement that follows the last one booked, if what it says of orders is applied."""
    if today is None:
        return None
    last = last_booked(bank)
    waiting = BankStatement.objects.filter(bank=bank, booked_at__isnull=True, closed_on__lte=today)
    if last is not None:
        waiting = waiting.filter(opening_minor=last.closing_minor, closed_on__gte=last.closed_on)
    statement = waiting.order_by("closed_on", "number", "pk").first()
    if statement is None or (last is not None and skips(statement.number, after=last.number)):
        return None
    if BankAnswer.objects.open().filter(file=statement.file_id).exists():
        return None
    return statement


def late_statement(bank: str) -> tuple[BankStatement, StatementLine] | None:
    """Return a statement that came after it was booked without, with the line in suspense that it explains."""
    gaps = StatementLine.objects.in_suspense().filter(
        statement__bank=bank, place=BEFORE_LINES, reason=LineReason.MISSING
    )
    waiting = BankStatement.objects.filter(bank=bank, booked_at__isnull=True).order_by("closed_on", "number", "pk")
    found = (
        (statement, gap)
        for gap in gaps.select_related("statement")
        for statement in waiting.filter(closed_on__lte=gap.statement.closed_on)
        if explains(
            opening_minor=statement.opening_minor,
            closed_on=statement.closed_on,
            next_opening_minor=gap.statement.opening_minor,
            next_closed_on=gap.statement.closed_on,
            missing_minor=gap.amount_minor,
        )
        and not BankAnswer.objects.open().filter(file=statement.file_id).exists()
    )
    return next(found, None)


def known_statements(bank: str, names: Collection[str]) -> Mapping[str, KnownStatement]:
    """Return what is kept under the names of statements of a bank."""
    lines = Sum("lines__amount_minor", filter=Q(lines__place__gte=0), default=0)
    rows = BankStatement.objects.filter(bank=bank, statement_id__in=names).annotate(lines_minor=lines)
    return {
        row.statement_id: KnownStatement(
            opening_minor=row.opening_minor,
            closing_minor=row.closing_minor,
            lines_minor=None if row.booked_at else row.lines_minor,
        )
        for row in rows
    }


def last_booked(bank: str) -> BankStatement | None:
    """Get the statement of a bank that was booked last."""
    return BankStatement.objects.filter(bank=bank, booked_no__isnull=False).order_by("-booked_no").first()


def overtaken_of(statements: Iterable[BankStatement]) -> dict[int, bool]:
    """Return which of some statements wait, and whether a later one of the bank is booked.

    One that is overtaken is booked by itself if it opens where those before it closed; else it never is.
    """
    waiting = BankStatement.objects.filter(booked_at=None, pk__in=[one.pk for one in statements])
    overtaken = set(waiting.filter(Exists(_later())).values_list("pk", flat=True))
    return {pk: pk in overtaken for pk in waiting.values_list("pk", flat=True)}


def blocked_statements(*, before: date) -> QuerySet[BankStatement]:
    """Return the statements of days before one that wait for others."""
    return BankStatement.objects.filter(~Exists(_later()), booked_at=None, closed_on__lt=before)


def _later() -> QuerySet[BankStatement]:
    booked = BankStatement.objects.filter(bank=OuterRef("bank"), booked_no__isnull=False)
    return booked.filter(closed_on__gt=OuterRef("closed_on"))


def gap_before(statement: BankStatement) -> int:
    """Return by what a statement opens above the last one booked, in minor units."""
    last = last_booked(statement.bank)
    return 0 if last is None else statement.opening_minor - last.closing_minor


def get_gap_refusal(statement: BankStatement, *, reason: str) -> GapRefusal | None:
    """Decide whether a statement may be booked though those before it are missing."""
    last = last_booked(statement.bank)
    return judge_gap(
        booked=statement.booked_at is not None,
        closed_on=statement.closed_on,
        today=get_business_date(),
        last_closed_on=None if last is None else last.closed_on,
        gap_minor=gap_before(statement),
        skips_some=last is not None and skips(statement.number, after=last.number),
        reason=reason,
    )


def order_of_line(line: StatementLine, asked: Asked) -> OrderFacts | None:
    """Return the order that a line is said to be of; None too where it is said to be something else."""
    key = _key(asked.order) if asked.resolution in OF_AN_ORDER else None
    return None if key is None else facts_by_key(line.statement.bank, [key]).get(key)


def get_resolution_refusal(line: StatementLine, asked: Asked, *, reason: str) -> ResolutionRefusal | None:
    """Decide whether a line in suspense is what a person says it is."""
    return judge_resolution(
        asked.resolution,
        amount_minor=line.amount_minor,
        in_suspense=line.contra_id == Account.SUSPENSE,
        order=order_of_line(line, asked),
        has_loan=Loan.objects.filter(pk=asked.loan_id or 0, currency=line.statement.currency).exists(),
        reason=reason,
    )


def get_reopening_refusal(line: StatementLine, *, reason: str) -> ReopeningRefusal | None:
    """Decide whether a line is put back in suspense."""
    return judge_reopening(Resolution(line.resolution) if line.resolution else None, reason=reason)


def parts_of(line: StatementLine) -> list[StatementLine]:
    """List what a line was split into when a person said what it is; the line alone if it was not."""
    if not line.resolution:
        return [line]
    said = StatementLine.objects.filter(statement=line.statement_id, place=line.place, resolved_at=line.resolved_at)
    return list(said.select_related("statement").order_by("part"))


def lines_to_match_again(bank: str, *, today: date | None) -> list[StatementLine]:
    """List the lines in suspense of a bank whose orders it may have told more of since; not those of long ago."""
    if today is None:
        return []
    lines = StatementLine.objects.in_suspense().filter(
        statement__bank=bank, reason__in=LOOKED_AT_AGAIN, statement__closed_on__gt=today - AGAIN_WITHIN
    )
    return list(lines.select_related("statement").order_by("pk"))


def _key(reference: str) -> UUID | None:
    try:
        return UUID(reference)
    except ValueError:
        return None


def plain_lines_of(statement: BankStatement) -> dict[str, Any]:
    """Return what PLAIN asks for of a statement that is not booked."""
    return {
        "statement": statement.pk,
        "bank": statement.bank,
        "payouts": CONTRA[TransferKind.PAYOUT].value,
        "collections": CONTRA[TransferKind.COLLECTION].value,
    }
