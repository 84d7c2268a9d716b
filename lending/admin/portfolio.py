"""Office pages of the portfolio: its reports as of any day, the list behind each figure, and the pack of a month."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.business_date import current_day
from config.office.display import (
    SERIES,
    Alert,
    Button,
    Card,
    Cell,
    Chart,
    Column,
    Page,
    Part,
    Table,
    Text,
    bars,
    lines,
)
from config.office.pages import OfficeAdmin
from config.office.words import HUNDREDTH, Words, in_words, money, percent
from lending.admin.books import PeriodChoice
from lending.admin.portfolio_loans import LentLoans
from lending.admin.words import GROUNDS
from lending.domain.books.portfolio import FIRST_DAY, LAST_DAY, Dimension, Report, Share
from lending.domain.books.report_table import Figure, ListName, ReportTable
from lending.domain.origination.rules import Ground
from lending.gateways.report_files import write_pdf, write_workbook
from lending.models import LoanOrigin
from lending.queries.closes import closed_to, last_closed_day
from lending.queries.portfolio import lent_currencies
from lending.queries.portfolio_figures import dimensions_of
from lending.queries.portfolio_pack import file_name, is_kept, last_month_end, pack_of, title_of
from lending.queries.portfolio_questions import DIMENSIONS, REPORT_NAMES, Question
from lending.queries.portfolio_reports import tables_of

ON, BY, CURRENCY, VALUE, KIND = "on", "by", "currency", "value", "kind"
NAMED: Final = "lending_loanorigin"
LISTS: Final[Mapping[ListName, str]] = {
    ListName.RUNNING: "admin:lending_loanspell_loans",
    ListName.LENT: f"admin:{NAMED}_loans",
    ListName.OFFERS: "admin:lending_offer_changelist",
}
KINDS: Final[Mapping[str, tuple[Words, str]]] = {
    "pdf": (_("PDF"), "application/pdf"),
    "xlsx": (_("Workbook"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
EMPTY: Final = _("No loan was paid out by this day. Reports begin with the first loan that is.")
UNSAID: Final = _("not given")


def ground_words(ground: str) -> Words:
    """Say the rule of a decision; one that is gone, by its name."""
    return GROUNDS[Ground(ground)] if ground in set(Ground) else in_words(ground.lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the address of a report asks for."""

    report: Report
    question: Question

    @property
    def parts(self) -> dict[str, str]:
        """What the address says, by name."""
        asked = self.question
        return {ON: str(asked.on), CURRENCY: asked.currency, BY: asked.dimension.value, VALUE: asked.value}

    def url(self, changed: Mapping[str, str], report: Report | None = None) -> str:
        """Return the address of this report, or of another as of the same day, with something else asked for."""
        parts = self.parts if report in {None, self.report} and not changed else {**self.parts, VALUE: ""}
        asked = {name: text for name, text in {**parts, **changed}.items() if text}
        return f"{address_of(report or self.report)}?{urlencode(asked)}"


def address_of(report: Report) -> str:
    """Return the address of a report's page."""
    return reverse(f"admin:{NAMED}_{'changelist' if report is Report.RISK else report.value}")


@admin.register(LoanOrigin)
class LoanOriginAdmin(LentLoans, OfficeAdmin[LoanOrigin]):
    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        others = [report for report in Report if report is not Report.RISK]
        return [
            path("", wrap(self.report_view), {"report": Report.RISK}, f"{NAMED}_changelist"),
            *(path(f"{one.value}/", wrap(self.report_view), {"report": one}, f"{NAMED}_{one.value}") for one in others),
            *self.list_urls("loans/"),
            path("pack/", wrap(self.pack_view), name=f"{NAMED}_pack"),
        ]

    def report_view(self, request: HttpRequest, report: Report) -> HttpResponse:
        """Show a report as of a day; without one, as of the last day that is closed."""
        self.require_view(request)
        today = current_day(timezone.now())
        asked = _asked(report, request.GET, today)
        is_ahead = asked.question.on > today
        tables = [] if is_ahead else tables_of(report, asked.question)
        has_rows = any(table.rows for table in tables)
        shown = list(_cards(asked, tables)) if has_rows else [Card(title=REPORT_NAMES[report], parts=[Text(EMPTY)])]
        kept = [(name, text) for name, text in asked.parts.items() if name != ON]
        page = Page(
            title=REPORT_NAMES[report],
            sub=[_t("as of %(day)s, after what is booked for it") % {"day": asked.question.on}],
            alerts=list(_alerts(asked.question.on, is_ahead=is_ahead)),
            form=PeriodChoice(dates=[(ON, _("As of"), asked.question.on)], kept=kept),
            buttons=list(_pack_buttons()),
            cards=[_navigation(asked), *([] if is_ahead else shown)],
        )
        return self.show(request, page)

    def pack_view(self, request: HttpRequest) -> HttpResponse:
        """Send the pack of the last month that is over, if its figures are kept."""
        self.require_view(request)
        on, kind = last_month_end(), str(request.GET.get(KIND))
        if on is None or kind not in KINDS or not is_kept(on):
            messages.error(request, _("There is no such pack: the close of a month's last day makes it possible."))
            return redirect(address_of(Report.RISK))
        sections = [(one.name, one.currency, one.tables) for one in pack_of(on, grounds=ground_words)]
        content = write_pdf(title_of(on), sections) if kind == "pdf" else write_workbook(sections)
        answer = HttpResponse(content, content_type=KINDS[kind][1])
        answer["Content-Disposition"] = f'attachment; filename="{file_name(on, kind)}"'
        return answer


def _asked(report: Report, asked: QueryDict, today: date) -> Asked:
    """Read what the address asks for. Raises Http404."""
    currencies = lent_currencies() or [""]
    try:
        on = date.fromisoformat(str(asked[ON])) if asked.get(ON) else last_closed_day() or today
        dimension = Dimension(str(asked.get(BY) or Dimension.ALL))
    except ValueError as error:
        raise Http404 from error
    currency = str(asked.get(CURRENCY) or currencies[0])
    if currency not in currencies or not FIRST_DAY <= on <= LAST_DAY:
        raise Http404
    if dimension not in dimensions_of(report):
        dimension = Dimension.ALL
    question = Question(
        on=on, currency=currency, dimension=dimension, value=str(asked.get(VALUE, "")), grounds=ground_words
    )
    return Asked(report=report, question=question)


def _alerts(on: date, *, is_ahead: bool) -> Iterator[Alert]:
    reached = closed_to()
    if is_ahead:
        yield Alert(text=_("This day has not come yet."))
    elif reached is None or reached <= on:
        yield Alert(text=_("This day is not closed: what is collected and booked for it is still to come."))


def _pack_buttons() -> Iterator[Button]:
    on = last_month_end()
    if on is None:
        return
    why = None if is_kept(on) else _("The figures of the month are not kept yet: the next close keeps them.")
    for kind, (words, _type) in KINDS.items():
        label = _t("Pack of %(month)s, %(kind)s") % {"month": f"{on:%Y-%m}", "kind": words}
        url = f"{reverse(f'admin:{NAMED}_pack')}?{urlencode({KIND: kind})}"
        yield Button(label=label, url=url, why=why, is_primary=False)


def _navigation(asked: Asked) -> Card:
    reports = [(asked.url({}, one), REPORT_NAMES[one], one is asked.report) for one in Report]
    return Card(title=_("Reports"), parts=[], tabs=reports)


def _cards(asked: Asked, tables: list[ReportTable]) -> Iterator[Card]:
    question = asked.question
    split = dimensions_of(asked.report)
    tabs = [(asked.url({BY: one.value}), DIMENSIONS[one], one is question.dimension) for one in split]
    currencies = [(asked.url({CURRENCY: one}), one, one == question.currency) for one in lent_currencies()]
    if len(split) > 1 or len(currencies) > 1:
        shown = [*(tabs if len(split) > 1 else []), *(currencies if len(currencies) > 1 else [])]
        yield Card(title=_("By"), parts=[], tabs=shown)
    for place, table in enumerate(tables):
        note = [Text(table.note, "tl-note")] if table.note else []
        title = f"{table.title}: {question.value}" if question.value and table.lines else table.title
        yield Card(
            title=f"{title}, {table.currency}",
            parts=[*_chart(table, place), _table(asked, table), *note],
        )


def _chart(table: ReportTable, place: int) -> list[Part]:
    drawn = [line for line in table.lines if any(height is not None for height in line.heights)]
    if not drawn or len(table.labels) < 2:  # noqa: PLR2004 - of one there is nothing to compare
        return []
    series = [(line.name, line.heights, SERIES[number]) for number, line in enumerate(drawn)]
    data: dict[str, Any] = bars(table.labels, *series, ends=True) if table.bars else lines(table.labels, *series, low=0)
    if table.in_percent:
        data |= {"decimals": 1, "unit": " %"}
    return [Chart(name=f"report-{place}", label=_t("%(title)s, as in the table") % {"title": table.title}, data=data)]


def _table(asked: Asked, table: ReportTable) -> Table:
    first, *others = table.columns
    texts = {
        place
        for row in table.rows
        for place, figure in enumerate(row)
        if isinstance(figure.value, str) and figure.value
    }
    columns = [
        Column(label=first, style="tl-nowrap"),
        *(Column(label=name, number=place not in texts) for place, name in enumerate(others, 1)),
    ]
    rows = [[_cell(asked, figure, table.currency) for figure in row] for row in table.rows]
    return Table(columns=columns, rows=rows, empty=_("Nothing of this kind."))


def _cell(asked: Asked, figure: Figure, currency: str) -> object:
    note = "" if figure.number is None else f"n {figure.number:,}"
    link = None if figure.behind is None else listed(figure.behind.of, figure.behind.asked)
    if figure.asked is not None:
        link = asked.url(figure.asked)
    value: object = figure.value
    if isinstance(figure.value, Share):
        value = percent(*figure.value, HUNDREDTH)
    elif isinstance(figure.value, int):
        value = money(figure.value, currency) if figure.is_money else f"{figure.value:,}"
    elif figure.value == "-":
        value = UNSAID
    return Cell(text=value, link=link, note=note, tag="figure" if figure.behind else "")


def listed(of: ListName, asked: Mapping[str, str]) -> str:
    """Return the address of the list behind a figure."""
    return f"{reverse(LISTS[of])}?{urlencode(asked)}"
