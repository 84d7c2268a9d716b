"""What the loans under credit lines take of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final

from django.db import connection

from config.office.actors import SYSTEM
from lending.domain.books.loan import LoanStatus, exposure_minor
from lending.domain.origination.facts import LineFacts
from lending.models import Line

EXPOSED: Final = """
SELECT line_id, status, amount_minor, principal_minor FROM lending_loan
WHERE line_id = ANY(%s::bigint[]) AND status IN ('APPROVED', 'ACTIVE')
"""
OF_LINE: Final = """
SELECT l.status, l.amount_minor, l.principal_minor, EXISTS (
    SELECT FROM lending_decision d
    WHERE d.application_id = line.application_id AND d.outcome = 'APPROVE' AND d.actor <> %(rules)s
)
FROM lending_line line LEFT JOIN lending_loan l ON l.line_id = line.id AND l.status IN ('APPROVED', 'ACTIVE')
WHERE line.id = %(line)s
"""


def facts_of_line(line: Line) -> LineFacts:
    """Return the limit of a line, what its loans take of it, and what a person approved it for."""
    with connection.cursor() as cursor:
        cursor.execute(OF_LINE, {"line": line.pk, "rules": str(SYSTEM)})
        rows = cursor.fetchall()
    return LineFacts(
        limit_minor=line.limit_minor,
        used_minor=sum(_taken(*loan) for *loan, _ in rows if loan[0] is not None),
        approved_minor=line.application.amount_minor if rows[0][-1] else 0,
    )


def used_of(lines: Iterable[int]) -> dict[int, int]:
    """Sum what the loans of lines take of them, by line, in minor units."""
    used = defaultdict[int, int](int)
    with connection.cursor() as cursor:
        cursor.execute(EXPOSED, [list(lines)])
        rows = cursor.fetchall()
    for line, status, amount, principal in rows:
        used[line] += _taken(status, amount, principal)
    return dict(used)


def _taken(status: str, amount: int, principal: int) -> int:
    return exposure_minor(status=LoanStatus(status), amount_minor=amount, principal_minor=principal)


def undrawn_of(merchants: Collection[int]) -> list[tuple[int, int]]:
    """List what merchants may still draw on their open lines: merchant and minor units."""
    lines = list(Line.objects.open().filter(merchant__in=merchants))
    used = used_of(line.pk for line in lines) if lines else {}
    return [(line.merchant_id, max(0, line.limit_minor - used.get(line.pk, 0))) for line in lines]
