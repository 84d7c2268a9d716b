"""Say when offers are made."""

from datetime import date
from enum import StrEnum
from typing import Final

MAKE_OFFERS: Final = "lending.make_offers"


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
