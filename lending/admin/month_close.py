"""Office pages of closed months, and closing the next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Final

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.display import Cell, Column, Page, Part, Table, chip, version_card
from config.office.lists import ListColumn
from config.office.pages import OfficeAdmin, name_of, named
from config.office.verbs import Asked, Effects, Verb, VerbForm, choice_field
from config.office.words import Words, money
from lending.admin.books import Period, statements, trial_cards
from lending.admin.words import MONTH_REFUSALS
from lending.domain.books.ledger import Account
from lending.domain.books.month_close import last_day_of
from lending.domain.books.statements import income_statement_of
from lending.models import MonthClose
from lending.operations.month_close import MonthNotClosed, close_month, month_act
from lending.queries.month_closes import get_month_refusal, is_as_booked, kept_trial, open_months, trial_of


class MonthForm(VerbForm):
    month = choice_field(_("Month"), coerce=date.fromisoformat)

    def prepare(self) -> None:
        months = [(month.isoformat(), f"{month:%Y-%m}") for month in open_months()]
        self.fields["month"].choices = months  # type: ignore[attr-defined] # of a choice field


def _effects(_row: None, asked: Asked) -> Effects:
    month: date = asked.data["month"]
    refusal = get_month_refusal(month)
    if refusal is not None:
        return Effects(refusal=MONTH_REFUSALS[refusal])
    warning = _(
        "Nothing is booked with a date of this month any more, and there is no way back: what turns up later is booked "
        "in the open month."
    )
    return Effects(parts=_summary(month), warning=warning)


def _summary(month: date) -> Sequence[Part]:
    """Show what the month comes to, by currency."""
    columns = [
        Column(label=_("Currency")),
        Column(label=_("Debited and credited"), number=True),
        Column(label=_("Result of the month"), number=True),
        Column(label=_("Of it, provided"), number=True),
    ]
    rows = []
    for currency, found in groupby(trial_of(month), key=lambda line: line.currency):
        lines = list(found)
        provided = sum(
            line.credit_minor - line.debit_minor for line in lines if line.account is Account.PROVISION_EXPENSE
        )
        amounts = (sum(line.debit_minor for line in lines), income_statement_of(lines).result_minor, provided)
        rows.append([currency, *(money(minor, currency) for minor in amounts)])
    return [Table(columns=columns, rows=rows, empty=_("Nothing was booked in this month."))]


def _why_not(_row: None, _asked: Asked) -> Words | None:
    if open_months():
        return None
    return _("No month can be closed yet: the first is one whose provisions are booked.")


CLOSE: Final = Verb(
    name="close",
    label=_("Close a month"),
    right="lending.add_monthclose",
    form=MonthForm,
    note=_("Its days have to be proven and its provisions booked. The trial balance is kept with the close."),
    why_not=_why_not,
    effects=_effects,
    preview_label=_("Show what it comes to"),
    act=lambda _row, asked: month_act(asked.data["month"]),
    call=lambda _row, asked: close_month(
        month=asked.data["month"], actor=asked.actor, now=asked.now, approval=asked.approval
    ),
    done=_("The month is closed."),
    refusals={MonthNotClosed: MONTH_REFUSALS},
    is_primary=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    close: MonthClose
    closed_by: str | None
    approved_by: str | None


def _statements(close: MonthClose) -> Cell:
    first, *others = (Cell(text=one.label, link=one.url) for one in statements(_period(close)))
    return replace(first, more=others)


def _period(close: MonthClose) -> Period:
    return Period(first=close.month, last=last_day_of(close.month))


@admin.register(MonthClose)
class MonthCloseAdmin(OfficeAdmin[MonthClose]):
    title = _("Closed months")
    columns = (
        ListColumn(label=_("Month"), cell=lambda row: str(row.close), style="tl-nowrap"),
        ListColumn(label=_("Closed, UTC"), cell=lambda row: row.close.closed_at, style="tl-nowrap"),
        ListColumn(label=_("By"), cell=lambda row: row.closed_by),
        ListColumn(label=_("Approved by"), cell=lambda row: row.approved_by),
        ListColumn(label=_("Statements"), cell=lambda row: _statements(row.close)),
    )
    list_verbs = (CLOSE,)
    empty = _(
        "No month is closed yet. The first that can be is one whose provisions are booked; what is before it is locked "
        "with it."
    )

    def prepare(self, rows: list[MonthClose]) -> Sequence[_Listed]:
        names = named(actor for row in rows for actor in (row.closed_by, row.approved_by))
        return [_Listed(close=row, closed_by=names[row.closed_by], approved_by=names[row.approved_by]) for row in rows]

    def page_of(self, row: MonthClose, request: HttpRequest) -> Page:
        agrees = is_as_booked(row, trial_of(row.month))
        closed = {"at": f"{row.closed_at:%Y-%m-%d %H:%M}", "who": name_of(row.closed_by)}
        approved = name_of(row.approved_by)
        note = _("What the close keeps. Each figure leads to the postings that make it in the ledger as it is now.")
        return Page(
            title=_t("Closed month %(month)s") % {"month": row},
            chips=[
                chip(_("As in the ledger"), "tl-ok") if agrees else chip(_("The ledger has changed since"), "tl-bad")
            ],
            sub=[
                _t("closed %(at)s UTC by %(who)s") % closed,
                None if approved is None else _t("approved by %(who)s") % {"who": approved},
            ],
            lead=note,
            buttons=statements(_period(row)),
            cards=[*trial_cards(kept_trial(row), _period(row)), version_card(_("Trial balance"), row.sha256)],
        )
