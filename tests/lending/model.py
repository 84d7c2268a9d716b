"""A loan as the words of the specification say it: day by day, in fractions, slow, and apart from the engine.

It reads a case of the golden file's shape (JSON scalars) and gives back the same shape. Nothing of lending/ is
imported, so that a fault there cannot hide here. It checks what events mean, not the form of their fields.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from itertools import islice
from typing import Any

from tests.lending import recalculation_model as recalculation
from tests.lending import servicing_model as servicing
from tests.lending.events_model import bounced_of, standing
from tests.lending.schedule_model import (
    DAY,
    Refused,
    days,
    draw,
    due_dates,
    fees_due,
    flat_interest,
    part_of_year,
    period_fractions,
    refuse_if,
    shared,
    spread,
)

STEPS = [
    f"{when}_{what}"
    for when in ("PAST_DUE", "DUE", "IN_ADVANCE")
    for what in ("PENALTY", "FEE", "INTEREST", "PRINCIPAL")
]
Case = dict[str, Any]


@dataclass
class Loan:
    terms: Case
    opened: date
    rows: list[tuple[date, int, int]]
    left: list[int]
    rate: Fraction
    x: dict[date, Fraction]  # exact interest at the start of a day
    settled: dict[date, int]  # at the start of a day: interest of the periods that were rounded by themselves
    lengths: list[tuple[date, date, Fraction]]  # the periods
    ends: list[date]  # the due dates of interest
    agreed: Case  # the terms; `terms` are for what was disbursed first
    lent: int
    further: list[tuple[date, int]] = field(default_factory=list)  # tranches after the first, less what is paid down
    penalty: Fraction = Fraction(0)
    interest_paid: int = 0
    penalty_paid: int = 0
    fees: list[list[Any]] = field(default_factory=list)  # date, what is left
    credit: int = 0
    receivable: int = 0  # refunded credit of a payment that bounced
    receivable_since: date = date.min
    bounced: int = 0  # what bounced, less what was found missing for it
    off: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("principal", "interest", "penalty", "fees"), 0))
    waived: int = 0
    recovered: int = 0
    written_off_since: date | None = None
    re_aged: date = date.min
    aged: dict[date, int] = field(default_factory=dict)  # of the interest to a due date, what was paid when it was aged
    fee_of: dict[date, int] = field(default_factory=dict)  # by due date, while principal is outstanding
    charged: int = 0
    deferred: dict[date, int] = field(default_factory=dict)  # of the interest to a due date, what falls due later
    charged_ahead: list[list[Any]] = field(default_factory=list)  # date, what is left: charges that are not yet due
    kept: dict[date, list[int]] = field(default_factory=dict)  # by due date: total, principal and interest paid ahead
    fell: dict[date, int] = field(default_factory=dict)  # of instalments that are kept: interest that fell due by then

    @property
    def claim(self) -> int:
        return sum(self.off.values()) - self.waived - self.recovered

    def due_dates(self, until: date) -> Iterator[date]:
        """Due dates for interest up to a day: after the last one, every day."""
        yield from (due for due in self.ends if due <= until)
        yield from days(self.ends[-1] + DAY, until + DAY)

    def interest_to(self, day: date) -> int:
        return max(self.accrued_to(day), self.interest_paid) if self.is_scheduled else self.accrued_to(day)

    def accrued_to(self, day: date) -> int:
        return self.settled[day] + round(self.x[day] - self.settled[day])

    def interest_at(self, due: date) -> int:
        """The interest that has fallen due by the end of a due date."""
        if due < self.interest_from() or due <= self.re_aged:
            return 0
        if due in self.fell:
            return self.fell[due]
        return max(0, self.interest_to(due) - self.deferred.get(due, 0))

    def interest_due(self, until: date) -> int:
        """The unpaid interest that has fallen due up to a day."""
        last = until if until > self.ends[-1] else max((due for due in self.ends if due <= until), default=None)
        return 0 if last is None else max(0, self.interest_at(last) - self.interest_paid)

    def interest_from(self) -> date:
        """The first date on which interest falls due."""
        grace = self.terms.get("interest_grace", 0)
        return [due for due, _, _ in self.rows if due > self.opened][grace] if grace else self.opened

    @property
    def is_scheduled(self) -> bool:
        return self.terms.get("interest_charged") == "AS_SCHEDULED"

    @property
    def is_flat(self) -> bool:
        return self.terms.get("interest") == "FLAT" or self.is_scheduled

    def interest_owed(self, day: date) -> int:
        """The interest that closes the loan on a day."""
        if not self.is_scheduled:
            return self.interest_to(day)
        return sum(s for due, _, s in self.rows if due > self.opened)

    def flat_part(self, t: date) -> Fraction:
        """The part of its period's flat interest that is for day t; none once nothing is outstanding."""
        dues = [due for due, _, _ in self.rows if due > self.opened]
        principal = sum(row[1] for row in self.rows if row[0] > self.opened)
        f = [Fraction(self.terms["rate"]) * length for _, _, length in self.lengths]
        charged = flat_interest(self.terms, principal, [sum(f, Fraction(0))] if self.terms["method"] == "BULLET" else f)
        if self.is_scheduled:
            charged = [s for due, _, s in self.rows if due > self.opened]
        for start, end, interest in zip([self.opened, *dues], dues, charged, strict=False):
            if start <= t < end and (any(self.left) or self.is_scheduled):
                return Fraction(interest, (end - start).days)
        return Fraction(0)

    def dcf(self, t: date) -> Fraction:
        return part_of_year(t, self.terms, self.lengths)

    def principal(self, wanted: Callable[[date], bool]) -> int:
        return sum(left for left, (due, _, _) in zip(self.left, self.rows, strict=True) if wanted(due))

    def agree_fees(self, since: date, *, has_first: bool) -> None:
        """Let fees fall due with the rows after a day: one of the first instalment with the first of them, if it is."""
        ahead = [due for due, _, _ in self.rows if due > since]
        self.fee_of = {due: fee for due, fee in self.fee_of.items() if due <= since}
        self.fee_of |= {due: fees_due(self.terms, "EVERY_DUE", s) for due, _, s in self.rows if due > since}
        if has_first and ahead:
            self.fee_of[ahead[0]] += fees_due(self.terms, "FIRST_DUE")

    def charge(self, amount: int, on: date) -> None:
        self.charged += amount
        self.fees.append([on, amount])

    def pass_night(self, t: date) -> None:
        dcf = self.dcf(t)
        stops = self.terms.get("matured_interest") == "STOPS" and t >= self.ends[-1]
        earning = 0 if stops else sum(self.left)
        self.x[t + DAY] = self.x[t] + (self.flat_part(t) if self.is_flat else earning * self.rate * dcf)
        self.settled[t + DAY] = self.settled[t]
        if (self.is_flat or self.terms.get("accrual") == "PER_PERIOD") and t + DAY in self.ends:
            self.settled[t + DAY] = self.accrued_to(t + DAY)
            self.x[t + DAY] = Fraction(self.settled[t + DAY])
        if sum(self.left) and self.fee_of.get(t + DAY):
            self.charge(self.fee_of[t + DAY], t + DAY)
        for due, left in [fee for fee in self.charged_ahead if fee[0] == t + DAY]:
            self.charge(left, due)
        self.charged_ahead = [fee for fee in self.charged_ahead if fee[0] > t + DAY]
        recalculation.fall_due(self, t + DAY)
        late = self.principal(lambda due: due + self.terms["grace_days"] * DAY <= t)
        if self.terms.get("penalty_on") == "INSTALMENT":
            ripe = [due for due in self.ends if due + self.terms["grace_days"] * DAY <= t]
            late += max(0, self.interest_at(ripe[-1]) - self.interest_paid) if ripe else 0
        if late:
            self.penalty += late * self.rate * Fraction(self.terms["penalty_multiple_extra"]) * dcf

    def pay(self, amount: int, d: date, rule: str) -> tuple[int, ...]:
        owed_back = min(amount, self.receivable)
        self.receivable -= owed_back
        amount -= owed_back
        past = self.interest_due(d - DAY)
        due = max(0, self.interest_due(d) - past)
        there = dict.fromkeys(STEPS, 0)
        there["PAST_DUE_PENALTY"] = round(self.penalty) - self.penalty_paid
        there["PAST_DUE_FEE"] = sum(left for on, left in self.fees if on < d)
        there["PAST_DUE_INTEREST"] = past
        there["PAST_DUE_PRINCIPAL"] = self.principal(lambda due: due < d)
        there["DUE_FEE"] = sum(left for on, left in self.fees if on == d)
        there["DUE_INTEREST"] = due
        there["DUE_PRINCIPAL"] = self.principal(lambda due: due == d)
        there["IN_ADVANCE_FEE"] = self.ahead(d)["fees_ahead_minor"]
        there["IN_ADVANCE_INTEREST"] = self.interest_owed(d) - self.interest_paid - past - due
        there["IN_ADVANCE_PRINCIPAL"] = self.principal(lambda due: due > d)
        taken = dict.fromkeys(STEPS, 0)
        walks = [there]
        if self.terms.get("direction") == "HORIZONTAL":
            walks = recalculation.by_instalment(self, there, d, rule)
        for open_parts in walks:
            for step in self.terms.get("waterfall") or STEPS:
                part = min(amount, open_parts.get(step, 0))
                taken[step] += part
                amount -= part
        self.penalty_paid += taken["PAST_DUE_PENALTY"]
        interest = sum(taken[step] for step in STEPS if step.endswith("INTEREST"))
        self.interest_paid += interest
        self.pay_fees(taken["PAST_DUE_FEE"], [fee for fee in self.fees if fee[0] < d])
        self.pay_fees(taken["DUE_FEE"], [fee for fee in self.fees if fee[0] == d])
        self.reduce(taken["PAST_DUE_PRINCIPAL"], [i for i, row in enumerate(self.rows) if row[0] < d])
        self.reduce(taken["DUE_PRINCIPAL"], [i for i, row in enumerate(self.rows) if row[0] == d])
        recalculation.pay_charges(self, taken["IN_ADVANCE_FEE"], rule)
        future = [i for i, row in enumerate(self.rows) if row[0] > d]
        if self.kept:
            recalculation.pay_ahead(self, taken["IN_ADVANCE_PRINCIPAL"], taken["IN_ADVANCE_INTEREST"], future, rule)
            recalculation.project(self, d)
        else:
            self.prepay(taken["IN_ADVANCE_PRINCIPAL"], future, rule)
        claim = min(amount, self.claim)
        self.recovered += claim
        amount -= claim
        self.credit += amount
        fees = taken["PAST_DUE_FEE"] + taken["DUE_FEE"] + taken["IN_ADVANCE_FEE"]
        principal = sum(taken[step] for step in STEPS if step.endswith("PRINCIPAL"))
        return taken["PAST_DUE_PENALTY"], fees, interest, principal, amount + owed_back, claim

    def reduce(self, amount: int, order: list[int]) -> None:
        for i in order:
            part = min(amount, self.left[i])
            self.left[i] -= part
            amount -= part
        assert amount == 0

    def pay_fees(self, amount: int, fees: list[list[Any]]) -> None:
        for fee in fees:
            part = min(amount, fee[1])
            fee[1] -= part
            amount -= part

    def prepay(self, amount: int, future: list[int], how: str) -> None:
        if how == "PRO_RATA" and amount:
            for i, part in zip(future, shared(amount, [self.left[i] for i in future]), strict=True):
                self.left[i] -= part
        elif amount:
            self.reduce(amount, future if how == "NEXT" else future[::-1])

    def days_past_due(self, as_of: date) -> int:
        if self.written_off_since and self.claim:
            return (as_of - self.written_off_since).days
        interest = self.interest_due(as_of - DAY)
        owed_back = self.receivable if self.receivable_since < as_of else 0
        if interest + self.principal(lambda due: due < as_of) + owed_back <= self.terms["tolerance_minor"]:
            return 0
        unpaid = [self.receivable_since] * bool(owed_back)
        unpaid += [due for left, (due, _, _) in zip(self.left, self.rows, strict=True) if left and due < as_of]
        unpaid += islice((due for due in self.due_dates(as_of - DAY) if self.interest_at(due) > self.interest_paid), 1)
        return (as_of - min(unpaid)).days

    def ahead(self, as_of: date) -> dict[str, int]:
        """What a payoff has of later dates."""
        interest = self.interest_owed(as_of) - self.interest_to(as_of)
        return {"fees_ahead_minor": sum(left for _, left in self.charged_ahead), "interest_ahead_minor": interest}

    def state(self, as_of: date) -> Case:
        interest, penalty = self.interest_to(as_of), round(self.penalty)
        fees = sum(left for _, left in self.fees)
        unpaid = penalty - self.penalty_paid + fees + self.claim + self.receivable
        return {
            "as_of": as_of.isoformat(),
            "principal_minor": sum(self.left),
            "interest_to_date_minor": interest,
            "interest_paid_minor": self.interest_paid - self.off["interest"],
            "penalty_to_date_minor": penalty,
            "penalty_paid_minor": self.penalty_paid - self.off["penalty"],
            "fees_unpaid_minor": fees,
            "credit_minor": self.credit,
            "due_minor": self.principal(lambda due: due <= as_of) + self.interest_due(as_of) + unpaid,
            "dpd": self.days_past_due(as_of),
            "payoff_minor": sum(self.left) + interest - self.interest_paid + sum(self.ahead(as_of).values()) + unpaid,
            **{name: figure for name, figure in self.ahead(as_of).items() if figure},
            **servicing.state(self),
        }


def nothing(as_of: date) -> Case:
    earned = ("interest_to_date", "interest_paid", "penalty_to_date", "penalty_paid", "fees_unpaid")
    found = dict.fromkeys((f"{name}_minor" for name in ("principal", *earned, "credit", "due", "payoff")), 0)
    return {"as_of": as_of.isoformat(), **found, "dpd": 0}


def disburse(terms: Case, event: Case) -> Loan:
    refuse_if(event["type"] != "disbursement", "BEFORE_DISBURSEMENT")
    amount = event["amount_minor"]
    refuse_if(amount > terms["principal_minor"], "AMOUNT_NOT_PRINCIPAL")
    refuse_if(amount < terms["principal_minor"] and terms.get("tranches", 1) == 1, "AMOUNT_NOT_PRINCIPAL")
    agreed, terms = terms, {**terms, "principal_minor": amount}
    opened = date.fromisoformat(event["on"])
    rows = draw(terms, opened)
    left = [principal for _, principal, _ in rows]
    dues = due_dates(terms, opened)
    lengths = list(zip([opened, *dues], dues, period_fractions(terms, opened, dues), strict=False))
    x, settled, ends = {opened: Fraction(0)}, {opened: 0}, [due for due, _, _ in rows]
    loan = Loan(terms, opened, rows, left, Fraction(terms["rate"]), x, settled, lengths, ends, agreed, amount)
    later = [due for due, _, _ in rows if due > opened]
    parts = spread(terms, opened, len(later))
    loan.deferred = {due: sum(parts[i + 1 :]) for i, due in enumerate(later)} | {opened: sum(parts)}
    loan.agree_fees(opened, has_first=True)
    recalculation.keep(loan, opened)
    at_once = fees_due(terms, "DISBURSEMENT")
    if at_once:
        loan.fee_of[opened] = at_once
        loan.charge(at_once, opened)
    return loan


def apply(loan: Loan, event: Case, on: date) -> Case | None:
    amount = event.get("amount_minor", 0)
    if event["type"] == "disbursement":
        servicing.tranche(loan, amount, on)
    if event["type"] == "charge" and "due" in event:
        loan.charged_ahead = sorted([*loan.charged_ahead, [date.fromisoformat(event["due"]), amount]])
    elif event["type"] == "charge":
        loan.charge(amount, on)
    refuse_if(event["type"] == "rate_change" and loan.is_flat, "BAD_EVENT")
    if event["type"] == "rate_change":
        loan.rate = Fraction(event["rate"])
        recalculation.project(loan, on)
    if event["type"] in ("apply_credit", "refund_credit"):
        missing = max(0, amount - loan.credit)
        refuse_if(missing > (loan.bounced if event["spares"] else 0), "CREDIT_TOO_SMALL")
        loan.bounced -= missing
        loan.credit -= amount - missing
        if event["type"] == "refund_credit" and missing:
            loan.receivable_since = loan.receivable_since if loan.receivable else on
            loan.receivable += missing
        amount -= missing
    paid = None
    if event["type"] in ("repayment", "apply_credit", "settlement"):
        names = ("penalty_minor", "fee_minor", "interest_minor", "principal_minor", "credit_minor", "claim_minor")
        found = dict(zip(names, loan.pay(amount, on, event.get("prepayment") or loan.terms["prepayment"]), strict=True))
        paid = {"event": event["id"], **{name: part for name, part in found.items() if part or name != names[-1]}}
    servicing.apply(loan, event, on)
    return paid


def model(case: Case) -> Case:
    """Give the result of a case, or its refusal without words."""
    try:
        return {"id": case["id"], **replayed(case)}
    except Refused as refused:
        return {"id": case["id"], "refused": str(refused)}


def worst_dpd(case: Case) -> int:
    """The most days past due at the start of any day up to the last that is asked for, before what happens on it."""
    return lived(case)[0]


def fees_charged(case: Case) -> int:
    """All fees that were charged or fell due up to the last day that is asked for."""
    return lived(case)[1]


def lived(case: Case) -> tuple[int, int]:
    events, last, worst, charged = standing(case["events"]), date.fromisoformat(case["as_of"][-1]), 0, 0
    loan = disburse(case["terms"], events[0])
    loan.bounced = bounced_of(case["events"])
    for t in days(loan.opened, last + DAY):
        worst = max(worst, loan.days_past_due(t))
        for event in events[1:]:
            if event["on"] == t.isoformat():
                apply(loan, event, t)
        charged = loan.charged
        loan.pass_night(t)
    return worst, charged


def replayed(case: Case) -> Case:
    as_of = [date.fromisoformat(text) for text in case["as_of"]]
    events = standing(case["events"])
    if not events:
        return {"schedule": [], "allocations": [], "states": [nothing(day) for day in as_of]}
    loan = disburse(case["terms"], events[0])
    loan.bounced = bounced_of(case["events"])
    states = {day: nothing(day) for day in as_of if day < loan.opened}
    allocations: list[Case | None] = []
    last = max([date.fromisoformat(events[-1]["on"]), *as_of])
    for t in days(loan.opened, last + DAY):
        allocations += [apply(loan, event, t) for event in events[1:] if event["on"] == t.isoformat()]
        if t in as_of:
            states[t] = loan.state(t)
        if t.isoformat() == events[-1]["on"]:
            drawn = [*loan.rows]
        loan.pass_night(t)
    schedule = []
    for i, (due, p, s) in enumerate(drawn, start=1):
        fee = loan.fee_of.get(due, 0)
        row = {"no": i, "due": due.isoformat(), "principal_minor": p, "interest_minor": s, "total_minor": p + s + fee}
        schedule.append(row | ({"fee_minor": fee} if fee else {}))
    return {
        "schedule": schedule,
        "allocations": list(filter(None, allocations)),
        "states": [states[day] for day in as_of],
    }
