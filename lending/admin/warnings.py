"""Office pages of early warnings: the queue, a warning with what it rests on, and what people do with it."""

from collections.abc import Callable, Sequence
from typing import Final

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.display import (
    SERIES,
    Alert,
    Card,
    Chart,
    Column,
    Facts,
    Figure,
    Page,
    Table,
    Text,
    bars,
    chip,
    grade_chip,
    linked,
    major,
    mono,
)
from config.office.lists import Filter, ListColumn, Search, choice_filter, date_filter
from config.office.pages import OfficeAdmin, name_of, name_over
from config.office.verbs import TO_BE_GIVEN, Asked, ReasonForm, Refusals, Verb, refused_by
from config.office.words import money
from lending.admin.transactions import transaction_columns, transaction_row
from lending.admin.warning_words import (
    EFFECTS,
    IN_MONEY,
    MEANINGS,
    SIGNALS,
    WARNING_REFUSALS,
    WARNING_STATES,
    amount_words,
    share_words,
)
from lending.domain.watch.policy import Effect, Signal
from lending.domain.watch.signals import SIDES, Side
from lending.domain.watch.warning import WarningState, judge_confirmation, judge_lifting
from lending.models import EarlyWarning
from lending.operations.warnings import WarningNotMoved, confirm_warning, lift_warning
from lending.queries.search import search_warnings
from lending.queries.warning_evidence import RepeatBuyers, Week, repeat_buyers, rows_behind, weeks_before
from lending.queries.warnings import standing_warnings
from scoring.queries.merchants import live_scores

SHOWN: Final = 50
MOVED: Final[Refusals] = {WarningNotMoved: WARNING_REFUSALS}


def _warning(operation: Callable[..., EarlyWarning]) -> Callable[[EarlyWarning, Asked], EarlyWarning]:
    def call(warning: EarlyWarning, asked: Asked) -> EarlyWarning:
        return operation(warning_id=warning.pk, reason=asked.data["reason"], actor=asked.actor, now=asked.now)

    return call


def _stands(warning: EarlyWarning) -> bool:
    return warning.state != WarningState.LIFTED


def _about(warning: EarlyWarning, _asked: Asked) -> Sequence[Facts]:
    return [Facts([(_("Merchant"), linked(warning.merchant)), (_("Signal"), SIGNALS[Signal(warning.signal)])])]


VERBS: Final[Sequence[Verb]] = (
    Verb(
        name="confirm",
        label=_("Confirm"),
        right="lending.judge_earlywarning",
        offered=lambda warning: warning.state == WarningState.RAISED,
        form=ReasonForm,
        note=_("It leaves the review queue. Whatever it holds back stays held until the signal clears."),
        about=_about,
        why_not=refused_by(
            lambda warning, _asked: judge_confirmation(WarningState(warning.state), reason=TO_BE_GIVEN),
            WARNING_REFUSALS,
        ),
        call=_warning(confirm_warning),
        done=_("The warning is confirmed."),
        refusals=MOVED,
        is_primary=True,
    ),
    Verb(
        name="lift",
        label=_("Lift"),
        right="lending.lift_earlywarning",
        offered=_stands,
        form=ReasonForm,
        note=_(
            "What only this warning holds back is released with the next offers. Its signal stays quiet for a while."
        ),
        about=_about,
        why_not=refused_by(
            lambda warning, _asked: judge_lifting(WarningState(warning.state), reason=TO_BE_GIVEN), WARNING_REFUSALS
        ),
        call=_warning(lift_warning),
        done=_("The warning is lifted."),
        refusals=MOVED,
    ),
)


@admin.register(EarlyWarning)
class EarlyWarningAdmin(OfficeAdmin[EarlyWarning]):
    title = _("Early warnings")
    columns = (
        ListColumn(label=_("Merchant"), cell=lambda row: name_over(row.merchant.name, str(row))),
        ListColumn(label=_("Signal"), cell=lambda row: SIGNALS[Signal(row.signal)]),
        ListColumn(label=_("State"), cell=lambda row: chip(*WARNING_STATES[WarningState(row.state)])),
        ListColumn(
            label=_("Observed"),
            cell=lambda row: amount_words(Signal(row.signal), row.observed, row.merchant.currency),
            number=True,
        ),
        ListColumn(
            label=_("Expected"),
            cell=lambda row: amount_words(Signal(row.signal), row.expected, row.merchant.currency),
            number=True,
        ),
        ListColumn(label=_("Share"), cell=lambda row: share_words(row.share_bps), number=True),
        ListColumn(label=_("Currency"), cell=lambda row: row.merchant.currency),
        ListColumn(label=_("Raised on"), cell=lambda row: row.raised_on, style="tl-nowrap"),
        ListColumn(label=_("Holds back"), cell=lambda row: _("draws") if Effect.FREEZE in row.effects else _held(row)),
    )
    filters = (
        choice_filter("state", _("state"), WARNING_STATES),
        choice_filter("signal", _("signal"), SIGNALS),
        Filter(
            name="review",
            label=_("review"),
            choices=lambda: [("yes", _("Needs review"))],
            keep=lambda rows, _value: rows.filter(effects__contains=[Effect.REVIEW]),
        ),
        date_filter("raised_from", _("raised from"), "raised_on__gte"),
        date_filter("raised_to", _("raised to"), "raised_on__lte"),
    )
    search = Search(help=_("Warning number or merchant"), keep=lambda rows, term: search_warnings(term, rows))
    list_related = ("merchant",)
    related = ("merchant__partner", "run__policy", "fresh_score__run")
    verbs = VERBS
    empty = _(
        "No warnings yet. Merchants with a limit or a loan are checked every night, and borrowers as new rows arrive."
    )

    def page_of(self, row: EarlyWarning, request: HttpRequest) -> Page:
        signal, currency = Signal(row.signal), row.merchant.currency
        decided = None
        if row.decided_by:
            said = _t("lifted on %(date)s by %(who)s") if row.lifted_on else _t("confirmed by %(who)s")
            decided = said % {"date": row.lifted_on, "who": name_of(row.decided_by)}
        bound = _t("fires at %(share)s or less") if SIDES[signal] is Side.BELOW else _t("fires at %(share)s or more")
        found, buyers = rows_behind(row, most=SHOWN), repeat_buyers(row, most=SHOWN)
        return Page(
            title=f"{SIGNALS[signal]} · {row.merchant.name}",
            name=linked(row.merchant, row.merchant.name),
            chips=[chip(*WARNING_STATES[WarningState(row.state)])],
            sub=[
                str(row),
                _t("raised on %(date)s") % {"date": row.raised_on},
                _t("last fired on %(date)s") % {"date": row.fired_on} if row.fired_on != row.raised_on else None,
                decided,
                row.reason or None,
            ],
            lead=SIGNALS[signal],
            figures=[
                Figure(
                    label=_t("Observed, %(currency)s") % {"currency": currency}
                    if signal in IN_MONEY
                    else _("Observed"),
                    value=amount_words(signal, row.observed, currency),
                ),
                Figure(label=_("Expected"), value=amount_words(signal, row.expected, currency)),
                Figure(
                    label=_("Share of expected"),
                    value=share_words(row.share_bps),
                    note=bound % {"share": share_words(row.threshold_bps)},
                ),
            ],
            cards=[
                _meaning(row, signal),
                _score(row),
                _weeks(weeks_before(row), currency),
                *([] if buyers is None else [_buyers(buyers)]),
                Card(
                    title=_t("Underlying rows: %(n)s") % {"n": f"{found.number:,}"},
                    parts=[
                        Table(
                            columns=transaction_columns(currency),
                            rows=[transaction_row(one, currency) for one in found.rows],
                            empty=_("No such rows."),
                        )
                    ],
                ),
            ],
        )


def _held(row: EarlyWarning) -> object:
    return _("new credit") if Effect.NO_OFFER in row.effects else None


def _meaning(row: EarlyWarning, signal: Signal) -> Card:
    effects = [EFFECTS[Effect(effect)] for effect in row.effects]
    policy = _("that comes with Tradeline") if row.run.policy is None else _t("version %(n)s") % {"n": row.run.policy}
    facts = [
        (_("Effects"), "; ".join(map(str, effects)) or _("none: for information only")),
        (_("Judged as of"), row.run.as_of),
        (_("Batches known up to"), f"{row.run.watermark_high:,}"),
        (_("Policy"), policy),
    ]
    if row.drawn_on is not None:
        facts.insert(1, (_("Latest draw"), row.drawn_on))
    return Card(title=_("What it compares"), parts=[Text(MEANINGS[signal]), Facts(facts)], span=7)


def _score(row: EarlyWarning) -> Card:
    live = live_scores([row.merchant_id]).get(row.merchant_id)
    columns = [
        Column(label=_("Score")),
        Column(label=_("As of"), style="tl-nowrap"),
        Column(label=_("Points"), number=True),
        Column(label=_("Grade")),
    ]
    found = [(_("Live"), live), (_("When it was raised"), row.fresh_score)]
    rows = [
        [said, linked(one.run, one.run.as_of.isoformat()), one.score, grade_chip(one.grade)]
        for said, one in found
        if one is not None
    ]
    return Card(
        title=_("Scores"), parts=[Table(columns=columns, rows=rows, empty=_("The merchant has no score."))], span=5
    )


def _weeks(weeks: Sequence[Week], currency: str) -> Card:
    labels = [one.first.isoformat() for one in weeks]
    drawn = bars(labels, (_("Sold"), [major(one.sold_minor, currency) for one in weeks], SERIES[0]))
    columns = [
        Column(label=_("Week from"), style="tl-nowrap"),
        Column(label=_("Sales"), number=True),
        Column(label=_t("Sold, %(currency)s") % {"currency": currency}, number=True),
    ]
    rows = [[one.first, one.sales, money(one.sold_minor, currency)] for one in reversed(weeks)]
    label = _t("What was sold each week, in %(currency)s") % {"currency": currency}
    return Card(
        title=_("Sales by week"),
        parts=[
            Chart(name="weeks", label=label, data=drawn),
            Table(columns=columns, rows=rows, folded=_("The same as a table")),
        ],
    )


def _buyers(found: RepeatBuyers) -> Card:
    columns = [
        Column(label=_("Buyer, by hash"), style="tl-nowrap"),
        Column(label=_("Purchases in the half year before"), number=True),
        Column(label=_("Before the draw"), number=True),
        Column(label=_("After it"), number=True),
        Column(label=_("Last purchase"), style="tl-nowrap"),
    ]
    rows = [[mono(f"…{one.buyer & 0xFFFFFF:06x}"), one.chosen, one.before, one.after, one.last] for one in found.buyers]
    said = _t("%(n)s repeat buyers: %(before)s purchases before the draw, %(after)s in as many recent days.")
    note = Text(
        said % {"n": f"{found.number:,}", "before": f"{found.before:,}", "after": f"{found.after:,}"}, "tl-note"
    )
    return Card(title=_("Repeat buyers"), parts=[Table(columns=columns, rows=rows), note])


def warning_alerts(merchant_id: int, request: HttpRequest) -> list[Alert]:
    """Say on the pages of a merchant and its loans which warnings stand."""
    if not request.user.has_perm("lending.view_earlywarning"):
        return []
    return [
        Alert(
            link=linked(one, SIGNALS[Signal(one.signal)]),
            text=_t("raised on %(date)s, %(share)s of expected.")
            % {"date": one.raised_on, "share": share_words(one.share_bps)},
        )
        for one in standing_warnings(merchant_id)
    ]
