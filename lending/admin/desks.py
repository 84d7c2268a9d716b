"""The three figures of each role's job, each with its trend."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import Enum, auto
from functools import cached_property, partial
from typing import Final, TypeVar

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import ngettext

from config.declarations import Role
from config.office.activity import approvals_by_week, events_by_week
from config.office.desk import listed_at
from config.office.display import Cell, Figure
from config.office.trends import Trend
from config.office.words import NOTHING, Words, money, percent
from lending.domain.arrears.case import CaseState
from lending.domain.arrears.promise import PromiseState
from lending.domain.books.day_close import CloseState
from lending.domain.books.ledger import Account
from lending.domain.books.loan import LoanStatus
from lending.domain.books.portfolio import Share
from lending.domain.origination.application import ApplicationState
from lending.queries.closes import last_proven_day
from lending.queries.portfolio import Lateness
from lending.queries.trends import (
    Applied,
    Risk,
    applied_by_week,
    balances_by_day,
    disbursed_by_week,
    main_currency,
    net_loss_by_day,
    open_cases_by_day,
    promises_by_week,
    proofs_of_days,
    risk_by_day,
    yield_by_day,
)
from scoring.models import ScoreRun
from scoring.queries.figures import RunFigures
from scoring.queries.merchants import GOOD_GRADES, GradeFilter, Outcome
from scoring.queries.overview import published_runs

V = TypeVar("V")


class Step(Enum):
    """What lies between two points of a trend."""

    RUN = auto()
    WEEK = auto()
    DAY = auto()


AGO: Final[Mapping[Step, Callable[[int], str]]] = {
    Step.RUN: lambda n: ngettext("%(n)s run earlier: %(value)s", "%(n)s runs earlier: %(value)s", n),
    Step.WEEK: lambda n: ngettext("%(n)s week earlier: %(value)s", "%(n)s weeks earlier: %(value)s", n),
    Step.DAY: lambda n: ngettext("%(n)s day earlier: %(value)s", "%(n)s days earlier: %(value)s", n),
}


def figures_for(roles: Sequence[Role], on: date | None) -> list[Figure]:
    """Return the key figures of some roles; one of several roles is shown once. on: the business date."""
    sources = Sources(on=on)
    wanted = dict.fromkeys(figure for role in roles for figure in FIGURES[role])
    return [figure(sources) for figure in wanted]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What the figures of a page are made of, each read once."""

    on: date | None

    @cached_property
    def runs(self) -> Sequence[tuple[ScoreRun, RunFigures]]:
        """The last published runs with their figures, the oldest first."""
        return published_runs()

    @cached_property
    def currency(self) -> str:
        """The currency of most loans; "" before the first."""
        return main_currency() or ""

    @cached_property
    def proven(self) -> date | None:
        """The last day whose books are proven: figures of the books are as of its end."""
        return last_proven_day()

    @cached_property
    def applied(self) -> Sequence[Applied | None]:
        return () if self.on is None else applied_by_week(self.on)

    @cached_property
    def risk(self) -> Sequence[Risk | None]:
        return self.of_books(risk_by_day)

    def of_books(self, read: Callable[[date, str], Sequence[V]]) -> Sequence[V]:
        """Read figures of the books, as of the last proven day; none before there is one."""
        return () if self.proven is None or not self.currency else read(self.proven, self.currency)

    def in_money(self, label: str) -> str:
        """Name a figure with its currency."""
        return f"{label}, {self.currency}" if self.currency else label


def _median_score(sources: Sources) -> Figure:
    medians = [figures.quartiles and figures.quartiles[1] for _run, figures in sources.runs]
    return _figure(_t("Median score"), medians, _counted, Step.RUN, link=listed_at("scoring_scorerun"))


def _good_share(sources: Sources) -> Figure:
    shares = [Share(figures.good, figures.scored) for _run, figures in sources.runs]
    label = _t("%(grade)s or better") % {"grade": GOOD_GRADES[-1]}
    return _share(label, shares, Step.RUN, link=listed_at("merchants_merchant", grade=GradeFilter.GOOD))


def _scored_share(sources: Sources) -> Figure:
    shares = [Share(figures.scored, figures.scored + figures.not_scored) for _run, figures in sources.runs]
    link = listed_at("merchants_merchant", outcome=Outcome.SCORED)
    return _share(_t("Merchants with a score"), shares, Step.RUN, link=link)


def _run_minutes(sources: Sources) -> Figure:
    minutes = [
        None if run.finished_at is None else (run.finished_at - run.started_at).total_seconds() / 60
        for run, _figures in sources.runs
    ]
    link = listed_at("scoring_scorerun")
    return _figure(_t("Scoring run, minutes"), minutes, lambda took: f"{took:,.1f}", Step.RUN, link=link)


def _applied(sources: Sources) -> Figure:
    label, numbers = _t("Applications, last 7 days"), [week and week.made for week in sources.applied]
    return _figure(label, numbers, _counted, Step.WEEK, link=_of_this_week(sources.on), tag="applied")


def _approved(sources: Sources) -> Figure:
    shares = [week and Share(week.approved, week.decided) for week in sources.applied]
    label = _t("Approved of those decided, last 7 days")
    return _share(label, shares, Step.WEEK, link=_of_this_week(sources.on, state=ApplicationState.APPROVED))


def _of_this_week(on: date | None, **filters: str) -> str:
    since = {} if on is None else {"since": (on - timedelta(days=6)).isoformat()}
    return listed_at("lending_application", **since, **filters)


def _disbursed(sources: Sources) -> Figure:
    on, currency = sources.on, sources.currency
    minors = () if on is None or not currency else disbursed_by_week(on, currency)
    link = listed_at("lending_loan", sort="-disbursed_on", **({"currency": currency} if currency else {}))
    return _money(sources, _t("Disbursed, last 7 days"), minors, Step.WEEK, link=link)


def _open_cases(sources: Sources) -> Figure:
    numbers = () if sources.on is None else open_cases_by_day(sources.on)
    link = listed_at("lending_arrearscase", state=CaseState.OPEN)
    return _figure(_t("Open arrears cases"), numbers, _counted, Step.DAY, link=link, tag="open-cases")


def _promises_kept(sources: Sources) -> Figure:
    shares = () if sources.on is None else promises_by_week(sources.on)
    link = listed_at("lending_arrearscase", promise=PromiseState.KEPT)
    return _share(_t("Promises kept, due in the last 7 days"), shares, Step.WEEK, link=link)


def _par_1(sources: Sources) -> Figure:
    return _par(sources, 1, Lateness.ANY)


def _par_30(sources: Sources) -> Figure:
    return _par(sources, 30, Lateness.DELINQUENT)


def _par(sources: Sources, days: int, lateness: Lateness) -> Figure:
    shares = [risk and Share(risk.late_minor[days], risk.outstanding_minor) for risk in sources.risk]
    return _share(sources.in_money(f"PAR {days}"), shares, Step.DAY, link=listed_at("lending_loan", late=lateness))


def _outstanding(sources: Sources) -> Figure:
    minors = [risk and risk.outstanding_minor for risk in sources.risk]
    link = listed_at("lending_loan", status=LoanStatus.ACTIVE)
    return _money(sources, _t("Outstanding principal"), minors, Step.DAY, link=link)


def _net_loss(sources: Sources) -> Figure:
    label = sources.in_money(_t("Net loss rate of all disbursed"))
    link = listed_at("lending_loan", status=LoanStatus.WRITTEN_OFF)
    return _share(label, sources.of_books(net_loss_by_day), Step.DAY, link=link)


def _yield(sources: Sources) -> Figure:
    label = sources.in_money(_t("Yield of the month, a year"))
    return _share(label, sources.of_books(yield_by_day), Step.DAY, link=reverse("admin:lending_loanorigin_yield"))


def _in_suspense(sources: Sources) -> Figure:
    link = listed_at("lending_statementline", state="suspense")
    return _money(sources, _t("In suspense"), _credit(sources, Account.SUSPENSE), Step.DAY, link=link)


def _provisions(sources: Sources) -> Figure:
    link = listed_at("lending_provisionmonth")
    return _money(sources, _t("Provisions"), _credit(sources, Account.PROVISION), Step.DAY, link=link)


def _credit(sources: Sources, account: Account) -> Sequence[int | None]:
    """Return the credit balance of an account by day."""
    balances = sources.of_books(partial(balances_by_day, account))
    return [None if minor is None else -minor for minor in balances]


def _proven_days(_sources: Sources) -> Figure:
    proofs = proofs_of_days()
    broken = proofs.count(False)
    link = listed_at("lending_dayclose", **({"state": CloseState.BROKEN} if broken else {}))
    said = _t("%(n)s of %(all)s") % {"n": len(proofs) - broken, "all": len(proofs)}
    trend = Trend(points=[float(proof) for proof in proofs], label=_t("Books proven, by day"))
    return Figure(label=_t("Days closed and proven"), value=Cell(text=said, link=link), trend=trend)


def _approvals(_sources: Sources) -> Figure:
    label, link = _t("Requests decided by a second person, last 7 days"), listed_at("office_approvalrequest")
    return _figure(label, approvals_by_week(timezone.now()), _counted, Step.WEEK, link=link)


def _events(_sources: Sources) -> Figure:
    label, link = _t("Audit events sealed, last 7 days"), listed_at("office_operationevent")
    return _figure(label, events_by_week(timezone.now()), _counted, Step.WEEK, link=link)


def _counted(number: float) -> str:
    return f"{number:,.0f}"


def _share(label: Words, shares: Sequence[Share | None], step: Step, *, link: str) -> Figure:
    """Return the last of some shares; a point without a whole is a gap."""
    known = [share if share is not None and share.whole else None for share in shares]
    points = [None if share is None else 100 * share.part / share.whole for share in known]
    figure = _figure(label, points, lambda point: f"{point:.1f} %", step, link=link)
    last = known[-1] if known else None  # rounded exactly
    return figure if last is None else replace(figure, value=Cell(text=percent(last.part, last.whole), link=link))


def _money(sources: Sources, label: str, minors: Sequence[int | None], step: Step, *, link: str) -> Figure:
    currency = sources.currency
    return _figure(sources.in_money(label), minors, lambda minor: money(int(minor), currency), step, link=link)


def _figure(
    label: Words, points: Sequence[float | None], said: Callable[[float], str], step: Step, *, link: str, tag: str = ""
) -> Figure:
    """Return the last point as a figure with its trend; a dash if it is not known."""
    place, first = next(((place, point) for place, point in enumerate(points) if point is not None), (0, None))
    if first is None:
        return Figure(label=label, value=Cell(text=NOTHING, link=link), note=_t("Nothing is known yet."))
    last, back = points[-1], len(points) - 1 - place
    then = AGO[step](back) % {"n": back, "value": said(first)} if back else ""
    trend = Trend(points=points, label=f"{label}. {then}" if then else label)
    value = Cell(text=NOTHING if last is None else said(last), link=link, tag="" if last is None else tag)
    return Figure(label=label, value=value, trend=trend, note=then)


FIGURES: Final[Mapping[Role, Sequence[Callable[[Sources], Figure]]]] = {
    Role.VIEWER: (_outstanding, _par_30, _median_score),
    Role.CREDIT_ANALYST: (_median_score, _good_share, _scored_share),
    Role.UNDERWRITER: (_applied, _approved, _disbursed),
    Role.COLLECTOR: (_open_cases, _par_1, _promises_kept),
    Role.FINANCE: (_outstanding, _yield, _in_suspense),
    Role.RISK_MANAGER: (_par_30, _net_loss, _approved),
    Role.CONTROLLER: (_approvals, _provisions, _proven_days),
    Role.AUDITOR: (_events, _approvals, _proven_days),
    Role.ADMINISTRATOR: (_run_minutes, _scored_share, _events),
}
