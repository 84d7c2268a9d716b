"""Disburse a further tranche: what is due after it is drawn again, on what is then outstanding."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise

from config.kernel.calendar import date_of, day_number
from lending.domain.contract.account import LoanAccount
from lending.domain.contract.instalments import Factors, amounts_of
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.domain.contract.schedule import Instalment, down_payment_minor


def disburse_tranche(account: LoanAccount, amount: int, *, event: str) -> None:
    """Disburse a further tranche on the day that an account has reached.

    Its down payment, if one is agreed, is a row of that day. What the rows due after it have in all, and the rest of
    the tranche, are spread over these anew; what was paid of them in advance stays paid.
    Raises LoanRefused: ALREADY_DISBURSED, AMOUNT_NOT_PRINCIPAL, BAD_TERMS.
    """
    terms = account.frame.terms
    _require_tranche(account, amount, event)
    down = down_payment_minor(replace(terms, principal_minor=amount))
    rows = account.fallen
    ahead = account.ahead + amount - down
    today = [_row(date_of(account.day), down, 0)] if terms.down_payment else []
    prepaid = _prepaid(account)
    future, totals = _drawn(account, ahead, prepaid)
    account.schedule = [
        row._replace(no=no) for no, row in enumerate([*account.schedule[:rows], *today, *future], start=1)
    ]
    left = [row.principal_minor - paid for row, paid in zip(future, prepaid, strict=True)]
    account.unpaid[rows:] = [row.principal_minor for row in today] + left
    account.accrual.principal += amount
    account.lent += amount
    account.tranches.append((account.day, amount - down))
    account.ahead = ahead
    account.next, account.last = 0, len(account.unpaid) - 1
    if today:
        _fall_due_today(account, down)
    if account.kept is not None:
        account.kept = account.kept.redrawn(rows, added=len(today), totals=totals)


def _require_tranche(account: LoanAccount, amount: int, event: str) -> None:
    terms = account.frame.terms
    if 1 + len(account.tranches) == terms.tranches:
        raise LoanRefused(LoanRefusal.ALREADY_DISBURSED, f"{event}: the loan is disbursed already")
    if account.lent + amount > terms.principal_minor:
        message = f"{event}: {account.lent} and {amount} are more than the principal, {terms.principal_minor}"
        raise LoanRefused(LoanRefusal.AMOUNT_NOT_PRINCIPAL, message)
    if account.fallen == len(account.unpaid):
        raise LoanRefused(LoanRefusal.ALREADY_DISBURSED, f"{event}: nothing falls due after {date_of(account.day)}")


def _prepaid(account: LoanAccount) -> list[int]:
    """Return what was paid of the principal of each row to come; nothing after a write-off."""
    rows = zip(account.schedule[account.fallen :], account.unpaid[account.fallen :], strict=True)
    return [0 if account.principal_off else row.principal_minor - left for row, left in rows]


def _drawn(account: LoanAccount, principal: int, prepaid: Sequence[int]) -> tuple[list[Instalment], list[int]]:
    """Spread principal, and what was prepaid by row, over the rows due after the day; return their totals, too.

    With the first falls due what the running period has earned. The totals are those of the whole, the rows have the
    interest of what is outstanding.
    """
    frame, accrual, rows = account.frame, account.accrual, account.schedule[account.fallen :]
    places = [frame.places[day] for day in (account.day, *(day_number(row.due) for row in rows))]
    factors = Factors(of_periods=[accrual.rate * (end - start) for start, end in pairwise(places)], year=accrual.year)
    as_lent = earned_ahead(account, repaid_later=account.ahead + sum(prepaid))
    amounts = list(amounts_of(frame.terms, principal + sum(prepaid), factors, earned=as_lent))
    totals = list(map(sum, amounts))
    if any(prepaid):
        left = _less([repaid for repaid, _ in amounts], prepaid)
        earned = earned_ahead(account, repaid_later=account.ahead)
        amounts = list(amounts_of(frame.terms, principal, factors, earned=earned, shares=left))
    drawn = [
        _row(row.due, repaid + paid, interest)
        for row, (repaid, interest), paid in zip(rows, amounts, prepaid, strict=True)
    ]
    return drawn, totals


def _less(amounts: Sequence[int], paid: Sequence[int]) -> list[int]:
    """Take from amounts what was paid of each; what was paid beyond one is taken from the first that have some left."""
    left = [amount - part for amount, part in zip(amounts, paid, strict=True)]
    beyond = -sum(min(0, amount) for amount in left)
    for row, amount in enumerate(left):
        taken = min(beyond, max(0, amount))
        left[row] = max(0, amount) - taken
        beyond -= taken
    return left


def earned_ahead(account: LoanAccount, *, repaid_later: int) -> int:
    """Return what the running period has earned so far, over the year, on what the rows due after it repay.

    What is overdue counts as paid: the rows quote what is due if all is paid as drawn.
    """
    places, today = account.frame.places, account.day
    begun = max([account.frame.opened, *(end for end in account.frame.ends if end <= today)])
    recent = [(day, amount) for day, amount in account.tranches if day > begun]
    since_begun = max(0, repaid_later - sum(amount for _, amount in recent))
    balances = [(begun, since_begun), *recent]
    return account.accrual.rate * sum(amount * (places[today] - places[day]) for day, amount in balances)


def _row(due: date, principal: int, interest: int) -> Instalment:
    return Instalment(no=0, due=due, principal_minor=principal, interest_minor=interest)


def _fall_due_today(account: LoanAccount, down: int) -> None:
    """Let the down payment fall due, and no interest with it."""
    row, frame = account.fallen, account.frame
    dues, ripe_days = list(frame.dues), list(frame.ripe_days)
    dues.insert(row, account.day)
    ripe_days.insert(row, account.day + frame.terms.grace_days)
    account.frame = replace(frame, dues=dues, ripe_days=ripe_days)
    account.interest_at_due.append(account.interest_at_due[-1] if account.interest_at_due else 0)
    account.fallen += 1
    account.due_today += down
    if not frame.terms.grace_days:
        account.accrual.end_grace(down)
        account.ripe += 1
