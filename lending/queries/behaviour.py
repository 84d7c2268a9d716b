"""How merchants repay, as of the end of a day: what lending reports to scoring."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import F, Q, Sum

from config.kernel.calendar import day_number
from lending.domain.books.loan import LoanStatus
from lending.domain.contract.state import read_state
from lending.models import DayClose, Instalment, Loan, LoanEvent
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
# A reversal takes effect on the date of what it reverses.
BACK_DATED: Final = """
SELECT l.merchant_id, min(least(e.on, reversed.on)) AS since
FROM lending_loanevent e JOIN lending_loan l ON l.id = e.loan_id
LEFT JOIN lending_loanevent reversed ON reversed.id = e.of_id
WHERE e.id > %(last_event)s AND l.id >= %(first)s AND l.id < %(stop)s AND least(e.on, reversed.on) < %(day)s
GROUP BY l.merchant_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    closed: bool
    principal_minor: int
    dpd: int


def behaviours_of_part(close: DayClose, ids: range) -> Iterator[tuple[date, list[Behaviour]]]:
    """Yield the merchants with loans among these ids that may stand otherwise than the day before, some at a time."""
    asked: dict[str, Any] = {
        "first": ids.start,
        "stop": ids.stop,
        "day": close.day,
        "last_event": last_event_before(close),
    }
    with connection.cursor() as cursor:
        cursor.execute(CHANGED, asked)
        merchants = [merchant for (merchant,) in cursor.fetchall()]
    yield from _some_at_a_time(merchants, close.day)


def corrections_of_part(close: DayClose, ids: range) -> Iterator[tuple[date, list[Behaviour]]]:
    """Yield how merchants stood on past days that an event booked since the last close reaches back to, day by day."""
    asked: dict[str, Any] = {
        "first": ids.start,
        "stop": ids.stop,
        "day": close.day,
        "last_event": last_event_before(close),
    }
    with connection.cursor() as cursor:
        cursor.execute(BACK_DATED, asked)
        since = dict(cursor.fetchall())
    first = DayClose.objects.order_by("day").values_list("day", flat=True)[0]
    day = max(first, min(since.values(), default=close.day))
    while day < close.day:
        yield from _some_at_a_time(sorted(merchant for merchant, on in since.items() if on <= day), day)
        day += timedelta(days=1)


def behaviours(*, merchants: Sequence[int], day: date) -> list[Behaviour]:
    """Return how merchants stood with their loans at the end of a day, from what is booked by now, in their order.

    Whether the close of the day has reached a loan, or a later payment has, makes no difference.
    """
    drawn = Q(status__in=[LoanStatus.ACTIVE, LoanStatus.CLOSED], disbursed_on__lte=day)
    loans = list(
        Loan.objects.filter(drawn, merchant__in=merchants).only(
            "merchant_id", "status", "disbursed_minor", "principal_minor", "booked_to", "turns_on", "late_since"
        )
    )
    ends = _ends(loans, day=day)
    dues = _dues([loan.pk for loan in loans], day=day)
    found = {merchant: defaultdict[str, int](int) for merchant in merchants}
    for loan in loans:
        end = ends.get(loan.pk)
        if end is None:  # its payout came back meanwhile
            continue
        sums = found[loan.merchant_id]
        sums["dpd"] = max(sums["dpd"], end.dpd)
        if end.closed:
            sums["loans_repaid"] += 1
        else:
            sums["scheduled_minor"] += dues.get(loan.pk, 0)
            sums["repaid_minor"] += loan.disbursed_minor - end.principal_minor
    return [Behaviour(merchant_id=merchant, **sums) for merchant, sums in found.items()]


def _some_at_a_time(merchants: Sequence[int], day: date) -> Iterator[tuple[date, list[Behaviour]]]:
    for start in range(0, len(merchants), MERCHANTS_AT_ONCE):
        yield day, behaviours(merchants=merchants[start : start + MERCHANTS_AT_ONCE], day=day)


def _ends(loans: Sequence[Loan], *, day: date) -> dict[int, _End]:
    """Read how loans stood at the end of a day from their rows, where these are as of then; replay the others."""
    night = day + timedelta(days=1)
    later = set(
        LoanEvent.objects.filter(loan__in=[loan.pk for loan in loans], on__gt=day).values_list("loan_id", flat=True)
    )
    ends = {}
    for loan in loans:
        if loan.pk not in later and _rests(loan, night):
            ends[loan.pk] = _End(
                closed=loan.status == LoanStatus.CLOSED,
                principal_minor=loan.principal_minor,
                dpd=0 if loan.late_since is None else max(0, (night - loan.late_since).days),
            )
    others = Loan.objects.filter(pk__in=[loan.pk for loan in loans if loan.pk not in ends])
    for pk, contract in contracts_of(list(others)).items():
        # After the events of the day, with its interest, before any event of the next.
        account = contract.replayed().account(day)
        if account is None:
            continue
        account.turn_to(day_number(night))
        state = read_state(account)
        ends[pk] = _End(closed=state.closed, principal_minor=state.principal_minor, dpd=state.dpd)
    return ends


def _rests(loan: Loan, night: date) -> bool:
    """Check whether the row of a loan without later events tells how it stands at a night's end."""
    if loan.status == LoanStatus.CLOSED or loan.booked_to == night:
        return True
    return loan.booked_to is not None and loan.booked_to < night and (loan.turns_on is None or night < loan.turns_on)


def _dues(loans: Sequence[int], *, day: date) -> dict[int, int]:
    """Sum by loan the principal that was scheduled to a day."""
    open_then = Q(loan__closed_on__isnull=True) | Q(due__lte=F("loan__closed_on"))
    rows = Instalment.objects.filter(open_then, loan__in=loans, due__lte=day).values_list("loan_id")
    return dict(rows.annotate(scheduled=Sum("principal_minor")).order_by())
