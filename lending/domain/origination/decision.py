"""Decide an application: an ordered, versioned tuple of rules over frozen facts; the first that fires counts."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from config.kernel.canonical import canonical_json, sha256_of
from lending.domain.origination.assessment import NO_OFFER_RULES, Assessment, assess
from lending.domain.origination.facts import MerchantFacts
from lending.domain.origination.limit import Limit, debt_service_room
from lending.domain.origination.product import Product

RULES_VERSION: Final = 1
"""To be raised with any change of what the rules say, so that no old snapshot is judged by new ones."""


class Outcome(StrEnum):
    """Name what is decided."""

    APPROVE = "APPROVE"
    REFER = "REFER"
    DECLINE = "DECLINE"


class Ground(StrEnum):
    """Name the rules, in their order: what denies an offer, what the application itself lacks, what people judge."""

    NOT_SCORED = "NOT_SCORED"
    SCORE_TOO_OLD = "SCORE_TOO_OLD"
    GATE_FAILED = "GATE_FAILED"
    GRADE_TOO_LOW = "GRADE_TOO_LOW"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    PAST_DUE = "PAST_DUE"
    LIMIT_BELOW_MINIMUM = "LIMIT_BELOW_MINIMUM"
    RAISE_PENDING = "RAISE_PENDING"
    NO_ROOM_LEFT = "NO_ROOM_LEFT"
    MONTHS_OUT_OF_RANGE = "MONTHS_OUT_OF_RANGE"
    AMOUNT_BELOW_MINIMUM = "AMOUNT_BELOW_MINIMUM"
    AMOUNT_ABOVE_LIMIT = "AMOUNT_ABOVE_LIMIT"
    DEBT_SERVICE = "DEBT_SERVICE"
    FLAGGED_SALES = "FLAGGED_SALES"
    LARGE_AMOUNT = "LARGE_AMOUNT"
    OWNER_PAST_DUE = "OWNER_PAST_DUE"


class DecisionRefusal(StrEnum):
    """Name why facts cannot be decided upon."""

    OTHER_PRODUCT = "OTHER_PRODUCT"
    OTHER_RULES = "OTHER_RULES"


class NotDecidable(ValueError):
    """The facts were frozen under other rules or another product version, as the reason says."""

    def __init__(self, reason: DecisionRefusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFacts:
    """Hold every input of a decision: the versions it is made under, the merchant, and what is applied for."""

    product_sha256: str
    rules_version: int
    merchant: MerchantFacts
    amount_minor: int
    months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Hold what was decided, by which rule (None: none fired, approved), and what every rule said.

    limit: computed again from the facts, None where there is none. free_minor: what could be lent at most.
    """

    outcome: Outcome
    ground: Ground | None
    evaluated: tuple[tuple[Ground, bool], ...]
    limit: Limit | None
    free_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Hold an application and what the product makes of its merchant, for the rules to look at."""

    assessment: Assessment
    amount_minor: int
    months: int

    @property
    def months_fit(self) -> bool:
        """Tell whether the term is one that the grade may choose."""
        product, grade = self.assessment.product, self.assessment.facts.score.grade
        row = None if grade is None else product.grades.get(grade)
        return product.shortest_months <= self.months <= (product.longest_months if row is None else row.months)


def decide(facts: DecisionFacts, product: Product) -> Decision:
    """Decide an application: every rule is asked, the first that fires counts, and if none does it is approved.

    Depends on nothing but its arguments: a snapshot decides as the application did. Raises NotDecidable.
    """
    if facts.product_sha256 != product.sha256:
        raise NotDecidable(DecisionRefusal.OTHER_PRODUCT)
    if facts.rules_version != RULES_VERSION:
        raise NotDecidable(DecisionRefusal.OTHER_RULES)
    assessment = assess(facts.merchant, product)
    case = Case(assessment=assessment, amount_minor=facts.amount_minor, months=facts.months)
    evaluated = tuple((ground, fires(case)) for ground, fires in RULES)
    ground = next((ground for ground, fired in evaluated if fired), None)
    outcome = Outcome.APPROVE if ground is None else Outcome.REFER if ground in REFERRING else Outcome.DECLINE
    return Decision(
        outcome=outcome, ground=ground, evaluated=evaluated, limit=assessment.limit, free_minor=assessment.free_minor
    )


def canonical_decision(decision: Decision) -> tuple[str, str]:
    """Write a decision as canonical JSON, with its sha256: a replay is right if it gives the same text."""
    limit = decision.limit
    text = canonical_json(
        {
            "outcome": decision.outcome,
            "ground": decision.ground,
            "evaluated": [[ground, fired] for ground, fired in decision.evaluated],
            "caps": None if limit is None else dict(limit.caps),
            "binding": None if limit is None else limit.binding,
            "limit_minor": None if limit is None else limit.limit_minor,
            "free_minor": decision.free_minor,
        }
    )
    return text, sha256_of(text)


def months_out_of_range(case: Case) -> bool:
    """Tell whether the term is not one that the grade may choose."""
    return not case.months_fit


def amount_below_minimum(case: Case) -> bool:
    """Tell whether less is asked for than is lent at least."""
    return case.amount_minor < case.assessment.product.minimum_minor


def amount_above_limit(case: Case) -> bool:
    """Tell whether more is asked for than the limit, computed now, leaves free."""
    return case.amount_minor > case.assessment.free_minor


def debt_service(case: Case) -> bool:
    """Tell whether the instalments over the term asked for would take too much of a month's sales."""
    facts, product = case.assessment.facts, case.assessment.product
    if case.assessment.limit is None or facts.score.grade is None or not case.months_fit:
        return False  # another rule has said no
    return case.amount_minor > debt_service_room(facts, product, grade=facts.score.grade, months=case.months)


def flagged_sales(case: Case) -> bool:
    """Tell whether so many sales look made up that a person should look at them."""
    share = case.assessment.facts.score.flagged_share_bps
    return share is not None and share >= case.assessment.product.origination.refer_flagged_bps


def large_amount(case: Case) -> bool:
    """Tell whether the amount is too large to be approved by rules alone."""
    return case.amount_minor > case.assessment.product.origination.refer_above_minor


def owner_past_due(case: Case) -> bool:
    """Tell whether another merchant of the same owner has a loan past due."""
    return case.assessment.facts.exposure.owner_days_past_due > 0


def _of_merchant(holds: Callable[[Assessment], bool]) -> Callable[[Case], bool]:
    """Ask of an application what denies its merchant an offer."""
    return lambda case: holds(case.assessment)


RULES: Final[tuple[tuple[Ground, Callable[[Case], bool]], ...]] = (
    *((Ground(reason.value), _of_merchant(holds)) for reason, holds in NO_OFFER_RULES),
    (Ground.MONTHS_OUT_OF_RANGE, months_out_of_range),
    (Ground.AMOUNT_BELOW_MINIMUM, amount_below_minimum),
    (Ground.AMOUNT_ABOVE_LIMIT, amount_above_limit),
    (Ground.DEBT_SERVICE, debt_service),
    (Ground.FLAGGED_SALES, flagged_sales),
    (Ground.LARGE_AMOUNT, large_amount),
    (Ground.OWNER_PAST_DUE, owner_past_due),
)
REFERRING: Final = frozenset({Ground.FLAGGED_SALES, Ground.LARGE_AMOUNT, Ground.OWNER_PAST_DUE})
"""The rules that leave it to a person; every other one declines."""
