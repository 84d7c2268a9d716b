"""Closes of days."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.models import Min, Sum
from django.db.models.functions import Coalesce

from config.db.rows import select
from config.office.business_date import get_business_date
from lending.domain.books.at_rest import Standing
from lending.domain.books.day_close import (
    LAST_ID,
    CloseRefusal,
    CloseState,
    OpeningRefusal,
    day_to_close,
    judge_close,
    judge_first_opening,
    judge_opening,
)
from lending.models import DayClose, Loan, Posting, ProofLine
from lending.queries.loans import contracts_of, due_of, standing_of

DRIFTED_SHOWN = 20
LATEST: Final = "SELECT {c} FROM lending_dayclose c ORDER BY c.day DESC LIMIT 1"
CLOSE: Final = "SELECT {c} FROM lending_dayclose c WHERE c.id = %(close)s"


def last_close() -> DayClose | None:
    """Get the last close that is done."""
    return DayClose.objects.exclude(state=CloseState.WORKING).order_by("-day").first()


def last_closed_day() -> date | None:
    """Get the last day whose books are closed."""
    return _day("SELECT max(day) FROM lending_dayclose WHERE state <> 'WORKING'")


def first_closed_day() -> date | None:
    """Get the first day whose books were closed."""
    return _day("SELECT min(day) FROM lending_dayclose WHERE state <> 'WORKING'")


def _day(statement: str) -> date | None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        day: date | None = cursor.fetchone()[0]
    return day


def closed_to() -> date | None:
    """Return the date after the last night that is closed, on which all loans' rows stand; None before the first."""
    close = latest_close()
    return None if close is None else close.closed_to


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingLoan:
    """A loan, and how it stands."""

    loan: Loan
    standing: Standing


def with_standings(loans: Iterable[Loan]) -> list[StandingLoan]:
    """Return loans in their order, each with how it stands after the nights that are closed, or its last event."""
    to = closed_to()
    return [StandingLoan(loan=loan, standing=standing_of(loan, on=to)) for loan in loans]


def last_proven_day() -> date | None:
    """Get the last day whose books are proven: bookings fall on later days. A failed proof locks nothing."""
    return _day("SELECT max(day) FROM lending_dayclose WHERE state = 'PROVEN'")


def latest_close() -> DayClose | None:
    """Get the close of the latest day, done or under way."""
    for (close,) in select(LATEST, {}, c=DayClose):
        return close  # type: ignore[no-any-return]
    return None


def get_close(close_id: int) -> DayClose:
    """Get a close. Raises DayClose.DoesNotExist."""
    for (close,) in select(CLOSE, {"close": close_id}, c=DayClose):
        return close  # type: ignore[no-any-return]
    raise DayClose.DoesNotExist


def booked_to(loan: Loan, close: DayClose | None) -> date | None:
    """Return the date up to which the ledger has a loan: its last event's or turn's, or that of a later night.

    close: the latest, read under the lock of the books, or for a preview. None before the first close and event.
    """
    nights = None if close is None else close.day + timedelta(days=loan.pk <= close.accrued_loans)
    return max(filter(None, (nights, loan.booked_to)), default=None)


def last_night() -> date | None:
    """Return the date up to which every loan's nights are in the ledger; None before the first close."""
    close = latest_close()
    return None if close is None else close.day + timedelta(days=close.accrued_loans == LAST_ID)


def last_event_before(close: DayClose) -> int:
    """Return the last event that was booked when the nights before a close's were, as far as there was one."""
    before = DayClose.objects.filter(day__lt=close.day).order_by("-day")
    return before.values_list("last_event", flat=True).first() or 0


def next_day(*, today: date | None = None) -> date | None:
    """Return the day that is closed next, as of the business date or a later one."""
    last = last_closed_day()
    # Asked before the first close only: it reads every loan.
    first_loan = (
        Loan.objects.aggregate(first=Min(Coalesce("imported_on", "disbursed_on")))["first"] if last is None else None
    )
    return day_to_close(today=today or get_business_date(), last_closed=last, first_loan=first_loan)


def get_close_refusal(*, seen: date | None = None) -> CloseRefusal | None:
    """Decide whether the next day may be closed; where `seen` is given, that day only."""
    today, working = get_business_date(), DayClose.objects.working().exists()
    return judge_close(today=today, day=next_day(today=today), another_works=working, seen=seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dues:
    """What will be collected when a day is closed, in one currency: from how many loans, minor units in all."""

    currency: str
    loans: int
    minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What opening the next day by hand would do, or why it may not be opened.

    after: the business date now; the day that opens is the next. closes: the day that is closed behind it, None if
    there is none. dues: what is due on that day, as things stand.
    """

    refusal: OpeningRefusal | None
    after: date | None
    closes: date | None
    dues: list[Dues]


def get_opening_refusal(*, after: date | None = None) -> OpeningRefusal | None:
    """Decide whether the day after `after`, or whichever is next, may be opened by hand."""
    return judge_opening(
        today=get_business_date(),
        after=after,
        by_calendar=settings.BUSINESS_CLOCK != "manual",
        another_works=DayClose.objects.working().exists(),
    )


def get_first_refusal(*, days_away: int = 0) -> OpeningRefusal | None:
    """Decide whether the office may begin on a day that a person chooses."""
    by_calendar = settings.BUSINESS_CLOCK != "manual"
    return judge_first_opening(today=get_business_date(), by_calendar=by_calendar, days_away=days_away)


def get_opening() -> Opening:
    """Return what opening the next day by hand would do."""
    today, refusal = get_business_date(), get_opening_refusal()
    if today is None or refusal is not None:
        return Opening(refusal=refusal, after=today, closes=None, dues=[])
    closes = next_day(today=today + timedelta(days=1))
    return Opening(refusal=None, after=today, closes=closes, dues=[] if closes is None else _dues(on=closes))


def _dues(*, on: date) -> list[Dues]:
    owing, found = list(Loan.objects.active().owing(on)), dict[str, list[int]]()
    contracts = contracts_of(owing)
    for loan in owing:
        due = due_of(loan, contracts[loan.pk], on=on)
        if due:
            found.setdefault(loan.currency, []).append(due)
    return [Dues(currency=currency, loans=len(dues), minor=sum(dues)) for currency, dues in sorted(found.items())]


def postings_of(close: DayClose) -> list[tuple[str, str, str, int]]:
    """Sum what a close booked, in minor units, by debit, credit and currency."""
    booked = Posting.objects.filter(entry__close=close).values_list("debit_id", "credit_id", "currency")
    return list(booked.annotate(total=Sum("amount_minor")).order_by("currency", "debit_id", "credit_id"))


def books_are_broken() -> bool:
    """Check whether the last proof failed: then no money leaves until one holds."""
    close = last_close()
    return close is not None and close.state == CloseState.BROKEN


def proof_of(close: DayClose) -> list[ProofLine]:
    """List the accounts as a close's proof found them."""
    return list(ProofLine.objects.filter(close=close).order_by("currency", "pk"))


def drifted_of(close: DayClose) -> list[Loan]:
    """List the first loans that a close found to differ from their events."""
    return list(Loan.objects.filter(pk__in=close.drifted[:DRIFTED_SHOWN]))
