"""The policy of delinquency: in which buckets loans are classed, and how they leave them, as a versioned document."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from config.kernel.policies import PolicyMalformed, forms_of, read_policy
from lending.domain.books.provision_policy import DaysPastDue, DefaultLevel, Number
from lending.domain.contract.delinquency import DelinquencyRule
from lending.domain.contract.refusal import LoanRefused

DAY_ONE_DELINQUENCY: Final = Path(__file__).parent / "policies" / "delinquency_day_one.json"
"""The policy that comes with Tradeline: it counts until another is entered."""


class Pauses(StrEnum):
    """Whether the days of a pause that was agreed count for how late a loan is classed."""

    COUNT = "COUNT"
    STOP = "STOP"


@dataclass(frozen=True, slots=True, kw_only=True)
class DelinquencyPolicy:
    """How loans are classed by how late they are.

    rule: the buckets and the grace, without standstills: those are the pauses of a loan. level: whether all of a
    borrower's loans are in the bucket of the worst. cure_days: how many days in a row a loan has to qualify for a
    better bucket, or for none, before it leaves its own; 0: it does at once.
    """

    version: Number
    rule: DelinquencyRule
    pauses: Pauses
    level: DefaultLevel
    cure_days: DaysPastDue

    def name_of(self, bucket: int) -> str:
        """Return the name of a bucket by its number from 1."""
        return self.rule.buckets[bucket - 1].name


@cache
def day_one_delinquency() -> DelinquencyPolicy:
    """Return the policy that counts before one is entered."""
    return _policy_of(DAY_ONE_DELINQUENCY.read_text(encoding="utf-8"))


def _policy_of(text: str) -> DelinquencyPolicy:
    policy = read_policy(DelinquencyPolicy, text, refused=LoanRefused)
    if policy.rule.standstills:
        message = "rule.standstills: a policy has none; pauses are agreed with each loan"
        raise PolicyMalformed(message)
    return policy


canonical_delinquency, parse_delinquency = forms_of(_policy_of)
