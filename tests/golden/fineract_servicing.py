"""Apache Fineract's servicing scenarios, as the product's own events and replay.

Charges of both kinds are our one kind of fee: their sums are compared. What cannot be said stops a case with the
reason, after everything before it has been compared. What is done otherwise on purpose is noted when it happens, and is
the reason of a figure that differs from then on.
"""

from calendar import isleap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final

from config.kernel.daycount import DayCount
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.refusal import LoanRefused
from lending.domain.contract.replay import Replayed, replay
from lending.domain.contract.schedule import down_payment_minor
from lending.domain.contract.state import LoanState
from lending.domain.contract.terms import InterestMethod, Prepayment, Step, Terms
from tests.golden.fineract_schedules import terms_of_case
from tests.golden.outcome import Case, Waits, require_equal
from tests.golden.quotes import minor, quoted

Event = dict[str, Any]
REDRAWN: Final = "what is not paid as drawn redraws the peer's schedule; ours is drawn once"
CHARGED_AHEAD: Final = "a charge that is known, and may be paid, before it is due; ours is known from its date"
PREPAID: Final = "a tranche after money in advance: the peer draws the whole again; ours what is left, and the tranche"
PREPAYMENTS: Final = {
    "NEXT_INSTALLMENT": Prepayment.NEXT,
    "LAST_INSTALLMENT": Prepayment.LAST,
    "REAMORTIZATION": Prepayment.PRO_RATA,
}
PAID: Final = {
    "Repayment",
    "Merchant Issued Refund",
    "Down Payment",
    "Payout Refund",
    "Goodwill Credit",
    "Interest Payment Waiver",
}
OLD_ORDERS: Final = {
    "PENALTIES_FEES_INTEREST_PRINCIPAL_ORDER": ("PENALTY", "FEE", "INTEREST", "PRINCIPAL"),
    "INTEREST_PRINCIPAL_PENALTIES_FEES_ORDER": ("INTEREST", "PRINCIPAL", "PENALTY", "FEE"),
}
NEEDS: Final = {
    "charge_off": "an event CHARGE_OFF",
    "chargeback": "an event that puts back what was paid",
    "waive_charge": "an event that waives a charge",
    "reschedule": "an event that draws the schedule again",
    "expect_overdue": "what was due before a date, as a figure of its own",
}


@dataclass
class Timeline:
    """A case on its way: what has been booked by the day that it has reached."""

    case: Case
    terms: Terms
    rule: str
    today: date = date.min
    events: list[LoanEvent] = field(default_factory=list)
    charges: list[tuple[date, int]] = field(default_factory=list)
    otherwise: str = ""

    def book(self, kind: EventType, on: str, amount: int) -> None:
        self.add(LoanEvent(id=f"e{len(self.events)}", on=date.fromisoformat(on), type=kind, amount_minor=amount))

    def add(self, event: LoanEvent) -> None:
        self.events.append(event)

    def note(self, otherwise: str) -> None:
        """Keep the first thing that is done otherwise."""
        self.otherwise = self.otherwise or otherwise

    @property
    def loan(self) -> Replayed:
        return replay(self.terms, self.events)

    @property
    def state(self) -> LoanState:
        return self.loan.state(self.today)

    @property
    def charged_later(self) -> int:
        """Charges that are known and due after today: the peer counts them as outstanding."""
        return sum(amount for due, amount in self.charges if due > self.today)

    @property
    def outstanding(self) -> int:
        """All that is still to be paid if every instalment is paid on its date."""
        state = self.state
        quoted = sum(row.interest_minor for row in self.loan.schedule)
        return state.principal_minor + quoted - state.interest_paid_minor + state.fees_unpaid_minor + self.charged_later


def check_servicing(case: Case) -> None:
    found = begun(case)
    try:
        for event in case["timeline"]:
            if event["type"] not in STEPS:
                raise Waits(NEEDS.get(event["type"], f"an event {event['type']}"))
            STEPS[event["type"]](found, event)
    except LoanRefused as refused:
        message = f"refused: {refused}"
        raise AssertionError(message) from refused
    except AssertionError as error:
        if cuts_a_year(found):
            found.note("a year that ends on 30 December, under ACT/ACT")
        if not found.otherwise:
            raise
        raise Waits(found.otherwise) from error


def cuts_a_year(found: Timeline) -> bool:
    """Tell whether days of two years of different lengths are in one period, which the peer cuts at 31 December."""
    if found.terms.day_count is not DayCount.ACT_ACT or not found.terms.rate or not found.events:
        return False
    days = [found.events[0].on, *(row.due for row in found.loan.schedule)]
    return any(isleap(start.year) != isleap(end.year) for start, end in pairwise(days))


def begun(case: Case) -> Timeline:
    """Translate the terms of a case, whose timeline begins with the disbursement."""
    paid_out = next(event for event in case["timeline"] if event["type"] == "disbursement")
    terms = terms_of_case({**case, "events": [paid_out]})
    out = [minor(event["amount"]) for event in case["timeline"] if event["type"] == "disbursement"]
    if len(out) > 1:
        terms = in_tranches(terms, sum(out), len(out))
    rules = {rule["transaction_type"]: rule for rule in case["product"].get("payment_allocation", [])}
    rule = rules.get("DEFAULT", {}).get("future_installment_rule", "NEXT_INSTALLMENT")
    terms = replace(terms, prepayment=PREPAYMENTS[rule], waterfall=waterfall_of(case, rules))
    return Timeline(case, terms, rule)


def in_tranches(terms: Terms, principal: int, number: int) -> Terms:
    """Allow more disbursements; flat loans without interest are equal instalments of principal."""
    if terms.rate and terms.interest is InterestMethod.FLAT:
        message = "flat interest of several tranches"
        raise Waits(message)
    return replace(terms, principal_minor=principal, tranches=number, interest=InterestMethod.DECLINING)


def waterfall_of(case: Case, rules: Mapping[str, Event]) -> tuple[Step, ...]:
    order = rules.get("DEFAULT", {}).get("order") or case["product"].get("payment_allocation_order")
    if order:
        return tuple(map(Step, order))
    strategy = case["loan"]["payment_strategy"]
    if strategy == "ADVANCED_PAYMENT_ALLOCATION":  # whose order the case does not tell
        return tuple(Step)
    if strategy in OLD_ORDERS:
        return tuple(
            Step(f"{when}_{part}") for when in ("PAST_DUE", "DUE", "IN_ADVANCE") for part in OLD_ORDERS[strategy]
        )
    _, due, ahead = strategy.replace("DUE_", "|", 1).replace("_IN_ADVANCE_", "|", 1).split("|")
    orders = {"PAST_DUE": due, "DUE": due, "IN_ADVANCE": ahead}
    return tuple(Step(f"{when}_{part}") for when, parts in orders.items() for part in parts.split("_"))


def disburse(found: Timeline, event: Event) -> None:
    if found.events and is_prepaid(found):
        found.note(PREPAID)
    found.book(EventType.DISBURSEMENT, event["date"], minor(event["amount"]))
    if found.case["product"].get("down_payment_auto_repaid"):
        down = down_payment_minor(replace(found.terms, principal_minor=minor(event["amount"])))
        if down:
            found.book(EventType.REPAYMENT, event["date"], down)


def repay(found: Timeline, event: Event) -> None:
    on, amount = date.fromisoformat(event["date"]), minor(event["amount"])
    note_interest(found, on, amount)
    note_rule(found, event, on, amount)
    if any(due > on for due, _ in found.charges):
        found.note(CHARGED_AHEAD)
    found.book(EventType.REPAYMENT, event["date"], amount)


def is_prepaid(found: Timeline) -> bool:
    """Tell whether something of the rows due later is paid."""
    rows = zip(found.loan.schedule, found.state.unpaid_minor, strict=True)
    return any(left < row.principal_minor for row, left in rows if row.due > found.today)


def note_interest(found: Timeline, on: date, amount: int) -> None:
    """Note where a loan with interest is not paid as drawn: the peer charges as drawn, or draws anew."""
    as_drawn = {(row.due, row.total_minor) for row in found.loan.schedule}
    if found.terms.rate and ((on, amount) not in as_drawn or on < found.loan.standing[-1].on):
        is_redrawn = found.case["product"]["interest_recalculation"]
        found.note(REDRAWN if is_redrawn else "interest as drawn, whenever it is paid; ours is what really accrues")


def note_rule(found: Timeline, event: Event, on: date, amount: int) -> None:
    """Note where money in advance goes by another rule than that of repayments."""
    kind = event.get("transaction_type", "DEFAULT")
    rules = {rule["transaction_type"]: rule for rule in found.case["product"].get("payment_allocation", [])}
    rule = rules.get(kind, {}).get("future_installment_rule", found.rule)
    if rule != found.rule and amount > found.loan.state(on).due_minor:
        found.note(f"a rule of its own for {kind}: {rule}; terms have one rule for all money in advance")


def charge(found: Timeline, event: Event) -> None:
    due = date.fromisoformat(event["due_date"])
    if any(one.type is EventType.REPAYMENT and found.today <= one.on < due for one in found.events):
        found.note(CHARGED_AHEAD)
    found.charges.append((due, minor(event["amount"])))
    found.book(EventType.CHARGE, event["due_date"], minor(event["amount"]))


def pay_off(found: Timeline, event: Event) -> None:
    on = date.fromisoformat(event["date"])
    repay(found, {**event, "amount": str(Decimal(found.loan.state(on).payoff_minor) / 100)})


def undo(found: Timeline, event: Event) -> None:
    """Reverse the n-th repayment of a date, or the last one."""
    undone = {one.of for one in found.events}
    of_date = [
        one
        for one in found.events
        if one.type is EventType.REPAYMENT and one.on.isoformat() == event["date"] and one.id not in undone
    ]
    one = of_date[-1] if event["type"] == "undo_last_repayment" else of_date[event["nth"] - 1]
    found.add(LoanEvent(id=f"e{len(found.events)}", on=found.today, type=EventType.REVERSAL, of=one.id))


def undo_disbursement(found: Timeline, _event: Event) -> None:
    one = [one for one in found.loan.standing if one.type is EventType.DISBURSEMENT][-1]
    found.add(LoanEvent(id=f"e{len(found.events)}", on=found.today, type=EventType.REVERSAL, of=one.id))


def compare_schedule(found: Timeline, event: Event) -> None:
    """Compare principal and interest of the rows, and totals; what is left of each row where nothing is charged.

    Before the disbursement the case shows what was applied for, drawn for that day.
    """
    if not found.events:
        compare_quote(found, event)
        return
    state, drawn = found.state, found.loan.schedule
    if state.dpd and found.terms.rate and found.case["product"]["interest_recalculation"]:
        found.note(REDRAWN)
    rows = [row for row in event["rows"] if row[1] in {one.due.isoformat() for one in drawn}]
    require_equal([row[1] for row in rows], [one.due.isoformat() for one in drawn], "due dates")
    require_equal([one.principal_minor for one in drawn], [minor(row[4]) for row in rows], "principal")
    require_equal([one.interest_minor for one in drawn], [minor(row[5]) for row in rows], "interest")
    if not found.charges and not found.terms.rate:
        require_equal(list(state.unpaid_minor), [minor(row[12]) for row in rows], "outstanding of rows")
    totals = event["totals"]
    if totals:
        charged = sum(amount for _, amount in found.charges)
        require_equal(charged, minor(totals["fees"]) + minor(totals["penalties"]), "charges")
        require_equal(found.outstanding, minor(totals["outstanding"]), "outstanding")


def compare_quote(found: Timeline, event: Event) -> None:
    terms = replace(found.terms, principal_minor=minor(found.case["loan"]["principal"]))
    drawn = quoted(terms, on=found.today)
    shown = [(one.due.isoformat(), one.principal_minor, one.interest_minor) for one in drawn]
    require_equal(shown, [(row[1], minor(row[4]), minor(row[5])) for row in event["rows"]], "quote")


def compare_payments(found: Timeline, event: Event) -> None:
    """Compare where each payment that stands went, in the order in which they take effect."""
    wanted = [
        (minor(row[3]), minor(row[4]), minor(row[5]) + minor(row[6]))
        for row in event["rows"]
        if row[1] in PAID and row[8] != "true"
    ]
    paid = [(one.principal_minor, one.interest_minor, one.fee_minor) for one in found.loan.allocations]
    require_equal(paid, wanted, "payments")


def compare_status(found: Timeline, event: Event) -> None:
    state = found.state
    is_closed = state.closed and not found.charged_later
    status = ("OVERPAID" if state.credit_minor else "CLOSED_OBLIGATIONS_MET") if is_closed else "ACTIVE"
    require_equal(status, event["status"], "status")


STEPS_OF_NOTHING: Final = dict.fromkeys(
    ("close_of_business", "set_allocation_rule", "expect_all_obligations_met"), lambda _found, _event: None
)


def open_day(found: Timeline, event: Event) -> None:
    found.today = date.fromisoformat(event["date"])


STEPS: Final[Mapping[str, Callable[[Timeline, Event], None]]] = MappingProxyType(
    {
        **STEPS_OF_NOTHING,
        "business_date": open_day,
        "disbursement": disburse,
        "repayment": repay,
        "credit": repay,
        "payoff": pay_off,
        "charge": charge,
        "undo_repayment": undo,
        "undo_last_disbursal": undo_disbursement,
        "undo_transaction": undo,
        "undo_last_repayment": undo,
        "credit_balance_refund": lambda found, event: found.book(
            EventType.REFUND_CREDIT, event["date"], minor(event["amount"])
        ),
        "expect_schedule": compare_schedule,
        "expect_transactions": compare_payments,
        "expect_status": compare_status,
        "expect_outstanding": lambda found, event: require_equal(
            found.outstanding, minor(event["amount"]), "outstanding"
        ),
        "expect_overpaid": lambda found, event: require_equal(
            found.state.credit_minor, minor(event["amount"]), "overpaid"
        ),
    }
)
