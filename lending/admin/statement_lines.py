"""Office pages of the lines of bank statements, and what is done about those in suspense."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from config.office.approvals import Act
from config.office.display import Alert, Card, Cell, Column, Facts, Page, Part, Table, chip, linked
from config.office.lists import Filter, ListColumn, choice_filter, value_filter
from config.office.pages import OfficeAdmin, name_of
from config.office.verbs import (
    TO_BE_GIVEN,
    Asked,
    Effects,
    ReasonForm,
    Verb,
    choice_field,
    number_field,
    reason_field,
    refused_by,
    text_field,
)
from config.office.words import Words, money, money_with_currency
from lending.admin.account_payment_verb import VERIFY
from lending.admin.bank_words import LINE_REASONS, REOPENING_REFUSALS, RESOLUTION_REFUSALS, RESOLUTIONS
from lending.admin.booking_effects import planned_effects
from lending.admin.loan_verbs import EVENT_REFUSALS, EVENT_WORDS
from lending.admin.words import ACCOUNTS
from lending.domain.books.bank_lines import (
    LineReason,
    Resolution,
    reopened_movement,
    resolve,
    resolved_movement,
)
from lending.domain.books.ledger import Account, Movement
from lending.models import Loan, StatementLine
from lending.models.bank import IS_NO_MORE, StatementLineQuerySet
from lending.operations.statement_lines import (
    LineNotReopened,
    LineNotResolved,
    reopen_line,
    reopening_act,
    repayment_of,
    resolution_act,
    resolve_line,
)
from lending.queries import bank_lines
from lending.queries.bank_lines import (
    get_reopening_refusal,
    get_resolution_refusal,
    order_of_line,
    parts_of,
)
from lending.queries.bank_orders import bank_names
from lending.queries.bookings import preview_booking
from merchants.domain.payout_account import mask_number

LINE_STATES: Final = {
    "suspense": (_("In suspense"), "tl-warn"),
    "matched": (_("Matched"), "tl-ok"),
    "resolved": (_("Resolved by a person"), "tl-ok"),
    "waits": (_("Not booked yet"), ""),
}


def line_state(line: StatementLine) -> str:
    """Say how far a line is, by the names of `LINE_STATES`."""
    if line.resolution:
        return "resolved"
    if line.contra_id is None:
        return "waits"
    if not line.amount_minor:
        return "matched"
    return "suspense" if line.contra_id == Account.SUSPENSE else "matched"


def _lines_in_state(rows: StatementLineQuerySet, state: str) -> QuerySet[StatementLine]:
    booked = rows.filter(resolution="")
    return {
        "suspense": rows.in_suspense(),
        "matched": booked.exclude(contra=Account.SUSPENSE).filter(contra__isnull=False),
        "resolved": rows.exclude(resolution=""),
        "waits": booked.filter(contra=None),
    }[state]


class ResolveForm(ReasonForm):
    field_order = ("resolution", "order", "loan", "reason")
    resolution = choice_field(_("What it is"), coerce=Resolution)
    order = text_field(_("Reference of the order"), longest=36, required=False)
    loan = number_field(_("Number of the loan"), required=False)
    reason = reason_field(_("How you know"))

    def prepare(self) -> None:
        part: Any = self.fields["resolution"]
        part.choices = [(one.value, words) for one, words in RESOLUTIONS.items()]


def _asked(asked: Asked) -> bank_lines.Asked:
    data = asked.data
    return bank_lines.Asked(resolution=data["resolution"], order=data["order"] or "", loan_id=data["loan"])


def _resolution_effects(line: StatementLine, asked: Asked) -> Effects:
    said = _asked(asked)
    refusal = get_resolution_refusal(line, said, reason=asked.data["reason"])
    if refusal is not None:
        return Effects(refusal=RESOLUTION_REFUSALS[refusal])
    found = resolve(said.resolution, line.amount_minor, order_of_line(line, said))
    moved = [resolved_movement(one.amount_minor, one.contra) for one in found]
    parts: list[Part] = [_postings(line, moved)]
    if said.resolution is Resolution.REPAYMENT and said.loan_id is not None:
        loan = Loan.objects.get(pk=said.loan_id)
        preview = preview_booking(loan, repayment_of(line, reason=asked.data["reason"]))
        if preview.plan is None:
            return Effects(refusal=EVENT_WORDS[preview.refusal])
        parts += planned_effects(preview.plan, loan)
    return Effects(parts=parts)


def _postings(line: StatementLine, moved: Sequence[Movement]) -> Table:
    columns = [Column(label=_("Debit")), Column(label=_("Credit")), Column(label=_("Amount"), number=True)]
    rows = [
        [ACCOUNTS[one.debit], ACCOUNTS[one.credit], money_with_currency(one.amount_minor, line.statement.currency)]
        for one in moved
    ]
    return Table(columns=columns, rows=rows)


def _what_the_bank_says(line: StatementLine, _asked: Asked) -> Sequence[Part]:
    """Show the line, so that nobody has to remember it."""
    facts: list[tuple[Words, object]] = [
        (_("Booked on"), line.booked_on),
        (_("Amount"), money_with_currency(line.amount_minor, line.statement.currency)),
        (_("Other side"), line.name or None),
        (_("Text"), line_text(line) or None),
    ]
    return [Facts(facts)]


def _reopening_effects(line: StatementLine, asked: Asked) -> Effects:
    refusal = get_reopening_refusal(line, reason=asked.data["reason"])
    if refusal is not None:
        return Effects(refusal=REOPENING_REFUSALS[refusal])
    moved = [reopened_movement(one.amount_minor, Account(str(one.contra_id))) for one in parts_of(line)]
    return Effects(parts=[_postings(line, moved)])


def _reopen(line: StatementLine, asked: Asked) -> StatementLine:
    return reopen_line(
        line_id=line.pk, reason=asked.data["reason"], actor=asked.actor, now=asked.now, approval=asked.approval
    )


def _resolve(line: StatementLine, asked: Asked) -> StatementLine:
    return resolve_line(
        line_id=line.pk,
        asked=_asked(asked),
        reason=asked.data["reason"],
        actor=asked.actor,
        now=asked.now,
        approval=asked.approval,
    )


def _resolution_act(line: StatementLine, asked: Asked) -> Act | None:
    return resolution_act(line, _asked(asked), reason=asked.data["reason"])


@admin.register(StatementLine)
class StatementLineAdmin(OfficeAdmin[StatementLine]):
    title = _("Statement lines")
    columns = (
        ListColumn(label=_("Booked on"), cell=lambda line: line.booked_on, style="tl-nowrap"),
        ListColumn(label=_("State"), cell=lambda line: chip(*LINE_STATES[line_state(line)])),
        ListColumn(label=_("Amount"), cell=lambda line: money(line.amount_minor, line.statement.currency), number=True,
                   sort="amount_minor"),
        ListColumn(label=_("Currency"), cell=lambda line: line.statement.currency),
        ListColumn(label=_("Other side"), cell=lambda line: Cell(text=line.name or None, note=_masked(line.number))),
        ListColumn(label=_("Text"), cell=lambda line: Cell(text=line_text(line))),
        ListColumn(label=_("Bank"), cell=lambda line: line.statement.bank),
    )  # fmt: skip
    filters = (
        Filter(
            name="state",
            label=_("state"),
            keep=_lines_in_state,  # type: ignore[arg-type] # of this model
            choices=lambda: ((name, words) for name, (words, _tint) in LINE_STATES.items()),
        ),
        choice_filter("reason", _("in suspense as"), LINE_REASONS),
        value_filter("bank", _("bank"), bank_names, field="statement__bank"),
    )
    list_related = ("statement",)
    related = ("statement", "transfer__loan")
    empty = _("No line yet. They come with the bank's statements.")
    verbs = (
        Verb(
            name="resolve",
            label=_("Say what it is"),
            right="lending.resolve_statementline",
            done=_("The line is resolved."),
            form=ResolveForm,
            effects=_resolution_effects,
            offered=lambda line: line_state(line) == "suspense",
            act=_resolution_act,
            call=_resolve,
            refusals={
                LineNotResolved: RESOLUTION_REFUSALS,
                **EVENT_REFUSALS,
            },
            is_primary=True,
            about=_what_the_bank_says,
        ),
        Verb(
            name="reopen",
            label=_("Put it back in suspense"),
            right="lending.resolve_statementline",
            done=_("The line is in suspense again."),
            note=_("For a line that was said to be something else than it is."),
            form=ReasonForm,
            about=_what_the_bank_says,
            effects=_reopening_effects,
            offered=lambda line: line_state(line) == "resolved",
            why_not=refused_by(
                lambda line, _asked: get_reopening_refusal(line, reason=TO_BE_GIVEN), REOPENING_REFUSALS
            ),
            act=lambda line, asked: reopening_act(line, reason=asked.data["reason"]),
            call=_reopen,
            refusals={LineNotReopened: REOPENING_REFUSALS},
        ),
        VERIFY,
    )

    def listed(self) -> QuerySet[StatementLine]:
        return super().listed().exclude(IS_NO_MORE)

    def page_of(self, row: StatementLine, request: HttpRequest) -> Page:
        currency = row.statement.currency
        facts: list[tuple[Words, object]] = [
            (_("Statement"), linked(row.statement)),
            (_("Booked on"), row.booked_on),
            (_("Value date"), row.value_on),
            (_("Other side"), row.name or None),
            (_("Its account"), _masked(row.number) or None),
            (_("Text"), line_text(row) or None),
            (_("Order named"), row.reference or None),
            (_("File named"), row.batch or None),
            (_("The bank's reference"), row.bank_reference or None),
            (_("Why it came back"), row.code or None),
        ]
        booked: list[tuple[Words, object]] = [
            (_("Against"), None if row.contra_id is None else ACCOUNTS[Account(row.contra_id)]),
            (_("Loan"), None if row.transfer is None else linked(row.transfer.loan)),
        ]
        if row.resolution:
            booked += [
                (_("What it is"), RESOLUTIONS[Resolution(row.resolution)]),
                (_("Said by"), name_of(row.resolved_by)),
                (_("Said at, UTC"), row.resolved_at),
                (_("How they know"), row.resolved_why),
            ]
        in_suspense = line_state(row) == "suspense"
        return Page(
            title=money_with_currency(row.amount_minor, currency),
            chips=[chip(*LINE_STATES[line_state(row)])],
            alerts=[Alert(text=LINE_REASONS[LineReason(row.reason)])] if in_suspense else [],
            cards=[
                Card(title=_("What the bank says"), parts=[Facts(facts)], span=7),
                Card(title=_("How it is booked"), parts=[Facts(booked)], span=5),
            ],
        )


def line_text(line: StatementLine) -> str:
    """Return what a line says."""
    return line.words or line.bank_reference


def _masked(number: str) -> str:
    return mask_number(number) if number else ""
