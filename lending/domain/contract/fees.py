"""Fees that are agreed at signing."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from config.kernel.documents import ADDED
from config.kernel.exact import decimals_of, half_even, scaled

MOST_FEES: Final = 12
"""Of one loan."""


class FeeDue(StrEnum):
    """When a fee that was agreed falls due."""

    DISBURSEMENT = "DISBURSEMENT"  # once, on the day of the disbursement
    FIRST_DUE = "FIRST_DUE"  # once, with the first instalment
    EVERY_DUE = "EVERY_DUE"  # with every instalment


class FeeBase(StrEnum):
    """Of what the share of a fee is."""

    PRINCIPAL = "PRINCIPAL"
    INTEREST = "INTEREST"  # of its instalment, as drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """A fee that was agreed: a share of its base, rounded half to even, and an amount in minor units."""

    due: FeeDue
    share: Decimal = field(default=Decimal(0), metadata=ADDED)
    amount_minor: int = field(default=0, metadata=ADDED)
    base: FeeBase = field(default=FeeBase.PRINCIPAL, metadata=ADDED)

    def of(self, base_minor: int) -> int:
        """Return what falls due of it at a time."""
        decimals = decimals_of(self.share)
        part: int = half_even(scaled(self.share, decimals) * base_minor, 10**decimals)
        return part + self.amount_minor
