"""The states of an application, and how a decision moves it."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from config.kernel.refusals import first_of
from lending.domain.origination.rules import Outcome


class ApplicationState(StrEnum):
    """The states of an application: referred to a person, approved, declined."""

    REFERRED = "REFERRED"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"


class ApplicationRefusal(StrEnum):
    """Why no application is taken, before its offer is considered.

    SCORES_OUTDATED: the live run was made without a characteristic that the rules read; the next one has it.
    FEED_RED: the partner's feed cannot be relied on, and the score rests on it.
    """

    NO_BUSINESS_DATE = "NO_BUSINESS_DATE"
    SCORES_OUTDATED = "SCORES_OUTDATED"
    FEED_RED = "FEED_RED"
    REFERENCE_USED = "REFERENCE_USED"


def judge_application(
    *, has_date: bool, is_outdated: bool, is_feed_red: bool, is_reference_used: bool
) -> ApplicationRefusal | None:
    """Decide whether an application can be taken at all."""
    return first_of(
        {
            ApplicationRefusal.NO_BUSINESS_DATE: not has_date,
            ApplicationRefusal.SCORES_OUTDATED: is_outdated,
            ApplicationRefusal.FEED_RED: is_feed_red,
            ApplicationRefusal.REFERENCE_USED: is_reference_used,
        }
    )


STATE_AFTER: Final[Mapping[Outcome, ApplicationState]] = MappingProxyType(
    {
        Outcome.APPROVE: ApplicationState.APPROVED,
        Outcome.REFER: ApplicationState.REFERRED,
        Outcome.DECLINE: ApplicationState.DECLINED,
    }
)
