"""When the books of a month may be closed, and what is kept of them: its trial balance, written in one form."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from config.kernel.calendar import add_months
from config.kernel.canonical import canonical_json, sha256_of
from config.kernel.documents import load, read, written
from config.kernel.refusals import first_of
from lending.domain.books.statements import TrialLine


class MonthRefusal(StrEnum):
    """Why a month is not closed; the first that applies counts.

    EARLIER_MONTH_OPEN: months are closed in order, from the first that was provided for.
    """

    NO_BUSINESS_DATE = "NO_BUSINESS_DATE"
    CLOSED_ALREADY = "CLOSED_ALREADY"
    MONTH_NOT_OVER = "MONTH_NOT_OVER"
    DAYS_NOT_PROVEN = "DAYS_NOT_PROVEN"
    PROVISIONS_NOT_BOOKED = "PROVISIONS_NOT_BOOKED"
    EARLIER_MONTH_OPEN = "EARLIER_MONTH_OPEN"


class KeptMalformed(ValueError):
    """What is kept of a month is not what was written when it was closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    month: date
    lines: tuple[TrialLine, ...]


def last_day_of(month: date) -> date:
    """Return a month's last day; month: any day of it."""
    return add_months(month.replace(day=1), 1) - timedelta(days=1)


def month_to_close(*, last_closed: date | None, provided: Sequence[date]) -> date | None:
    """Return the month that is closed next, by its first day: months before the first provided for are not.

    provided: the months whose provisions are booked, in order. None before there is one.
    """
    if last_closed is not None:
        return add_months(last_closed, 1)
    return provided[0] if provided else None


def judge_month(
    month: date, *, today: date | None, last_proven: date | None, last_closed: date | None, provided: Sequence[date]
) -> MonthRefusal | None:
    """Decide whether a month may be closed, given by its first day; today: the business date."""
    following, last_day = month_to_close(last_closed=last_closed, provided=provided), last_day_of(month)
    return first_of(
        {
            MonthRefusal.NO_BUSINESS_DATE: today is None,
            MonthRefusal.CLOSED_ALREADY: last_closed is not None and month <= last_closed,
            MonthRefusal.MONTH_NOT_OVER: today is not None and today <= last_day,
            MonthRefusal.DAYS_NOT_PROVEN: last_proven is None or last_proven < last_day,
            MonthRefusal.PROVISIONS_NOT_BOOKED: month not in provided,
            MonthRefusal.EARLIER_MONTH_OPEN: following is not None and month > following,
        }
    )


def kept_of(month: date, lines: Iterable[TrialLine]) -> tuple[str, str]:
    """Write what is kept of a month as canonical JSON, with its sha256; lines that are 0 throughout are left out."""
    moved = (line for line in lines if line.opening_minor or line.debit_minor or line.credit_minor)
    ordered = sorted(moved, key=lambda line: (line.currency, line.account))
    text = canonical_json(written(_Kept(month=month, lines=tuple(ordered))))
    return text, sha256_of(text)


def parse_kept(text: str, sha256: str) -> tuple[TrialLine, ...]:
    """Read the trial balance that is kept of a month. Raises KeptMalformed."""
    try:
        if sha256_of(text) == sha256:
            return read(_Kept, load(text)).lines
    except ValueError as error:
        raise KeptMalformed(str(error)) from error
    message = f"is not that of the hash {sha256}"
    raise KeptMalformed(message)
