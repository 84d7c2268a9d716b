"""Closed months, and those that may be closed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final

from django.db import connection, transaction

from config.kernel.calendar import add_months
from config.office.business_date import get_business_date
from lending.domain.books.ledger import Account
from lending.domain.books.month_close import (
    KeptMalformed,
    MonthRefusal,
    judge_month,
    kept_of,
    last_day_of,
    month_to_close,
    parse_kept,
)
from lending.domain.books.statements import TrialLine
from lending.models import MonthClose
from lending.queries.closes import last_proven_day
from lending.queries.ledger import in_chart_order, trial_balance
from lending.queries.provisions import booked_months

BOOKED: Final = """
SELECT date_trunc('month', on_date)::date, account, currency, sum(debit)::bigint, sum(credit)::bigint FROM (
    SELECT e.effective_date AS on_date, p.debit_id AS account, p.currency, p.amount_minor AS debit, 0 AS credit
    FROM lending_entry e JOIN lending_posting p ON p.entry_id = e.id WHERE e.effective_date <= %(through)s
    UNION ALL SELECT e.effective_date, p.credit_id, p.currency, 0, p.amount_minor
    FROM lending_entry e JOIN lending_posting p ON p.entry_id = e.id WHERE e.effective_date <= %(through)s
) sides GROUP BY 1, 2, 3 ORDER BY 1
"""


def last_closed_month() -> date | None:
    """Return the last month that is closed, by its first day."""
    return MonthClose.objects.order_by("-month").values_list("month", flat=True).first()


def next_month() -> date | None:
    """Return the month that is closed next; None before one is provided for."""
    return month_to_close(last_closed=last_closed_month(), provided=booked_months())


def open_months() -> list[date]:
    """List the months from the one that is closed next to that of the business date, the first first."""
    month, today = next_month(), get_business_date()
    found = []
    while month is not None and today is not None and month <= today:
        found.append(month)
        month = add_months(month, 1)
    return found


def get_month_refusal(month: date) -> MonthRefusal | None:
    """Decide whether a month may be closed; under the exclusive lock of the books nothing changes that."""
    return judge_month(
        month,
        today=get_business_date(),
        last_proven=last_proven_day(),
        last_closed=last_closed_month(),
        provided=booked_months(),
    )


def trial_of(month: date) -> list[TrialLine]:
    """Return the trial balance of a month as the books are now."""
    return trial_balance(month, last_day_of(month))


def kept_trial(close: MonthClose) -> list[TrialLine]:
    """Return the trial balance that is kept of a month; nothing of one that was altered."""
    try:
        return in_chart_order(parse_kept(close.content, close.sha256))
    except KeptMalformed:
        return []


def is_as_booked(close: MonthClose, lines: Iterable[TrialLine]) -> bool:
    """Check whether what is kept of a month is the trial balance that its postings make."""
    return kept_of(close.month, lines) == (close.content, close.sha256)


def closed_months_apart() -> list[date]:
    """List the closed months of which what is kept is not what their postings make, each posting read."""
    closes = list(MonthClose.objects.order_by("month"))
    if not closes:
        return []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(BOOKED, {"through": last_day_of(closes[-1].month)})
        booked = cursor.fetchall()
    return [close.month for close in closes if not is_as_booked(close, _trial_of(booked, close.month))]


def _trial_of(booked: Sequence[tuple[date, str, str, int, int]], month: date) -> Iterator[TrialLine]:
    """Yield the trial balance of a month from what was booked in each, by account and currency."""
    sums = defaultdict[tuple[str, str], list[int]](lambda: [0, 0, 0])
    for booked_in, account, currency, debit, credit in booked:
        found = sums[account, currency]
        if booked_in < month:
            found[0] += debit - credit
        elif booked_in == month:
            found[1:] = [debit, credit]
    for (account, currency), (opening, debit, credit) in sums.items():
        yield TrialLine(
            account=Account(account), currency=currency, opening_minor=opening, debit_minor=debit, credit_minor=credit
        )
