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

    Its down payment, if one is agreed, is a row of that day; what is unpaid of the rows due after it, and the rest of
    the tranche, are spread over these anew. Raises LoanRefused: ALREADY_DISBURSED, AMOUNT_NOT_PRINCIPAL, BAD_TERMS.
    """
    terms = account.frame.terms
    _require_tranche(account, amount, event)
    down = down_payment_minor(replace(terms, principal_minor=amount))
    rows = account.fallen
    ahead = account.ahead + amount - down
    today = [_row(date_of(account.day), down, 0)] if terms.down_payment else []
    future = _drawn(account, ahead, account.schedule[rows:])
    account.schedule = [
        row._replace(no=no) for no, row in enumerate([*account.schedule[:rows], *today, *future], start=1)
    ]
    account.unpaid[rows:] = [row.principal_minor for row in (*today, *future)]
    account.accrual.principal += amount
    account.lent += amount
    account.tranches.append((account.day, amount - down))
    account.ahead = ahead
    account.next, account.last = 0, len(account.unpaid) - 1
    if today:
        _fall_due_today(account, down)


def _require_tranche(account: LoanAccount, amount: int, event: str) -> None:
    terms = account.frame.terms
    if 1 + len(account.tranches) == terms.tranches:
        raise LoanRefused(LoanRefusal.ALREADY_DISBURSED, f"{event}: the loan is disbursed already")
    if account.lent + amount > terms.principal_minor:
        message = f"{event}: {account.lent} and {amount} are more than the principal, {terms.principal_minor}"
        raise LoanRefused(LoanRefusal.AMOUNT_NOT_PRINCIPAL, message)
    if account.fallen == len(account.unpaid):
        raise LoanRefused(LoanRefusal.ALREADY_DISBURSED, f"{event}: nothing falls due after {date_of(account.day)}")


def _drawn(account: LoanAccount, principal: int, rows: Sequence[Instalment]) -> list[Instalment]:
    """Spread principal over rows due after the day; with the first falls due what the running period has earned."""
    frame, accrual = account.frame, account.accrual
    places = [frame.places[day] for day in (account.day, *(day_number(row.due) for row in rows))]
    factors = Factors(of_periods=[accrual.rate * (end - start) for start, end in pairwise(places)], year=accrual.year)
    amounts = amounts_of(frame.terms, principal, factors, earned=earned_ahead(account))
    return [_row(row.due, repaid, interest) for row, (repaid, interest) in zip(rows, amounts, strict=True)]


def earned_ahead(account: LoanAccount) -> int:
    """Return what the running period has earned so far, over the year, on what is unpaid of the rows due after it.

    What is overdue counts as paid: the rows quote what is due if all is paid as drawn.
    """
    places, today = account.frame.places, account.day
    begun = max([account.frame.opened, *(end for end in account.frame.ends if end <= today)])
    recent = [(day, amount) for day, amount in account.tranches if day > begun]
    since_begun = max(0, account.ahead - sum(amount for _, amount in recent))  # what was prepaid counts as never lent
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
