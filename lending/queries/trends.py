"""How the figures of the desks came to where they are: by day, and by week, the oldest first."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import accumulate
from typing import Any, Final, NamedTuple, TypeVar

from django.db import connection
from django.db.models import Sum

from lending.domain.books.day_close import CloseState
from lending.domain.books.ledger import Account
from lending.domain.books.portfolio import PAR, Dimension, Report, Share, yield_of
from lending.models import DayClose, PortfolioFigures, ProductExposure
from lending.queries.closes import first_closed_day
from lending.queries.portfolio import lent_currencies

V = TypeVar("V")
DAYS: Final = 30
WEEKS: Final = 8

# The week that ends on the day is 0, the one before it 1. By the day of the application, whenever it was decided.
APPLIED: Final = """
SELECT (%(on)s - applied_on) / 7, count(*) FILTER (WHERE state = 'APPROVED'),
    count(*) FILTER (WHERE state <> 'REFERRED'), count(*)
FROM lending_application WHERE applied_on > %(since)s AND applied_on <= %(on)s GROUP BY 1
"""
DISBURSED: Final = """
SELECT (%(on)s - f."on") / 7, sum(f.disbursed_minor)::bigint FROM lending_loanflow f {of}
WHERE f.disbursed_minor <> 0 AND f."on" > %(since)s AND f."on" <= %(on)s GROUP BY 1
"""
OF_ALL: Final = DISBURSED.format(of="")
OF_CURRENCY: Final = DISBURSED.format(of="JOIN lending_loan l ON l.id = f.loan_id AND l.currency = %(currency)s")
# By the week in which they were due; those that wait, or were recorded wrongly, do not count.
PROMISED: Final = """
SELECT (%(on)s - due_on) / 7, count(*) FILTER (WHERE state = 'KEPT'), count(*) FROM lending_paymentpromise
WHERE state IN ('KEPT', 'PARTLY', 'BROKEN') AND due_on > %(since)s AND due_on <= %(on)s GROUP BY 1
"""
# What came and went, by day; all that was before the first day counts on it.
OPEN_CASES: Final = """
SELECT greatest(day, %(since)s::date + 1), sum(n)::bigint FROM (
    SELECT opened_on AS day, 1 AS n FROM lending_arrearscase
    UNION ALL SELECT closed_on, -1 FROM lending_arrearscase WHERE closed_on IS NOT NULL
) moves WHERE day <= %(on)s GROUP BY 1
"""
BALANCES: Final = """
SELECT greatest(day, %(since)s::date + 1), sum(debit_minor - credit_minor)::bigint FROM lending_accountday
WHERE account_id = %(account)s AND currency = %(currency)s AND day <= %(on)s GROUP BY 1
"""


class Applied(NamedTuple):
    """The applications of a week: how many were approved, decided by now, and made."""

    approved: int
    decided: int
    made: int


class Risk(NamedTuple):
    """The outstanding principal at the end of a day, and what of it is past due, by days from which it counts."""

    outstanding_minor: int
    late_minor: Mapping[int, int]


def main_currency() -> str | None:
    """Return the currency of most loans; None before the first loan."""
    counted = ProductExposure.objects.values("currency").annotate(number=Sum("loans")).order_by("-number", "currency")
    found = counted.values_list("currency", "number").first()
    return None if found is None or not found[1] else str(found[0])


def applied_by_week(on: date) -> list[Applied | None]:
    """Return what became of the applications of each week; None before the office closed its first day."""
    found = {week: Applied(*counts) for week, *counts in _rows(APPLIED, on, WEEKS * 7)}
    return _by_week(found, Applied(0, 0, 0), on)


def promises_by_week(on: date) -> list[Share | None]:
    """Return of the promises due in each week how many were kept, of those that were judged."""
    return _by_week({week: Share(*counts) for week, *counts in _rows(PROMISED, on, WEEKS * 7)}, Share(0, 0), on)


def disbursed_by_week(on: date, currency: str) -> list[int | None]:
    """Return what was paid out in each week, in minor units."""
    statement = OF_ALL if lent_currencies() == [currency] else OF_CURRENCY
    return _by_week(dict(_rows(statement, on, WEEKS * 7, currency=currency)), 0, on)


def open_cases_by_day(on: date) -> list[int | None]:
    """Return how many arrears cases were open at the end of each day."""
    return _accumulated(_rows(OPEN_CASES, on, DAYS), on)


def balances_by_day(account: Account, on: date, currency: str) -> list[int | None]:
    """Return the balance of an account at the end of each day, debits positive, in minor units; on is proven."""
    return _accumulated(_rows(BALANCES, on, DAYS, currency=currency, account=account.value), on)


def risk_by_day(on: date, currency: str) -> list[Risk | None]:
    """Return what is at risk at the end of each day; None of a day whose figures are not kept."""
    found = dict[date, Risk]()
    for day, (_value, _currency, _loans, minor, *late) in _kept(Report.RISK, on, currency):
        found[day] = Risk(minor, dict(zip(PAR, late[len(PAR) :], strict=True)))
    return _by_day(found, on)


def net_loss_by_day(on: date, currency: str) -> list[Share | None]:
    """Return what was written off less recovered, of what was ever paid out, at the end of each day; minor units."""
    found = dict[date, Share]()
    for day, (_value, _currency, _loans, disbursed, *others) in _kept(Report.LOSS, on, currency):
        written_off, recovered = others[-2:]
        found[day] = Share(written_off - recovered, disbursed)
    return _by_day(found, on)


def yield_by_day(on: date, currency: str) -> list[Share | None]:
    """Return the yield of the month up to each day, a year: as the report of that day has it."""
    found = {day: yield_of(row[3], row[4]) for day, row in _kept(Report.YIELD, on, currency)}
    return _by_day(found, on)


def proofs_of_days() -> list[bool]:
    """Return of the last days that are closed whether their books were proven, the oldest first."""
    states = DayClose.objects.exclude(state=CloseState.WORKING).order_by("-day").values_list("state", flat=True)
    return [state == CloseState.PROVEN for state in reversed(states[:DAYS])]


def _kept(report: Report, on: date, currency: str) -> list[tuple[date, list[Any]]]:
    days = PortfolioFigures.objects.filter(
        report=report, dimension=Dimension.ALL, on__gt=on - timedelta(days=DAYS), on__lte=on
    )
    return [(day, row) for day, rows in days.values_list("on", "rows") for row in rows if row[1] == currency]


def _by_day(found: Mapping[date, V], on: date) -> list[V | None]:
    return [found.get(on - timedelta(days=days)) for days in reversed(range(DAYS))]


def _rows(statement: str, on: date, days: int, **asked: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"on": on, "since": on - timedelta(days=days), **asked})
        return cursor.fetchall()  # type: ignore[no-any-return]


def _by_week(found: Mapping[int, V], nothing: V, on: date) -> list[V | None]:
    """Return what was found of each week, or nothing; None of those that ended before the office closed a day."""
    known = (on - (first_closed_day() or on)).days // 7
    return [found.get(week, nothing) if week <= known else None for week in reversed(range(WEEKS))]


def _accumulated(rows: Sequence[tuple[date, int]], on: date) -> list[int | None]:
    moved, first = dict(rows), first_closed_day() or on
    days = [on - timedelta(days=days) for days in reversed(range(DAYS))]
    sums = accumulate(moved.get(day, 0) for day in days)
    return [total if day >= first else None for day, total in zip(days, sums, strict=True)]
