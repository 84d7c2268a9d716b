"""Allocate a payment down the waterfall."""

from typing import NamedTuple

from lending.domain.contract.account import LoanAccount
from lending.domain.contract.by_instalment import walk_by_instalment
from lending.domain.contract.terms import Prepayment


class Allocation(NamedTuple):
    """Where a repayment, or credit that was applied, went, in minor units; what was left is credit.

    claim_minor: what it recovered of a loan that was written off. Credit that had been refunded and is owed back since
    its payment bounced is settled first, as credit.
    A tuple, as thousands of frozen dataclasses would take a third of a replay's time.
    """

    event: str
    penalty_minor: int
    fee_minor: int
    interest_minor: int
    principal_minor: int
    credit_minor: int
    claim_minor: int = 0


def allocate_payment(
    account: LoanAccount, amount: int, *, event: str, prepayment: Prepayment | None = None
) -> Allocation:
    """Pay from an amount what is open in each step of the waterfall; what is left becomes credit.

    What each step may take is fixed before the walk. Interest paid counts against the oldest. prepayment: the rule for
    what is paid in advance, where it is not that of the terms.
    """
    owed_back = min(account.receivable, amount)
    account.receivable -= owed_back
    rule = prepayment or account.frame.terms.prepayment
    if account.frame.is_horizontal:
        taken, left = walk_by_instalment(account, amount - owed_back, prepayment=rule)
    else:
        taken, left = _walk(account, amount - owed_back)
    claimed = 0 if account.written_off_since is None else min(left, account.claim)
    account.recovered += claimed
    left -= claimed
    penalty, fee_late, interest_late, principal_late, _, fee, interest, principal, _, fee_ahead, accrued, prepaid = (
        taken
    )
    account.penalty_paid += penalty
    if fee or fee_late:
        account.pay_fees(fee_late, fee)
    interest += interest_late + accrued
    if interest:
        account.pay_interest(interest)
    if principal_late:
        account.pay_late(principal_late)
    if principal:
        account.pay_due(principal)
    if fee_ahead:
        account.pay_charges_ahead(fee_ahead, rule=rule)
    if prepaid or (accrued and account.kept):
        account.prepay(prepaid, interest=accrued, rule=rule)
    account.credit += left
    repaid = principal_late + principal + prepaid
    return Allocation(event, penalty, fee_late + fee + fee_ahead, interest, repaid, left + owed_back, claimed)


def _walk(account: LoanAccount, left: int) -> tuple[list[int], int]:
    """Return what each of the twelve steps takes, in their default order, and what is left."""
    frame, charges = account.frame, account.charges_ahead
    paid, late, due = account.interest_paid, account.interest_late, account.interest_due
    open_parts = (
        account.penalty_to_date - account.penalty_paid,
        account.fees_late,
        late - paid if late > paid else 0,
        account.late,
        0,  # NEVER_OPEN
        account.fees_today,
        due - max(late, paid) if due > paid else 0,
        account.due_today,
        0,  # NEVER_OPEN
        charges.total() if charges.by_due else 0,
        account.interest_owed - max(due, paid),
        account.ahead,
    )
    taken = [0] * len(open_parts)
    for step in frame.steps:
        part = open_parts[step]
        if part:
            taken[step] = part = min(left, part)
            left -= part
            if not left:
                break
    return taken, left
