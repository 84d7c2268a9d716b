"""How late a loan is classed on a day, by a policy, and what became of its arrears.

`lending.queries.delinquency` spells the classes in SQL, for many loans at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from config.kernel.calendar import add_months
from lending.domain.books.delinquency_policy import DelinquencyPolicy, Pauses
from lending.domain.books.provision import category_of
from lending.domain.books.provision_policy import Category, DefaultLevel, Policy
from lending.domain.contract.delinquency import DelinquencyRule, Standstill
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.spells import Spell
from lending.domain.contract.terms import PeriodUnit, Terms

DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One time in which a running loan was late without a break; minor units.

    late_since: the oldest due date that was unpaid when it began. until: the first day on which nothing was past due,
    or the loan did not run any more; None while it lasts. worst_dpd, most_minor: the most on any day so far.
    """

    late_since: date
    began: date
    until: date | None
    worst_dpd: int
    bucket: int
    most_minor: int


def standstills_of(terms: Terms, standing: Iterable[LoanEvent]) -> tuple[Standstill, ...]:
    """Return the times of a loan's pauses, in order: from a pause on, for as many of the terms' periods as it skips."""
    found = list[Standstill]()
    for event in standing:
        if event.type is EventType.PAUSE:
            end = _moved(event.on, terms, event.periods or 0)
            if found and event.on <= found[-1].end:
                found[-1] = replace(found[-1], end=max(found[-1].end, end))
            else:
                found.append(Standstill(start=event.on, end=end))
    return tuple(found)


def _moved(on: date, terms: Terms, periods: int) -> date:
    if terms.unit is PeriodUnit.MONTH:
        return add_months(on, periods * terms.every)
    return on + periods * terms.every * (timedelta(weeks=1) if terms.unit is PeriodUnit.WEEK else DAY)


def bucket_of(
    policy: DelinquencyPolicy, spells: Sequence[Spell], standstills: tuple[Standstill, ...], *, on: date
) -> int:
    """Return the number of a running loan's own bucket on a day, from 1; 0 for none.

    It is in the worst for which it qualified on that day or one of the `cure_days` before.
    """
    rule = rule_of(policy, standstills)
    lasts_from = on - timedelta(days=policy.cure_days)
    lasts = [min(on, spell.until - DAY) for spell in spells]
    qualified = (
        _qualified(rule, spell, last)
        for spell, last in zip(spells, lasts, strict=True)
        if last >= lasts_from and spell.is_late(last)
    )
    return max(qualified, default=0)


def rule_of(policy: DelinquencyPolicy, standstills: tuple[Standstill, ...]) -> DelinquencyRule:
    """Return the rule by which a loan is classed that has these pauses."""
    return replace(policy.rule, standstills=standstills) if policy.pauses is Pauses.STOP else policy.rule


def _qualified(rule: DelinquencyRule, spell: Spell, on: date) -> int:
    """Return the bucket for which a loan qualifies on a late day of a spell."""
    if spell.late_since is None:
        return 0
    days = rule.counted_days(spell.late_since + timedelta(days=rule.grace_days), on)
    return sum(bucket.from_days <= days for bucket in rule.buckets)


def category_on(policy: Policy, *, dpd: int, worst_dpd: int) -> Category:
    """Classify a loan on a day by the policy of provisions.

    worst_dpd: of all the borrower's loans, which count where default is the borrower's. At a month's end the stage
    counts, too: see `lending.domain.books.provision`.
    """
    counts = worst_dpd if policy.default_level is DefaultLevel.BORROWER else dpd
    return category_of(policy, dpd, is_impaired=counts >= policy.default_dpd)


def episodes_of(
    policy: DelinquencyPolicy, spells: Sequence[Spell], standstills: tuple[Standstill, ...], *, on: date
) -> list[Episode]:
    """Return the times up to a day in which a loan was late, the latest first."""
    rule, found = rule_of(policy, standstills), list[Episode]()
    for late in _late(spells, on):
        (began, _, first), (_, ended, _) = late[0], late[-1]
        lasts = [(min(on, until - DAY), spell) for _, until, spell in late]
        found.append(
            Episode(
                late_since=first.late_since or began,
                began=began,
                until=None if ended > on else ended,
                worst_dpd=max((day - (spell.late_since or day)).days for day, spell in lasts),
                bucket=max(_qualified(rule, spell, day) for day, spell in lasts),
                most_minor=max(spell.arrears_minor for _, _, spell in late),
            )
        )
    return found[::-1]


def _late(spells: Sequence[Spell], on: date) -> Iterator[list[tuple[date, date, Spell]]]:
    """Yield each time in which a loan was late without a break, as its parts: from when, until when, of which spell."""
    parts = list[tuple[date, date, Spell]]()
    for spell in spells:
        if spell.late_from is None or spell.late_from > on:
            continue
        if parts and parts[-1][1] != spell.late_from:
            yield parts
            parts = []
        parts.append((spell.late_from, spell.until, spell))
    if parts:
        yield parts
