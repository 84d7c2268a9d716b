"""Walk the waterfall instalment by instalment: all that is open of one, then the next.

A fee belongs to the first instalment that is due on its date or later; one after the last due date stands for itself,
as does the interest of the days after it. The penalty of all is paid with the oldest.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from lending.domain.contract.account import LoanAccount
from lending.domain.contract.frame import NEVER
from lending.domain.contract.terms import PARTS, Prepayment

Open = Sequence[int]
"""What is open of an instalment: penalty, fee, interest, principal; minor units."""


def walk_by_instalment(account: LoanAccount, amount: int, *, prepayment: Prepayment) -> tuple[list[int], int]:
    """Return what each of the twelve steps takes, in their default order, and what is left."""
    past_due = [parts for _, parts in past_due_by_instalment(account)]
    instalments = ((0, past_due), (1, [_due(account)]), (2, _ahead(account, prepayment)))
    taken, left = [0] * (3 * PARTS), amount
    orders = [[step % PARTS for step in account.frame.steps if step // PARTS == when] for when in range(3)]
    for when, found in instalments:
        for parts in found:
            for part in orders[when]:
                part_taken = min(left, parts[part])
                taken[when * PARTS + part] += part_taken
                left -= part_taken
    return taken, left


def past_due_by_instalment(account: LoanAccount) -> Iterator[tuple[int, Open]]:
    """Yield what is past due by due date, the oldest first; days are numbers since 1970-01-01."""
    penalty, paid = account.penalty_to_date - account.penalty_paid, account.interest_paid
    dues, fees = account.frame.dues, Counter[int]()
    late = [(day, left) for day, left in account.charges if day < account.day]
    for day, left in late:
        fees[bisect_left(dues, day)] += left
    first = min(account.oldest, bisect_right(account.interest_at_due, paid))
    for row in sorted({*range(first, account.past), *(row for row in fees if row < account.past)}):
        known, interest = max(paid, account.interest_fallen_due(row)), account.interest_fallen_due(row + 1)
        yield dues[row], (penalty, fees[row], max(0, interest - known), account.unpaid[row])
        penalty = 0
    known = max(paid, account.interest_fallen_due(account.past))
    yield account.frame.last_due, (penalty, 0, max(0, account.interest_late - known), 0)
    yield from ((day, (0, left, 0, 0)) for day, left in late if bisect_left(dues, day) >= account.past)


def _due(account: LoanAccount) -> Open:
    known = max(account.interest_late, account.interest_paid)
    return 0, account.fees_today, max(0, account.interest_due - known), account.due_today


def _ahead(account: LoanAccount, prepayment: Prepayment) -> Iterable[Open]:
    known, first = max(account.interest_due, account.interest_paid), account.fallen
    dues, found = account.frame.dues[first : len(account.unpaid)], list[Open]()
    for (before, due), left, to_date in zip(
        pairwise([account.day, *dues]), account.unpaid[first:], account.interest_owed_by_row(), strict=True
    ):
        interest = max(0, to_date - known)
        known += interest
        found.append((0, account.charges_ahead.due_within(before, due), interest, left))
    fee = account.charges_ahead.due_within(dues[-1] if dues else account.day, NEVER)
    after = (0, fee, account.interest_owed - max(known, account.interest_paid), 0)
    match prepayment:
        case Prepayment.NEXT:
            return [*found, after]
        case Prepayment.LAST:
            return [after, *reversed(found)]
        case Prepayment.PRO_RATA:
            return [[sum(parts) for parts in zip(*found, after, strict=True)]]
