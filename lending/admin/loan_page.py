"""Say in words, tables and a chart how one loan stands."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.office.admin import Verb, Words, named
from config.office.words import money
from lending.admin.charts import SERIES, lines, major
from lending.admin.words import (
    ACCOUNTS,
    AGAIN_REFUSALS,
    BOOKING_REFUSALS,
    EVENT_TYPES,
    LOAN_REFUSALS,
    LOAN_STATUSES,
    RETURN_REFUSALS,
    TRANSFER_KINDS,
    TRANSFER_STATES,
)
from lending.domain.books.instalment import InstalmentState
from lending.domain.books.ledger import Account, EntryCode
from lending.domain.books.loan import LoanStatus
from lending.domain.books.transfer import TransferKind, TransferState
from lending.domain.contract.events import EventType
from lending.models import Entry, Loan, Transfer
from lending.queries.bookings import get_verb_refusal
from lending.queries.servicing import Happening, Row, Servicing, get_servicing
from lending.queries.transfers import get_again_refusal, get_cancel_refusal, get_return_refusal

INSTALMENT_STATES = {
    InstalmentState.AHEAD: (_("Ahead"), ""),
    InstalmentState.DUE: (_("Due today"), "tl-warn"),
    InstalmentState.LATE: (_("Late"), "tl-bad"),
    InstalmentState.PAID: (_("Paid"), "tl-ok"),
}
TRANSFERS_SHOWN = 8
NO_RIGHT = _("Your role may not do this.")
TO_BE_GIVEN = "…"  # the reason, on the page that asks for it
REFUSALS: Mapping[Any, Words] = {**BOOKING_REFUSALS, **LOAN_REFUSALS}


def loan_context(loan: Loan, request: HttpRequest) -> dict[str, Any]:
    """Gather what the loan page shows to whoever asks."""
    servicing = get_servicing(loan)
    projection, position = servicing.projection, servicing.projection.position
    words, tint = LOAN_STATUSES[LoanStatus(loan.status)]

    def amount(minor: int) -> str:
        return money(minor, loan.currency)

    people = named(happening.event.actor for happening in servicing.happenings)
    return {
        "servicing": servicing,
        "status": words,
        "status_tint": tint,
        "sentence": _sentence(loan, servicing),
        "amount": amount(loan.amount_minor),
        "outstanding": amount(position.principal_minor),
        "due": amount(projection.due_minor),
        "dpd": projection.dpd,
        "payoff": amount(projection.payoff_minor),
        "credit": amount(position.credit_minor) if position.credit_minor else None,
        "parts": [
            (
                _("Principal"),
                amount(position.disbursed_minor),
                amount(position.disbursed_minor - position.principal_minor),
            ),
            (_("Interest to date"), amount(position.interest_minor), amount(position.interest_paid_minor)),
            (_("Penalty to date"), amount(position.penalty_minor), amount(position.penalty_paid_minor)),
            (_("Fees"), amount(position.fees_minor), amount(position.fees_paid_minor)),
        ],
        "instalments": [_instalment(row, loan) for row in servicing.rows],
        "balance_chart": _balance_chart(servicing, loan),
        "events": [_event(happening, loan, people, request) for happening in servicing.happenings],
        "entries": [_entry(entry, loan) for entry in servicing.entries],
        "transfers": [_transfer(transfer, loan) for transfer in servicing.transfers[:TRANSFERS_SHOWN]],
        "more_transfers": max(0, len(servicing.transfers) - TRANSFERS_SHOWN),
        "verbs": loan_verbs(loan, request),
        "yearly_rate": f"{Decimal(loan.terms['rate']) * 100:.2f} %",
    }


def loan_verbs(loan: Loan, request: HttpRequest) -> list[Verb]:
    """Offer what may be done to the loan, each with why not."""
    again, cancel = (
        None if refusal is None else AGAIN_REFUSALS[refusal]
        for refusal in (get_again_refusal(loan, reason=TO_BE_GIVEN), get_cancel_refusal(loan, reason=TO_BE_GIVEN))
    )
    why_not: dict[EventType, Any] = {
        kind: None if refusal is None else REFUSALS[refusal]
        for kind in EventType
        for refusal in (get_verb_refusal(loan, kind),)
    }
    back = get_return_refusal(loan)
    offered: list[tuple[str, Any, str, Any]] = [
        ("repay", _("Book a repayment"), "lending.repay_loan", why_not[EventType.REPAYMENT]),
        ("charge", _("Charge a fee"), "lending.charge_loan", why_not[EventType.CHARGE]),
        ("rate", _("Change the rate"), "lending.change_rate_loan", why_not[EventType.RATE_CHANGE]),
        ("credit", _("Pay from credit"), "lending.repay_loan", why_not[EventType.APPLY_CREDIT]),
        ("refund", _("Pay credit back"), "lending.refund_loan", why_not[EventType.REFUND_CREDIT]),
        ("return", _("Take the payout back"), "lending.return_loan", None if back is None else RETURN_REFUSALS[back]),
        ("pay_out", _("Pay out again"), "lending.pay_out_loan", again),
        ("cancel", _("Give the loan up"), "lending.cancel_loan", cancel),
    ]
    return [
        Verb(
            label=label,
            url=reverse(f"admin:lending_loan_{name}", args=[loan.pk]),
            why=why if request.user.has_perm(right) else NO_RIGHT,
            is_primary=name == "repay",
        )
        for name, label, right, why in offered
    ]


def _sentence(loan: Loan, servicing: Servicing) -> str:
    """Say in one sentence where the loan stands."""
    if loan.status == LoanStatus.APPROVED:
        return _t("Approved; its money is not out yet.")
    if loan.status == LoanStatus.CANCELLED:
        return _t("Given up before any money left.")
    if loan.status == LoanStatus.CLOSED:
        return _t("Repaid in full on %(date)s.") % {"date": loan.closed_on}
    paid = sum(row.state is InstalmentState.PAID for row in servicing.rows)
    told = _t("Repaid %(paid)s of %(all)s instalments") % {"paid": paid, "all": len(servicing.rows)}
    if servicing.projection.dpd:
        late = ngettext("%(number)s day past due", "%(number)s days past due", servicing.projection.dpd)
        return f"{told}; {late % {'number': servicing.projection.dpd}}."
    following = servicing.projection.next_due
    if following is None:
        return f"{told}."
    amount = money(servicing.projection.next_due_minor, loan.currency)
    return f"{told}; " + _t("next %(amount)s on %(date)s.") % {"amount": amount, "date": following}


def _instalment(row: Row, loan: Loan) -> dict[str, Any]:
    words, tint = INSTALMENT_STATES[row.state]
    return {
        "no": row.drawn.no,
        "due": row.drawn.due,
        "principal": money(row.drawn.principal_minor, loan.currency),
        "interest": money(row.drawn.interest_minor, loan.currency),
        "total": money(row.drawn.total_minor, loan.currency),
        "left": money(row.left_minor, loan.currency),
        "words": words,
        "tint": tint,
    }


def _balance_chart(servicing: Servicing, loan: Loan) -> dict[str, Any] | None:
    """Draw the principal as the schedule has it after each instalment, and as it is, up to now."""
    if not servicing.rows:
        return None
    drawn, left, planned = loan.amount_minor, [float(major(loan.amount_minor, loan.currency))], []
    for row in servicing.rows:
        drawn -= row.drawn.principal_minor
        left.append(major(drawn, loan.currency))
    labels = [str(loan.disbursed_on), *(row.drawn.due.isoformat() for row in servicing.rows)]
    for label in labels:
        known = label <= servicing.as_of.isoformat()
        planned.append(_outstanding_on(servicing, label, loan) if known else None)
    return lines(labels, (_t("Schedule"), left, SERIES[2]), (_t("Actual"), planned, SERIES[0]), low=0)


def _outstanding_on(servicing: Servicing, label: str, loan: Loan) -> float:
    paid = sum(
        happening.allocation.principal_minor
        for happening in servicing.happenings
        if happening.allocation is not None and happening.event.on.isoformat() <= label
    )
    return major(loan.amount_minor - paid, loan.currency)


def _event(happening: Happening, loan: Loan, people: dict[str, str], request: HttpRequest) -> dict[str, Any]:
    event, allocation = happening.event, happening.allocation
    reversible = happening.reversed_by is None and event.type not in {EventType.REVERSAL, EventType.DISBURSEMENT}
    allowed = request.user.has_perm("lending.reverse_loan")

    def amount(minor: int | None) -> str:
        return money(minor, loan.currency) if minor else ""

    return {
        "event": event,
        "words": EVENT_TYPES[EventType(event.type)],
        "amount": f"{event.rate.normalize() * 100:f} %" if event.rate is not None else amount(event.amount_minor),
        "who": people[event.actor],
        "allocation": None
        if allocation is None
        else [
            amount(minor)
            for minor in (
                allocation.penalty_minor,
                allocation.fee_minor,
                allocation.interest_minor,
                allocation.principal_minor,
                allocation.credit_minor,
            )
        ],
        "reversed_by": happening.reversed_by,
        "reverse_url": reverse("admin:lending_loan_reverse", args=[loan.pk, event.seq])
        if reversible and allowed
        else None,
    }


def _entry(entry: Entry, loan: Loan) -> dict[str, Any]:
    words = _t("Earned ahead of the close") if entry.code == EntryCode.ACCRUAL else EVENT_TYPES[EventType[entry.code]]
    return {
        "entry": entry,
        "words": words,
        "postings": [
            (
                ACCOUNTS[Account(posting.debit_id)],
                ACCOUNTS[Account(posting.credit_id)],
                money(posting.amount_minor, loan.currency),
            )
            for posting in sorted(entry.postings.all(), key=lambda posting: posting.pk)
        ],
    }


def _transfer(transfer: Transfer, loan: Loan) -> dict[str, Any]:
    words, tint = TRANSFER_STATES[TransferState(transfer.state)]
    return {
        "transfer": transfer,
        "kind": TRANSFER_KINDS[TransferKind(transfer.kind)],
        "amount": money(transfer.amount_minor, loan.currency),
        "moved": money(transfer.moved_minor, loan.currency),
        "words": words,
        "tint": tint,
    }
