"""How late a loan was on each day, and in which class that puts it: day by day, apart from what is kept of it."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.lending.events_model import bounced_of, standing
from tests.lending.model import Loan, apply, disburse
from tests.lending.schedule_model import DAY, days


@dataclass(frozen=True)
class Stood:
    """A running loan at the end of a day's events; minor units."""

    dpd: int
    principal: int
    arrears: int


def each_day(case: dict[str, Any], last: date) -> dict[date, Stood]:
    """Live a loan day by day; the days on which it ran, after their events."""
    events, found = standing(case["events"]), dict[date, Stood]()
    if not events:
        return found
    loan = disburse(case["terms"], events[0])
    loan.bounced = bounced_of(case["events"])
    for t in days(loan.opened, last + DAY):
        for event in events[1:]:
            if event["on"] == t.isoformat():
                apply(loan, event, t)
        if loan.state(t)["payoff_minor"] and not loan.claim:
            found[t] = Stood(loan.days_past_due(t), sum(loan.left), arrears(loan, t))
        loan.pass_night(t)
    return found


def arrears(loan: Loan, on: date) -> int:
    """What is past due of instalments, and of refunds; none while the loan is not late."""
    if not loan.days_past_due(on):
        return 0
    last = max((due for due in loan.ends if due < on), default=None)
    interest = 0 if last is None else max(0, loan.interest_at(last) - loan.interest_paid)
    owed_back = loan.receivable if loan.receivable_since < on else 0
    return loan.principal(lambda due: due < on) + interest + owed_back


@dataclass(frozen=True)
class Judged:
    """By which figures loans are classed: buckets from so many days, and so on."""

    from_days: tuple[int, ...]
    grace: int
    cure: int
    pauses_stop: bool
    follows: bool


def pauses_of(case: dict[str, Any]) -> set[date]:
    """The days of pauses: of terms in days."""
    length = case["terms"]["every"] * DAY
    found = set[date]()
    for event in standing(case["events"]):
        if event["type"] == "pause":
            begins = date.fromisoformat(event["on"])
            found |= set(days(begins + DAY, begins + event["periods"] * length + DAY))
    return found


def own_bucket(lived: dict[date, Stood], paused: set[date], judged: Judged, on: date) -> int:
    """The worst bucket of a loan in the days of the cure, one day after another; 0 for none."""
    worst = 0
    for back in range(judged.cure + 1):
        day = on - back * DAY
        if day in lived and lived[day].dpd:
            since = day - (lived[day].dpd - judged.grace) * DAY
            counted = [d for d in days(since + DAY, day + DAY) if not (judged.pauses_stop and d in paused)]
            worst = max(worst, sum(at <= len(counted) for at in judged.from_days))
    return worst
