"""Run the account of one loan through its days and events."""

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from config.kernel.exact import decimals_of, half_even, scaled
from config.kernel.money import allocate
from lending.domain.contract.accrual import Accrual
from lending.domain.contract.charges_ahead import ChargesAhead
from lending.domain.contract.frame import NEVER, Frame
from lending.domain.contract.kept_instalments import KeptInstalments
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.domain.contract.schedule import Instalment
from lending.domain.contract.terms import AccrualRule, Prepayment, Recalculation


@dataclass(kw_only=True)
class LoanAccount:
    """A loan at a moment of a day: after those events of the day that were applied to it.

    Amounts are minor units. unpaid: what is left of the principal of each instalment. Of the instalments,
    [0, past) were due before the day, [past, fallen) are due on it, and [0, ripe) are past their grace; late,
    due_today and ahead are what is unpaid of the three parts. interest_at_due: interest to date at each due date
    reached. interest_late and interest_due: interest to the latest due date before the day, and up to it.
    settled: what the interest of the periods came to that were rounded by themselves; 0 where interest is CUMULATIVE.
    trail: from the last due date on, each day on which something happened, with the accrual it was left with.
    fees: all that fell due or were paid before; charges: by day, what is unpaid of those that fell due. kept: what
    recalculation keeps of the rows, if it does.
    worst_dpd: the most days past due on any day so far. schedule: as drawn or kept last. lent: what was disbursed in
    all. interest_paid, penalty_paid: with what was waived or written off of them; principal_off, interest_off,
    penalty_off, fees_off: what was, of each. waived: what of these the borrower does not owe any more; recovered: what
    was paid of the rest. written_off_since: the day since which a loan that was written off is late. receivable:
    credit that was refunded before the payment that it came from bounced, owed since receivable_since. bounced: what
    bounced payments were worth, less the credit that was found missing for them. tranches: of each after the first, on
    which day, and how much of it the rows due later repay.
    """

    frame: Frame
    day: int
    accrual: Accrual
    schedule: list[Instalment]
    lent: int
    tranches: list[tuple[int, int]] = field(default_factory=list)
    kept: KeptInstalments | None = None
    unpaid: list[int]
    past: int = 0
    fallen: int = 0
    ripe: int = 0
    late: int = 0
    due_today: int = 0
    ahead: int
    interest_at_due: list[int] = field(default_factory=list)
    interest_late: int = 0
    interest_due: int = 0
    interest_to_date: int = 0
    interest_paid: int = 0
    settled: int = 0
    penalty_to_date: int = 0
    penalty_paid: int = 0
    fees: int = 0
    fees_late: int = 0
    fees_today: int = 0
    charges: list[tuple[int, int]] = field(default_factory=list)
    charges_ahead: ChargesAhead = field(default_factory=ChargesAhead)
    credit: int = 0
    receivable: int = 0
    receivable_since: int = 0
    bounced: int = 0
    principal_off: int = 0
    interest_off: int = 0
    penalty_off: int = 0
    fees_off: int = 0
    waived: int = 0
    recovered: int = 0
    written_off_since: int | None = None
    trail: list[tuple[int, Accrual]] = field(default_factory=list)
    worst_dpd: int = 0
    # Where to look first for something unpaid: what was skipped once is 0 for good, so no payment scans it again.
    oldest: int = 0
    next: int = 0
    last: int

    def fork(self) -> "LoanAccount":
        """Copy the account, so that one of the two may continue."""
        forked: LoanAccount = object.__new__(LoanAccount)
        # A replay does this some times a loan: with slots, or by dataclasses.replace, it takes ten times as long.
        forked.__dict__.update(self.__dict__)
        forked.accrual, forked.charges_ahead = self.accrual.fork(), self.charges_ahead.fork()
        if self.kept is not None:
            forked.kept, forked.schedule = self.kept.fork(), [*self.schedule]
        forked.unpaid, forked.interest_at_due = [*self.unpaid], [*self.interest_at_due]
        forked.trail, forked.tranches, forked.charges = [*self.trail], [*self.tranches], [*self.charges]
        return forked

    def turn_to(self, day: int) -> None:
        """Begin a day that is not before the one reached: what accrues and falls due until then does."""
        if day == self.day:
            return
        last_due = self.frame.last_due
        if self.day < last_due < day:
            self.turn_to(last_due)
        earned = self.accrual.interest
        if self.day >= last_due:
            self.trail.append((self.day, self.accrual.fork()))
            # From now on every day is a due date for interest.
            self._pass_to(day - 1)
            self.interest_late = self.interest_of(self.accrual, day - 1)
        self.fees_late += self.fees_today
        self.late += self.due_today
        self.fees_today = self.due_today = 0
        self.past = self.fallen
        self.day = day
        self._pass_to(day)
        for due, amount in self.charges_ahead.take_due(day) if self.charges_ahead.by_due else ():
            self._add_fee(amount, due)
        self.interest_to_date = self.interest_of(self.accrual, day)
        self.penalty_to_date = self.accrual.penalty_minor()
        if day > last_due:
            self.interest_due = self.interest_to_date
            if self.frame.stops:
                self.accrual.interest = earned
        else:
            first = self.frame.interest_from
            self.interest_late = self.interest_at_due[self.past - 1] if self.past > first else 0
            self.interest_due = self.interest_at_due[self.fallen - 1] if self.fallen > first else 0
        if self.kept is not None:
            self.recalculate()

    def start(self) -> None:
        """Let fall due what is due on the day of the disbursement."""
        self._pass_to(self.day)

    def interest_of(self, accrual: Accrual, day: int) -> int:
        """Return the interest to a day of this account's accrual, which has reached it within the running period.

        Flat interest is charged until the day on which nothing is outstanding.
        """
        frame = self.frame
        if frame.flat is not None:
            if frame.scheduled is not None:
                return max(frame.flat.to(day), self.interest_paid)
            return frame.flat.to(day) if accrual.principal else self.interest_to_date
        if frame.stops and day > frame.last_due:
            return self.interest_at_due[-1]
        return self.settled + half_even(accrual.interest - self.settled * accrual.year, accrual.year)

    @property
    def interest_owed(self) -> int:
        """The interest that closes the loan: to date, and what was drawn for later where that is charged."""
        return self.interest_to_date if self.frame.scheduled is None else self.frame.scheduled

    def interest_owed_by_row(self) -> list[int]:
        """Return the interest that money in advance pays up to each row to come."""
        rows = range(self.fallen, len(self.unpaid))
        flat = self.frame.flat
        if self.frame.scheduled is None or flat is None:
            return [self.interest_to_date for _ in rows]
        return [flat.to(self.frame.dues[row]) for row in rows]

    def pay_interest(self, amount: int) -> None:
        """Pay interest, at most what is owed; what was drawn for later is earned by being paid."""
        if self.frame.is_penalised_whole:
            self.accrual.overdue -= min(amount, self._interest_overdue(self.ripe))
        self.interest_paid += amount
        self.interest_to_date = max(self.interest_to_date, self.interest_paid)

    def _interest_overdue(self, rows: int) -> int:
        """Return what is unpaid of the interest that fell due with the first rows."""
        return max(0, self.interest_fallen_due(rows) - self.interest_paid)

    def interest_fallen_due(self, rows: int) -> int:
        """Return the interest that fell due with the first rows, all of which were reached."""
        return self.interest_at_due[rows - 1] if rows > self.frame.interest_from else 0

    def _pass_to(self, day: int) -> None:
        """Let days pass, stopping where an instalment falls due or passes its grace."""
        accrual, frame = self.accrual, self.frame
        due, ripens = frame.dues[self.fallen], frame.ripe_days[self.ripe]
        while (stop := min(due, ripens)) <= day:
            accrual.advance(frame.places[stop])
            if stop == due:
                self._fall_due(due)
                due = frame.dues[self.fallen]
            if stop == ripens:
                accrual.end_grace(self.unpaid[self.ripe])
                self.ripe += 1
                if frame.is_penalised_whole:
                    accrual.end_grace(self._interest_overdue(self.ripe) - self._interest_overdue(self.ripe - 1))
                ripens = frame.ripe_days[self.ripe]
        accrual.advance(frame.places[day])

    def _fall_due(self, due: int) -> None:
        interest = self.interest_of(self.accrual, due)
        if self.kept is None:
            self.interest_at_due.append(self.interest_due_with(self.fallen, interest))
        else:
            known, last = self._interest_known, self.kept.last_left()
            self.interest_at_due.append(known + self._keep(self.fallen, interest - known, self.ahead, last, self.kept))
        if self.frame.terms.accrual is AccrualRule.PER_PERIOD:
            self.settled = interest
            self.accrual.interest = self.settled * self.accrual.year
        principal, fee = self.unpaid[self.fallen], self.fee_ahead(self.fallen)
        self.ahead -= principal
        self.fallen += 1
        if fee:
            self._add_fee(fee, due)
        if due == self.day:
            self.due_today = principal
        else:
            self.late += principal
            self.past = self.fallen

    def interest_due_with(self, row: int, interest: int) -> int:
        """Return how much of the interest to a row's date has fallen due with it."""
        return max(0, interest - self.frame.deferred[row]) if self.frame.deferred else interest

    def fee_ahead(self, row: int) -> int:
        """Return the fee that falls due with a row if no more is paid until then: none once the principal is repaid."""
        return self.schedule[row].fee_minor if self.accrual.principal else 0

    def _keep(self, row: int, interest: int, balance: int, last: int, kept: KeptInstalments) -> int:
        """Let a row keep its total; return the interest that falls due with it."""
        falls_due, principal = kept.split(row, interest=interest, balance=balance, last=last)
        self.unpaid[row] = principal
        self.schedule[row] = kept.shown(self.schedule[row], interest=falls_due, principal=principal)
        return falls_due

    @property
    def _interest_known(self) -> int:
        """The interest that fell due with a row, or was paid."""
        return max(self.interest_fallen_due(len(self.interest_at_due)), self.interest_paid)

    def recalculate(self) -> None:
        """Where the instalment is kept, say how the rows to come fall due if all that is due is paid on the day."""
        if self.kept is None:
            return
        accrual, dues, last = self.accrual.fork(), self.frame.dues, self.kept.last_left()
        accrual.principal, settled, known = self.ahead, self.settled, self._interest_known
        for row in range(self.fallen, len(self.unpaid)):
            accrual.advance(self.frame.places[dues[row]])
            to_date = settled + half_even(accrual.interest - settled * accrual.year, accrual.year)
            if self.frame.terms.accrual is AccrualRule.PER_PERIOD:
                settled, accrual.interest = to_date, to_date * accrual.year
            known += self._keep(row, to_date - known, accrual.principal, last, self.kept)
            accrual.principal -= self.unpaid[row]

    def charge(self, amount: int, *, due: int) -> None:
        """Charge a fee, due on the day or later."""
        if due > self.day:
            self.charges_ahead.add(due, amount)
        else:
            self._add_fee(amount, self.day)

    def pay_charges_ahead(self, amount: int, *, rule: Prepayment) -> None:
        """Pay charges that fall due later, at most what is left of them: the last ones first by LAST."""
        self.fees += amount
        self.charges_ahead.pay(amount, last_first=rule is Prepayment.LAST)

    def pay_fees(self, late: int, today: int) -> None:
        """Pay fees that were due before the day, the oldest first, and such that are due on it."""
        self.fees_late -= late
        self.fees_today -= today
        left = {True: late, False: today}
        for number, (due, amount) in enumerate(self.charges):
            paid = min(amount, left[due < self.day])
            left[due < self.day] -= paid
            self.charges[number] = due, amount - paid
        self.charges = [one for one in self.charges if one[1]]

    def charge_all(self) -> None:
        """Let charges that fall due later fall due on the day."""
        for _due, amount in self.charges_ahead.take_due(NEVER):
            self._add_fee(amount, self.day)

    def _add_fee(self, amount: int, due: int) -> None:
        self.fees += amount
        insort(self.charges, (due, amount))
        if due == self.day:
            self.fees_today += amount
        else:
            self.fees_late += amount

    def change_rate(self, rate: Decimal) -> None:
        """Apply a yearly rate from this day on."""
        self.accrual.rate = scaled(rate, self.frame.decimals)

    @property
    def claim(self) -> int:
        """What a written-off loan still owes."""
        off = self.principal_off + self.interest_off + self.penalty_off + self.fees_off
        return off - self.waived - self.recovered

    def spend_credit(self, amount: int, *, event: str, may_miss: bool) -> int:
        """Take an amount from the credit; return what was taken. may_miss: of it, what bounced payments had brought.

        Raises LoanRefused (CREDIT_TOO_SMALL).
        """
        missing = max(0, amount - self.credit)
        if missing > (self.bounced if may_miss else 0):
            message = f"{event}: {amount} is more than the credit of {self.credit}"
            raise LoanRefused(LoanRefusal.CREDIT_TOO_SMALL, message)
        self.bounced -= missing
        self.credit -= amount - missing
        return amount - missing

    def owe_back(self, amount: int) -> None:
        """Owe credit that was refunded and is not there; due at once."""
        if amount and not self.receivable:
            self.receivable_since = self.day
        self.receivable += amount

    def pay_late(self, principal: int) -> None:
        """Pay principal that was due before the day, the oldest first, at most `late`."""
        self.late -= principal
        self.oldest = self._pay(principal, self.oldest)

    def pay_due(self, principal: int) -> None:
        """Pay principal that is due on the day, at most `due_today`."""
        self.due_today -= principal
        self._pay(principal, self.past)

    def prepay(self, principal: int, *, interest: int, rule: Prepayment) -> None:
        """Pay principal that is due after the day, at most `ahead`, on the instalments that a rule names.

        interest: what was paid with it of that which accrued since the last due date.
        """
        self.ahead -= principal
        if self.kept is not None:
            self.accrual.principal -= principal
            self.kept.pay(range(self.fallen, len(self.unpaid)), interest=interest, principal=principal, rule=rule)
            self.recalculate()
            return
        match rule:
            case Prepayment.NEXT:
                self.next = self._pay(principal, max(self.next, self.fallen))
            case Prepayment.LAST:
                self.last = self._pay(principal, self.last, step=-1)
            case Prepayment.PRO_RATA if principal:
                shares = allocate(principal, self.unpaid[self.fallen :])
                for row, share in enumerate(shares, start=self.fallen):
                    self.unpaid[row] -= share
                self.accrual.principal -= principal

    def _pay(self, principal: int, row: int, *, step: int = 1) -> int:
        """Pay instalments from a row on, step by step; return the row at which it ended."""
        self.accrual.principal -= principal
        while principal:
            taken = min(principal, self.unpaid[row])
            self.unpaid[row] -= taken
            principal -= taken
            if row < self.ripe:
                self.accrual.overdue -= taken
            if principal:
                row += step
        return row


def open_account(frame: Frame, schedule: Sequence[Instalment], *, bounced: int) -> LoanAccount:
    """Open the account at the disbursement; bounced: what payments were worth that will bounce."""
    terms = frame.terms
    principal = sum(instalment.principal_minor for instalment in schedule)
    extra_decimals = decimals_of(terms.penalty_multiple_extra)
    accrual = Accrual(
        at=frame.places[frame.opened],
        principal=principal,
        overdue=0,
        rate=scaled(terms.rate, frame.decimals),
        interest=0,
        penalty=0,
        year=10**frame.decimals * frame.places.year,
        extra=scaled(terms.penalty_multiple_extra, extra_decimals),
        extra_scale=10**extra_decimals,
    )
    account = LoanAccount(
        frame=frame,
        day=frame.opened,
        accrual=accrual,
        schedule=[*schedule],
        lent=principal,
        bounced=bounced,
        unpaid=[instalment.principal_minor for instalment in schedule],
        ahead=principal,
        last=len(schedule) - 1,
    )
    if terms.recalculation is Recalculation.KEEP_INSTALMENT:
        account.kept = KeptInstalments.of(schedule)
    account.start()
    return account
