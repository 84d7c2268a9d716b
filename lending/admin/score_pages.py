"""What a merchant's score rests on: points by characteristic, reasons, trend, and the replay that proves it."""

from collections.abc import Sequence
from typing import Final

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.kernel.exact import MILLION
from config.office.display import (
    SERIES,
    Alert,
    Bar,
    Card,
    Cell,
    Chart,
    Column,
    Facts,
    Listed,
    Page,
    Part,
    Row,
    Table,
    Text,
    grade_chip,
    lines,
    linked,
    mono,
)
from config.office.words import NOTHING, money, percent, signed
from merchants.models import Merchant
from scoring.domain.calibration import CalibrationRefused
from scoring.domain.features.declarations import FEATURES, Unit
from scoring.domain.features.sets import FeatureSetGone
from scoring.domain.policy import NotScored
from scoring.domain.scorecard import ScorecardMalformed
from scoring.models import ReferenceMerchant, Score
from scoring.queries.explanations import Contribution, Explanation
from scoring.queries.labels import (
    CHARACTERISTICS,
    FAMILIES,
    NOT_SCORED,
    bin_in_unit,
    reason_words,
    value_in_unit,
)
from scoring.queries.replay import replay_score

COLUMNS: Final = {
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


def points_card(explanation: Explanation, currency: str) -> Card:
    """Show every characteristic with its value, bin and points, and how they add up to the score."""
    columns = [
        Column(label=_("Characteristic")),
        Column(label=_("Value"), number=True),
        Column(label=_("Points"), number=True),
        Column(label="", style="tl-points"),
    ]
    shown = [part for part in explanation.contributions if not part.absent]
    widest = max((abs(part.points) for part in shown), default=0) or 1
    foot = [
        Row(cells=[_t("%(family)s costs no more than its floor: given back") % {"family": FAMILIES.get(family, family)},
                   signed(back), ""])
        for family, back in explanation.floors.items()
    ]  # fmt: skip
    if explanation.clipped:
        foot.append(Row(cells=[_("Kept within the range of the card"), signed(explanation.clipped), ""]))
    total = _t("Score, starting from %(base)s") % {"base": explanation.base}
    foot.append(Row(cells=[total, explanation.score, ""]))
    rows = [_contribution(part, currency, widest, is_gone=explanation.is_gone) for part in shown]
    gone = _(
        "The version of the characteristics that made this score is no longer installed: the points are as stored, the "
        "values cannot be named."
    )
    parts: list[Part] = [Text(gone, "tl-alert")] if explanation.is_gone else []
    parts += [Table(columns=columns, rows=rows, foot=foot, style="tl-contributions")]
    absent = [str(CHARACTERISTICS.get(part.name, part.name)) for part in explanation.contributions if part.absent]
    if absent:
        note = _t("Not carried by this partner's feed, so neither good nor bad: %(names)s.")
        parts.append(Text(note % {"names": ", ".join(absent)}, "tl-note"))
    return Card(title=_("Points by characteristic"), parts=parts, span=8)


def _contribution(part: Contribution, currency: str, widest: int, *, is_gone: bool) -> list[object]:
    feature = FEATURES[part.reads]
    missing = NOTHING if is_gone else _t("missing")
    value = missing if part.value is None else value_in_unit(part.value, part.unit, currency)
    note = "" if part.value is not None or is_gone else _t(feature.null)
    if part.percentile is not None:
        note = _t("percentile %(place)s among peers") % {"place": part.percentile}
    found = None if part.bin is None or part.unit is Unit.LEVEL else bin_in_unit(part.bin, feature.unit)
    if found is not None and part.percentile is not None:
        found = _t("percentile %(bin)s") % {"bin": found}
    side = "up" if part.points > 0 else "down"
    bar = Bar(width=abs(part.points) * 50 / widest, side=side) if part.points else None
    label = Cell(text=CHARACTERISTICS.get(part.name, part.name), note=found or "", title=feature.meaning)
    return [label, Cell(text=value, note=note), signed(part.points), Cell(bar=bar)]


def reasons_card(explanation: Explanation) -> Card:
    """Show the reasons as the merchant reads them."""
    if not explanation.reasons:
        none = _("Nothing costs points against merchants just above the cut-off.")
        return Card(title=_("Reasons, as the merchant reads them"), parts=[Text(none)], span=4)
    note = _("What costs most points against merchants just above the cut-off, one a family.")
    parts: list[Part] = [Listed([reason_words(name) for name in explanation.reasons]), Text(note, "tl-note")]
    return Card(title=_("Reasons, as the merchant reads them"), parts=parts, span=4)


def trend_card(trend: Sequence[Score], merchant: Merchant) -> Card:
    """Show the score over the published runs."""
    values = [None if score.not_scored else score.score for score in trend]
    parts: list[Part] = []
    if any(values):
        data = lines([score.run.as_of.isoformat() for score in trend], (_t("Score"), values, SERIES[0]))
        parts.append(
            Chart(name="trend-chart", label=_("Score by published run; the table below says the same."), data=data)
        )
    columns = [
        Column(label=_("As of"), style="tl-nowrap"),
        Column(label=_("Grade")),
        Column(label=_("Score"), number=True),
        Column(label=_("PD"), number=True),
        Column(label=_t("Sales basis, %(currency)s") % {"currency": merchant.currency}, number=True),
    ]
    rows = [_trend_row(score, merchant) for score in reversed(trend)]
    parts.append(Table(columns=columns, rows=rows, empty=_("No published run has seen this merchant yet.")))
    return Card(title=_("Score over the published runs"), parts=parts)


def _trend_row(score: Score, merchant: Merchant) -> list[object]:
    day = linked(score.run, score.run.as_of.isoformat())
    if score.not_scored is not None:
        return [day, Cell(text=NOTHING, note=NOT_SCORED[NotScored(score.not_scored)]), None, None, None]
    basis = money(score.sales_basis_minor, merchant.currency)
    return [day, grade_chip(score.grade), score.score, pd_words(score), basis]


def pd_words(score: Score) -> str:
    """Format the probability of default."""
    return NOTHING if score.pd_ppm is None else percent(score.pd_ppm, MILLION)


def pins_card(score: Score) -> Card:
    """Show what the score rests on: the run, what it knew, its card and calibration."""
    run = score.run
    facts = [
        (_("Run"), linked(run, _t("%(id)s, as of %(date)s") % {"id": run.pk, "date": run.as_of})),
        (_("Batches"), known_words(run.watermark_high, run.watermark_open)),
        (
            _("Scorecard"),
            Cell(text=run.scorecard.name, link=linked(run.scorecard).link, note=mono(run.scorecard.sha256)),
        ),
        (_("Calibration"), None if run.calibration is None else linked(run.calibration, run.calibration.sha256[:8])),
        (_("Feature set"), mono(run.feature_set)),
    ]
    return Card(title=_("What the score rests on"), parts=[Facts(facts)], span=4)


def known_words(high: int, still_open: Sequence[int]) -> str:
    """Describe which batches a run knew."""
    known = _t("below number %(high)s") % {"high": high}
    return (
        known + _t(", except %(open)s, then open") % {"open": ", ".join(map(str, still_open))} if still_open else known
    )


def replay_page(merchant: Merchant, score: Score) -> Page:
    """Replay the score, and show the result column by column."""
    run = score.run
    alert, cards = _replayed(score)
    return Page(
        title=_t("Replay of the score of %(merchant)s") % {"merchant": merchant},
        sub=[
            linked(merchant, _t("Back to the merchant")),
            linked(run, _t("run %(id)s, as of %(date)s") % {"id": run.pk, "date": run.as_of}),
            _t("batches %(known)s") % {"known": known_words(run.watermark_high, run.watermark_open)},
        ],
        alerts=[alert],
        cards=cards,
    )


def _replayed(score: Score) -> tuple[Alert, list[Card]]:
    try:
        replay = replay_score(score)
    except FeatureSetGone:
        text = _t(
            "The score cannot be computed again: version %(version)s of the characteristics, which made it, is no "
            "longer installed. That says nothing against what is stored."
        )
        return Alert(text=text % {"version": score.run.feature_set}), []
    except (ScorecardMalformed, CalibrationRefused, ReferenceMerchant.DoesNotExist):
        gone = _("The score cannot be proven: its card, its calibration or its pinned member is gone or damaged.")
        return Alert(tint="tl-bad", text=gone), []
    if replay.equal:
        text = _t(
            "All %(columns)s columns were computed again, from the facts known then and the pinned card, calibration "
            "and references, and are what is stored."
        )
        return Alert(tint="tl-ok", strong=_("Equal in every column."), text=text % {"columns": replay.columns}), []
    text = _t(
        "What is stored is not what these facts give. Someone changed the row or the facts: tell the risk owner, and "
        "do not rely on this score."
    )
    columns = [Column(label=_("Column")), Column(label=_("Stored")), Column(label=_("Computed again"))]
    rows = [[COLUMNS[part.column], mono(part.stored), mono(part.computed)] for part in replay.differences]
    card = Card(title=_("Differences"), parts=[Table(columns=columns, rows=rows)])
    return Alert(tint="tl-bad", strong=_("Not equal."), text=text), [card]
