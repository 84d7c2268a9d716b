"""What the loans under credit lines take of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final

from django.db import connection

from lending.domain.books.loan import LoanStatus, exposure_minor
from lending.domain.origination.decision import LineFacts
from lending.models import Line

EXPOSED: Final = """
SELECT line_id, status, amount_minor, principal_minor FROM lending_loan
WHERE line_id = ANY(%s::bigint[]) AND status IN ('APPROVED', 'ACTIVE')
"""


def facts_of_line(line: Line) -> LineFacts:
    """Return the limit of a line and what its loans take of it."""
    return LineFacts(limit_minor=line.limit_minor, used_minor=used_of([line.pk]).get(line.pk, 0))


def used_of(lines: Iterable[int]) -> dict[int, int]:
    """Sum what the loans of lines take of them, by line, in minor units."""
    used = defaultdict[int, int](int)
    with connection.cursor() as cursor:
        cursor.execute(EXPOSED, [list(lines)])
        rows = cursor.fetchall()
    for line, status, amount, principal in rows:
        used[line] += exposure_minor(status=LoanStatus(status), amount_minor=amount, principal_minor=principal)
    return dict(used)


def undrawn_of(merchants: Collection[int]) -> list[tuple[int, int]]:
    """List what merchants may still draw on their open lines: merchant and minor units."""
    lines = list(Line.objects.open().filter(merchant__in=merchants))
    used = used_of(line.pk for line in lines) if lines else {}
    return [(line.merchant_id, max(0, line.limit_minor - used.get(line.pk, 0))) for line in lines]
