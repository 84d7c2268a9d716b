"""How late a loan is classed: days past due after a grace, standstills left out, in buckets that are data.

Days past due themselves know neither: they go on in a standstill. A loan is delinquent since its oldest unpaid due date
and the grace; once it is in a bucket, each of its instalments is by its own due date, without one.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import pairwise
from typing import Annotated, Final

from config.kernel.calendar import date_of
from config.kernel.documents import ADDED, Unfit, read
from lending.domain.contract.account import LoanAccount
from lending.domain.contract.by_instalment import past_due_by_instalment
from lending.domain.contract.fields import refusing, require_range
from lending.domain.contract.refusal import LoanRefusal
from lending.domain.contract.state import LAST_DAY, late_since
from lending.domain.contract.terms import LONGEST

Days = Annotated[int, partial(require_range, lowest=0, highest=LONGEST)]
MOST_BUCKETS: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A class of so many delinquent days and more, up to where the next begins."""

    name: str
    from_days: Days


@dataclass(frozen=True, slots=True, kw_only=True)
class Standstill:
    """Days that were agreed not to count: those after the start, up to the end."""

    start: date
    end: date


@dataclass(frozen=True, slots=True, kw_only=True)
class DelinquencyRule:
    """Raises LoanRefused (BAD_TERMS) unless buckets ascend from 1 day, and standstills one after another."""

    buckets: tuple[Bucket, ...]
    grace_days: Days = field(default=0, metadata=ADDED)
    standstills: tuple[Standstill, ...] = field(default=(), metadata=ADDED)

    def __post_init__(self) -> None:
        with refusing(LoanRefusal.BAD_TERMS, "delinquency"):
            starts = [0, *(bucket.from_days for bucket in self.buckets)]
            if not 0 < len(self.buckets) <= MOST_BUCKETS or any(later <= before for before, later in pairwise(starts)):
                message = f"buckets: 1 to {MOST_BUCKETS}, each from more days than the one before, the first from 1"
                raise Unfit(message)
            if len({bucket.name for bucket in self.buckets if bucket.name}) < len(self.buckets):
                message = "buckets: each has a name of its own"
                raise Unfit(message)
            edges = [date.min, *(day for one in self.standstills for day in (one.start, one.end))]
            if any(later < before for before, later in pairwise(edges)):
                message = "standstills: each ends on or after its start, and before the next begins"
                raise Unfit(message)

    def bucket_of(self, days: int) -> str | None:
        """Return the bucket of so many delinquent days; None below the first."""
        return next((bucket.name for bucket in reversed(self.buckets) if bucket.from_days <= days), None)

    def counted_days(self, since: date, until: date) -> int:
        """Count the days from a date, without those of standstills."""
        still = sum(max(0, (min(one.end, until) - max(one.start, since)).days) for one in self.standstills)
        return max(0, (until - since).days - still)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delinquency:
    """How a loan is classed as of a date; amounts in minor units.

    since: its oldest unpaid due date and the grace; None where nothing is past due. overdue_minor: all that is past
    due, with the claim of a loan that was written off. by_bucket: what of it is of instalments of each bucket.
    """

    since: date | None
    days: int
    bucket: str | None
    overdue_minor: int
    by_bucket: tuple[tuple[str, int], ...]


NOT_DELINQUENT: Final = Delinquency(since=None, days=0, bucket=None, overdue_minor=0, by_bucket=())


def classed(account: LoanAccount | None, rule: DelinquencyRule) -> Delinquency:
    """Class a loan as of the day that its account has reached; None: before the disbursement."""
    oldest = None if account is None else late_since(account)
    if account is None or oldest is None:
        return NOT_DELINQUENT
    today = date_of(account.day)
    since = date_of(min(oldest + rule.grace_days, LAST_DAY))
    days = rule.counted_days(since, today)
    of_loan, amounts = rule.bucket_of(days), Counter[str]()
    overdue = [(due, sum(parts)) for due, parts in past_due_by_instalment(account)]
    overdue.append((oldest, account.claim))
    if account.receivable_since < account.day:
        overdue.append((account.receivable_since, account.receivable))
    for due, amount in overdue:
        bucket = rule.bucket_of(rule.counted_days(date_of(due), today))
        if bucket is not None and of_loan is not None:
            amounts[bucket] += amount
    return Delinquency(
        since=since,
        days=days,
        bucket=of_loan,
        overdue_minor=sum(amount for _, amount in overdue),
        by_bucket=tuple((bucket.name, amounts[bucket.name]) for bucket in rule.buckets if amounts[bucket.name]),
    )


def parse_rule(raw: object) -> DelinquencyRule:
    """Parse a rule from JSON scalars. Raises LoanRefused (BAD_TERMS)."""
    with refusing(LoanRefusal.BAD_TERMS, "delinquency"):
        return read(DelinquencyRule, raw)
