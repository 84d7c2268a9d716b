"""Words for warnings: signals, what they compare, what they lead to, and why something is not done with them."""

from typing import Final

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.kernel.exact import BASIS_POINTS
from config.office.words import Words, money, percent
from lending.domain.watch.policy import Effect, Signal
from lending.domain.watch.warning import WarningRefusal, WarningState

SIGNALS: Final = {
    Signal.SALES_BELOW_SEASON: _("Sales below its own season"),
    Signal.SALES_BELOW_PEERS: _("Sales below its peers"),
    Signal.SILENT: _("No sales"),
    Signal.DIVERSION: _("Repeat buyers lost since the draw"),
    Signal.REFUNDS: _("Refunds up"),
    Signal.DISPUTES: _("Disputes up"),
    Signal.LATE_DISPATCHES: _("Late dispatches up"),
    Signal.DRAINED: _("Balance drained by payouts"),
    Signal.SHORT_OF_INSTALMENT: _("Balance short of the next instalment"),
}
MEANINGS: Final = {
    Signal.SALES_BELOW_SEASON: _(
        "Sales of the last 28 days against the 84 days before, adjusted for the same season a year ago."
    ),
    Signal.SALES_BELOW_PEERS: _(
        "Number of sales in the last 28 days against the 84 days before, adjusted for its category and region."
    ),
    Signal.SILENT: _("Days since the last sale against the longest gap of the last half year."),
    Signal.DIVERSION: _(
        "Purchases by repeat buyers in up to 28 days against as many days before the latest draw, while peers hold "
        "steady: the shop may be selling elsewhere."
    ),
    Signal.REFUNDS: _("Refunds in the last 28 days against what as many sales had at the rate of the 180 days before."),
    Signal.DISPUTES: _(
        "Chargebacks in the last 56 days against what as many sales had at the rate of the 168 days before."
    ),
    Signal.LATE_DISPATCHES: _(
        "Late dispatches in the last 28 days against what as many dispatches had at the rate of the 180 days before."
    ),
    Signal.DRAINED: _("Payouts in the last 28 days against what was released to the merchant, recently or usually."),
    Signal.SHORT_OF_INSTALMENT: _(
        "The balance with the platform plus what usually comes in by the due date, against the amount due."
    ),
}
IN_MONEY: Final = frozenset({Signal.SALES_BELOW_SEASON, Signal.DRAINED, Signal.SHORT_OF_INSTALMENT})
IN_DAYS: Final = frozenset({Signal.SILENT})
WARNING_STATES: Final = {
    WarningState.RAISED: (_("Raised"), "tl-bad"),
    WarningState.CONFIRMED: (_("Confirmed"), "tl-warn"),
    WarningState.LIFTED: (_("Lifted"), ""),
}
EFFECTS: Final = {
    Effect.REVIEW: _("needs review"),
    Effect.RESCORE: _("scored afresh"),
    Effect.NO_OFFER: _("no new offer; applications are referred"),
    Effect.FREEZE: _("no new offer; applications are referred; credit lines frozen"),
}
WARNING_REFUSALS: Final = {
    WarningRefusal.LIFTED: _("This warning has already been lifted."),
    WarningRefusal.CONFIRMED: _("This warning has already been confirmed."),
    WarningRefusal.REASON_MISSING: _("Please give a reason."),
}


def amount_words(signal: Signal, value: int, currency: str) -> Words:
    """Write what a signal observed or expected: an amount, days, or a count."""
    if signal in IN_MONEY:
        return money(value, currency)
    return _t("%(n)s days") % {"n": f"{value:,}"} if signal in IN_DAYS else f"{value:,}"


def share_words(bps: int) -> str:
    """Write a share of what was expected, in percent."""
    return percent(bps, BASIS_POINTS)
