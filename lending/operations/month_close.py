"""Close months: their dates are locked, and their trial balance is kept."""

from datetime import date, datetime

from config.db.transactions import operation
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.approvals import Act, Approval, require_approval
from config.office.events import record_event
from lending.domain.books.month_close import MonthRefusal, kept_of
from lending.models import MonthClose
from lending.operations.bookings import lock_books
from lending.queries.month_closes import get_month_refusal, trial_of


class MonthNotClosed(Refused[MonthRefusal]):
    """The month was not closed."""


def month_act(month: date) -> Act:
    """Return what a second person has to approve: that this month is closed with the trial balance it has now."""
    _content, sha256 = kept_of(month, trial_of(month))
    return _act(month, sha256)


def _act(month: date, sha256: str) -> Act:
    return Act(operation="lending.close_month", arguments={"month": month, "sha256": sha256})


def close_month(*, month: date, actor: Actor, now: datetime, approval: Approval | None = None) -> MonthClose:
    """Close a month, given by its first day, for good. Raises MonthNotClosed, NotApproved, Contended."""
    with operation():
        lock_books(exclusive=True)  # nobody books meanwhile, nor closes another month
        refusal = get_month_refusal(month)
        if refusal is not None:
            raise MonthNotClosed(refusal)
        content, sha256 = kept_of(month, trial_of(month))
        require_approval(_act(month, sha256), approval, actor=actor, now=now)
        close = MonthClose.objects.create(
            month=month,
            content=content,
            sha256=sha256,
            closed_by=str(actor),
            approved_by="" if approval is None else str(approval.by),
            closed_at=now,
        )
        record_event(
            name="lending.close_month",
            subject=close,
            actor=actor,
            before={},
            after={"month": str(close), "sha256": sha256},
            now=now,
        )
        return close
