"""The rules that decide applications, by version: an ordered tuple; the first that declines counts, else that refers.

A stored decision is replayed by the version that made it, so a version stays here as long as its decisions are kept.
A change is added as a new version, at the end; the last one decides new applications and makes offers.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from lending.domain.origination.assessment import (
    NO_OFFER_RULES,
    NO_OFFER_RULES_2,
    NO_OFFER_RULES_3,
    Assessment,
    NoOfferRules,
)
from lending.domain.origination.calendars import is_beyond_calendar
from lending.domain.origination.facts import LineFacts
from lending.domain.origination.limit import debt_service_room
from lending.domain.origination.product import Months


class Outcome(StrEnum):
    """The possible decisions."""

    APPROVE = "APPROVE"
    REFER = "REFER"
    DECLINE = "DECLINE"


class Ground(StrEnum):
    """The rules: what denies an offer, what the application itself lacks, what people decide."""

    NOT_SCORED = "NOT_SCORED"
    SCORE_TOO_OLD = "SCORE_TOO_OLD"
    GATE_FAILED = "GATE_FAILED"
    GRADE_TOO_LOW = "GRADE_TOO_LOW"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    PAST_DUE = "PAST_DUE"
    DRAWS_HELD = "DRAWS_HELD"
    CREDIT_HELD = "CREDIT_HELD"
    CALENDAR_ENDS = "CALENDAR_ENDS"
    LIMIT_BELOW_MINIMUM = "LIMIT_BELOW_MINIMUM"
    RAISE_PENDING = "RAISE_PENDING"
    NO_ROOM_LEFT = "NO_ROOM_LEFT"
    TERM_BEYOND_CALENDAR = "TERM_BEYOND_CALENDAR"
    MONTHS_OUT_OF_RANGE = "MONTHS_OUT_OF_RANGE"
    AMOUNT_BELOW_MINIMUM = "AMOUNT_BELOW_MINIMUM"
    AMOUNT_ABOVE_LIMIT = "AMOUNT_ABOVE_LIMIT"
    DEBT_SERVICE = "DEBT_SERVICE"
    FLAGGED_SALES = "FLAGGED_SALES"
    LARGE_AMOUNT = "LARGE_AMOUNT"
    OWNER_PAST_DUE = "OWNER_PAST_DUE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An application, and the assessment of its merchant, for the rules to judge.

    months: None for an open-ended draw. line: that is drawn on.
    """

    assessment: Assessment
    amount_minor: int
    months: Months
    line: LineFacts | None = None

    @property
    def free_minor(self) -> int:
        """What can be newly lent, in minor units."""
        free = self.assessment.free_minor
        return free if self.line is None else min(free, self.line.free_minor)

    @property
    def months_fit(self) -> bool:
        """Whether the term is one that the grade may choose."""
        product, grade = self.assessment.product, self.assessment.facts.score.grade
        row = None if grade is None else product.grades.get(grade)
        if self.months is None:
            return row is not None
        return product.shortest_months <= self.months <= (product.longest_months if row is None else row.months)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One version of the rules, in their order: those that also deny an offer, then those of the application.

    reads: the characteristics that a score must have been made with. referring: the rules that refer an application
    to a person; every other one declines.
    """

    version: int
    reads: frozenset[str]
    no_offer: NoOfferRules
    application: tuple[tuple[Ground, Callable[[Case], bool]], ...]
    referring: frozenset[Ground]


def term_beyond_calendar(case: Case) -> bool:
    """Check whether an instalment would fall due in a year that the product's calendar does not know."""
    return is_beyond_calendar(case.assessment.product, case.months, on=case.assessment.facts.on)


def months_out_of_range(case: Case) -> bool:
    """Check whether the term is not one that the grade may choose."""
    return not case.months_fit


def amount_below_minimum(case: Case) -> bool:
    """Check whether the amount is below the product's minimum."""
    return case.amount_minor < case.assessment.product.minimum_minor


def amount_above_limit(case: Case) -> bool:
    """Check whether the amount is above what the limit, computed now, leaves free."""
    return case.amount_minor > case.free_minor


def debt_service(case: Case) -> bool:
    """Check whether the instalments over the term asked for would take too much of a month's sales."""
    facts, product = case.assessment.facts, case.assessment.product
    if case.assessment.limit is None or facts.score.grade is None or not case.months_fit or term_beyond_calendar(case):
        return False  # another rule declines
    return case.amount_minor > debt_service_room(facts, product, grade=facts.score.grade, months=case.months)


def flagged_sales(case: Case) -> bool:
    """Check whether so many sales look made up that a person should look at them."""
    share = case.assessment.facts.score.flagged_share_bps
    return share is not None and share >= case.assessment.product.origination.refer_flagged_bps


def large_amount(case: Case) -> bool:
    """Check whether the amount, with all else drawn on the line, is too large to be approved by rules alone.

    Up to what a person approved the line for, it is not.
    """
    above = case.assessment.product.origination.refer_above_minor
    if case.line is None:
        return case.amount_minor > above
    return case.amount_minor + case.line.used_minor > max(above, case.line.approved_minor)


def owner_past_due(case: Case) -> bool:
    """Check whether another merchant of the same owner has a loan past due."""
    return case.assessment.facts.exposure.owner_days_past_due > 0


DAY_ONE: Final = Rules(
    version=1,
    reads=frozenset({"tenure_m", "recency_d", "dispute_180m"}),
    no_offer=NO_OFFER_RULES,
    application=(
        (Ground.MONTHS_OUT_OF_RANGE, months_out_of_range),
        (Ground.AMOUNT_BELOW_MINIMUM, amount_below_minimum),
        (Ground.AMOUNT_ABOVE_LIMIT, amount_above_limit),
        (Ground.DEBT_SERVICE, debt_service),
        (Ground.FLAGGED_SALES, flagged_sales),
        (Ground.LARGE_AMOUNT, large_amount),
        (Ground.OWNER_PAST_DUE, owner_past_due),
    ),
    referring=frozenset({Ground.FLAGGED_SALES, Ground.LARGE_AMOUNT, Ground.OWNER_PAST_DUE}),
)
CALENDARS: Final = replace(
    DAY_ONE,
    version=2,
    no_offer=NO_OFFER_RULES_2,
    application=((Ground.TERM_BEYOND_CALENDAR, term_beyond_calendar), *DAY_ONE.application),
)
"""Loans fall due on business days, in years that a calendar knows."""
WARNINGS: Final = replace(
    CALENDARS,
    version=3,
    no_offer=NO_OFFER_RULES_3,
    referring=CALENDARS.referring | {Ground.DRAWS_HELD, Ground.CREDIT_HELD},
)
"""What a merchant applies for while a warning of its trade stands waits for a person."""
RULES: Final = {rules.version: rules for rules in (DAY_ONE, CALENDARS, WARNINGS)}


def current_rules() -> Rules:
    """Return the rules that decide new applications."""
    return next(reversed(RULES.values()))
