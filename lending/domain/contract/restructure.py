"""Draw anew what falls due after a day: payments paused, the term extended, re-amortised, a late loan re-aged.

What fell due before the event keeps its dates, unless the loan is re-aged. Interest goes on accruing by the day on what
is outstanding; what changes is when principal, and with it interest, falls due. An event that finds nothing to draw
anew moves nothing, so that whatever is back-dated or reversed before it can be booked.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from config.kernel.calendar import date_of, day_number
from config.kernel.daycount import DAILY
from lending.domain.contract.account import LoanAccount
from lending.domain.contract.due_dates import due_dates_from
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.fields import refusing
from lending.domain.contract.frame import NEVER
from lending.domain.contract.instalments import Factors, amounts_of
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.domain.contract.schedule import Instalment, until_repaid, with_fees
from lending.domain.contract.terms import InterestMethod, Method, Terms
from lending.domain.contract.tranches import earned_ahead

FIXED: Final = (
    *("instalment_minor", "principal_grace", "interest_grace", "interest_free", "last_due", "broken_period"),
    *("recalculation", "interest_charged"),
)
"""Terms that agree on single rows of the schedule: with one of them it is not drawn anew."""


def restructure(account: LoanAccount, event: LoanEvent) -> None:
    """Apply a pause, extension, re-amortisation or re-ageing. Raises LoanRefused (BAD_EVENT)."""
    _require_redrawable(account.frame.terms, event)
    re_ages = event.type is EventType.RE_AGE
    is_due = account.late or account.due_today or account.interest_due > account.interest_paid
    if not account.ahead and not (re_ages and is_due):
        return
    dues, earned = _due_dates(account, event), earned_ahead(account, repaid_later=account.ahead)
    if re_ages:
        _make_current(account)
        earned = account.accrual.interest - account.interest_paid * account.accrual.year
    shares = account.unpaid[account.fallen :] if event.type is EventType.PAUSE else None
    _redraw(account, _drawn(account, dues, earned=earned, shares=shares))


def _require_redrawable(terms: Terms, event: LoanEvent) -> None:
    initial = {field.name: field.default for field in fields(Terms)}
    agreed = [name for name in FIXED if getattr(terms, name) != initial[name]]
    if terms.interest is InterestMethod.FLAT:
        agreed.append("interest")
    if terms.day_count not in DAILY:
        agreed.append("day_count")
    if event.type is EventType.RE_AMORTISE and terms.method is Method.BULLET:
        agreed.append("method")
    if agreed:
        message = f"{event.id}: {agreed[0]} of this loan is agreed for the whole term, so it has no {event.type}"
        raise LoanRefused(LoanRefusal.BAD_EVENT, message)


def _rows_ahead(account: LoanAccount) -> list[Instalment]:
    return list(account.schedule[account.fallen :])


def _due_dates(account: LoanAccount, event: LoanEvent) -> list[date]:
    """Return the due dates of the rows to be drawn: those of the terms, counted on for as long as it takes.

    They begin with the next row that the schedule has; without one, with the next due date after the event.
    """
    ahead, periods = _rows_ahead(account), event.periods or 0
    is_bullet = account.frame.terms.method is Method.BULLET
    if event.type is EventType.PAUSE or (is_bullet and event.type is EventType.EXTEND):
        skipped, rows = periods, len(ahead)
    else:
        skipped, rows = 0, periods + (len(ahead) if event.type is EventType.EXTEND else 0)
    from_event = not ahead or (is_bullet and event.type is EventType.RE_AGE)
    since = event.on + timedelta(days=1) if from_event else ahead[0].due
    with refusing(LoanRefusal.BAD_EVENT, event.id):
        opened = date_of(account.frame.opened)
        counted = due_dates_from(account.frame.terms, opened, since=since, count=skipped + rows)
    found = counted[skipped:]
    return found[-1:] if is_bullet else found


def _drawn(
    account: LoanAccount, dues: Sequence[date], *, earned: int, shares: Sequence[int] | None
) -> list[Instalment]:
    """Spread what is ahead over due dates, or as the shares say; `earned` falls due with the first."""
    frame, accrual = account.frame, account.accrual
    places = [frame.places[day] for day in (account.day, *map(day_number, dues))]
    lengths = [accrual.rate * (end - start) for start, end in pairwise(places)]
    factors = Factors(of_periods=lengths, year=accrual.year)
    amounts = list(amounts_of(frame.terms, account.ahead, factors, earned=earned, shares=shares))
    if frame.terms.method is Method.MINIMUM_PAYMENT and shares is None:
        amounts = until_repaid(amounts)
    return [
        Instalment(no=0, due=due, principal_minor=principal, interest_minor=interest)
        for due, (principal, interest) in zip(dues, amounts, strict=False)
    ]


def _make_current(account: LoanAccount) -> None:
    """Put what fell due and is unpaid back among what is ahead; unpaid interest falls due with the next row.

    Of the rows that fell due stays what was paid of them.
    """
    folded, paid = account.late + account.due_today, account.interest_paid
    account.schedule = [
        row._replace(
            principal_minor=row.principal_minor - unpaid,
            interest_minor=max(0, min(row.interest_minor, paid - before)),
        )
        for row, unpaid, before in zip(
            account.schedule[: account.fallen], account.unpaid, [0, *account.interest_at_due], strict=False
        )
    ] + _rows_ahead(account)
    account.unpaid[: account.fallen] = [0] * account.fallen
    account.late = account.due_today = 0
    account.ahead += folded
    account.accrual.overdue = 0
    account.interest_at_due = [min(interest, paid) for interest in account.interest_at_due]
    account.interest_late, account.interest_due = min(account.interest_late, paid), min(account.interest_due, paid)


def _redraw(account: LoanAccount, ahead: Sequence[Instalment]) -> None:
    """Replace the rows that are ahead; those that fell due stay."""
    frame, fallen = account.frame, account.fallen
    opens_with_fee = account.schedule[0].due == date_of(frame.opened)
    ahead = with_fees(frame.terms, ahead, has_first=fallen == int(opens_with_fee))
    rows = [*account.schedule[:fallen], *ahead]
    account.schedule = [row._replace(no=no) for no, row in enumerate(rows, start=1)]
    account.unpaid[fallen:] = [row.principal_minor for row in ahead]
    dues = [day_number(row.due) for row in ahead]
    account.frame = replace(
        frame,
        dues=[*frame.dues[:fallen], *dues, NEVER],
        ripe_days=[*frame.ripe_days[:fallen], *(due + frame.terms.grace_days for due in dues), NEVER],
        ends=[*(end for end in frame.ends if end <= account.day), *dues],
        last_due=dues[-1],
    )
    account.next, account.last = 0, len(account.unpaid) - 1
