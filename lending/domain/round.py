"""Say when offers are made, and in how many parts."""

from datetime import date
from enum import StrEnum
from typing import Final

MAKE_OFFERS: Final = "lending.make_offers"
MERCHANTS_A_PART: Final = 10_000
MOST_PARTS: Final = 32


class RoundRefusal(StrEnum):
    """Name the reasons for which no offers are made; the first that holds counts."""

    NO_BUSINESS_DATE = "NO_BUSINESS_DATE"
    NO_PRODUCT = "NO_PRODUCT"
    NOTHING_PUBLISHED = "NOTHING_PUBLISHED"
    DONE_BEFORE = "DONE_BEFORE"


def judge_round(*, today: date | None, has_run: bool, has_product: bool, done_before: bool) -> RoundRefusal | None:
    """Judge whether offers may be made from the live run."""
    holds = {
        RoundRefusal.NO_BUSINESS_DATE: today is None,
        RoundRefusal.NO_PRODUCT: not has_product,
        RoundRefusal.NOTHING_PUBLISHED: not has_run,
        RoundRefusal.DONE_BEFORE: done_before,
    }
    return next((refusal for refusal, held in holds.items() if held), None)


def parts_for(merchants: int) -> int:
    """Give the number of parts in which so many merchants are assessed: one up to MERCHANTS_A_PART."""
    return max(1, min(MOST_PARTS, -(-merchants // MERCHANTS_A_PART)))
