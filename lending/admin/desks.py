"""The three figures of each role's job, each with how it came there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from functools import cached_property
from typing import Final

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
from lending.domain.books.day_close import CloseState
from lending.domain.books.ledger import Account
from lending.domain.books.loan import LoanStatus
from lending.queries.closes import last_proven_day
from lending.queries.portfolio import Lateness
from lending.queries.trends import (
    Part,
    Risk,
    balances_by_day,
    collected_by_week,
    decisions_by_week,
    disbursed_by_week,
    main_currency,
    net_loss_by_day,
    open_cases_by_day,
    promises_by_week,
    proofs_of_days,
    risk_by_day,
)
from scoring.models import ScoreRun
from scoring.queries.figures import RunFigures
from scoring.queries.merchants import GOOD_GRADES, GradeFilter, Outcome
from scoring.queries.overview import published_runs


class Step(Enum):
    """What lies between two points of a trend."""

    RUN = auto()
    WEEK = auto()
    DAY = auto()


AGO: Final[Mapping[Step, Callable[[int], str]]] = {
    Step.RUN: lambda n: ngettext("%(n)s run before", "%(n)s runs before", n),
    Step.WEEK: lambda n: ngettext("%(n)s week before", "%(n)s weeks before", n),
    Step.DAY: lambda n: ngettext("%(n)s day before", "%(n)s days before", n),
}
PAR_DAYS: Final = {Lateness.ANY: 1, Lateness.DELINQUENT: 30}


def figures_for(roles: Sequence[Role], on: date | None) -> list[Figure]:
    """Return the key figures of some roles; one of several roles is shown once. on: the business date."""
    read = Read(on=on)
    wanted = dict.fromkeys(figure for role in roles for figure in FIGURES[role])
    return [figure for make in wanted if (figure := make(read)) is not None]


@dataclass(frozen=True, kw_only=True)
class Read:
    """What the figures of a page are made of, each read once."""

    on: date | None

    @cached_property
    def runs(self) -> Sequence[tuple[ScoreRun, RunFigures]]:
        """The last published runs with their figures, the oldest first."""
        return published_runs()

    @cached_property
    def currency(self) -> str | None:
        return main_currency()

    @cached_property
    def proven(self) -> date | None:
        """The last day whose books are proven: figures of the books are as of its end."""
        return last_proven_day()

    @cached_property
    def decisions(self) -> list[Part]:
        return [] if self.on is None else decisions_by_week(self.on)

    @cached_property
    def risk(self) -> list[Risk | None]:
        return [] if self.proven is None or self.currency is None else risk_by_day(self.proven, self.currency)


def _median_score(read: Read) -> Figure | None:
    medians = [figures.quartiles and figures.quartiles[1] for _run, figures in read.runs]
    if not medians or medians[-1] is None:
        return None
    run = read.runs[-1][0]
    link = reverse("admin:scoring_scorerun_change", args=[run.pk])
    return _figure(_t("Median score"), medians, lambda median: f"{median:,}", Step.RUN, link=link)


def _good_share(read: Read) -> Figure | None:
    shares = [Part(figures.good, figures.scored) for _run, figures in read.runs]
    label = _t("%(grade)s or better") % {"grade": GOOD_GRADES[-1]}
    return _share(label, shares, Step.RUN, link=listed_at("merchants_merchant", grade=GradeFilter.GOOD))


def _scored_share(read: Read) -> Figure | None:
    shares = [Part(figures.scored, figures.scored + figures.not_scored) for _run, figures in read.runs]
    link = listed_at("merchants_merchant", outcome=Outcome.NOT_SCORED)
    return _share(_t("Merchants with a score"), shares, Step.RUN, link=link)


def _run_minutes(read: Read) -> Figure | None:
    minutes = [
        None if run.finished_at is None else (run.finished_at - run.started_at).total_seconds() / 60
        for run, _figures in read.runs
    ]
    if not minutes:
        return None
    link = listed_at("scoring_scorerun")
    return _figure(_t("Minutes a scoring run takes"), minutes, lambda took: f"{took:,.1f}", Step.RUN, link=link)


def _decided(read: Read) -> Figure | None:
    if not read.decisions:
        return None
    numbers = [week.whole for week in read.decisions]
    return _figure(
        _t("Applications decided, 7 days"), numbers, _counted, Step.WEEK, link=listed_at("lending_application")
    )


def _approved(read: Read) -> Figure | None:
    return _share(_t("Approved, 7 days"), read.decisions, Step.WEEK, link=listed_at("lending_application"))


def _disbursed(read: Read) -> Figure | None:
    if read.on is None or read.currency is None:
        return None
    label = _t("Paid out, 7 days, %(currency)s") % {"currency": read.currency}
    return _money(
        label, disbursed_by_week(read.on, read.currency), read.currency, Step.WEEK, link=listed_at("lending_loan")
    )


def _open_cases(read: Read) -> Figure | None:
    if read.on is None:
        return None
    link = listed_at("lending_arrearscase", state=CaseState.OPEN)
    return _figure(
        _t("Open arrears cases"), open_cases_by_day(read.on), _counted, Step.DAY, link=link, tag="open-cases"
    )


def _promises_kept(read: Read) -> Figure | None:
    if read.on is None:
        return None
    link = listed_at("lending_arrearscase", promise="KEPT")
    return _share(_t("Promises kept, due in 7 days"), promises_by_week(read.on), Step.WEEK, link=link)


def _par(lateness: Lateness) -> Callable[[Read], Figure | None]:
    days = PAR_DAYS[lateness]

    def par(read: Read) -> Figure | None:
        if not any(read.risk):
            return None
        shares = [risk and Part(risk.late_minor[days], risk.outstanding_minor) for risk in read.risk]
        label = _t("PAR %(days)s, %(currency)s") % {"days": days, "currency": read.currency}
        link = listed_at("lending_loan", currency=str(read.currency), late=lateness)
        return _share(label, shares, Step.DAY, link=link)

    return par


def _outstanding(read: Read) -> Figure | None:
    if not any(read.risk):
        return None
    currency = str(read.currency)
    label = _t("Outstanding principal, %(currency)s") % {"currency": currency}
    minors = [risk and risk.outstanding_minor for risk in read.risk]
    link = listed_at("lending_loan", currency=currency, status=LoanStatus.ACTIVE)
    return _money(label, minors, currency, Step.DAY, link=link)


def _net_loss(read: Read) -> Figure | None:
    if read.proven is None or read.currency is None:
        return None
    label = _t("Net loss of all paid out, %(currency)s") % {"currency": read.currency}
    link = listed_at("lending_loan", currency=read.currency, status=LoanStatus.WRITTEN_OFF)
    return _share(label, net_loss_by_day(read.proven, read.currency), Step.DAY, link=link)


def _collected(read: Read) -> Figure | None:
    if read.proven is None or read.currency is None:
        return None
    label = _t("Collected, 7 days, %(currency)s") % {"currency": read.currency}
    minors = collected_by_week(read.proven, read.currency)
    return _money(label, minors, read.currency, Step.WEEK, link=listed_at("lending_transfer"))


def _in_suspense(read: Read) -> Figure | None:
    return _balance(read, Account.SUSPENSE, _t("In suspense"), listed_at("lending_statementline", state="suspense"))


def _provisions(read: Read) -> Figure | None:
    return _balance(read, Account.PROVISION, _t("Provisions"), listed_at("lending_provisionmonth"))


def _balance(read: Read, account: Account, label: str, link: str) -> Figure | None:
    """Return the credit balance of an account."""
    if read.proven is None or read.currency is None:
        return None
    minors = [-minor for minor in balances_by_day(account, read.proven, read.currency)]
    return _money(f"{label}, {read.currency}", minors, read.currency, Step.DAY, link=link)


def _proven_days(_read: Read) -> Figure | None:
    proofs = proofs_of_days()
    if not proofs:
        return None
    broken = proofs.count(False)
    link = listed_at("lending_dayclose", **({"state": CloseState.BROKEN} if broken else {}))
    value = Cell(text=_t("%(n)s of %(all)s") % {"n": len(proofs) - broken, "all": len(proofs)}, link=link)
    trend = Trend(points=[float(proof) for proof in proofs], label=_t("Books proven, by day"))
    return Figure(label=_t("Days closed and proven"), value=value, trend=trend)


def _approvals(_read: Read) -> Figure | None:
    label, link = _t("Requests decided by a second person, 7 days"), listed_at("office_approvalrequest")
    return _figure(label, approvals_by_week(timezone.now()), _counted, Step.WEEK, link=link)


def _events(_read: Read) -> Figure | None:
    label, link = _t("Events sealed, 7 days"), listed_at("office_operationevent")
    return _figure(label, events_by_week(timezone.now()), _counted, Step.WEEK, link=link)


def _counted(number: float) -> str:
    return f"{number:,.0f}"


def _share(label: Words, shares: Sequence[Part | None], step: Step, *, link: str) -> Figure | None:
    """Return the last of some shares; a point without a whole is a gap."""
    if not any(share is not None and share.whole for share in shares):
        return None
    points = [100 * share.part / share.whole if share is not None and share.whole else None for share in shares]
    last = shares[-1]
    value = NOTHING if last is None else percent(last.part, last.whole)
    trend = _trend(label, points, step, lambda point: f"{point:.1f} %")
    return Figure(label=label, value=Cell(text=value, link=link), trend=trend, note=trend.label)


def _money(label: Words, minors: Sequence[int | None], currency: str, step: Step, *, link: str) -> Figure:
    last = minors[-1]
    trend = _trend(label, minors, step, lambda minor: money(int(minor), currency))
    value = NOTHING if last is None else money(last, currency)
    return Figure(label=label, value=Cell(text=value, link=link), trend=trend, note=trend.label)


def _figure(
    label: Words, points: Sequence[float | None], said: Callable[[float], str], step: Step, *, link: str, tag: str = ""
) -> Figure:
    last, trend = points[-1], _trend(label, points, step, said)
    value = NOTHING if last is None else said(last)
    return Figure(label=label, value=Cell(text=value, link=link, tag=tag), trend=trend, note=trend.label)


def _trend(label: Words, points: Sequence[float | None], step: Step, said: Callable[[float], str]) -> Trend:
    """Draw the points, and say what the first that is known was, and how long ago."""
    known = [(place, point) for place, point in enumerate(points) if point is not None]
    place, point = known[0] if known else (len(points) - 1, None)
    back = len(points) - 1 - place
    then = AGO[step](back) % {"n": back}
    return Trend(points=points, label=label if point is None or not back else f"{said(point)}, {then}")


FIGURES: Final[Mapping[Role, Sequence[Callable[[Read], Figure | None]]]] = {
    Role.VIEWER: (_outstanding, _par(Lateness.DELINQUENT), _median_score),
    Role.CREDIT_ANALYST: (_median_score, _good_share, _scored_share),
    Role.UNDERWRITER: (_decided, _approved, _disbursed),
    Role.COLLECTOR: (_open_cases, _par(Lateness.ANY), _promises_kept),
    Role.FINANCE: (_outstanding, _collected, _in_suspense),
    Role.RISK_MANAGER: (_par(Lateness.DELINQUENT), _net_loss, _approved),
    Role.CONTROLLER: (_approvals, _provisions, _proven_days),
    Role.AUDITOR: (_events, _approvals, _proven_days),
    Role.ADMINISTRATOR: (_run_minutes, _scored_share, _events),
}
