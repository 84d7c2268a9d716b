"""Apache Fineract's servicing scenarios, as the product's own events and replay.

Charges of both kinds are our one kind of fee: their sums are compared. What cannot be said stops a case with the
reason, after everything before it has been compared. What is done otherwise on purpose is noted when it happens, and is
the reason of a figure that differs from then on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.refusal import LoanRefused
from lending.domain.contract.replay import Replayed, replay
from lending.domain.contract.schedule import Instalment, down_payment_minor
from lending.domain.contract.state import LoanState
from lending.domain.contract.terms import (
    Direction,
    InterestCharged,
    InterestMethod,
    MaturedInterest,
    Prepayment,
    Recalculation,
    Step,
    Terms,
)
from tests.golden.fineract_schedules import terms_of_case
from tests.golden.outcome import Case, Waits, require_equal
from tests.golden.quotes import minor, quoted

Event = dict[str, Any]
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
REFUNDS: Final = {"MERCHANT_ISSUED_REFUND", "PAYOUT_REFUND"}
OLD_ORDERS: Final = {
    "PENALTIES_FEES_INTEREST_PRINCIPAL_ORDER": ("PENALTY", "FEE", "INTEREST", "PRINCIPAL"),
    "INTEREST_PRINCIPAL_PENALTIES_FEES_ORDER": ("INTEREST", "PRINCIPAL", "PENALTY", "FEE"),
}
NEEDS: Final = {
    "chargeback": "an event that puts back what was paid",
    "waive_charge": "an event that waives a charge",
    "reschedule": "an event that draws the schedule again",
}


@dataclass
class Timeline:
    """A case on its way: what has been booked by the day that it has reached."""

    case: Case
    terms: Terms
    rules: dict[str, Prepayment]
    today: date = date.min
    events: list[LoanEvent] = field(default_factory=list)
    charges: list[tuple[date, int]] = field(default_factory=list)
    interest_refunds: set[str] = field(default_factory=set)
    is_charged_off: bool = False
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
    def schedule(self) -> Sequence[Instalment]:
        """The rows as they stand today."""
        account = self.loan.account(self.today)
        return account.schedule if account else ()

    @property
    def overdue(self) -> int:
        """What was due before today and is unpaid."""
        account = self.loan.account(self.today)
        assert account
        interest = max(0, account.interest_late - account.interest_paid)
        return account.late + interest + account.penalty_to_date - account.penalty_paid + account.fees_late

    @property
    def fees_ahead(self) -> int:
        """What is left of charges that are known and due after today: the peer counts them as outstanding."""
        account = self.loan.account(self.today)
        return account.charges_ahead.total() if account else 0

    @property
    def outstanding(self) -> int:
        """All that is still to be paid if every instalment is paid on its date."""
        state = self.state
        quoted = sum(row.interest_minor for row in self.schedule)
        return state.principal_minor + quoted - state.interest_paid_minor + state.fees_unpaid_minor + self.fees_ahead


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
        if not found.otherwise:
            raise
        raise Waits(found.otherwise) from error


def begun(case: Case) -> Timeline:
    """Translate the terms of a case, whose timeline begins with the disbursement."""
    paid_out = next(event for event in case["timeline"] if event["type"] == "disbursement")
    terms = terms_of_case({**case, "events": [paid_out]})
    out = [minor(event["amount"]) for event in case["timeline"] if event["type"] == "disbursement"]
    if len(out) > 1:
        terms = in_tranches(terms, sum(out), len(out))
    rules = {rule["transaction_type"]: rule for rule in case["product"].get("payment_allocation", [])}
    terms = replace(
        terms,
        waterfall=waterfall_of(case, rules),
        direction=Direction[case["product"].get("allocation_direction", "HORIZONTAL")],
    )
    if terms.rate:
        is_recalculated = case["product"]["interest_recalculation"]
        terms = recalculated(terms) if is_recalculated else as_scheduled(terms)
    ahead = {kind: PREPAYMENTS[rule["future_installment_rule"]] for kind, rule in rules.items()}
    return Timeline(case, terms, {"DEFAULT": Prepayment.NEXT, **ahead})


def recalculated(terms: Terms) -> Terms:
    """Keep the instalment; what is paid in advance pays the interest to its day first."""
    order: list[Step] = [step for step in terms.waterfall if step != Step.IN_ADVANCE_INTEREST]
    order.insert(order.index(Step.IN_ADVANCE_PRINCIPAL), Step.IN_ADVANCE_INTEREST)
    return replace(
        terms,
        recalculation=Recalculation.KEEP_INSTALMENT,
        matured_interest=MaturedInterest.STOPS,
        waterfall=tuple(order),
    )


def as_scheduled(terms: Terms) -> Terms:
    """Charge the interest as drawn, whenever it is paid; of several tranches what accrues, which ours charge alone."""
    return replace(terms, interest_charged=InterestCharged.AS_SCHEDULED) if terms.tranches == 1 else terms


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
    """Disburse; of a loan that was overpaid, the credit is applied, and what it pays is not taken as down payment."""
    credit = found.state.credit_minor
    found.book(EventType.DISBURSEMENT, event["date"], minor(event["amount"]))
    if credit:
        found.book(EventType.APPLY_CREDIT, event["date"], min(credit, minor(event["amount"])))
    if found.case["product"].get("down_payment_auto_repaid"):
        down = down_payment_minor(replace(found.terms, principal_minor=minor(event["amount"])))
        if down > credit:
            found.book(EventType.REPAYMENT, event["date"], down - credit)


def repay(found: Timeline, event: Event) -> None:
    kind = event.get("transaction_type", "DEFAULT")
    found.add(
        LoanEvent(
            id=f"e{len(found.events)}",
            on=date.fromisoformat(event["date"]),
            type=EventType.REPAYMENT,
            amount_minor=minor(event["amount"]),
            prepayment=found.rules.get(kind, found.rules["DEFAULT"]),
        )
    )
    if "INTEREST_REFUND" in found.rules and kind in REFUNDS and not found.is_charged_off:
        refund_interest(found, event)


def refund_interest(found: Timeline, event: Event) -> None:
    """Give back the interest of a purchase that was refunded as a whole, as a payment of the lender's own."""
    state = found.loan.state(date.fromisoformat(event["date"]))
    if minor(event["amount"]) < found.terms.principal_minor:
        message = "interest given back for a part of the loan that was refunded"
        raise Waits(message)
    if state.interest_to_date_minor:
        found.interest_refunds.add(f"e{len(found.events)}")
        found.book(EventType.REPAYMENT, event["date"], state.interest_to_date_minor)


def charge_off(found: Timeline, _event: Event) -> None:
    """Class the loan as lost: what is owed of it stays, and goes on as before."""
    found.is_charged_off = True


def charge(found: Timeline, event: Event) -> None:
    """Charge a fee that falls due with the instalment in whose period its date is.

    It is known from its date, or from the day on which it was added if that is earlier; where the peer draws older
    schedules, from the first day.
    """
    charged_on = date.fromisoformat(event["due_date"])
    due = next((row.due for row in found.loan.schedule if row.due >= charged_on), charged_on)
    is_old = found.case["product"]["schedule_type"] == "CUMULATIVE"
    known = found.events[0].on if is_old else min(charged_on, found.today)
    found.charges.append((due, minor(event["amount"])))
    found.add(
        LoanEvent(
            id=f"e{len(found.events)}",
            on=known,
            type=EventType.CHARGE,
            amount_minor=minor(event["amount"]),
            due=due if due > known else None,
        )
    )


def set_rule(found: Timeline, event: Event) -> None:
    """Let money in advance of a kind go by another rule from now on."""
    rule = PREPAYMENTS[event["rule"]]
    found.rules[event["transaction_type"]] = rule


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
    state, drawn = found.state, found.schedule
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
    repaid = {one.id for one in found.events if one.type is EventType.REPAYMENT}
    paid = [
        (one.principal_minor, one.interest_minor, one.fee_minor)
        for one in found.loan.allocations
        if one.event in repaid and one.event not in found.interest_refunds
    ]
    require_equal(paid, wanted, "payments")


def compare_status(found: Timeline, event: Event) -> None:
    state = found.state
    status = ("OVERPAID" if state.credit_minor else "CLOSED_OBLIGATIONS_MET") if state.closed else "ACTIVE"
    require_equal(status, event["status"], "status")


STEPS_OF_NOTHING: Final = dict.fromkeys(
    ("close_of_business", "expect_all_obligations_met"), lambda _found, _event: None
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
        "charge_off": charge_off,
        "set_allocation_rule": set_rule,
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
        "expect_overdue": lambda found, event: require_equal(found.overdue, minor(event["amount"]), "overdue"),
        "expect_outstanding": lambda found, event: require_equal(
            found.outstanding, minor(event["amount"]), "outstanding"
        ),
        "expect_overpaid": lambda found, event: require_equal(
            found.state.credit_minor, minor(event["amount"]), "overpaid"
        ),
    }
)
