"""How the office stands as a whole: the market, its scores and what is lent."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.office.business_date import get_business_date
from config.office.desk import listed_at, silence_alerts
from config.office.display import (
    SERIES,
    Alert,
    Button,
    Card,
    Cell,
    Chart,
    Column,
    Facts,
    Figure,
    Page,
    Part,
    Table,
    Text,
    bars,
    chip,
    grade_chip,
    lines,
    linked,
)
from config.office.words import money, percent
from lending.admin.feeds import feed_alerts
from lending.admin.setup import setup_card
from lending.admin.words import CLOSE_STATES
from lending.domain.books.day_close import CloseState
from lending.domain.books.loan import LoanStatus
from lending.models import DayClose
from lending.queries.overview import LendingOverview, get_lending_overview
from lending.queries.portfolio import Lateness, Portfolio
from lending.queries.setup import get_setup
from scoring.domain.run import RunState
from scoring.models import RunCheck, ScoreRun
from scoring.queries.figures import RunFigures
from scoring.queries.labels import NOT_SCORED, RUN_STATES, checks_cell
from scoring.queries.merchants import GOOD_GRADES, GradeFilter, Outcome
from scoring.queries.overview import MarketOverview, get_market_overview

RIGHTS: Final = ("merchants.view_merchant", "scoring.view_scorerun", "lending.view_loan")


def overview_page(request: HttpRequest) -> Page:
    """Return how the office stands as a whole. Raises PermissionDenied."""
    if not request.user.has_perms(RIGHTS):
        raise PermissionDenied
    market, lending = get_market_overview(), get_lending_overview()
    live, figures = market.live, market.figures
    sub: list[Cell | str] = []
    if live is not None and market.published_at is not None:
        sub = [
            linked(live, _t("Live scores as of %(date)s") % {"date": live.as_of}),
            _t("published %(at)s UTC") % {"at": f"{market.published_at:%Y-%m-%d %H:%M}"},
        ]
    today = get_business_date()
    return Page(
        title=_t("Business date %(date)s") % {"date": today} if today else _("No business day is open"),
        sub=sub,
        alerts=[
            *silence_alerts(timezone.now()),
            *([] if market.held is None else [_held(market.held)]),
            *feed_alerts(lending.red_feeds),
            *_proof(lending.last_close),
        ],
        figures=[] if figures is None else list(_figures(market, figures)),
        cards=[
            *([] if live is not None else [setup_card(get_setup(now=timezone.now()), request)]),
            *([_lending(lending)] if live or lending.portfolios else []),
            *([] if figures is None else _scores(market, figures)),
            *([_runs(market.runs)] if market.runs else []),
        ],
    )


def _held(run: ScoreRun) -> Alert:
    held = linked(run, _t("The run as of %(date)s is held by its checks") % {"date": run.as_of})
    return Alert(link=held, text=_("the scores before it stay live until someone decides."))


def _proof(close: DayClose | None) -> list[Alert]:
    if close is None or close.state != CloseState.BROKEN:
        return []
    broken = linked(close, _t("The proof of %(date)s failed") % {"date": close.day})
    text = _t("no money is paid out until the books are proven again; payments are still taken.")
    return [Alert(tint="tl-bad", link=broken, text=text)]


def _figures(market: MarketOverview, figures: RunFigures) -> Iterator[Figure]:
    newer = market.merchants - figures.scored - figures.not_scored
    yield Figure(
        label=_("Merchants"),
        value=Cell(text=f"{market.merchants:,}", link=_merchants(), tag="merchants"),
        note=_t("%(n)s newer than the live run") % {"n": f"{newer:,}"} if newer else "",
        note_link=_merchants(outcome=Outcome.UNKNOWN),
    )
    scored = Cell(text=f"{figures.scored:,}", link=_merchants(outcome=Outcome.SCORED), tag="scored")
    yield Figure(label=_("Scored"), value=scored)
    others = Cell(text=f"{figures.not_scored:,}", link=_merchants(outcome=Outcome.NOT_SCORED), tag="not_scored")
    yield Figure(label=_("Not scored"), value=others)
    yield Figure(
        label=_t("%(grade)s or better") % {"grade": GOOD_GRADES[-1]},
        value=Cell(text=f"{figures.good:,}", link=_merchants(grade=GradeFilter.GOOD), tag="good"),
        note=_t("%(share)s of the scored") % {"share": percent(figures.good, figures.scored)},
    )
    yield Figure(label=_("Median score"), value=None if figures.quartiles is None else figures.quartiles[1])


def _lending(lending: LendingOverview) -> Card:
    offers = Cell(text=f"{lending.open_offers:,}", link=listed_at("lending_offer", state="open"), tag="offers")
    more: list[Cell] = [Cell(text=_("open offers ·"))]
    close = lending.last_close
    if close is not None:
        words, tint = CLOSE_STATES[CloseState(close.state)]
        more += [linked(close, _t("close of %(date)s") % {"date": close.day}), chip(words, tint)]
    parts: list[Part] = []
    if lending.portfolios:
        columns = [
            Column(label=_("Currency")),
            Column(label=_("Active loans"), number=True),
            Column(label=_("Outstanding"), number=True),
            Column(label=_("Disbursed"), number=True),
            Column(label=_("Repaid, with interest and fees"), number=True),
            Column(label=_("30 or more days past due"), number=True),
            Column(label=_("1 or more days past due"), number=True),
        ]
        note = _("Past due: principal of loans that are so many days late, as a share of all principal outstanding.")
        parts = [Table(columns=columns, rows=[_portfolio(row) for row in lending.portfolios]), Text(note, "tl-note")]
    elif lending.has_product:
        parts = [Text(_("No loan yet. Offers are made after each published run; a loan begins when one is accepted."))]
    else:
        enter = Cell(text=_("Enter the first product"), link=reverse("admin:lending_productversion_enter"))
        parts = [Facts([(_("No product is sold yet"), enter)])]
    return Card(title=_("Lending"), parts=parts, aside=Cell(text="", more=[offers, *more]))


def _portfolio(row: Portfolio) -> list[object]:
    def loans(**filters: str) -> str:
        return listed_at("lending_loan", currency=row.currency, **filters)

    def share(minor: int, number: int, tag: str, lateness: Lateness) -> Cell:
        late = Cell(text=f"{number:,}", link=loans(late=lateness), tag=tag)
        return Cell(
            text=percent(minor, row.outstanding_minor), more=[late, Cell(text=ngettext("loan", "loans", number))]
        )

    active = loans(status=LoanStatus.ACTIVE)
    return [
        row.currency,
        Cell(text=f"{row.active:,}", link=active, tag="active"),
        Cell(text=money(row.outstanding_minor, row.currency), link=active, tag="money-principal"),
        Cell(text=money(row.disbursed_minor, row.currency), link=loans(), tag="money-disbursed"),
        money(row.repaid_minor, row.currency),
        share(row.delinquent_minor, row.delinquent, "delinquent", Lateness.DELINQUENT),
        share(row.late_minor, row.late, "late", Lateness.ANY),
    ]


def _scores(market: MarketOverview, figures: RunFigures) -> list[Card]:
    numbered = [Column(label=words, number=True) for words in (_("Merchants"), _("Share"))]
    grades = [
        [
            grade_chip(grade),
            Cell(text=f"{number:,}", link=_merchants(grade=GradeFilter(grade)), tag=grade),
            percent(number, figures.scored),
        ]
        for grade, number in figures.grades.items()
    ]
    reasons = [
        [
            NOT_SCORED[reason],
            Cell(text=f"{number:,}", link=_merchants(outcome=Outcome(reason.lower())), tag="reason"),
            percent(number, figures.not_scored),
        ]
        for reason, number in figures.reasons.items()
    ]
    chart = Chart(
        name="grade-chart",
        label=_("Share of scored merchants by grade; the table beside says the same."),
        data=_grade_chart(figures),
    )
    return [
        Card(title=_("Grades of the scored merchants"), parts=[chart], span=8),
        Card(title=_("By grade"), parts=[Table(columns=[Column(label=_("Grade")), *numbered], rows=grades)], span=4),
        Card(title=_("Scores of the published runs"), parts=_trend(market), span=8),
        Card(
            title=_("Not scored because"),
            parts=[Table(columns=[Column(label=_("Reason")), *numbered], rows=reasons)],
            span=4,
        ),
    ]


def _grade_chart(figures: RunFigures) -> dict[str, Any]:
    shares = [round(100 * number / figures.scored, 1) if figures.scored else 0 for number in figures.grades.values()]
    colours = [f"--tl-{grade}" for grade in figures.grades]
    labels = [grade.value for grade in figures.grades]
    return bars(labels, (_t("Share of scored merchants"), shares, colours), decimals=1, unit=" %", ends=True)


def _trend(market: MarketOverview) -> list[Part]:
    labels = [run.as_of.isoformat() for run, _figures in market.trend]
    names = ((_t("Upper quartile"), 2, SERIES[2]), (_t("Median"), 1, SERIES[0]), (_t("Lower quartile"), 0, SERIES[2]))
    quartiles = [figures.quartiles for _run, figures in market.trend]
    series = [(name, [None if q is None else q[place] for q in quartiles], tint) for name, place, tint in names]
    columns = [
        Column(label=_("As of"), style="tl-nowrap"),
        Column(label=_("Scored"), number=True),
        Column(label=_("Lower quartile"), number=True),
        Column(label=_("Median"), number=True),
        Column(label=_("Upper quartile"), number=True),
        Column(label=_t("%(grade)s or better") % {"grade": GOOD_GRADES[-1]}, number=True),
    ]
    rows = [
        [linked(run, run.as_of.isoformat()), figures.scored, *(figures.quartiles or (None,) * 3),
         percent(figures.good, figures.scored)]
        for run, figures in reversed(market.trend)
    ]  # fmt: skip
    label = _("Quartiles of the score by published run; the table below says the same.")
    return [
        Chart(name="trend-chart", label=label, data=lines(labels, *series)),
        Table(columns=columns, rows=rows, folded=_("The same as a table")),
    ]


def _runs(runs: Sequence[tuple[ScoreRun, Sequence[RunCheck]]]) -> Card:
    columns = [
        Column(label=_("As of"), style="tl-nowrap"),
        Column(label=_("State")),
        Column(label=_("Scored"), number=True),
        Column(label=_("Not scored"), number=True),
        Column(label=_("Checks")),
    ]
    rows = [
        [
            linked(run, run.as_of.isoformat()),
            chip(*RUN_STATES[RunState(run.state)]),
            run.scored,
            run.not_scored,
            checks_cell(checks),
        ]
        for run, checks in runs
    ]
    every = Button(label=_("All runs"), url=reverse("admin:scoring_scorerun_changelist"), is_primary=False)
    return Card(title=_("Last runs and their checks"), parts=[Table(columns=columns, rows=rows)], buttons=[every])


def _merchants(**filters: str) -> str:
    """Point to the list behind a figure."""
    return listed_at("merchants_merchant", **filters)
