"""Say in words and charts what is known of one merchant."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpRequest, QueryDict
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.kernel.money import exponent_of
from config.office.admin import Verb, named
from config.office.business_date import get_business_date
from config.office.words import NOTHING, money, percent, signed
from lending.admin.borrowing import borrowing_context
from lending.admin.charts import SERIES, bars, lines, major
from merchants.domain.payout_account import PayoutAccountState
from merchants.domain.transaction import TransactionKind
from merchants.models import Merchant, Transaction
from merchants.queries.histories import PAGE, Period, PeriodSales, Place, sales_of, transactions_of
from merchants.queries.payout_accounts import payout_accounts_of
from scoring.domain.calibration import CalibrationRefused
from scoring.domain.features.declarations import FEATURES, Unit
from scoring.domain.features.sets import FeatureSetGone
from scoring.domain.policy import Gate, NotScored
from scoring.domain.scorecard import ScorecardMalformed
from scoring.models import ReferenceMerchant, Score
from scoring.queries.explanations import Contribution, explain_score
from scoring.queries.labels import (
    CHARACTERISTICS,
    FAMILIES,
    GATES,
    NOT_SCORED,
    bin_in_unit,
    not_scored_words,
    reason_words,
    value_in_unit,
)
from scoring.queries.merchants import live_scores, siblings_of
from scoring.queries.progress import trend_of
from scoring.queries.replay import replay_score

TREND = 12
SIBLINGS = 20
MILLION = 1_000_000
PERIODS = {Period.DAY: _("Day"), Period.WEEK: _("Week"), Period.MONTH: _("Month")}
SPANS = {
    Period.DAY: _("Last 90 days"),
    Period.WEEK: _("Last 26 weeks"),
    Period.MONTH: _("Last 24 months, the current one so far"),
}
KINDS = {
    TransactionKind.SALE: _("Sale"),
    TransactionKind.SETTLEMENT: _("Released to the merchant"),
    TransactionKind.REFUND: _("Refund"),
    TransactionKind.CHARGEBACK: _("Chargeback"),
    TransactionKind.CANCEL: _("Cancelled by the seller"),
    TransactionKind.FEE: _("Fee"),
    TransactionKind.PAYOUT: _("Payout"),
    TransactionKind.DEPOSIT: _("Deposit"),
    TransactionKind.REVIEW: _("Review"),
    TransactionKind.DISPATCH: _("Dispatch"),
}
ACCOUNT_STATES = {
    PayoutAccountState.PENDING: (_("Waits for verification"), "tl-warn"),
    PayoutAccountState.VERIFIED: (_("Verified"), "tl-ok"),
    PayoutAccountState.REJECTED: (_("Rejected"), ""),
}
COLUMNS = {
    "merchant_id": _("Merchant"),
    "not_scored": _("Reason for not being scored"),
    "needed": _("What is missing"),
    "score": _("Score"),
    "pd_ppm": _("PD"),
    "grade": _("Grade"),
    "sales_basis_minor": _("Sales basis"),
    "sales_365_minor": _("Sales of a year"),
    "worst_month_minor": _("Worst month of a year"),
    "repayment_level": _("Repayment of earlier loans"),
    "gates": _("Rules failed"),
    "reasons": _("Reasons"),
    "floored": _("Floors"),
    "absent": _("Not carried by the feed"),
    "characteristics": _("Characteristics"),
    "points": _("Points"),
}


def portrait_of(merchant: Merchant, request: HttpRequest) -> dict[str, Any]:
    """Gather what the merchant page shows to whoever asks."""
    trend = trend_of(merchant_id=merchant.pk, most=TREND)
    score = live_scores([merchant.pk]).get(merchant.pk)
    context = {
        "siblings": siblings_of(merchant, most=SIBLINGS),
        "score": score,
        "trend_rows": [_trend_row(part, merchant) for part in reversed(trend)],
        "trend_chart": _trend_chart(trend),
        **_sales(merchant, request.GET),
        **_accounts(merchant, request),
        **borrowing_context(merchant, request),
    }
    return context if score is None else context | _score(score, merchant, request)


def _score(score: Score, merchant: Merchant, request: HttpRequest) -> dict[str, Any]:
    why = None if request.user.has_perm("scoring.replay_score") else _("Your role may not replay scores.")
    address = reverse("admin:merchants_merchant_replay", args=[merchant.pk, score.pk])
    context = {
        "run": score.run,
        "replay_verb": Verb(label=_("Replay this score"), url=address, why=why),
        "pd": NOTHING if score.pd_ppm is None else percent(score.pd_ppm, MILLION),
        "basis": money(score.sales_basis_minor, merchant.currency),
    }
    if score.not_scored is not None:
        return context | {"not_scored": not_scored_words(score.not_scored, score.needed)}
    explanation = explain_score(score)
    widest = max((abs(part.points) for part in explanation.contributions), default=0) or 1
    return context | {
        "explanation": explanation,
        "gates": [GATES[Gate(gate)] for gate in explanation.gates],
        "reasons": [reason_words(name) for name in explanation.reasons],
        "contributions": [
            _contribution(part, merchant.currency, widest, is_gone=explanation.is_gone)
            for part in explanation.contributions
            if not part.absent
        ],
        "absent": [CHARACTERISTICS.get(part.name, part.name) for part in explanation.contributions if part.absent],
        "floors": [(FAMILIES.get(family, family), signed(back)) for family, back in explanation.floors.items()],
        "clipped": signed(explanation.clipped) if explanation.clipped else None,
    }


def _contribution(part: Contribution, currency: str, widest: int, *, is_gone: bool) -> dict[str, Any]:
    feature = FEATURES[part.reads]
    is_missing = part.value is None and not is_gone
    value = (
        NOTHING if is_gone else _t("missing") if part.value is None else value_in_unit(part.value, part.unit, currency)
    )
    return {
        "label": CHARACTERISTICS.get(part.name, part.name),
        "meaning": feature.meaning,
        "value": value,
        "note": _t(feature.null) if is_missing else "",
        "percentile": part.percentile,
        "bin": None if part.bin is None or part.unit is Unit.LEVEL else bin_in_unit(part.bin, feature.unit),
        "points": signed(part.points),
        "up": part.points > 0,
        "down": part.points < 0,
        "width": f"{abs(part.points) * 50 / widest:.1f}",
    }


def _trend_row(score: Score, merchant: Merchant) -> dict[str, Any]:
    return {
        "score": score,
        "is_scored": score.not_scored is None,
        "pd": NOTHING if score.pd_ppm is None else percent(score.pd_ppm, MILLION),
        "basis": money(score.sales_basis_minor, merchant.currency),
        "why": None if score.not_scored is None else NOT_SCORED[NotScored(score.not_scored)],
    }


def _trend_chart(trend: Sequence[Score]) -> dict[str, Any] | None:
    values = [None if score.not_scored else score.score for score in trend]
    if not any(values):
        return None
    return lines([score.run.as_of.isoformat() for score in trend], (_t("Score"), values, SERIES[0]))


def _sales(merchant: Merchant, asked: QueryDict) -> dict[str, Any]:
    text = asked.get("by", "")
    period = Period(text) if text in set(Period) else Period.DAY
    until = get_business_date()
    sales = [] if until is None else sales_of(merchant_id=merchant.pk, period=period, until=until)
    currency = merchant.currency
    return {
        "period_tabs": [(other, words, other is period) for other, words in PERIODS.items()],
        "span": SPANS[period],
        "has_sales": any(not part.is_silent for part in sales),
        "sales_total": money(sum(part.sold - part.returned for part in sales), currency),
        "sales_chart": _sales_chart(sales, period, currency),
        "sales_rows": [_sales_row(part, currency) for part in reversed(sales)],
    }


def _sales_chart(sales: Sequence[PeriodSales], period: Period, currency: str) -> dict[str, Any]:
    labels = [f"{part.start:%Y-%m}" if period is Period.MONTH else part.start.isoformat() for part in sales]
    sold = [None if part.is_silent else major(part.sold, currency) for part in sales]
    returned = [None if part.is_silent else -major(part.returned, currency) for part in sales]
    return bars(
        labels,
        (_t("Sales"), sold, SERIES[0]),
        (_t("Refunds and chargebacks"), returned, SERIES[1]),
        decimals=exponent_of(currency),
    )


def _sales_row(part: PeriodSales, currency: str) -> dict[str, Any]:
    silent = part.is_silent
    return {
        "start": part.start,
        "number": NOTHING if silent else f"{part.number:,}",
        "sold": NOTHING if silent else money(part.sold, currency),
        "returned": NOTHING if silent else money(-part.returned, currency),
        "net": NOTHING if silent else money(part.sold - part.returned, currency),
    }


def _accounts(merchant: Merchant, request: HttpRequest) -> dict[str, Any]:
    if not request.user.has_perm("merchants.view_payoutaccount"):
        return {"may_see_accounts": False}
    accounts = payout_accounts_of(merchant_id=merchant.pk)
    names = named(account.entered_by for account in accounts)
    rows = [
        (account, *ACCOUNT_STATES[PayoutAccountState(account.state)], names[account.entered_by]) for account in accounts
    ]
    return {"may_see_accounts": True, "accounts": rows}


def transactions_context(merchant: Merchant, asked: QueryDict) -> dict[str, Any]:
    """Gather one page of the merchant's transactions. Raises Http404 for a place that is none."""
    text = asked.get("kind", "")
    kind = TransactionKind(text) if text in set(TransactionKind) else None
    older, newer = _place(asked.get("older")), _place(asked.get("newer"))
    page = transactions_of(merchant_id=merchant.pk, kind=kind, older_than=older, newer_than=newer)
    kept = {} if kind is None else {"kind": kind.value}
    return {
        "rows": [_transaction(row, merchant.currency) for row in page.rows],
        "kind": kind,
        "kinds": [(other.value, words, other is kind) for other, words in KINDS.items()],
        "page_size": PAGE,
        "older": None if page.older is None else _query(kept, "older", page.older),
        "newer": None if page.newer is None else _query(kept, "newer", page.newer),
    }


def _query(kept: Mapping[str, str], direction: str, place: Place) -> str:
    return "?" + urlencode({**kept, direction: f"{place.occurred_at.astimezone(UTC).isoformat()}_{place.id}"})


def _place(text: str | None) -> Place | None:
    if not text:
        return None
    moment, _sep, number = text.rpartition("_")
    try:
        return Place(occurred_at=datetime.fromisoformat(moment).astimezone(UTC), id=int(number))
    except (ValueError, OverflowError) as error:
        raise Http404 from error


def _transaction(row: Transaction, currency: str) -> dict[str, Any]:
    kind = TransactionKind(row.kind)
    late = _t("%(value)s days late") if row.value else _t("on time")
    values = {TransactionKind.REVIEW: _t("%(value)s of 5 stars"), TransactionKind.DISPATCH: late}
    return {
        "row": row,
        "kind": KINDS[kind],
        "amount": money(row.amount_minor, currency) if row.amount_minor else "",
        "value": "" if row.value is None else values.get(kind, "%(value)s") % {"value": row.value},
    }


def replay_context(score: Score) -> dict[str, Any]:
    """Replay the score, and say what came out."""
    context: dict[str, Any] = {"score": score, "run": score.run}
    try:
        replay = replay_score(score)
    except FeatureSetGone:
        return context | {"is_gone": True}
    except (ScorecardMalformed, CalibrationRefused, ReferenceMerchant.DoesNotExist):
        return context | {"broken": True}
    differences = [(COLUMNS[part.column], part.stored, part.computed) for part in replay.differences]
    return context | {"replay": replay, "differences": differences}
