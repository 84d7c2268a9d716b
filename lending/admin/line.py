"""Office pages of credit lines: what is drawn, what is left, what happened; and drawing for a merchant."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.actors import SYSTEM
from config.office.business_date import get_business_date
from config.office.display import (
    Alert,
    Card,
    Cell,
    Column,
    Facts,
    Figure,
    Page,
    Part,
    Table,
    Text,
    chip,
    grade_chip,
    linked,
)
from config.office.lists import Filter, ListColumn, Search, choice_filter
from config.office.pages import OfficeAdmin, name_over, named
from config.office.verbs import TO_BE_GIVEN, Asked, Effects, ReasonForm, Refusals, Verb, refused_by
from config.office.words import Words, money, money_with_currency
from lending.admin.calendar import CALENDAR_REFUSALS
from lending.admin.evidence import EVIDENCE, EvidenceForm, applied, months_asked, quoted
from lending.admin.words import (
    APPLICATION_REFUSALS,
    APPLIED,
    DRAW_REFUSALS,
    LINE_EVENTS,
    LINE_REFUSALS,
    LINE_STATES,
    LOAN_STATUSES,
    NO_OFFERS,
    OPENS,
    SINGLE_REFUSALS,
    months_words,
)
from lending.domain.books.loan import LoanStatus
from lending.domain.origination.application import ApplicationRefusal, ApplicationState
from lending.domain.origination.assessment import NoOffer
from lending.domain.origination.calendars import CalendarRefusal
from lending.domain.origination.kinds.kind import Opening
from lending.domain.origination.line import (
    DrawRefusal,
    LineEventType,
    LineState,
    judge_close,
    judge_freeze,
    judge_unfreeze,
)
from lending.models import Application, Line, LineEvent, Loan
from lending.operations.lines import LineNotMoved, NotDrawn, close_line, draw_on_line, freeze_line, unfreeze_line
from lending.queries.lines import (
    StandingLine,
    drawable_of,
    events_of,
    get_line_refusal,
    loans_of,
    loans_under,
    quote_draw,
    unreviewed_lines,
    waiting_draws,
    with_standings,
)
from lending.queries.search import search_lines
from scoring.operations.single import MerchantNotScored

SHOWN: Final = 50


class DrawForm(EvidenceForm):
    """Amount and term first; once they were quoted, the evidence that they were signed."""

    def prepare(self) -> None:
        line: Line = self.row
        choices = [(months, months_words(months)) for months in drawable_of(line).choices]
        self.use(line.currency, since=line.opened_at, choices=choices)


def _about(line: Line, _asked: Asked) -> Sequence[Part]:
    return [Facts([(_("Merchant"), linked(line.merchant, line.merchant.name)), *_amounts(line)])]


def _amounts(line: Line) -> list[tuple[Words, object]]:
    drawable = drawable_of(line)
    facts = drawable.facts
    shown = (
        (_("Limit"), facts.limit_minor),
        (_("Drawn"), facts.used_minor),
        (_("Left"), facts.free_minor),
        (_("Minimum draw"), drawable.minimum_minor),
    )
    return [(words, money_with_currency(minor, line.currency)) for words, minor in shown]


def _effects(line: Line, asked: Asked) -> Effects:
    on, amount = get_business_date(), asked.data["amount"]
    if on is None:
        return Effects(refusal=APPLICATION_REFUSALS[ApplicationRefusal.NO_BUSINESS_DATE])
    found = quote_draw(line, on=on, amount_minor=amount, months=months_asked(asked))
    if isinstance(found, CalendarRefusal):
        return Effects(refusal=CALENDAR_REFUSALS[found])
    if isinstance(found, DrawRefusal):
        return Effects(refusal=DRAW_REFUSALS[found])
    left = money(drawable_of(line).facts.free_minor - amount, line.currency)
    return Effects(
        parts=[
            Facts([(_("Left of the line afterwards"), f"{left} {line.currency}")]),
            *quoted(found, amount, line.currency, line.daily_rate),
            Text(
                _t("The merchant is scored afresh and the rules decide at once. %(then)s")
                % {"then": OPENS[Opening.LOAN]}
            ),
        ]
    )


def _not_drawable(line: Line, asked: Asked) -> Words | None:
    refusal = get_line_refusal(line, actor=asked.actor)
    return None if refusal is None else DRAW_REFUSALS[refusal]


def _draw(line: Line, asked: Asked) -> Application:
    return draw_on_line(line_id=line.pk, **applied(asked), actor=asked.actor, now=asked.now)


def _by_reason(operation: Callable[..., Line]) -> Callable[[Line, Asked], Line]:
    def call(line: Line, asked: Asked) -> Line:
        return operation(line_id=line.pk, reason=asked.data["reason"], actor=asked.actor, now=asked.now)

    return call


MOVED: Final[Refusals] = {LineNotMoved: LINE_REFUSALS}
VERBS: Final[Sequence[Verb]] = (
    Verb(
        name="draw",
        label=_("Draw"),
        right="lending.draw_line",
        form=DrawForm,
        asked_last=EVIDENCE,
        about=_about,
        effects=_effects,
        preview_label=_("Show what it costs"),
        why_not=_not_drawable,
        call=_draw,
        done=lambda application: APPLIED[ApplicationState(application.state)],
        refusals={
            NotDrawn: {**DRAW_REFUSALS, **APPLICATION_REFUSALS},
            MerchantNotScored: SINGLE_REFUSALS,
        },
        is_primary=True,
    ),
    Verb(
        name="freeze",
        label=_("Freeze"),
        right="lending.freeze_line",
        form=ReasonForm,
        note=_("Nothing new is drawn until someone unfreezes it. What was drawn runs on as agreed."),
        about=_about,
        why_not=refused_by(
            lambda line, _: judge_freeze(LineState(line.state), frozen_for=line.frozen_for, reason=TO_BE_GIVEN),
            LINE_REFUSALS,
        ),
        call=_by_reason(freeze_line),
        done=_("The line is frozen."),
        refusals=MOVED,
    ),
    Verb(
        name="unfreeze",
        label=_("Unfreeze"),
        right="lending.unfreeze_line",
        form=ReasonForm,
        note=_("The line may be drawn on again. A review that froze it does so again while its reason holds."),
        about=_about,
        why_not=refused_by(lambda line, _: judge_unfreeze(LineState(line.state), reason=TO_BE_GIVEN), LINE_REFUSALS),
        call=_by_reason(unfreeze_line),
        done=_("The line may be drawn on again."),
        refusals=MOVED,
    ),
    Verb(
        name="close",
        label=_("Close the line"),
        right="lending.close_line",
        form=ReasonForm,
        note=_("The merchant may be offered another."),
        about=_about,
        why_not=refused_by(
            lambda line, _: judge_close(
                LineState(line.state), loans=loans_under(line), waiting=waiting_draws(line), reason=TO_BE_GIVEN
            ),
            LINE_REFUSALS,
        ),
        call=_by_reason(close_line),
        done=_("The line is closed."),
        refusals=MOVED,
    ),
)


@admin.register(Line)
class LineAdmin(OfficeAdmin[Line]):
    columns = (
        ListColumn(
            label=_("Merchant"), cell=lambda row: name_over(row.line.merchant.name, str(row.line)),
            sort="merchant__name", indexed=True,
        ),
        ListColumn(label=_("State"), cell=lambda row: chip(*LINE_STATES[LineState(row.line.state)])),
        ListColumn(label=_("Grade"), cell=lambda row: grade_chip(row.line.grade)),
        ListColumn(label=_("Limit"), cell=lambda row: _money(row, row.line.limit_minor), number=True,
            sort="limit_minor"),
        ListColumn(label=_("Drawn"), cell=lambda row: _money(row, row.drawable.facts.used_minor), number=True),
        ListColumn(label=_("Left"), cell=lambda row: _money(row, row.drawable.facts.free_minor), number=True),
        ListColumn(label=_("Currency"), cell=lambda row: row.line.currency),
        ListColumn(label=_("Rate a day"), cell=lambda row: f"{row.line.daily_rate * 100:.3f} %", number=True),
        ListColumn(label=_("Opened"), cell=lambda row: row.line.opened_on, style="tl-nowrap", sort="opened_on"),
    )  # fmt: skip
    filters = (
        choice_filter("state", _("state"), LINE_STATES),
        Filter(
            name="reviewed",
            label=_("review"),
            choices=lambda: [("no", _("Left out by the latest round"))],
            keep=lambda rows, _value: rows.filter(pk__in=unreviewed_lines().values("pk")),
        ),
    )
    search = Search(help=_("Line number or merchant"), keep=lambda rows, term: search_lines(term, rows))
    list_related = ("merchant", "product")
    related = ("merchant__partner", "product", "application", "reviewed_in")
    verbs = VERBS
    empty = _("No credit line yet. One is opened when an offer of a line is accepted.")

    def prepare(self, rows: list[Line]) -> Sequence[Any]:
        return with_standings(rows)

    def page_of(self, row: Line, request: HttpRequest) -> Page:
        [standing] = with_standings([row])
        facts, currency = standing.drawable.facts, {"currency": row.currency}
        reviewed = None if row.reviewed_in is None else _t("reviewed on %(date)s") % {"date": row.reviewed_in.on}
        terms = ", ".join(str(months_words(months)) for months in standing.drawable.choices)
        return Page(
            title=f"{row} · {row.merchant.name}",
            name=linked(row.merchant, row.merchant.name),
            chips=[chip(*LINE_STATES[LineState(row.state)])],
            sub=[
                str(row),
                _t("%(rate)s a day") % {"rate": f"{row.daily_rate * 100:.3f} %"},
                _t("opened on %(date)s") % {"date": row.opened_on},
                reviewed,
                linked(row.product),
                linked(row.application, _t("the decision")),
            ],
            alerts=_alerts(standing),
            figures=[
                Figure(label=_t("Limit, %(currency)s") % currency, value=money(facts.limit_minor, row.currency)),
                Figure(label=_("Drawn"), value=money(facts.used_minor, row.currency)),
                Figure(label=_("Left"), value=money(facts.free_minor, row.currency)),
                Figure(label=_("Minimum draw"), value=money(standing.drawable.minimum_minor, row.currency), note=terms),
            ],
            cards=[_loans(loans_of(row, most=SHOWN)), _history(events_of(row, most=SHOWN), row)],
        )


def _money(row: StandingLine, minor: int) -> str:
    return money(minor, row.line.currency)


def _alerts(standing: StandingLine) -> list[Alert]:
    """Say why nothing can be drawn, and what a review froze the line for."""
    if standing.refusal is None:
        return []
    frozen_for = standing.line.frozen_for
    words = NO_OFFERS[NoOffer(frozen_for)] if frozen_for else ""
    return [Alert(strong=DRAW_REFUSALS[standing.refusal], text=words)]


def _loans(loans: Sequence[Loan]) -> Card:
    columns = [
        Column(label=_("Loan"), style="tl-nowrap"),
        Column(label=_("State")),
        Column(label=_("Amount"), number=True),
        Column(label=_("Outstanding"), number=True),
    ]
    rows = [
        [
            linked(loan, note="" if loan.disbursed_on is None else loan.disbursed_on.isoformat()),
            chip(*LOAN_STATUSES[LoanStatus(loan.status)]),
            money(loan.amount_minor, loan.currency),
            money(loan.principal_minor, loan.currency),
        ]
        for loan in loans
    ]
    return Card(title=_("Draws"), parts=[Table(columns=columns, rows=rows, empty=_("None yet."))], span=6)


def _history(events: Sequence[LineEvent], line: Line) -> Card:
    people = named(event.actor for event in events)
    columns = [
        Column(label=_("On"), style="tl-nowrap"),
        Column(label=_("What")),
        Column(label=line.currency, number=True),
        Column(label=_("By")),
    ]
    rows = [
        [
            Cell(text=event.on.isoformat(), note=f"{event.booked_at:%Y-%m-%d %H:%M}"),
            Cell(text=LINE_EVENTS[LineEventType(event.type)], note=_reason(event)),
            "" if event.amount_minor is None else money(event.amount_minor, line.currency),
            people[event.actor],
        ]
        for event in events
    ]
    return Card(title=_("History"), parts=[Table(columns=columns, rows=rows)], span=6)


def _reason(event: LineEvent) -> Words:
    """Return why: of a review, its code in words."""
    return NO_OFFERS[NoOffer(event.reason)] if event.reason and event.actor == str(SYSTEM) else event.reason
