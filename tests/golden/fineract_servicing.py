"""Apache Fineract's servicing scenarios, as the product's own events and replay.

Charges of both kinds are our one kind of fee: their sums are compared. What cannot be said stops a case with the
reason, after everything before it has been compared.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from config.kernel.calendar import date_of
from lending.domain.contract.account import LoanAccount
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
    rules: dict[str, str]
    today: date = date.min
    events: list[LoanEvent] = field(default_factory=list)
    charged: Counter[date] = field(default_factory=Counter)
    interest_refunds: set[str] = field(default_factory=set)
    is_charged_off: bool = False

    def book(self, kind: EventType, on: str, amount: int) -> None:
        self.add(LoanEvent(id=f"e{len(self.events)}", on=date.fromisoformat(on), type=kind, amount_minor=amount))

    def add(self, event: LoanEvent) -> None:
        self.events.append(event)

    @property
    def loan(self) -> Replayed:
        return replay(self.terms, self.events)

    @property
    def state(self) -> LoanState:
        return self.loan.state(self.today)

    @property
    def overdue(self) -> int:
        """What was due before today and is unpaid."""
        account = self.loan.account(self.today)
        assert account
        interest = max(0, account.interest_late - account.interest_paid)
        return account.late + interest + account.penalty_to_date - account.penalty_paid + account.fees_late

    @property
    def outstanding(self) -> int:
        """All that is still to be paid if every instalment is paid on its date."""
        account = self.loan.account(self.today)
        return left_by_due(account).total() if account else 0


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
    ahead = {kind: rule["future_installment_rule"] for kind, rule in rules.items()}
    return Timeline(case, terms, {"DEFAULT": "NEXT_INSTALLMENT", **ahead})


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
    """Charge the interest as drawn, whenever it is paid; several tranches are charged what accrues."""
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
            prepayment=prepayment_of(found.rules.get(kind, found.rules["DEFAULT"])),
        )
    )
    if "INTEREST_REFUND" in found.rules and kind in REFUNDS and not found.is_charged_off:
        refund_interest(found, event)


def prepayment_of(rule: str) -> Prepayment:
    if rule not in PREPAYMENTS:
        message = f"money in advance by {rule}"
        raise Waits(message)
    return PREPAYMENTS[rule]


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
    paid_out = {one.on for one in found.events if one.type is EventType.DISBURSEMENT}  # rows of down payments have none
    dues = (row.due for row in found.loan.schedule if row.due not in paid_out)
    due = next((day for day in dues if day >= charged_on), charged_on)
    is_old = found.case["product"]["schedule_type"] == "CUMULATIVE"
    if not found.events:
        message = "a charge before the disbursement"
        raise Waits(message)
    known = found.events[0].on if is_old else min(charged_on, found.today)
    found.charged[due] += minor(event["amount"])
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
    found.rules[event["transaction_type"]] = event["rule"]


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
    number = -1 if event["type"] == "undo_last_repayment" else event["nth"] - 1
    if not -len(of_date) <= number < len(of_date):
        message = "an undo of a payment that was not booked"
        raise Waits(message)
    one = of_date[number]
    found.add(LoanEvent(id=f"e{len(found.events)}", on=found.today, type=EventType.REVERSAL, of=one.id))


def undo_disbursement(found: Timeline, _event: Event) -> None:
    one = [one for one in found.loan.standing if one.type is EventType.DISBURSEMENT][-1]
    found.add(LoanEvent(id=f"e{len(found.events)}", on=found.today, type=EventType.REVERSAL, of=one.id))


def compare_schedule(found: Timeline, event: Event) -> None:
    """Compare what each row has of principal, interest and charges, and what is left of it; and the totals.

    A charge after the last due date is a row of its own. Before the disbursement the case shows what was applied for,
    drawn for that day.
    """
    account = found.loan.account(found.today) if found.events else None
    if account is None:
        compare_quote(found, event)
        return
    rows = {date.fromisoformat(row[1]): row for row in event["rows"]}
    drawn = {row.due: row for row in account.schedule}
    require_equal(sorted(rows.keys() - drawn.keys()), sorted(found.charged - drawn.keys()), "due dates")
    for due, row in rows.items():
        ours = drawn.get(due, Instalment(0, due, 0, 0))
        require_equal(ours.principal_minor, minor(row[4]), f"principal of {due}")
        require_equal(ours.interest_minor, minor(row[5]), f"interest of {due}")
        require_equal(found.charged[due], minor(row[6]) + minor(row[7]), f"charges of {due}")
    left = left_by_due(account)
    require_equal({due: left[due] for due in rows}, {due: minor(row[12]) for due, row in rows.items()}, "outstanding")
    totals = event["totals"]
    if totals:
        require_equal(found.charged.total(), minor(totals["fees"]) + minor(totals["penalties"]), "charges")
        require_equal(found.outstanding, minor(totals["outstanding"]), "outstanding")


def left_by_due(account: LoanAccount) -> Counter[date]:
    """Return what is left of the rows as they stand: principal, interest and charges. Interest is paid oldest first."""
    ahead = [0] * len(account.schedule)
    if account.kept is not None:
        ahead[account.fallen :] = account.kept.interest[account.fallen :]
    left, paid = Counter[date](), account.interest_paid - sum(ahead)
    for row, unpaid, paid_ahead in zip(account.schedule, account.unpaid, ahead, strict=True):
        settled = min(row.interest_minor - paid_ahead, paid)
        paid -= settled
        left[row.due] += unpaid + row.interest_minor - paid_ahead - settled
    for day, amount in (*account.charges, *account.charges_ahead.by_due):
        left[date_of(day)] += amount
    return left


def compare_quote(found: Timeline, event: Event) -> None:
    terms = replace(found.terms, principal_minor=minor(found.case["loan"]["principal"]))
    drawn = quoted(terms, on=found.today)
    shown = [(one.due.isoformat(), one.principal_minor, one.interest_minor) for one in drawn]
    require_equal(shown, [(row[1], minor(row[4]), minor(row[5])) for row in event["rows"]], "quote")


def compare_payments(found: Timeline, event: Event) -> None:
    """Compare where each payment that stands went, in the order in which they take effect."""
    wanted = [
        (row[0], minor(row[2]), minor(row[3]), minor(row[4]), minor(row[5]) + minor(row[6]))
        for row in event["rows"]
        if row[1] in PAID and row[8] != "true"
    ]
    repaid = {one.id: one for one in found.events if one.type is EventType.REPAYMENT}
    paid = [
        (repaid[went.event].on.isoformat(), repaid[went.event].amount_minor, *went[4:2:-1], went.fee_minor)
        for went in found.loan.allocations
        if went.event in repaid and went.event not in found.interest_refunds
    ]
    require_equal(paid, wanted, "payments")


def compare_status(found: Timeline, event: Event) -> None:
    state = found.state
    status = ("OVERPAID" if state.credit_minor else "CLOSED_OBLIGATIONS_MET") if state.closed else "ACTIVE"
    require_equal(status, event["status"], "status")


def open_day(found: Timeline, event: Event) -> None:
    found.today = date.fromisoformat(event["date"])


STEPS: Final[Mapping[str, Callable[[Timeline, Event], None]]] = MappingProxyType(
    {
        "close_of_business": lambda _found, _event: None,
        "expect_all_obligations_met": lambda found, _event: require_equal(found.state.closed, True, "closed"),  # noqa: FBT003
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
