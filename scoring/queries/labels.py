"""Labels for staff: short names of what scores and runs contain, and values in their units.

Kept beside the queries, as the pages of two apps show them, or a page and a command.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from django.utils.text import format_lazy
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from config.kernel.exact import BASIS_POINTS
from config.office.display import Cell
from config.office.words import HUNDREDTH, MINUS, NOTHING, TENTH, Words, money, percent
from scoring.domain.calibration import CalibrationRefusal
from scoring.domain.checks import CheckName, CheckNote
from scoring.domain.features.declarations import FEATURES, Feed, Unit
from scoring.domain.policy import DAY_ONE, Gate, NotScored
from scoring.domain.run import RunState, RunUnfit, VersionRefusal
from scoring.models import RunCheck
from scoring.queries.explanations import Bin

RUN_STATES: Final = {
    RunState.WORKING: (_("In progress"), "tl-info"),
    RunState.UNPUBLISHED: (_("Done, not for publication"), ""),
    RunState.HELD: (_("Held by its checks"), "tl-warn"),
    RunState.PUBLISHED: (_("Published"), "tl-ok"),
    RunState.ABANDONED: (_("Abandoned"), ""),
}
CHECKS: Final = {
    CheckName.ROW_COUNT: _("Every merchant has a row"),
    CheckName.SCORED_COUNT: _("No fewer merchants are scored"),
    CheckName.NULL_RATES: _("No characteristic went missing"),
    CheckName.SCORE_PSI: _("Scores are spread as before (PSI)"),
    CheckName.GRADE_SHARES: _("Grades are held as before"),
}
NOTES: Final = {
    CheckNote.FIRST_RUN: _("First run: nothing to compare with."),
    CheckNote.NOBODY_SCORED: _("Nobody is scored: nothing to compare."),
    CheckNote.NO_GRADES: _("No calibration yet: no grades to compare."),
    CheckNote.FEATURE_SET_GONE: _("The last run's set of characteristics is no longer known: nothing to compare."),
}
NOT_SCORED: Final = {
    NotScored.FEW_ORDERS: format_lazy(_("Fewer than {orders} orders"), orders=DAY_ONE.fewest_orders),
    NotScored.NO_RECENT_SALE: format_lazy(_("No sale in {days} days"), days=DAY_ONE.recent_days),
    NotScored.TOO_YOUNG: format_lazy(_("First sale less than {days} days ago"), days=DAY_ONE.youngest_days),
}
SCORECARD_REFUSALS: Final = {
    VersionRefusal.REPLACED: _(
        "This card was entered before, and a later one is in force: raise the version in its document."
    ),
}
CALIBRATION_REFUSALS: Final = {
    RunUnfit.NOT_DONE: _("Only a finished run over all merchants can be calibrated on."),
    RunUnfit.OTHER_CARD: _("Another scorecard is in force by now: calibrate on a run by that one."),
    VersionRefusal.REPLACED: _(
        "This calibration was entered before, and a later one is in force: aim at a mean PD that differs by 0.01 %."
    ),
    CalibrationRefusal.NOBODY_PASSES: _("No scored merchant of the run passes the rules: import more history."),
    CalibrationRefusal.TARGET_OUT_OF_REACH: _("No calibration gives these scores this mean PD: enter another."),
    CalibrationRefusal.GRADE_TOO_SMALL: _(
        "One of the grades B1 to C1 would hold less than 3 % of the merchants: enter another mean PD, or import more "
        "merchants."
    ),
    CalibrationRefusal.HASH_DIFFERS: _("The stored scorecard does not match its hash: restore it from a backup."),
    CalibrationRefusal.MALFORMED: _("The stored scorecard cannot be read: restore it from a backup."),
}
GATES: Final = {
    Gate.TENURE: format_lazy(
        _("Declined by rule: selling here for less than {months} months."), months=DAY_ONE.tenure_months
    ),
    Gate.RECENCY: format_lazy(
        _("Declined by rule: the last sale is more than {days} days ago."), days=DAY_ONE.recency_days
    ),
    Gate.DISPUTES: format_lazy(
        _("Declined by rule: {share} or more of the orders were disputed."),
        share=percent(DAY_ONE.disputes_bp, BASIS_POINTS),
    ),
}
FAMILIES: Final = {
    "tenure": _("Tenure"),
    "sales": _("Sales"),
    "activity": _("Activity"),
    "trend": _("Trend"),
    "service": _("Service"),
    "buyers": _("Buyers"),
    "recency": _("Recency"),
    "liquidity": _("Liquidity"),
    "repayment": _("Repayment"),
    "integrity": _("Integrity"),
}
CHARACTERISTICS: Final = {
    "tenure_m": _("Months since the first sale"),
    "sales_90": _("Net sales, 90 days"),
    "sales_90_percentile": _("Net sales among peers"),
    "med_month_12": _("Usual month's net sales"),
    "orders_90": _("Orders, 90 days"),
    "resilience": _("Weakest month against the usual one"),
    "active_days_90": _("Days with a sale, 90 days"),
    "growth_90": _("Growth against the quarter before"),
    "trend_12": _("Monthly trend, 12 months"),
    "cv_week_180": _("Spread of weekly sales"),
    "zero_weeks_180": _("Weeks without a sale, 26 weeks"),
    "refund_value_90m": _("Refunds as a share of sales"),
    "refund_delta": _("Change of the refund share"),
    "dispute_180m": _("Disputed orders"),
    "cancel_late": _("Cancelled or sent late"),
    "rating_180": _("Rating against the category"),
    "top5_180": _("Sales to the five largest buyers"),
    "repeat_180": _("Orders of returning buyers"),
    "buyers_90": _("Different buyers, 90 days"),
    "recency_d": _("Days since the last sale"),
    "min_cover_90": _("Lowest balance, in days of payout"),
    "season": _("Coming quarter last year"),
    "repayment": _("Repayment of earlier loans"),
    "flagged_share": _("Sales that look unreal"),
}
FEEDS: Final = {
    Feed.REFUND: _("refunds"),
    Feed.CHARGEBACK: _("chargebacks"),
    Feed.CANCEL: _("cancellations"),
    Feed.REVIEW: _("reviews"),
    Feed.DISPATCH: _("dispatches"),
    Feed.PAYOUT: _("payouts"),
    Feed.BUYER: _("buyers"),
}
LEVELS: Final = (
    _("16 days late or more, and behind schedule"),
    _("16 days late or more"),
    _("6 to 15 days late, and behind schedule"),
    _("no loan repaid yet, one behind schedule"),
    _("6 to 15 days late"),
    _("one repaid, another behind schedule"),
    _("no loan repaid yet"),
    _("two or more repaid, another behind schedule"),
    _("one repaid"),
    _("two or more repaid, on time"),
)


def value_in_unit(value: int, unit: Unit, currency: str = "") -> str:
    """Format a characteristic's integer for people."""
    if unit is Unit.MINOR:
        return f"{money(value, currency)} {currency}"
    if unit is Unit.BASIS_POINT:
        return _decimal(Decimal(value) / 100, TENTH, " %")
    if unit is Unit.HUNDREDTH:
        return _decimal(Decimal(value) / 100, HUNDREDTH, "")
    if unit is Unit.LEVEL:
        return gettext("level %(number)s of 9: %(words)s") % {"number": value, "words": LEVELS[value]}
    number = f"{value:,}".replace("-", MINUS)
    words = {
        Unit.MONTH: ngettext("%(number)s month", "%(number)s months", value),
        Unit.DAY: ngettext("%(number)s day", "%(number)s days", value),
    }
    return words.get(unit, "%(number)s") % {"number": number}


def bin_in_unit(found: Bin, unit: Unit) -> str:
    """Format a bin, which includes its lower bound and excludes its upper."""
    low, high = (None if bound is None else _bound(bound, unit) for bound in (found.low, found.high))
    if unit is Unit.LEVEL:
        return low or "0"
    if low is None:
        return gettext("below %(high)s") % {"high": high}
    if high is None:
        return gettext("%(low)s or more") % {"low": low}
    return gettext("%(low)s to below %(high)s") % {"low": low, "high": high}


def _bound(bound: int, unit: Unit) -> str:
    if unit is Unit.BASIS_POINT and bound % 10:
        return _decimal(Decimal(bound) / 100, HUNDREDTH, " %")  # else "below 0.0 %"
    return str(bound) if unit is Unit.LEVEL else value_in_unit(bound, unit)


def check_value(name: CheckName, value: int) -> str:
    """Format the value or bound of a check in its unit."""
    if name is CheckName.ROW_COUNT:
        return ngettext("%(number)s merchant off", "%(number)s merchants off", value) % {"number": f"{value:,}"}
    if name is CheckName.SCORED_COUNT:
        return ngettext("%(number)s merchant fewer", "%(number)s merchants fewer", value) % {"number": f"{value:,}"}
    if name is CheckName.SCORE_PSI:
        return str((Decimal(value) / 1_000_000).quantize(Decimal("0.0001")))
    return gettext("%(number)s points") % {"number": (Decimal(value) / 100).quantize(TENTH)}


def worst_words(worst: str) -> Words:
    """Return the name of what moved most: a characteristic, or a grade."""
    return CHARACTERISTICS.get(worst) or (gettext("grade %(grade)s") % {"grade": worst} if worst else "")


def not_scored_words(reason: str, needed: int) -> str:
    """Explain why a merchant is not scored, and what would change it."""
    sentences = {
        NotScored.FEW_ORDERS: ngettext(
            "Not scored: a score needs %(orders)s orders, %(needed)s more is missing.",
            "Not scored: a score needs %(orders)s orders, %(needed)s more are missing.",
            needed,
        ),
        NotScored.NO_RECENT_SALE: gettext(
            "Not scored: the last sale is %(recent)s days ago or more. A new sale changes that."
        ),
        NotScored.TOO_YOUNG: ngettext(
            "Not scored: the first sale must be %(age)s days old; %(needed)s day to wait.",
            "Not scored: the first sale must be %(age)s days old; %(needed)s days to wait.",
            needed,
        ),
    }
    return sentences[NotScored(reason)] % {
        "needed": f"{needed:,}",
        "orders": DAY_ONE.fewest_orders,
        "recent": DAY_ONE.recent_days,
        "age": DAY_ONE.youngest_days,
    }


def reason_words(characteristic: str) -> str:
    """Return why a characteristic costs points."""
    return gettext(FEATURES[characteristic].reason)


def _decimal(number: Decimal, step: Decimal, unit: str) -> str:
    return f"{number.quantize(step, ROUND_HALF_EVEN):,}{unit}".replace("-", MINUS)


def checks_cell(checks: Sequence[RunCheck]) -> Cell:
    """List the checks that failed, or count those that passed."""
    failed = [check for check in checks if not check.passed]
    if not failed:
        return Cell(text=gettext("%(number)s passed") % {"number": len(checks)} if checks else NOTHING)
    return Cell(
        more=[Cell(text=gettext("Failed: %(check)s") % {"check": _named(check)}, tint="tl-warn") for check in failed]
    )


def _named(check: RunCheck) -> str:
    worst = worst_words(check.worst)
    return f"{CHECKS[CheckName(check.name)]} ({worst})" if worst else str(CHECKS[CheckName(check.name)])
