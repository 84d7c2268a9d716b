"""Decide whether an offer round may start."""

from datetime import date
from enum import StrEnum

from config.kernel.refusals import first_of


class RoundRefusal(StrEnum):
    """Why no offers are made; the first that applies counts.

    SCORES_OUTDATED: the live run was made without a characteristic that the rules read; the next one has it.
    """

    NO_BUSINESS_DATE = "NO_BUSINESS_DATE"
    NO_PRODUCT = "NO_PRODUCT"
    NOTHING_PUBLISHED = "NOTHING_PUBLISHED"
    SCORES_OUTDATED = "SCORES_OUTDATED"
    DONE_BEFORE = "DONE_BEFORE"


def judge_round(
    *, today: date | None, has_run: bool, is_outdated: bool, has_product: bool, done_before: bool
) -> RoundRefusal | None:
    """Decide whether offers may be made from the live run."""
    holds = {
        RoundRefusal.NO_BUSINESS_DATE: today is None,
        RoundRefusal.NO_PRODUCT: not has_product,
        RoundRefusal.NOTHING_PUBLISHED: not has_run,
        RoundRefusal.SCORES_OUTDATED: is_outdated,
        RoundRefusal.DONE_BEFORE: done_before,
    }
    return first_of(holds)
