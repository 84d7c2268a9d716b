"""Measure signals over the past: how often they alarm, and how long before a loan goes bad.

Everyone is taken to have drawn the same loan on one day, of a month's sales, which is collected from what the platform
holds for it, as the loopback gateway does.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from lending.domain.watch.cash_flow import RECENT, USUAL, NextInstalment
from lending.domain.watch.policy import Signal, WatchPolicy
from lending.domain.watch.signals import Reading
from lending.domain.watch.warning import WarningChange, judge_signal
from lending.domain.watch.watch_run import WatchKind

INSTALMENTS: Final = 6
EVERY: Final = 30
"""Days."""
BAD_DPD: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A warning that would have been raised."""

    merchant: int
    signal: Signal
    on: date


@dataclass(slots=True)
class Watcher:
    """Follows the warnings of a market from day to day."""

    policy: WatchPolicy
    alarms: list[Alarm] = field(default_factory=list)
    _stands: dict[tuple[int, Signal], date | None] = field(default_factory=dict)

    def judge(self, readings: Mapping[int, Iterable[Reading]], *, on: date) -> None:
        """Raise, renew and lift by the readings of a day."""
        read = {(merchant, one.signal): one.fires for merchant, found in readings.items() for one in found}
        for key in sorted(read):
            change = judge_signal(
                fires=read[key],
                stands=key in self._stands,
                ceased_on=self._stands.get(key),
                lifted_by_person_on=None,
                kind=WatchKind.NIGHT,
                today=on,
                policy=self.policy,
            )
            if change is WarningChange.LIFT:
                del self._stands[key]
            elif change is not None:
                self._stands[key] = on if change is WarningChange.CEASE else None
            if change is WarningChange.RAISE:
                self.alarms.append(Alarm(merchant=key[0], signal=key[1], on=on))


@dataclass(slots=True)
class NotionalLoan:
    """A loan of equal instalments without interest, drawn on a day; day numbers, minor units.

    moves: what changes the balance with the platform, by day; what is collected is taken off it.
    """

    drawn: int
    principal_minor: int
    moves: Mapping[int, int]
    bad_on: int | None = None
    _balance: int = 0
    _until: int | None = None
    _collected: int = 0

    def run_to(self, day: int) -> None:
        """Collect on every day before a day; days that were run are not run again."""
        if self._until is None:
            self._balance = sum(minor for on, minor in self.moves.items() if on < self.drawn)
            self._until = self.drawn
        for on in range(self._until, day):
            self._balance += self.moves.get(on, 0)
            due = self._due(on)
            moved = max(0, min(due - self._collected, self._balance))
            self._collected += moved
            self._balance -= moved
            if self.bad_on is None and self._collected < self._due(on - BAD_DPD):
                self.bad_on = on
        self._until = max(self._until, day)

    def next_instalment(self, day: int) -> NextInstalment | None:
        """Return what falls due next as of a day that it was run to; None after the last, and while one is unpaid."""
        number = (day - self.drawn) // EVERY + 1
        if number > INSTALMENTS or self._collected < self._due(day - 1):
            return None
        due_on = self.drawn + number * EVERY
        due = self._due(due_on) - self._collected
        return NextInstalment(due_minor=due, days=due_on - day, balance_minor=self._balance)

    def _due(self, on: int) -> int:
        """Return what fell due up to the end of a day."""
        number = max(0, min(INSTALMENTS, (on - self.drawn) // EVERY))
        return self.principal_minor * number // INSTALMENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What alarms told of loans.

    by_signal: alarms of each. bad: loans that went bad, and bad_warned: how many of them were warned of before, by any
    signal and by each; lead_days: how long before, from the first alarm, in order. good_warned: merchants whose loans
    did not go bad, and that were warned of all the same, of `good`.
    """

    merchants: int
    merchant_months: int
    alarms: int
    by_signal: Mapping[Signal, int]
    bad: int
    bad_warned: int
    bad_warned_by_signal: Mapping[Signal, int]
    lead_days: Sequence[int]
    good: int
    good_warned: int

    def in_100_months(self, alarms: int) -> float:
        """Return how many alarms there are in a hundred months of one merchant."""
        return round(100 * alarms / max(1, self.merchant_months), 2)


def tell(alarms: Sequence[Alarm], bad_on: Mapping[int, date | None], *, days: int) -> Told:
    """Sum what alarms told of loans. bad_on: of each merchant that was watched for so many days."""
    first: dict[tuple[int, Signal], date] = {}
    for alarm in alarms:
        first.setdefault((alarm.merchant, alarm.signal), alarm.on)
    bad = {merchant: on for merchant, on in bad_on.items() if on is not None}
    told = {
        (merchant, signal): (bad[merchant] - on).days
        for (merchant, signal), on in first.items()
        if merchant in bad and on < bad[merchant]
    }
    leads: dict[int, int] = {}
    for (merchant, _signal), lead in told.items():
        leads[merchant] = max(leads.get(merchant, 0), lead)
    return Told(
        merchants=len(bad_on),
        merchant_months=len(bad_on) * days // EVERY,
        alarms=len(alarms),
        by_signal=Counter(alarm.signal for alarm in alarms),
        bad=len(bad),
        bad_warned=len(leads),
        bad_warned_by_signal=Counter(signal for _merchant, signal in told),
        lead_days=sorted(leads.values()),
        good=len(bad_on) - len(bad),
        good_warned=len({alarm.merchant for alarm in alarms} - bad.keys()),
    )


def days_until_told(alarms: Iterable[Alarm], began: Mapping[int, date]) -> dict[int, int]:
    """Return how many days after the trouble of each merchant began it was first warned of, of those that were."""
    found: dict[int, int] = {}
    for alarm in alarms:
        since = began.get(alarm.merchant)
        if since is not None and alarm.on > since:
            found[alarm.merchant] = min(found.get(alarm.merchant, 10_000), (alarm.on - since).days)
    return found


def has_recovered(usual: int, came: int) -> bool:
    """Decide whether sales of the recent days are near the usual again: 60 % of them."""
    return came * (USUAL // RECENT) * 10 >= usual * 6
