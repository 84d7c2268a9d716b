"""The signals of trouble: each a pure function of a merchant's cash flow, in exact integers.

`docs/algorithms/warnings.md` has the formulas and tables that tests execute. Every threshold is data of the policy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from lending.domain.watch.cash_flow import RECENT, USUAL, CashFlow, NextInstalment, Peers
from lending.domain.watch.policy import Rule, Signal, WatchPolicy
from lending.domain.watch.watch_run import WatchKind

MOST_BPS: Final = 999_999
"""What a share is shown as at most: 99.9999 times."""
SEASON: Final = 2
"""A year's season counts up to twice, and down to half, what is usual: more is growth, or one large order."""
HELD_BPS: Final = 8_000
"""The least share of their usual sales with which peers hold, while a merchant's repeat buyers leave."""


class Side(StrEnum):
    """On which side of the threshold a share is bad."""

    BELOW = "BELOW"
    ABOVE = "ABOVE"


SIDES: Final[Mapping[Signal, Side]] = {
    Signal.SALES_BELOW_SEASON: Side.BELOW,
    Signal.SALES_BELOW_PEERS: Side.BELOW,
    Signal.DIVERSION: Side.BELOW,
    Signal.SHORT_OF_INSTALMENT: Side.BELOW,
    Signal.REFUNDS: Side.ABOVE,
    Signal.DISPUTES: Side.ABOVE,
    Signal.LATE_DISPATCHES: Side.ABOVE,
    Signal.DRAINED: Side.ABOVE,
    Signal.SILENT: Side.ABOVE,
}
RAISED_BY_ROWS: Final = frozenset({Signal.REFUNDS, Signal.DISPUTES, Signal.LATE_DISPATCHES, Signal.DRAINED})
"""Those that rows raise, not their absence: they are judged within the day, too, before all of its rows are in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """All that the signals of one merchant read. peers: without the merchant itself, the narrowest group that will do.

    instalment: None if nothing falls due soon.
    """

    flow: CashFlow
    peers: Peers
    instalment: NextInstalment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a signal says: what was seen and what would be usual, the one as a share of the other, whether that is bad.

    observed, expected: counts, days or minor units, by signal; expected rounded down.
    """

    signal: Signal
    observed: int
    expected: int
    share_bps: int
    fires: bool


def policy_for(kind: WatchKind, policy: WatchPolicy) -> WatchPolicy:
    """Return the policy with those of its signals that such a watch reads."""
    if kind is WatchKind.NIGHT:
        return policy
    return replace(policy, signals={one: rule for one, rule in policy.signals.items() if one in RAISED_BY_ROWS})


def read_signals(watched: Watched, policy: WatchPolicy) -> list[Reading]:
    """Read every signal of the policy that can be told of the merchant, in the order of Signal."""
    found = (_SIGNALS[signal](watched, policy.signals[signal]) for signal in Signal if signal in policy.signals)
    return [reading for reading in found if reading is not None]


def sales_below_season(watched: Watched, rule: Rule) -> Reading | None:
    """Compare what was sold with what is usual of late, times what a year before was to its own usual.

    In number, too: one large order less is no trouble.
    """
    flow = watched.flow
    if not _is_old(flow) or flow.sold_usual <= 0:
        return None
    up, down = _season(flow)
    times = USUAL // RECENT
    reading = _below(
        Signal.SALES_BELOW_SEASON, rule, flow.sold_recent, (flow.sold_usual * up, times * down), is_counted=False
    )
    number = (flow.sales_usual * up, times * down)
    return _and(reading, _is_below(rule, flow.sales_recent, number))


def sales_below_peers(watched: Watched, rule: Rule) -> Reading | None:
    """Compare the number of sales with what is usual of late, times how that of its peers changed."""
    flow, peers = watched.flow, watched.peers
    if not _is_old(flow) or peers.sales_recent <= 0 or peers.sales_usual <= 0:
        return None
    usual = (flow.sales_usual * peers.sales_recent, peers.sales_usual)
    return _below(Signal.SALES_BELOW_PEERS, rule, flow.sales_recent, usual)


def refunds(watched: Watched, rule: Rule) -> Reading | None:
    """Compare refunds with what the recent sales would have at the rate of the past."""
    flow = watched.flow
    return _above(Signal.REFUNDS, rule, flow.refunds_recent, flow.refunds_past, flow.sales_recent, flow.sales_past)


def disputes(watched: Watched, rule: Rule) -> Reading | None:
    """Compare chargebacks with what the sales of those days would have at the rate of the past."""
    flow = watched.flow
    of = (flow.chargebacks, flow.chargebacks_past, flow.disputed_sales, flow.disputed_sales_past)
    return _above(Signal.DISPUTES, rule, *of)


def late_dispatches(watched: Watched, rule: Rule) -> Reading | None:
    """Compare late dispatches with what the recent ones would have at the rate of the past."""
    flow = watched.flow
    of = (flow.late_recent, flow.late_past, flow.dispatches_recent, flow.dispatches_past)
    return _above(Signal.LATE_DISPATCHES, rule, *of)


def drained(watched: Watched, rule: Rule) -> Reading | None:
    """Compare payouts with what was released, of late or usually, whichever is more; not if that was always so."""
    flow = watched.flow
    times = USUAL // RECENT
    released = max(times * flow.released_recent, flow.released_usual)  # over three times the recent days
    if not _is_old(flow) or released <= 0:
        return None
    share = min(MOST_BPS, flow.payouts_recent * times * 10_000 // released)
    is_new = flow.payouts_usual * 10_000 < rule.share_bps * flow.released_usual
    return Reading(
        signal=Signal.DRAINED,
        observed=flow.payouts_recent,
        expected=released // times,
        share_bps=share,
        fires=share >= rule.share_bps and is_new,
    )


def silent(watched: Watched, rule: Rule) -> Reading | None:
    """Compare the days since the last sale with the most in a row without one of the last half year."""
    flow = watched.flow
    if not _is_old(flow) or flow.quiet is None or flow.longest_quiet is None or not flow.sales_past:
        return None
    longest = max(flow.longest_quiet, 1)
    share = min(MOST_BPS, flow.quiet * 10_000 // longest)
    return Reading(
        signal=Signal.SILENT,
        observed=flow.quiet,
        expected=longest,
        share_bps=share,
        fires=share >= rule.share_bps and flow.quiet >= rule.least,
    )


def diversion(watched: Watched, rule: Rule) -> Reading | None:
    """Compare sales to repeat buyers after the latest draw with as many days before it, while peers hold.

    Not if the others make up for them: then the shop still sells here.
    """
    flow, peers = watched.flow, watched.peers
    if not flow.compared or flow.loyal_before <= 0 or peers.sales_usual <= 0:
        return None
    times = USUAL // RECENT
    peers_hold = peers.sales_recent * times * 10_000 >= HELD_BPS * peers.sales_usual
    has_fallen = flow.sales_recent * times * 10_000 <= HELD_BPS * flow.sales_usual
    reading = _below(Signal.DIVERSION, rule, flow.loyal_after, (flow.loyal_before, 1))
    return _and(reading, peers_hold and has_fallen)


def short_of_instalment(watched: Watched, rule: Rule) -> Reading | None:
    """Compare what a merchant has and usually takes in until its next instalment with what falls due."""
    flow, instalment = watched.flow, watched.instalment
    if instalment is None or instalment.days > rule.least or instalment.due_minor <= 0:
        return None
    daily = max(0, flow.released_recent - flow.taken_back_recent)  # over the recent days
    there = max(0, instalment.balance_minor + daily * instalment.days // RECENT)
    share = min(MOST_BPS, there * 10_000 // instalment.due_minor)
    return Reading(
        signal=Signal.SHORT_OF_INSTALMENT,
        observed=there,
        expected=instalment.due_minor,
        share_bps=share,
        fires=share < rule.share_bps,
    )


_SIGNALS: Final[Mapping[Signal, Callable[[Watched, Rule], Reading | None]]] = {
    Signal.SALES_BELOW_SEASON: sales_below_season,
    Signal.SALES_BELOW_PEERS: sales_below_peers,
    Signal.REFUNDS: refunds,
    Signal.DISPUTES: disputes,
    Signal.LATE_DISPATCHES: late_dispatches,
    Signal.DRAINED: drained,
    Signal.SILENT: silent,
    Signal.DIVERSION: diversion,
    Signal.SHORT_OF_INSTALMENT: short_of_instalment,
}


def _is_old(flow: CashFlow) -> bool:
    """Check that the merchant sold before the usual days began, so that these are whole."""
    return flow.first_sale_d is not None and flow.first_sale_d >= RECENT + USUAL - 1


def _season(flow: CashFlow) -> tuple[int, int]:
    """Return what the recent days of a year before were to their usual ones, as a fraction; one where not known."""
    up, down = flow.sold_year_recent * (USUAL // RECENT), flow.sold_year_usual
    if up <= 0 or down <= 0:
        return 1, 1
    if up > SEASON * down:
        return SEASON, 1
    return (1, SEASON) if SEASON * up < down else (up, down)


def _below(
    signal: Signal, rule: Rule, observed: int, usual: tuple[int, int], *, is_counted: bool = True
) -> Reading | None:
    """Read a share of what is usual, a fraction; None if that is less than what can be told from.

    is_counted: observed are independent counts, so that chance can be weighed.
    """
    up, down = usual
    if is_counted and up < rule.least * down:
        return None
    share = min(MOST_BPS, observed * down * 10_000 // up)
    fires = share <= rule.share_bps
    if is_counted:
        fires = fires and _is_beyond_chance(rule, observed, usual)
    return Reading(signal=signal, observed=observed, expected=up // down, share_bps=share, fires=fires)


def _is_below(rule: Rule, observed: int, usual: tuple[int, int]) -> bool:
    up, down = usual
    is_enough, is_less = up >= rule.least * down, observed * down * 10_000 <= rule.share_bps * up
    return is_enough and is_less and _is_beyond_chance(rule, observed, usual)


def _above(  # noqa: PLR0917 - of three callers
    signal: Signal, rule: Rule, observed: int, past: int, among: int, among_past: int
) -> Reading | None:
    """Read how many times as often something happened among so many as it did in the past, plus one.

    One more than usual, so that the first of its kind is no multiple of nothing.
    """
    if among_past <= 0:
        return None
    up, down = past * among + among_past, among_past
    share = min(MOST_BPS, observed * down * 10_000 // up)
    fires = observed >= rule.least and share >= rule.share_bps and _is_beyond_chance(rule, observed, (up, down))
    return Reading(signal=signal, observed=observed, expected=up // down, share_bps=share, fires=fires)


def _is_beyond_chance(rule: Rule, observed: int, usual: tuple[int, int]) -> bool:
    """Check that a count is as many standard deviations of a Poisson count away from the usual as the rule asks for."""
    up, down = usual
    return (observed * down - up) ** 2 >= rule.sigmas**2 * up * down


def _and(reading: Reading | None, condition: bool) -> Reading | None:  # noqa: FBT001
    if reading is None or condition or not reading.fires:
        return reading
    return replace(reading, fires=False)
