"""The first page of the office."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.timesince import timesince
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.office.approval_pages import approval_alerts
from config.office.audit_pages import seal_alerts
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
from config.office.heartbeat import get_pulse
from config.office.words import money, percent
from lending.admin.arrears import queue_alerts
from lending.admin.bank_alerts import bank_alerts
from lending.admin.feeds import feed_alerts
from lending.admin.letters import letter_alerts
from lending.admin.setup import setup_card
from lending.admin.warnings import unjudged_alerts
from lending.admin.words import CLOSE_STATES
from lending.domain.books.day_close import CloseState
from lending.domain.books.loan import LoanStatus
from lending.domain.books.transfer import TransferState
from lending.domain.origination.application import ApplicationState
from lending.queries.bank_queue import get_bank_queue
from lending.queries.portfolio import Lateness, Portfolio
from lending.queries.setup import get_setup
from lending.queries.work_queue import WorkQueue, get_work_queue
from scoring.domain.run import RunState
from scoring.models import RunCheck, ScoreRun
from scoring.queries.dashboard import Dashboard, get_dashboard
from scoring.queries.figures import RunFigures
from scoring.queries.labels import NOT_SCORED, RUN_STATES, checks_cell
from scoring.queries.merchants import GOOD_GRADES, GradeFilter, Outcome

RIGHTS: Final = ("merchants.view_merchant", "scoring.view_scorerun")


def fill_dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Describe the first page, for whoever may see it."""
    context["title"] = _("Overview")
    if not all(request.user.has_perm(right) for right in RIGHTS):
        nothing = Text(_("You have no role in this office. Ask an administrator for one."))
        return context | {
            "page": Page(title=_("Overview"), cards=[Card(title=_("Nothing to see yet"), parts=[nothing])])
        }
    dashboard = get_dashboard()
    queue = get_work_queue(on=dashboard.business_date) if request.user.has_perm("lending.view_loan") else None
    return context | {"page": _page(dashboard, queue, request)}


def _page(dashboard: Dashboard, queue: WorkQueue | None, request: HttpRequest) -> Page:
    today = dashboard.business_date
    live, figures = dashboard.live, dashboard.figures
    sub: list[Cell | str] = []
    if live is not None and dashboard.published_at is not None:
        sub = [
            linked(live, _t("Live scores as of %(date)s") % {"date": live.as_of}),
            _t("published %(at)s UTC") % {"at": f"{dashboard.published_at:%Y-%m-%d %H:%M}"},
        ]
    return Page(
        title=_t("Business date %(date)s") % {"date": today} if today else _("No business day is open"),
        sub=sub,
        alerts=[
            *_alerts(dashboard),
            *([] if queue is None else _lending_alerts(queue, request)),
            *([] if queue is None else bank_alerts(get_bank_queue(on=today))),
            *([] if today is None else queue_alerts(request, on=today)),
            *([] if today is None else unjudged_alerts(request, on=today)),
            *letter_alerts(request),
            *approval_alerts(request),
            *seal_alerts(request),
        ],
        figures=[] if figures is None else list(_figures(dashboard, figures)),
        cards=[
            *([] if live is not None else [setup_card(get_setup(now=timezone.now()), request)]),
            *([] if queue is None or not (live or queue.portfolios) else [_lending(queue)]),
            *([] if figures is None else _scores(dashboard, figures)),
            *([_runs(dashboard.runs)] if dashboard.runs else []),
        ],
    )


def _alerts(dashboard: Dashboard) -> Iterator[Alert]:
    pulse = get_pulse(now=timezone.now())
    if not pulse.is_alive:
        never = _("The scheduler has never been heard of: start celery beat and a worker.")
        said = _t("The scheduler was last heard of %(since)s ago: it is down, or the broker is, or no worker is free.")
        text = never if pulse.last is None else said % {"since": timesince(pulse.last)}
        yield Alert(tint="tl-bad", strong=_("Nothing starts by itself."), text=text)
    if dashboard.held is not None:
        held = linked(
            dashboard.held, _t("The run as of %(date)s is held by its checks") % {"date": dashboard.held.as_of}
        )
        yield Alert(link=held, text=_("the scores before it stay live until someone decides."))
    newest = dashboard.runs[0][0] if dashboard.runs else None
    if dashboard.live is not None and newest is not None and newest.state == RunState.UNPUBLISHED:
        unpublished = linked(newest, _t("The run as of %(date)s has no calibration") % {"date": newest.as_of})
        yield Alert(link=unpublished, text=_("it is not published, and the live scores grow old: calibrate on it."))
    if number := dashboard.parked:
        said = ngettext("%(n)s job is parked", "%(n)s jobs are parked", number) % {"n": number}
        parked = Cell(text=said, link=_list_url("office_jobrun", state="PARKED"))
        yield Alert(tint="tl-bad", link=parked, text=_("the last attempt failed: look, and send it again."))
    if number := dashboard.unsealed:
        said = ngettext("%(n)s batch is not sealed", "%(n)s batches are not sealed", number) % {"n": number}
        unsealed = Cell(text=said, link=_list_url("merchants_batch", sealed="no"))
        yield Alert(link=unsealed, text=_("rows are still being stored, and no run sees them yet."))


def _lending_alerts(queue: WorkQueue, request: HttpRequest) -> Iterator[Alert]:
    yield from feed_alerts(queue.red_feeds)
    if (number := queue.unknown) and queue.unknown_since is not None:
        said = ngettext(
            "%(n)s payout or collection has no answer", "%(n)s payouts or collections have no answer", number
        ) % {"n": number}
        unknown = Cell(text=said, link=_list_url("lending_transfer", state=TransferState.UNKNOWN))
        waited = _t("whether the money moved is not known; the oldest has waited %(since)s.")
        yield Alert(tint="tl-bad", link=unknown, text=waited % {"since": timesince(queue.unknown_since)})
    for version, first in queue.ending_calendars:
        ends = linked(version, _t("The calendar of %(product)s ends") % {"product": version})
        text = _t(
            "from %(day)s on its longest loans are refused, as their last due dates are not known: enter more years."
        )
        yield Alert(link=ends, text=text % {"day": first})
    close = queue.last_close
    if close is not None and close.state == CloseState.BROKEN:
        broken = linked(close, _t("The proof of %(date)s failed") % {"date": close.day})
        text = _t("no money is paid out until the books are proven again; payments are still taken.")
        yield Alert(tint="tl-bad", link=broken, text=text)
    if (number := queue.unreviewed) and request.user.has_perm("lending.view_line"):
        said = ngettext("%(n)s credit line was not reviewed", "%(n)s credit lines were not reviewed", number) % {
            "n": f"{number:,}"
        }
        unreviewed = Cell(text=said, link=_list_url("lending_line", reviewed="no"), tag="unreviewed")
        yield Alert(
            link=unreviewed, text=_("by the latest round: limits stay as they were, and the workers' log says why.")
        )
    if (number := queue.referred) and queue.referred_since and request.user.has_perm("lending.decide_application"):
        said = ngettext("%(n)s application waits for a decision", "%(n)s applications wait for a decision", number) % {
            "n": f"{number:,}"
        }
        referred = Cell(
            text=said, link=_list_url("lending_application", state=ApplicationState.REFERRED), tag="referred"
        )
        since = _t("the oldest has waited %(since)s.") % {"since": timesince(queue.referred_since)}
        yield Alert(link=referred, text=since)


def _figures(dashboard: Dashboard, figures: RunFigures) -> Iterator[Figure]:
    newer = dashboard.merchants - figures.scored - figures.not_scored
    yield Figure(
        label=_("Merchants"),
        value=Cell(text=f"{dashboard.merchants:,}", link=_merchants(), tag="merchants"),
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


def _lending(queue: WorkQueue) -> Card:
    offers = Cell(text=f"{queue.open_offers:,}", link=_list_url("lending_offer", state="open"), tag="offers")
    more: list[Cell] = [Cell(text=_("open offers ·"))]
    close = queue.last_close
    if close is not None:
        words, tint = CLOSE_STATES[CloseState(close.state)]
        more += [linked(close, _t("close of %(date)s") % {"date": close.day}), chip(words, tint)]
    parts: list[Part] = []
    if queue.portfolios:
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
        parts = [Table(columns=columns, rows=[_portfolio(row) for row in queue.portfolios]), Text(note, "tl-note")]
    elif queue.has_product:
        parts = [Text(_("No loan yet. Offers are made after each published run; a loan begins when one is accepted."))]
    else:
        enter = Cell(text=_("Enter the first product"), link=reverse("admin:lending_productversion_enter"))
        parts = [Facts([(_("No product is sold yet"), enter)])]
    return Card(title=_("Lending"), parts=parts, aside=Cell(text="", more=[offers, *more]))


def _portfolio(row: Portfolio) -> list[object]:
    def loans(**filters: str) -> str:
        return _list_url("lending_loan", currency=row.currency, **filters)

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


def _scores(dashboard: Dashboard, figures: RunFigures) -> list[Card]:
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
        Card(title=_("Scores of the published runs"), parts=_trend(dashboard), span=8),
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


def _trend(dashboard: Dashboard) -> list[Part]:
    labels = [run.as_of.isoformat() for run, _figures in dashboard.trend]
    names = ((_t("Upper quartile"), 2, SERIES[2]), (_t("Median"), 1, SERIES[0]), (_t("Lower quartile"), 0, SERIES[2]))
    quartiles = [figures.quartiles for _run, figures in dashboard.trend]
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
        for run, figures in reversed(dashboard.trend)
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


def _list_url(model: str, **filters: str) -> str:
    address = reverse(f"admin:{model}_changelist")
    return f"{address}?{urlencode(filters)}" if filters else address


def _merchants(**filters: str) -> str:
    """Point to the list behind a figure."""
    return _list_url("merchants_merchant", **filters)
