"""A loan as the words of the specification say it: day by day, in fractions, slow, and apart from the engine.

It reads a case of the golden file's shape (JSON scalars) and gives back the same shape. Nothing of lending/ is
imported, so that a fault there cannot hide here. It checks what events mean, not the form of their fields.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from itertools import islice, pairwise
from typing import Any

from tests.lending import servicing_model as servicing
from tests.lending.schedule_model import (
    DAY,
    Refused,
    day_fraction,
    days,
    down_payment,
    draw,
    due_dates,
    flat_interest,
    period_fraction,
    period_fractions,
    redrawn,
    refuse_if,
    shared,
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
    paid_by: dict[date, int] = field(default_factory=dict)  # interest of due dates before a re-ageing that was paid

    @property
    def claim(self) -> int:
        return sum(self.off.values()) - self.waived - self.recovered

    def due_dates(self, until: date) -> Iterator[date]:
        """Due dates for interest up to a day: after the last one, every day."""
        yield from (due for due in self.ends if due <= until)
        yield from days(self.ends[-1] + DAY, until + DAY)

    def interest_to(self, day: date) -> int:
        return self.settled[day] + round(self.x[day] - self.settled[day])

    def interest_at(self, due: date) -> int:
        """The interest that has fallen due by the end of a due date."""
        return self.interest_to(due) if due >= self.interest_from() and due > self.re_aged else 0

    def interest_due(self, until: date) -> int:
        """The unpaid interest that has fallen due up to a day."""
        last = until if until > self.ends[-1] else max((due for due in self.ends if due <= until), default=None)
        return 0 if last is None else max(0, self.interest_at(last) - self.interest_paid)

    def interest_from(self) -> date:
        """The first date on which interest falls due."""
        grace = self.terms.get("interest_grace", 0)
        return [due for due, _, _ in self.rows if due > self.opened][grace] if grace else self.opened

    @property
    def is_flat(self) -> bool:
        return self.terms.get("interest") == "FLAT"

    def flat_part(self, t: date) -> Fraction:
        """The part of its period's flat interest that is for day t; none once nothing is outstanding."""
        dues = [due for due, _, _ in self.rows if due > self.opened]
        principal = sum(row[1] for row in self.rows if row[0] > self.opened)
        f = [Fraction(self.terms["rate"]) * length for _, _, length in self.lengths]
        charged = flat_interest(self.terms, principal, [sum(f, Fraction(0))] if self.terms["method"] == "BULLET" else f)
        for start, end, interest in zip([self.opened, *dues], dues, charged, strict=False):
            if start <= t < end and any(self.left):
                return Fraction(interest, (end - start).days)
        return Fraction(0)

    def dcf(self, t: date) -> Fraction:
        """The fraction of a year that is day t; of a day count of periods, an equal part of that of the period."""
        last = self.lengths[-1][1]
        for number, (start, end, length) in enumerate(self.lengths):
            if start <= t < end and number < self.terms.get("interest_free", 0):
                return Fraction(0)
            if start <= t < end and self.terms["day_count"] in ("MONTHS/12", "30/360"):
                return length / (end - start).days
        if self.terms["day_count"] in ("MONTHS/12", "30/360"):
            return period_fraction(last, t + DAY, self.terms["day_count"]) - period_fraction(
                last, t, self.terms["day_count"]
            )
        return day_fraction(t, self.terms["day_count"])

    def principal(self, wanted: Callable[[date], bool]) -> int:
        return sum(left for left, (due, _, _) in zip(self.left, self.rows, strict=True) if wanted(due))

    def pass_night(self, t: date) -> None:
        dcf = self.dcf(t)
        self.x[t + DAY] = self.x[t] + (self.flat_part(t) if self.is_flat else sum(self.left) * self.rate * dcf)
        self.settled[t + DAY] = self.settled[t]
        if (self.is_flat or self.terms.get("accrual") == "PER_PERIOD") and t + DAY in self.ends:
            self.settled[t + DAY] = self.interest_to(t + DAY)
            self.x[t + DAY] = Fraction(self.settled[t + DAY])
        late = self.principal(lambda due: due + self.terms["grace_days"] * DAY <= t)
        if late:
            self.penalty += late * self.rate * Fraction(self.terms["penalty_multiple_extra"]) * dcf

    def pay(self, amount: int, d: date) -> tuple[int, ...]:
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
        there["IN_ADVANCE_INTEREST"] = self.interest_to(d) - self.interest_paid - past - due
        there["IN_ADVANCE_PRINCIPAL"] = self.principal(lambda due: due > d)
        taken = dict.fromkeys(STEPS, 0)
        for step in self.terms.get("waterfall") or STEPS:
            taken[step] = min(amount, there[step])
            amount -= taken[step]
        self.penalty_paid += taken["PAST_DUE_PENALTY"]
        interest = sum(taken[step] for step in STEPS if step.endswith("INTEREST"))
        self.interest_paid += interest
        self.pay_fees(taken["PAST_DUE_FEE"], [fee for fee in self.fees if fee[0] < d])
        self.pay_fees(taken["DUE_FEE"], [fee for fee in self.fees if fee[0] == d])
        self.reduce(taken["PAST_DUE_PRINCIPAL"], [i for i, row in enumerate(self.rows) if row[0] < d])
        self.reduce(taken["DUE_PRINCIPAL"], [i for i, row in enumerate(self.rows) if row[0] == d])
        self.prepay(taken["IN_ADVANCE_PRINCIPAL"], [i for i, row in enumerate(self.rows) if row[0] > d])
        claim = min(amount, self.claim)
        self.recovered += claim
        amount -= claim
        self.credit += amount
        fees = taken["PAST_DUE_FEE"] + taken["DUE_FEE"]
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

    def tranche(self, amount: int, d: date) -> None:
        """Draw what falls due after a day again, on what is then outstanding."""
        refuse_if(1 + len(self.further) == self.agreed.get("tranches", 1), "ALREADY_DISBURSED")
        refuse_if(self.lent + amount > self.agreed["principal_minor"], "AMOUNT_NOT_PRINCIPAL")
        future = [i for i, row in enumerate(self.rows) if row[0] > d]
        refuse_if(not future, "ALREADY_DISBURSED")
        down = down_payment(self.terms, amount)
        dues = [self.rows[i][0] for i in future]
        f = [self.rate * sum((self.dcf(t) for t in days(a, b)), Fraction(0)) for a, b in pairwise([d, *dues])]
        ahead = sum(self.left[i] for i in future) + amount - down
        before = [due for due, _, _ in self.rows if due <= d]
        begun = max([self.opened, *(end for end in self.ends if end <= d)])
        recent = [(day, rest) for day, rest in self.further if day > begun]
        since = max(0, ahead - (amount - down) - sum(rest for _, rest in recent))
        years = {day: sum((self.dcf(t) for t in days(day, d)), Fraction(0)) for day, _ in [(begun, 0), *recent]}
        earned = self.rate * sum((rest * years[day] for day, rest in [(begun, since), *recent]), Fraction(0))
        rows = redrawn(self.terms, ahead, dues, f, earned)
        if "down_payment" in self.terms:
            rows.insert(0, (d, down, 0))
        self.rows[len(before) :] = rows
        self.left[len(before) :] = [row[1] for row in rows]
        self.lent += amount
        self.further.append((d, amount - down))

    def prepay(self, amount: int, future: list[int]) -> None:
        how = self.terms["prepayment"]
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
            "payoff_minor": sum(self.left) + interest - self.interest_paid + unpaid,
            **servicing.state(self),
        }


def nothing(as_of: date) -> Case:
    return {
        "as_of": as_of.isoformat(),
        **dict.fromkeys(
            (
                "principal_minor",
                "interest_to_date_minor",
                "interest_paid_minor",
                "penalty_to_date_minor",
                "penalty_paid_minor",
                "fees_unpaid_minor",
                "credit_minor",
                "due_minor",
                "dpd",
                "payoff_minor",
            ),
            0,
        ),
    }


def standing(events: list[Case]) -> list[Case]:
    known: list[Case] = []
    removed: list[str] = []
    for event in events:
        refuse_if(event["id"] in [other["id"] for other in known], "BAD_EVENT")
        refuse_if(event.get("amount_minor", 1) <= 0, "AMOUNT_NOT_POSITIVE")
        if event["type"] in ("reversal", "bounce"):
            target = [other["type"] for other in known if other["id"] == event["of"]]
            refuse_if(not target, "UNKNOWN_EVENT")
            refuse_if(event["of"] in removed, "ALREADY_REVERSED")
            refuse_if(target[0] in ("reversal", "bounce"), "NOT_REVERSIBLE")
            payment = target[0] in ("repayment", "settlement")
            refuse_if(event["type"] == "bounce" and not payment, "NOT_REVERSIBLE")
            removed.append(event["of"])
        known.append(event)
    bounces = [i for i, event in enumerate(known) if event["type"] == "bounce"]
    known = [{**event, "spares": i < max(bounces, default=0)} for i, event in enumerate(known)]
    left = [event for event in known if event["type"] not in ("reversal", "bounce") and event["id"] not in removed]
    return [event for on in sorted({event["on"] for event in left}) for event in left if event["on"] == on]


def bounced_of(events: list[Case]) -> int:
    """What the payments were worth that the bank took back."""
    amounts = {event["id"]: event.get("amount_minor", 0) for event in events}
    return sum(amounts[event["of"]] for event in events if event["type"] == "bounce")


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
    return Loan(terms, opened, rows, left, Fraction(terms["rate"]), x, settled, lengths, ends, agreed, amount)


def apply(loan: Loan, event: Case, on: date) -> Case | None:
    amount = event.get("amount_minor", 0)
    if event["type"] == "disbursement":
        loan.tranche(amount, on)
    if event["type"] == "charge":
        loan.fees.append([on, amount])
    refuse_if(event["type"] == "rate_change" and loan.is_flat, "BAD_EVENT")
    if event["type"] == "rate_change":
        loan.rate = Fraction(event["rate"])
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
        found = dict(zip(names, loan.pay(amount, on), strict=True))
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
    events, last, worst = standing(case["events"]), date.fromisoformat(case["as_of"][-1]), 0
    loan = disburse(case["terms"], events[0])
    loan.bounced = bounced_of(case["events"])
    for t in days(loan.opened, last + DAY):
        worst = max(worst, loan.days_past_due(t))
        for event in events[1:]:
            if event["on"] == t.isoformat():
                apply(loan, event, t)
        loan.pass_night(t)
    return worst


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
        loan.pass_night(t)
    schedule = [
        {"no": i, "due": due.isoformat(), "principal_minor": p, "interest_minor": s, "total_minor": p + s}
        for i, (due, p, s) in enumerate(loan.rows, start=1)
    ]
    return {
        "schedule": schedule,
        "allocations": list(filter(None, allocations)),
        "states": [states[day] for day in as_of],
    }
