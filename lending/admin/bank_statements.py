"""Office pages of bank statements and their lines, and the queue of those in suspense."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.approvals import Act
from config.office.display import Alert, Button, Card, Cell, Column, Facts, Figure, Page, Table, chip, linked
from config.office.lists import Filter, ListColumn, choice_filter, value_filter
from config.office.pages import OfficeAdmin, name_of
from config.office.verbs import (
    TO_BE_GIVEN,
    Asked,
    Effects,
    Verb,
    choice_field,
    number_field,
    reason_field,
    refused_by,
    text_field,
)
from config.office.words import Words, money, money_with_currency
from lending.admin.bank_words import GAP_REFUSALS, LINE_REASONS, RESOLUTION_REFUSALS, RESOLUTIONS
from lending.admin.loan_forms import ReasonForm
from lending.admin.words import ACCOUNTS, BOOKING_REFUSALS, LOAN_REFUSALS
from lending.domain.books.bank_lines import (
    LineReason,
    Resolution,
    resolved_movement,
    resolved_to,
)
from lending.domain.books.ledger import Account
from lending.models import BankStatement, StatementLine
from lending.models.bank import StatementLineQuerySet
from lending.operations.bank_statements import (
    LineNotResolved,
    StatementNotBooked,
    book_after_gap,
    gap_act,
    resolution_act,
    resolve_line,
)
from lending.operations.loans import EventNotBooked
from lending.queries import bank_lines
from lending.queries.bank_lines import (
    gap_before,
    get_gap_refusal,
    get_resolution_refusal,
    order_of_line,
    overtaken_of,
)
from lending.queries.bank_orders import bank_names
from merchants.domain.payout_account import mask_number, without_numbers

LINES_SHOWN: Final = 200
BOOKED, WAITS, OVERTAKEN = (_("Booked"), "tl-ok"), (_("Waits"), "tl-warn"), (_("Overtaken"), "")
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


def _states_of(statements: Sequence[BankStatement]) -> list[tuple[Words, str]]:
    waiting, states = overtaken_of(statements), {False: WAITS, True: OVERTAKEN, None: BOOKED}
    return [states[waiting.get(one.pk)] for one in statements]


def _asked(asked: Asked) -> bank_lines.Asked:
    data = asked.data
    return bank_lines.Asked(resolution=data["resolution"], order=data["order"] or "", loan_id=data["loan"])


def _resolution_effects(line: StatementLine, asked: Asked) -> Effects:
    said = _asked(asked)
    refusal = get_resolution_refusal(line, said, reason=asked.data["reason"])
    if refusal is not None:
        return Effects(refusal=RESOLUTION_REFUSALS[refusal])
    order = order_of_line(line, said)
    moved = resolved_movement(line.amount_minor, resolved_to(said.resolution, line.amount_minor, order))
    currency = line.statement.currency
    columns = [Column(label=_("Debit")), Column(label=_("Credit")), Column(label=_("Amount"), number=True)]
    rows = [[ACCOUNTS[moved.debit], ACCOUNTS[moved.credit], money_with_currency(moved.amount_minor, currency)]]
    return Effects(parts=[Table(columns=columns, rows=rows)])


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
        ListColumn(label=_("Text"), cell=lambda line: Cell(text=_text(line))),
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
                EventNotBooked: {**BOOKING_REFUSALS, **LOAN_REFUSALS},
            },
            is_primary=True,
        ),
    )

    def page_of(self, row: StatementLine, request: HttpRequest) -> Page:
        currency = row.statement.currency
        facts: list[tuple[Words, object]] = [
            (_("Statement"), linked(row.statement)),
            (_("Booked on"), row.booked_on),
            (_("Value date"), row.value_on),
            (_("Other side"), row.name or None),
            (_("Its account"), _masked(row.number) or None),
            (_("Text"), _text(row) or None),
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


def _text(line: StatementLine) -> str:
    return without_numbers(line.words) or line.bank_reference


def _masked(number: str) -> str:
    return mask_number(number) if number else ""


def _gap_effects(statement: BankStatement, asked: Asked) -> Effects:
    refusal = get_gap_refusal(statement, reason=asked.data["reason"])
    if refusal is not None:
        return Effects(refusal=GAP_REFUSALS[refusal])
    said = _t("%(amount)s goes into suspense, to be explained.")
    return Effects(
        parts=[Facts([(_("Missing before it"), money_with_currency(gap_before(statement), statement.currency))])],
        warning=said % {"amount": money_with_currency(gap_before(statement), statement.currency)},
    )


def _book_after_gap(statement: BankStatement, asked: Asked) -> BankStatement:
    return book_after_gap(
        statement_id=statement.pk,
        reason=asked.data["reason"],
        actor=asked.actor,
        now=asked.now,
        approval=asked.approval,
    )


@admin.register(BankStatement)
class BankStatementAdmin(OfficeAdmin[BankStatement]):
    title = _("Bank statements")
    columns = (
        ListColumn(label=_("Statement"), cell=lambda row: row[0].statement_id),
        ListColumn(label=_("State"), cell=lambda row: chip(*row[1])),
        ListColumn(label=_("Bank"), cell=lambda row: row[0].bank),
        ListColumn(label=_("Closed on"), cell=lambda row: row[0].closed_on, style="tl-nowrap"),
        ListColumn(label=_("Opening"), cell=lambda row: money(row[0].opening_minor, row[0].currency), number=True),
        ListColumn(label=_("Closing"), cell=lambda row: money(row[0].closing_minor, row[0].currency), number=True),
        ListColumn(label=_("Currency"), cell=lambda row: row[0].currency),
        ListColumn(label=_("Lines"), cell=lambda row: row[0].number_of_lines, number=True),
    )
    filters = (
        Filter(
            name="state",
            label=_("state"),
            keep=lambda rows, state: rows.filter(booked_at__isnull=state == "waits"),
            choices=lambda: (("booked", BOOKED[0]), ("waits", WAITS[0])),
        ),
        value_filter("bank", _("bank"), bank_names),
    )
    related = ("file",)
    empty = _("No statement yet. They come in the files of banks.")
    verbs = (
        Verb(
            name="book_after_gap",
            label=_("Book it without those before"),
            right="lending.book_bankstatement",
            done=_("The statement is booked; what is missing before it is in suspense."),
            note=_("For a statement whose predecessor the bank cannot send any more."),
            form=ReasonForm,
            effects=_gap_effects,
            offered=lambda one: one.booked_at is None,
            why_not=refused_by(lambda one, _asked: get_gap_refusal(one, reason=TO_BE_GIVEN), GAP_REFUSALS),
            act=lambda one, asked: gap_act(one, reason=asked.data["reason"]),
            call=_book_after_gap,
            refusals={StatementNotBooked: GAP_REFUSALS},
        ),
    )

    def prepare(self, rows: list[BankStatement]) -> Sequence[Any]:
        return list(zip(rows, _states_of(rows), strict=True))

    def listed(self) -> QuerySet[BankStatement]:
        return super().listed().annotate(number_of_lines=Count("lines"))

    def page_of(self, row: BankStatement, request: HttpRequest) -> Page:
        lines = row.lines.select_related("transfer__loan").order_by("place", "part")
        number = lines.count()
        columns = [
            Column(label=_("Booked on"), style="tl-nowrap"),
            Column(label=_("Amount"), number=True),
            Column(label=_("Against")),
            Column(label=_("Loan")),
            Column(label=_("Text")),
        ]
        rows = [
            [
                linked(one, str(one.booked_on)),
                money(one.amount_minor, row.currency),
                chip(*LINE_STATES["suspense"]) if line_state(one) == "suspense" else _against(one, ACCOUNTS),
                None if one.transfer is None else linked(one.transfer.loan),
                _text(one),
            ]
            for one in lines[:LINES_SHOWN]
        ]
        every = Button(
            label=_("All lines of this bank"),
            url=f"{reverse('admin:lending_statementline_changelist')}?bank={row.bank}",
            is_primary=False,
        )
        gap = gap_before(row)
        waits = _t("It opens %(amount)s above the last statement that is booked: those before it are missing.")
        [state] = _states_of([row])
        alerts = (
            [Alert(text=waits % {"amount": money_with_currency(gap, row.currency)})] if state is WAITS and gap else []
        )
        return Page(
            title=_t("Statement %(id)s") % {"id": row.statement_id},
            chips=[chip(*state)],
            sub=[linked(row.file, row.file.name), row.currency],
            alerts=alerts,
            figures=[
                Figure(label=_("Closed on"), value=row.closed_on),
                Figure(label=_("Opening"), value=money(row.opening_minor, row.currency)),
                Figure(label=_("Moved"), value=money(row.closing_minor - row.opening_minor, row.currency)),
                Figure(label=_("Closing"), value=money(row.closing_minor, row.currency)),
            ],
            cards=[
                Card(
                    title=_t("Lines: %(n)s") % {"n": f"{number:,}"},
                    parts=[Table(columns=columns, rows=rows, empty=_("Nothing moved."))],
                    buttons=[every],
                )
            ],
        )


def _against(line: StatementLine, words: Mapping[Account, Words]) -> Words | None:
    return None if line.contra_id is None else words[Account(line.contra_id)]
