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
    Signal.DIVERSION: _("Repeat buyers gone after the draw"),
    Signal.REFUNDS: _("More refunds"),
    Signal.DISPUTES: _("More disputes"),
    Signal.LATE_DISPATCHES: _("More late dispatches"),
    Signal.DRAINED: _("Balance drained by payouts"),
    Signal.SHORT_OF_INSTALMENT: _("Too little for the next instalment"),
}
MEANINGS: Final = {
    Signal.SALES_BELOW_SEASON: _(
        "What was sold in 28 days, beside the 84 days before, times what the same days were to theirs a year ago."
    ),
    Signal.SALES_BELOW_PEERS: _(
        "Sales of 28 days, beside the 84 days before, times how those of its category and region changed."
    ),
    Signal.SILENT: _("Days since the last sale, beside the most in a row without one in half a year."),
    Signal.DIVERSION: _(
        "Purchases of repeat buyers in up to 28 days, beside as many days before the latest draw, while peers hold: "
        "the shop may sell elsewhere."
    ),
    Signal.REFUNDS: _("Refunds of 28 days, beside what so many sales would have at the rate of the 180 days before."),
    Signal.DISPUTES: _(
        "Chargebacks of 56 days, beside what so many sales would have at the rate of the 168 days before."
    ),
    Signal.LATE_DISPATCHES: _(
        "Late dispatches of 28 days, beside what so many would have at the rate of the 180 days before."
    ),
    Signal.DRAINED: _("Payouts of 28 days, beside what was released to the merchant, lately or usually."),
    Signal.SHORT_OF_INSTALMENT: _(
        "The balance with the platform and what usually comes in by the due date, beside what falls due."
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
    Effect.REVIEW: _("a person looks at it"),
    Effect.RESCORE: _("scored afresh at once"),
    Effect.NO_OFFER: _("no new offer; applications wait for a person"),
    Effect.FREEZE: _("no new offer; applications wait for a person; credit lines frozen"),
}
WARNING_REFUSALS: Final = {
    WarningRefusal.LIFTED: _("This warning is lifted already."),
    WarningRefusal.CONFIRMED: _("This warning is confirmed already."),
    WarningRefusal.REASON_MISSING: _("Please give a reason."),
}


def amount_words(signal: Signal, value: int, currency: str) -> Words:
    """Write what a signal saw, or what would be usual: an amount, days, or a count."""
    if signal in IN_MONEY:
        return money(value, currency)
    return _t("%(n)s days") % {"n": f"{value:,}"} if signal in IN_DAYS else f"{value:,}"


def share_words(bps: int) -> str:
    """Write a share of what would be usual, in percent."""
    return percent(bps, BASIS_POINTS)
