"""Fill the first page of the office."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.words import money, percent
from lending.admin.charts import SERIES, bars, lines
from lending.admin.words import CLOSE_STATES
from lending.domain.books.day_close import CloseState
from lending.domain.books.loan import LoanStatus
from lending.domain.books.transfer import TransferState
from lending.domain.origination.application import ApplicationState
from lending.queries.desk import get_desk
from lending.queries.portfolio import Lateness, Portfolio
from scoring.domain.checks import CheckName
from scoring.domain.run import RunState
from scoring.models import RunCheck, ScoreRun
from scoring.queries.dashboard import Dashboard, RunFigures, Situation, get_dashboard
from scoring.queries.labels import CHECKS, NOT_SCORED, RUN_STATES, worst_words
from scoring.queries.merchants import GOOD_GRADES, Outcome, Standing

RIGHTS = ("merchants.view_merchant", "scoring.view_scorerun")
NEXT_STEPS = {
    Situation.NOTHING_IMPORTED: _(
        "No marketplace has been imported yet. Merchants, grades and runs appear here once its history is in."
    ),
    Situation.NO_RUN: _("Merchants are in, but nobody has been scored yet. Start the first run."),
    Situation.NOTHING_PUBLISHED: _(
        "A run was made, but none is published. A first run has no calibration: make one on it, then run again."
    ),
}


def fill_dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the figures, charts and lists of the first page, for whoever may see them."""
    context["title"] = _("Overview")
    if not all(request.user.has_perm(right) for right in RIGHTS):
        return context
    dashboard = get_dashboard()
    context |= {
        "dashboard": dashboard,
        "next_step": NEXT_STEPS.get(dashboard.situation),
        "nothing_imported": dashboard.situation is Situation.NOTHING_IMPORTED,
        "runs": [_run_row(run, checks) for run, checks in dashboard.runs],
        "trend_rows": [_trend_row(run, figures) for run, figures in reversed(dashboard.trend)],
        "trend_chart": _trend_chart(dashboard),
    }
    if request.user.has_perm("lending.view_loan"):
        context |= _desk()
    figures = dashboard.figures
    if figures is not None:
        context |= {
            "figures": figures,
            "good_share": percent(figures.good, figures.scored),
            "good_label": GOOD_GRADES[-1],
            "links": {
                "scored": merchants_url(outcome=Outcome.SCORED),
                "not_scored": merchants_url(outcome=Outcome.NOT_SCORED),
                "good": merchants_url(grade=Standing.GOOD),
                "newer": merchants_url(outcome=Outcome.UNKNOWN),
            },
            "newer": dashboard.merchants - figures.scored - figures.not_scored,
            "grade_rows": [
                (grade.value, number, percent(number, figures.scored), merchants_url(grade=Standing(grade)))
                for grade, number in figures.grades.items()
            ],
            "reason_rows": [
                (
                    NOT_SCORED[reason],
                    number,
                    percent(number, figures.not_scored),
                    merchants_url(outcome=Outcome(reason.lower())),
                )
                for reason, number in figures.reasons.items()
            ],
            "grade_chart": _grade_chart(figures),
        }
    return context


def _desk() -> dict[str, Any]:
    """Say what lending has outstanding, and what waits."""
    desk = get_desk()
    close = desk.last_close
    return {
        "desk": desk,
        "portfolio_rows": [_portfolio_row(portfolio) for portfolio in desk.portfolios],
        "close_state": None if close is None else CLOSE_STATES[CloseState(close.state)],
        "lending_links": {
            "referred": _list_url("lending_application", state=ApplicationState.REFERRED),
            "offers": _list_url("lending_offer", state="open"),
            "unknown": _list_url("lending_transfer", state=TransferState.UNKNOWN),
        },
    }


def _portfolio_row(portfolio: Portfolio) -> dict[str, Any]:
    currency = portfolio.currency
    return {
        "portfolio": portfolio,
        "outstanding": money(portfolio.outstanding_minor, currency),
        "disbursed": money(portfolio.disbursed_minor, currency),
        "repaid": money(portfolio.repaid_minor, currency),
        "delinquency": percent(portfolio.delinquent_minor, portfolio.outstanding_minor),
        "late": percent(portfolio.late_minor, portfolio.outstanding_minor),
        "links": {
            "active": _list_url("lending_loan", currency=currency, status=LoanStatus.ACTIVE),
            "disbursed": _list_url("lending_loan", currency=currency),
            "late": _list_url("lending_loan", currency=currency, late=Lateness.ANY),
            "delinquent": _list_url("lending_loan", currency=currency, late=Lateness.DELINQUENT),
        },
    }


def _list_url(model: str, **filters: str) -> str:
    return f"{reverse(f'admin:{model}_changelist')}?{urlencode(filters)}"


def merchants_url(**filters: str) -> str:
    """Point to the list behind a figure."""
    address = reverse("admin:merchants_merchant_changelist")
    return f"{address}?{urlencode(filters)}" if filters else address


def _grade_chart(figures: RunFigures) -> dict[str, Any]:
    shares = [round(100 * number / figures.scored, 1) if figures.scored else 0 for number in figures.grades.values()]
    colours = [f"--tl-{grade}" for grade in figures.grades]
    return bars(
        [grade.value for grade in figures.grades],
        (_t("Share of scored merchants"), shares, colours),
        decimals=1,
        unit=" %",
        ends=True,
    )


def _trend_chart(dashboard: Dashboard) -> dict[str, Any]:
    labels = [run.as_of.isoformat() for run, _figures in dashboard.trend]
    names = (_t("Upper quartile"), _t("Median"), _t("Lower quartile"))
    parts: Sequence[tuple[str, int, str]] = list(zip(names, (2, 1, 0), (SERIES[2], SERIES[0], SERIES[2]), strict=True))
    quartiles = [figures.quartiles for _run, figures in dashboard.trend]
    return lines(
        labels,
        *(
            (name, [None if found is None else found[place] for found in quartiles], tint)
            for name, place, tint in parts
        ),
    )


def _trend_row(run: ScoreRun, figures: RunFigures) -> dict[str, Any]:
    return {"run": run, "figures": figures, "good": percent(figures.good, figures.scored)}


def _run_row(run: ScoreRun, checks: Sequence[RunCheck]) -> dict[str, Any]:
    failed = [check for check in checks if not check.passed]
    return {
        "run": run,
        "state": RunState(run.state),
        "words": RUN_STATES[RunState(run.state)],
        "passed": len(checks) - len(failed),
        "failed": [(CHECKS[CheckName(check.name)], worst_words(check.worst)) for check in failed],
        "checks": len(checks),
    }
