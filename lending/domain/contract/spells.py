"""How late a loan was over time: what is kept of its arrears by day, so that no past day has to be replayed."""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date
from itertools import zip_longest
from typing import Final, NamedTuple

from config.kernel.calendar import date_of, day_number
from lending.domain.contract.account import LoanAccount
from lending.domain.contract.frame import NEVER
from lending.domain.contract.marks import Mark, arrears_of
from lending.domain.contract.replay import Replayed
from lending.domain.contract.state import late_from_interest, late_since

FOREVER: Final = date.max
"""The end of what has not ended."""


class Spell(NamedTuple):
    """A time in which a running loan's principal stays the same, and it becomes late at most once; minor units.

    From `since` on, before `until` (FOREVER if nothing has ended it). late_from: the first day of it on which something
    is past due, late_since: the oldest due date that is unpaid then; None if it is never late in it. arrears_minor:
    what is past due from late_from on: principal, and interest up to the last due date, of instalments, and refunds
    that are owed back.
    """

    since: date
    until: date
    principal_minor: int
    late_from: date | None
    late_since: date | None
    arrears_minor: int

    def is_late(self, on: date) -> bool:
        """Tell whether something is past due on a day of the spell."""
        return self.late_from is not None and self.late_from <= on


def spells_of(replayed: Replayed, *, to: date, ending_from: date = date.min) -> list[Spell]:
    """Return the spells of a loan in order, with all that falls due up to a date, as far as they end on a day or later.

    The last one says from when the loan will be late if nothing more is booked.
    """
    marks, first, known = replayed.marks, day_number(ending_from), day_number(to) + 1
    begins = max(0, bisect_left(marks, first, key=lambda mark: mark.day) - 1)
    found = [
        spell
        for mark, following in zip_longest(marks[begins:], marks[begins + 1 :])
        if mark.runs
        for spell in _between(replayed, mark, following, known=known)
    ]
    return [spell for spell in found if spell.until >= ending_from]


class _Change(NamedTuple):
    """A day from which another amount is past due, or since another date."""

    day: int
    late_since: int | None
    arrears_minor: int


def _between(replayed: Replayed, mark: Mark, following: Mark | None, *, known: int) -> Iterator[Spell]:
    """Yield the spells from a mark to the one that follows; known: the last day of which more than one due date is."""
    end = NEVER if following is None else following.day
    changes = [_Change(mark.day, mark.late_since, mark.arrears_minor)]
    if _may_change(mark, following):
        account = replayed.account(date_of(mark.day))
        changes += () if account is None else _changes(account, end=end, known=known)
    if len(changes) > 1 and mark.late_since is None:
        del changes[0]  # one spell says that it was not late, and from when it is
    starts = [mark.day, *(change.day for change in changes[1:])]
    for change, start, stop in zip(changes, starts, [*starts[1:], end], strict=True):
        is_late = change.late_since is not None
        yield Spell(
            since=date_of(start),
            until=FOREVER if stop == NEVER else date_of(stop),
            principal_minor=mark.principal_minor,
            late_from=date_of(change.day) if is_late else None,
            late_since=None if change.late_since is None else date_of(change.late_since),
            arrears_minor=change.arrears_minor if is_late else 0,
        )


def _may_change(mark: Mark, following: Mark | None) -> bool:
    if following is None:
        return True
    late_then, due_then = following.arrival
    if mark.late_since is None:
        return late_then is not None
    return mark.turns or due_then > mark.fallen


def _changes(account: LoanAccount, *, end: int, known: int) -> Iterator[_Change]:
    """Turn an account to each day before the end on which more may be past due; yield where it is."""
    late, arrears = late_since(account), arrears_of(account)
    dues = account.frame.dues[account.fallen : len(account.unpaid)]
    for day in (account.day + 1, *(due + 1 for due in dues)):
        if day >= end or (late is not None and day > known):
            return
        account.turn_to(day)
        before, late, arrears = (late, arrears), late_since(account), arrears_of(account)
        if late is not None and (late, arrears) != before:
            yield _Change(day, late, arrears)
    if late is None and account.accrual.principal:
        # Of less than the tolerance, until the interest of the days after the last due date exceeds it.
        for day in late_from_interest(account):
            if day < end:
                account.turn_to(day)
                yield _Change(day, late_since(account), arrears_of(account))
