"""Decide an application by a version of the rules, over frozen facts."""

from dataclasses import dataclass, field
from enum import StrEnum

from config.kernel.canonical import canonical_json, sha256_of
from config.kernel.documents import ADDED
from config.kernel.refusals import Refused
from lending.domain.origination.assessment import assess
from lending.domain.origination.calendars import sha256_of_calendar
from lending.domain.origination.facts import LineFacts, MerchantFacts
from lending.domain.origination.kinds.line import for_draws
from lending.domain.origination.limit import Limit
from lending.domain.origination.product import Months, Product
from lending.domain.origination.rules import RULES, Case, Ground, Outcome


class DecisionRefusal(StrEnum):
    """Why facts cannot be decided on: they are of another product or calendar, or their rules are no longer known."""

    OTHER_PRODUCT = "OTHER_PRODUCT"
    OTHER_CALENDAR = "OTHER_CALENDAR"
    RULES_GONE = "RULES_GONE"


class NotDecidable(Refused[DecisionRefusal]):
    """The facts cannot be decided on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFacts:
    """Every input of a decision: the versions it is made under, the merchant, and what is applied for.

    months: None for an open-ended draw. line: that is drawn on; None for what is no draw.
    calendar_sha256: of the calendar that the product names, as it was then; "" without one.
    """

    product_sha256: str
    rules_version: int
    merchant: MerchantFacts
    amount_minor: int
    months: Months
    line: LineFacts | None = field(default=None, metadata=ADDED)
    calendar_sha256: str = field(default="", metadata=ADDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided, by which rule (None: none fired, approved), and what every rule returned.

    limit: computed again from the facts, None where there is none. free_minor: what could be lent at most.
    """

    outcome: Outcome
    ground: Ground | None
    evaluated: tuple[tuple[Ground, bool], ...]
    limit: Limit | None
    free_minor: int


def decide(facts: DecisionFacts, product: Product) -> Decision:
    """Decide an application by the rules of its facts: all are tried, and the first that declines counts.

    If none does, the first that refers to a person; else it is approved.
    Depends on nothing but its arguments: a snapshot decides as the application did. Raises NotDecidable.
    """
    if facts.product_sha256 != product.sha256:
        raise NotDecidable(DecisionRefusal.OTHER_PRODUCT)
    if facts.calendar_sha256 != sha256_of_calendar(product.calendar):
        raise NotDecidable(DecisionRefusal.OTHER_CALENDAR)
    rules = RULES.get(facts.rules_version)
    if rules is None:
        raise NotDecidable(DecisionRefusal.RULES_GONE)
    line = facts.line
    assessment = assess(facts.merchant, product if line is None else for_draws(product), rules.no_offer)
    case = Case(
        assessment=assessment,
        amount_minor=facts.amount_minor,
        months=facts.months,
        line=line,
    )
    evaluated = (
        *((Ground(reason.value), holds(assessment)) for reason, holds in rules.no_offer),
        *((ground, fires(case)) for ground, fires in rules.application),
    )
    fired = [ground for ground, fires in evaluated if fires]
    ground = next((ground for ground in fired if ground not in rules.referring), fired[0] if fired else None)
    outcome = Outcome.APPROVE if ground is None else Outcome.REFER if ground in rules.referring else Outcome.DECLINE
    return Decision(
        outcome=outcome, ground=ground, evaluated=evaluated, limit=assessment.limit, free_minor=case.free_minor
    )


def canonical_decision(decision: Decision) -> tuple[str, str]:
    """Serialise a decision as canonical JSON, with its sha256: a replay is right if it gives the same text."""
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
