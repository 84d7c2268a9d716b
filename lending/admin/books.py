"""Office pages of the books: trial balance, income statement and balance sheet, each figure a link to its postings."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import ClassVar, Final

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.business_date import get_business_date
from config.office.display import Alert, Button, Card, Cell, Column, Page, Row, Table, Text
from config.office.pages import OfficeAdmin
from config.office.words import Words, money
from lending.admin.words import ACCOUNT_KINDS, ACCOUNTS
from lending.domain.books.journal import DAY
from lending.domain.books.ledger import KINDS
from lending.domain.books.statements import TrialLine, balance_sheet_of, income_statement_of
from lending.models import LedgerAccount
from lending.queries.closes import last_proven_day
from lending.queries.ledger import trial_balance

FIRST, LAST = "from", "until"
EMPTY: Final = _("Nothing is booked: this appears with the first loan that is paid out.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The dates that a page is about, both included; first: None for a page that is as of a date."""

    first: date | None
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodChoice:
    """Dates to choose, and what else the address asks for, which stays."""

    template: ClassVar[str] = "lending/period_choice.html"
    dates: Sequence[tuple[str, Words, date]]
    kept: Sequence[tuple[str, str]] = ()


def journal_of(period: Period, line: TrialLine, side: str = "account") -> str:
    """Return the address of the journal with the postings that make a figure. side: account, debit or credit."""
    asked = {side: line.account.value, "currency": line.currency}
    if period.first is not None:
        asked[FIRST] = period.first.isoformat()
    asked[LAST] = period.last.isoformat()
    return f"{reverse('admin:lending_posting_changelist')}?{urlencode(asked)}"


@admin.register(LedgerAccount)
class LedgerAccountAdmin(OfficeAdmin[LedgerAccount]):
    list_page = None

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name="lending_ledgeraccount_changelist"),
            path("income/", wrap(self.income_view), name="lending_ledgeraccount_income"),
            path("sheet/", wrap(self.sheet_view), name="lending_ledgeraccount_sheet"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:
        """Show the accounts with their balances before, in and after a period."""
        return self._show(request, _("Trial balance"), _trial_cards)

    def income_view(self, request: HttpRequest) -> HttpResponse:
        """Show what a period earned and lost."""
        return self._show(request, _("Income statement"), _income_cards)

    def sheet_view(self, request: HttpRequest) -> HttpResponse:
        """Show what is owned and owed after a day."""
        return self._show(request, _("Balance sheet"), _sheet_cards, is_as_of=True)

    def _show(
        self,
        request: HttpRequest,
        title: Words,
        cards: Callable[[Period], list[Card]],
        *,
        is_as_of: bool = False,
    ) -> HttpResponse:
        self.require_view(request)
        period = _asked(request.GET, is_as_of=is_as_of)
        dates = [] if period.first is None else [(FIRST, _("From"), period.first)]
        backwards = period.first is not None and period.first > period.last
        proven = last_proven_day()
        page = Page(
            title=title,
            sub=[
                _t("as of the end of %(day)s") % {"day": period.last} if is_as_of else None,
                _t("books proven up to %(day)s") % {"day": proven} if proven else _t("no day is proven yet"),
                _t("debits positive") if cards is _trial_cards else None,
            ],
            alerts=[Alert(text=_("The period ends before it begins."))] if backwards else [],
            form=PeriodChoice(dates=[*dates, (LAST, _("As of") if is_as_of else _("Until"), period.last)]),
            buttons=statements(period, without=request.path),
            cards=[] if backwards else cards(period) or [Card(title=title, parts=[Text(EMPTY)])],
        )
        return self.show(request, page)


def _asked(asked: QueryDict, *, is_as_of: bool) -> Period:
    """Return the period that the address asks for; without one, this month so far. Raises Http404."""
    try:
        given = {name: date.fromisoformat(str(asked[name])) for name in (FIRST, LAST) if asked.get(name)}
    except ValueError as error:
        raise Http404 from error
    last = given.get(LAST) or get_business_date() or timezone.now().date()
    return Period(first=None if is_as_of else given.get(FIRST, last.replace(day=1)), last=last)


def statements(period: Period, *, without: str = "") -> list[Button]:
    """Return links to the pages of the books for a period, but for one that is at an address."""
    pages = (
        ("changelist", _("Trial balance")),
        ("income", _("Income statement")),
        ("sheet", _("Balance sheet")),
    )
    dates = {LAST: str(period.last)}
    if period.first is not None:
        dates[FIRST] = str(period.first)
    addresses = [(label, reverse(f"admin:lending_ledgeraccount_{name}")) for name, label in pages]
    return [
        Button(label=label, url=f"{address}?{urlencode(dates)}", is_primary=False)
        for label, address in addresses
        if address != without
    ]


def _by_currency(lines: Iterable[TrialLine]) -> list[tuple[str, list[TrialLine]]]:
    return [(currency, list(found)) for currency, found in groupby(lines, key=lambda line: line.currency)]


def _trial_cards(period: Period) -> list[Card]:
    return trial_cards(trial_balance(period.first or period.last, period.last), period)


def trial_cards(lines: Iterable[TrialLine], period: Period) -> list[Card]:
    """Show the trial balance of a period by currency; each figure is a link to what makes it."""
    first = period.first or period.last
    columns = [
        Column(label=_("Account")),
        Column(label=_("Kind")),
        Column(label=_("Opening"), number=True),
        Column(label=_("Debit"), number=True),
        Column(label=_("Credit"), number=True),
        Column(label=_("Closing"), number=True),
    ]
    before, through = Period(first=None, last=first - DAY), Period(first=None, last=period.last)
    cards = []
    for currency, found in _by_currency(lines):
        rows = [
            [
                ACCOUNTS[line.account],
                ACCOUNT_KINDS[KINDS[line.account]],
                _figure(line.opening_minor, line, before),
                _figure(line.debit_minor, line, period, "debit"),
                _figure(line.credit_minor, line, period, "credit"),
                _figure(line.closing_minor, line, through),
            ]
            for line in found
        ]
        names = ("opening_minor", "debit_minor", "credit_minor", "closing_minor")
        sums = [money(sum(getattr(line, name) for line in found), currency) for name in names]
        cards.append(
            Card(title=currency, parts=[Table(columns=columns, rows=rows, foot=[Row(cells=[_("Total"), *sums])])])
        )
    return cards


def _income_cards(period: Period) -> list[Card]:
    cards = []
    for currency, lines in _by_currency(trial_balance(period.first or period.last, period.last)):
        stated = income_statement_of(lines)
        rows = [_stated(line, minor, period) for line, minor in stated.lines]
        cards.append(_statement(currency, rows, [(_("Result of the period"), stated.result_minor)]))
    return cards


def _sheet_cards(period: Period) -> list[Card]:
    cards = []
    for currency, lines in _by_currency(trial_balance(period.last, period.last)):
        sheet = balance_sheet_of(lines)
        rows = [_stated(line, minor, period) for line, minor in (*sheet.assets, *sheet.liabilities)]
        feet = [
            (_("Assets"), sheet.assets_minor),
            (_("Liabilities"), sheet.liabilities_minor),
            (_("Result to date"), sheet.result_minor),
            (_("Liabilities and result"), sheet.liabilities_minor + sheet.result_minor),
        ]
        cards.append(_statement(currency, rows, feet))
    return cards


def _statement(currency: str, rows: Sequence[Sequence[object]], feet: Sequence[tuple[Words, int]]) -> Card:
    columns = [Column(label=_("Account")), Column(label=_("Kind")), Column(label=currency, number=True)]
    foot = [Row(cells=[label, money(minor, currency)]) for label, minor in feet]
    return Card(title=currency, parts=[Table(columns=columns, rows=rows, empty=_("Nothing."), foot=foot)], span=6)


def _stated(line: TrialLine, minor: int, period: Period) -> list[object]:
    return [ACCOUNTS[line.account], ACCOUNT_KINDS[KINDS[line.account]], _figure(minor, line, period)]


def _figure(minor: int, line: TrialLine, period: Period, side: str = "account") -> Cell:
    """Show a figure as a link to what makes it; nothing makes a side that is 0."""
    if side != "account" and not minor:
        return Cell(text=money(0, line.currency))
    return Cell(text=money(minor, line.currency), link=journal_of(period, line, side))
