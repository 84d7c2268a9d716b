"""Office pages of bank statements and their lines, and the queue of those in suspense."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.business_date import current_day
from config.office.display import Alert, Button, Card, Column, Facts, Figure, Page, Table, chip, linked
from config.office.lists import Filter, ListColumn, value_filter
from config.office.pages import OfficeAdmin
from config.office.verbs import (
    TO_BE_GIVEN,
    Asked,
    Effects,
    ReasonForm,
    Verb,
    refused_by,
)
from config.office.words import Words, money, money_with_currency
from lending.admin.bank_words import GAP_REFUSALS
from lending.admin.statement_lines import LINE_STATES, line_state, line_text
from lending.admin.words import ACCOUNTS
from lending.domain.books.ledger import Account
from lending.models import BankStatement, StatementLine
from lending.models.bank import IS_NO_MORE
from lending.operations.bank_statements import (
    StatementNotBooked,
    book_after_gap,
    gap_act,
)
from lending.queries.bank_lines import (
    gap_before,
    get_gap_refusal,
    overtaken_of,
)
from lending.queries.bank_orders import bank_names
from lending.queries.bank_queue import blocked_statements

LINES_SHOWN: Final = 200
BOOKED, WAITS, OVERTAKEN = (_("Booked"), "tl-ok"), (_("Waits"), "tl-warn"), (_("Overtaken"), "")


def _states_of(statements: Sequence[BankStatement]) -> list[tuple[Words, str]]:
    waiting, states = overtaken_of(statements), {False: WAITS, True: OVERTAKEN, None: BOOKED}
    return [states[waiting.get(one.pk)] for one in statements]


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


def _in_state(rows: QuerySet[BankStatement], state: str) -> QuerySet[BankStatement]:
    if state == "blocked":
        return rows.filter(pk__in=blocked_statements(on=current_day(timezone.now())).values("pk"))
    return rows.filter(booked_at__isnull=state == "waits")


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
            keep=_in_state,
            choices=lambda: (("booked", BOOKED[0]), ("waits", WAITS[0]), ("blocked", _("Waits for an earlier one"))),
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
        shown = row.lines.exclude(IS_NO_MORE)
        lines = shown.select_related("transfer__loan").order_by("place", "part")
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
                line_text(one),
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
