"""How merchants repay, as of the end of a day: what lending reports to scoring."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from django.db import connection

from config.kernel.calendar import day_number
from lending.domain.contract.state import read_amounts
from lending.models import DayClose, Loan
from lending.queries.closes import last_event_before
from lending.queries.loans import contracts_of
from scoring.domain.behaviour import Behaviour

MERCHANTS_AT_ONCE: Final = 1_000
# Those written since the night before the day, whose behaviour may have changed, and the late, who are a day later.
CHANGED: Final = """
SELECT DISTINCT merchant_id FROM lending_loan
WHERE id >= %(first)s AND id < %(stop)s AND disbursed_on IS NOT NULL
    AND (booked_to >= %(day)s OR late_since <= %(day)s)
UNION
SELECT l.merchant_id FROM lending_loanevent e JOIN lending_loan l ON l.id = e.loan_id
WHERE e.id > %(last_event)s AND l.id >= %(first)s AND l.id < %(stop)s
ORDER BY merchant_id
"""
# A reversal takes effect on the date of what it reverses. What happened to a loan before the cut-over of its book is
# the history that it came with: nothing was reported of those days.
BACK_DATED: Final = """
SELECT l.merchant_id, min(greatest(least(e.on, reversed.on), l.imported_on)) AS since
FROM lending_loanevent e JOIN lending_loan l ON l.id = e.loan_id
LEFT JOIN lending_loanevent reversed ON reversed.id = e.of_id
WHERE e.id > %(last_event)s AND l.id >= %(first)s AND l.id < %(stop)s
    AND greatest(least(e.on, reversed.on), l.imported_on) < %(day)s
GROUP BY l.merchant_id
"""


# Loans that were out by a day. A row tells how its loan stood at the end of that day unless something happened since,
# the loan is booked further, or it turns before the night is over.
OF_MERCHANTS: Final = """
SELECT l.merchant_id, l.id, l.status = 'CLOSED', l.disbursed_minor, l.principal_minor + l.principal_written_off_minor,
    greatest(0, %(night)s - coalesce(l.late_since, %(night)s)), coalesce(scheduled.minor, 0)::bigint,
    (l.status = 'CLOSED' OR l.booked_to = %(night)s
        OR l.booked_to < %(night)s AND (l.turns_on IS NULL OR l.turns_on > %(night)s))
    AND NOT EXISTS (SELECT FROM lending_loanevent e WHERE e.loan_id = l.id AND e.on > %(day)s)
FROM lending_loan l
CROSS JOIN LATERAL (
    SELECT sum(i.principal_minor) AS minor FROM lending_instalment i
    WHERE i.loan_id = l.id AND i.due <= %(day)s AND (l.closed_on IS NULL OR i.due <= l.closed_on)
) scheduled
WHERE l.merchant_id = ANY(%(merchants)s::bigint[]) AND l.disbursed_on <= %(day)s
"""


class _End(NamedTuple):
    """How a loan stood at the end of a day. principal_minor: what was not repaid, written off or not."""

    closed: bool
    principal_minor: int
    dpd: int


def behaviours_of_part(close: DayClose, ids: range) -> Iterator[tuple[date, list[Behaviour]]]:
    """Yield the merchants with loans among these ids that may stand otherwise than the day before, some at a time."""
    merchants = [merchant for (merchant,) in _asked(CHANGED, close, ids)]
    yield from _some_at_a_time(merchants, close.day)


def corrections_of_part(close: DayClose, ids: range) -> Iterator[tuple[date, list[Behaviour]]]:
    """Yield how merchants stood on past days that an event booked since the last close reaches back to, day by day."""
    since = dict(_asked(BACK_DATED, close, ids))
    first = DayClose.objects.order_by("day").values_list("day", flat=True)[0]
    day = max(first, min(since.values(), default=close.day))
    while day < close.day:
        yield from _some_at_a_time(sorted(merchant for merchant, on in since.items() if on <= day), day)
        day += timedelta(days=1)


def behaviours(*, merchants: Sequence[int], day: date) -> list[Behaviour]:
    """Return how merchants stood with their loans at the end of a day, from what is booked by now, in their order.

    Whether the close of the day has reached a loan, or a later payment has, makes no difference.
    """
    with connection.cursor() as cursor:
        cursor.execute(OF_MERCHANTS, {"merchants": list(merchants), "day": day, "night": day + timedelta(days=1)})
        rows = cursor.fetchall()
    replayed = _replayed([loan for _, loan, *_, tells in rows if not tells], day=day)
    found = {merchant: [0, 0, 0, 0] for merchant in merchants}
    for merchant, loan, closed, disbursed, principal, dpd, scheduled, tells in rows:
        end = _End(closed, principal, dpd) if tells else replayed.get(loan)
        if end is None:  # its payout came back meanwhile
            continue
        sums = found[merchant]
        sums[0] = max(sums[0], end.dpd)
        if end.closed:
            sums[3] += not end.principal_minor
        else:
            sums[1] += scheduled
            sums[2] += max(0, disbursed - end.principal_minor)
    return [Behaviour(merchant, *sums) for merchant, sums in found.items()]


def _asked(statement: str, close: DayClose, ids: range) -> list[tuple[Any, ...]]:
    asked: dict[str, Any] = {
        "first": ids.start,
        "stop": ids.stop,
        "day": close.day,
        "last_event": last_event_before(close),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _some_at_a_time(merchants: Sequence[int], day: date) -> Iterator[tuple[date, list[Behaviour]]]:
    for start in range(0, len(merchants), MERCHANTS_AT_ONCE):
        yield day, behaviours(merchants=merchants[start : start + MERCHANTS_AT_ONCE], day=day)


def _replayed(loans: Sequence[int], *, day: date) -> dict[int, _End]:
    """Replay loans as of the end of a day: after its events, with its interest, before any event of the next."""
    ends = {}
    for pk, contract in contracts_of(list(Loan.objects.filter(pk__any_of=loans))).items():
        account = contract.replayed().account(day)
        if account is not None:
            account.turn_to(day_number(day) + 1)
            state = read_amounts(account)
            unpaid = state.principal_minor + state.principal_written_off_minor
            ends[pk] = _End(state.closed, unpaid, state.dpd)
    return ends
