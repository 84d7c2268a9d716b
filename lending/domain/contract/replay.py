"""Replay a loan: a pure function from its terms and events to everything known of it."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Final

from config.kernel.calendar import day_number
from lending.domain.contract.account import LoanAccount, open_account
from lending.domain.contract.allocation import Allocation, allocate_payment
from lending.domain.contract.effective_events import standing_events
from lending.domain.contract.events import RESTRUCTURING, WAIVING, EventType, LoanEvent
from lending.domain.contract.forgiveness import settle_for, waive, write_off
from lending.domain.contract.frame import frame_of
from lending.domain.contract.marks import Arrival, Mark, mark_of
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.domain.contract.restructure import restructure
from lending.domain.contract.schedule import Instalment, draw_schedule
from lending.domain.contract.state import LoanState, reach, read_state
from lending.domain.contract.terms import Terms
from lending.domain.contract.tranches import disburse_tranche

REPAYMENT: Final = EventType.REPAYMENT
STRIDE: Final = 64
"""Events between two kept copies of the account, so that a past state replays fewer than these, not all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A replayed loan.

    schedule: as it stands after the last event; empty without a disbursement. first_due: of its first row as it was
    first drawn. standing: the events that no reversal removed, in the order in which they take effect. allocations: of
    every repayment and apply_credit among them. marks: how it stood after each day of these events. Copies of the
    account are kept by how many events had stood by then: after the first, after every STRIDE more, after all.
    """

    schedule: tuple[Instalment, ...]
    first_due: date | None
    standing: Sequence[LoanEvent]
    allocations: tuple[Allocation, ...]
    marks: Sequence[Mark] = field(repr=False)
    _spent_before_bounce: Collection[str] = field(repr=False)
    _copies: Mapping[int, LoanAccount] = field(repr=False)

    def state(self, as_of: date) -> LoanState:
        """Return the state as of a date, all events being known."""
        account = self.account(as_of)
        return read_state(account) if account else LoanState(as_of=as_of)

    def account(self, as_of: date) -> LoanAccount | None:
        """Return the account as of a date, a copy that may continue from there; None before the disbursement."""
        count = bisect_right(self.standing, as_of, key=lambda event: event.on)
        if not count:
            return None
        kept = count if count in self._copies else count - (count - 1) % STRIDE
        account = self._copies[kept].fork()
        for event in self.standing[kept:count]:
            reach(account, day_number(event.on))
            apply_event(account, event, self._spent_before_bounce)
        reach(account, day_number(as_of))
        return account


def replay(terms: Terms, events: Iterable[LoanEvent]) -> Replayed:
    """Replay events, in the order of booking, on a loan of these terms. Raises LoanRefused."""
    standing, spent_before_bounce, bounced = standing_events(events)
    if not standing:
        return Replayed(
            schedule=(),
            first_due=None,
            standing=(),
            allocations=(),
            marks=(),
            _spent_before_bounce=frozenset(),
            _copies={},
        )
    disbursement, *later = standing
    if disbursement.type is not EventType.DISBURSEMENT:
        message = f"{disbursement.id}: nothing is disbursed on {disbursement.on}"
        raise LoanRefused(LoanRefusal.BEFORE_DISBURSEMENT, message)
    amount = disbursement.amount_minor or 0
    if amount > terms.principal_minor or (amount < terms.principal_minor and terms.tranches == 1):
        message = f"{disbursement.id}: {disbursement.amount_minor} is not the principal, {terms.principal_minor}"
        raise LoanRefused(LoanRefusal.AMOUNT_NOT_PRINCIPAL, message)
    whole = amount == terms.principal_minor
    schedule = draw_schedule(terms if whole else replace(terms, principal_minor=amount), on=disbursement.on)
    days = [day_number(event.on) for event in later]
    rates = [event.rate for event in later if event.rate is not None]
    frame = frame_of(terms, schedule, on=disbursement.on, rates=rates)
    account = open_account(frame, schedule, bounced=bounced)
    copies, allocations, marks = dict[int, LoanAccount](), list[Allocation](), list[Mark]()
    arrival: Arrival = None, 0
    for number, (day, event) in enumerate(zip(days, later, strict=True)):
        if number % STRIDE == 0:
            copies[1 + number] = account.fork()
        if day != account.day:
            marks.append(mark_of(account, arrival))
            arrival = reach(account, day), account.past
        allocation = apply_event(account, event, spent_before_bounce)
        if allocation is not None:
            allocations.append(allocation)
    copies[len(standing)] = account
    marks.append(mark_of(account, arrival))
    return Replayed(
        schedule=tuple(account.schedule),
        # What is due on the day of the disbursement, a fee or a down payment, is no instalment that is missed.
        first_due=next((row.due for row in schedule if row.due > disbursement.on), schedule[0].due),
        standing=standing,
        allocations=tuple(allocations),
        marks=marks,
        _spent_before_bounce=spent_before_bounce,
        _copies=copies,
    )


def last_rate(terms: Terms, standing: Sequence[LoanEvent]) -> Decimal:
    """Return the yearly rate in force after all events that stand."""
    return next((event.rate for event in reversed(standing) if event.rate is not None), terms.rate)


def apply_event(account: LoanAccount, event: LoanEvent, spent_before_bounce: Collection[str]) -> Allocation | None:
    """Apply an event to an account that has reached its date; return where a payment went.

    Credit that was spent before its payment bounced is paid from what credit there is; what was refunded beyond it is
    owed back. Raises LoanRefused.
    """
    amount = event.amount_minor or 0
    if event.type is REPAYMENT:  # loans have thousands of these, and few of the others
        return allocate_payment(account, amount, event=event.id, prepayment=event.prepayment)
    match event.type:
        case EventType.APPLY_CREDIT:
            spent = account.spend_credit(amount, event=event.id, may_miss=event.id in spent_before_bounce)
            return allocate_payment(account, spent, event=event.id)
        case EventType.REFUND_CREDIT:
            spent = account.spend_credit(amount, event=event.id, may_miss=event.id in spent_before_bounce)
            account.owe_back(amount - spent)
        case EventType.CHARGE:
            account.charge(amount, due=account.day if event.due is None else day_number(event.due))
        case EventType.RATE_CHANGE if account.frame.flat is not None:
            raise LoanRefused(
                LoanRefusal.BAD_EVENT, f"{event.id}: flat or scheduled interest is agreed for the whole term"
            )
        case EventType.RATE_CHANGE if event.rate is not None:
            account.change_rate(event.rate)
        case EventType.DISBURSEMENT:
            disburse_tranche(account, amount, event=event.id)
        case EventType.SETTLEMENT:
            return settle_for(account, amount, event=event.id)
        case _:
            _service(account, event)
    account.recalculate()
    return None


def _service(account: LoanAccount, event: LoanEvent) -> None:
    if event.type in RESTRUCTURING:
        restructure(account, event)
    elif event.type in WAIVING:
        waive(account, event.type, event.amount_minor or 0)
    elif event.type is EventType.WRITE_OFF:
        write_off(account)
