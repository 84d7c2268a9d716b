"""Apache Fineract's delinquency: days past due, after a grace and without pauses, and in which range they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from lending.domain.contract.delinquency import (
    NOT_DELINQUENT,
    Bucket,
    Delinquency,
    DelinquencyRule,
    Standstill,
    classed,
)
from tests.golden.fineract_servicing import STEPS, Timeline, begun
from tests.golden.outcome import Case, Waits, require_equal
from tests.golden.quotes import minor

RANGES: Final = (1, 4, 31, 61, 91, 121, 151, 181, 241)
NAMES: Final = ("RANGE_1", *(f"RANGE_{days - 1}" for days in RANGES[1:]))
GRACE_DAYS: Final = 3
Event = Mapping[str, Any]


@dataclass
class Watched:
    """A loan on its way, the rule by which it is classed, and how instalments were when the peer last published it."""

    loan: Timeline
    rule: DelinquencyRule
    published: Delinquency = NOT_DELINQUENT

    @property
    def now(self) -> Delinquency:
        return classed(self.loan.loan.account(self.loan.today), self.rule)


def check_delinquency(case: Case) -> None:
    """Compare how the loan is classed, by itself and by instalment, and when its standstills run."""
    if not any(event["type"] == "disbursement" for event in case["timeline"]):
        for event in case["timeline"]:
            if event["type"] == "expect_loan_delinquency":
                compare_class(NOT_DELINQUENT, 0, event)
        return
    watched = Watched(begun(case), rule_of(case))
    for event in case["timeline"]:
        if event["type"] in OWN_STEPS:
            OWN_STEPS[event["type"]](watched, event)
        elif event["type"] in STEPS:
            STEPS[event["type"]](watched.loan, event)
        else:
            message = f"an event {event['type']}"
            raise Waits(message)


def stand_still(watched: Watched, event: Event) -> None:
    agreed = Standstill(start=day(event["start"]), end=day(event["end"]))
    watched.rule = replace(watched.rule, standstills=(*watched.rule.standstills, agreed))


def resume(watched: Watched, event: Event) -> None:
    """End the standstill that runs."""
    *before, running = watched.rule.standstills
    watched.rule = replace(watched.rule, standstills=(*before, replace(running, end=day(event["start"]))))


def publish(watched: Watched, _event: Event) -> None:
    watched.published = watched.now


def compare_instalments(watched: Watched, event: Event) -> None:
    wanted = [(row["Range"], minor(row["Amount"])) for row in event["rows"]]
    require_equal(list(watched.published.by_bucket), wanted, "overdue by range")


def rule_of(case: Case) -> DelinquencyRule:
    grace = case.get("grace_days", case["product"].get("grace_on_arrears_ageing_days"))
    buckets = tuple(Bucket(name=name, from_days=days) for name, days in zip(NAMES, RANGES, strict=True))
    return DelinquencyRule(buckets=buckets, grace_days=GRACE_DAYS if grace is None else int(grace))


def day(text: str) -> date:
    return date.fromisoformat(text)


def compare_class(found: Delinquency, past_due_days: int, event: Event) -> None:
    """Compare the class, unless the peer published it on an earlier day."""
    figures = {
        "delinquentDate": found.since and found.since.isoformat(),
        "delinquentDays": found.days,
        "pastDueDays": past_due_days,
        "delinquentAmount": found.overdue_minor,
        "classification": found.bucket or "NO_DELINQUENCY",
    }
    for row in event["rows"]:
        wanted = {name: figure for name, figure in row.items() if name in figures}
        for name in ("delinquentDays", "pastDueDays"):
            wanted |= {name: int(wanted[name])} if name in wanted else {}
        wanted |= {"delinquentAmount": minor(row["delinquentAmount"])} if "delinquentAmount" in row else {}
        if not event["textbook"].get("classification_matches", True):
            wanted.pop("classification", None)
        require_equal({name: figures[name] for name in wanted}, wanted, "delinquency")


def compare_standstills(watched: Watched, event: Event) -> None:
    found = [
        {
            "active": str(one.start <= watched.loan.today <= one.end).lower(),
            "pausePeriodStart": one.start.isoformat(),
            "pausePeriodEnd": one.end.isoformat(),
        }
        for one in watched.rule.standstills
    ]
    require_equal(found, event["rows"], "standstills")


OWN_STEPS: Final[Mapping[str, Callable[[Watched, Event], None]]] = MappingProxyType(
    {
        "delinquency_pause": stand_still,
        "delinquency_resume": resume,
        "close_of_business": publish,
        "expect_loan_delinquency": lambda watched, event: compare_class(watched.now, watched.loan.state.dpd, event),
        "expect_installment_delinquency": compare_instalments,
        "expect_pause_periods": compare_standstills,
        "expect_delinquency_actions": lambda _watched, _event: None,  # what was asked for, as it was asked for
    }
)
