"""The states of an application, and how a decision moves it."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from lending.domain.origination.rules import Outcome


class ApplicationState(StrEnum):
    """The states of an application: referred to a person, approved, declined."""

    REFERRED = "REFERRED"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"


class ApplicationRefusal(StrEnum):
    """Why no application is taken, before its offer is considered.

    SCORES_OUTDATED: the live run was made without a characteristic that the rules read; the next one has it.
    """

    NO_BUSINESS_DATE = "NO_BUSINESS_DATE"
    SCORES_OUTDATED = "SCORES_OUTDATED"
    REFERENCE_USED = "REFERENCE_USED"


STATE_AFTER: Final[Mapping[Outcome, ApplicationState]] = MappingProxyType(
    {
        Outcome.APPROVE: ApplicationState.APPROVED,
        Outcome.REFER: ApplicationState.REFERRED,
        Outcome.DECLINE: ApplicationState.DECLINED,
    }
)
