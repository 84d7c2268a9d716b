"""Which rows of a merchant's history a warning rests on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from lending.domain.watch.cash_flow import DISPUTED, PAST, RECENT
from lending.domain.watch.policy import Signal
from merchants.domain.transaction import TransactionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Rows of a kind in the last `days`, those with a value above 0 alone if `is_late`; their number is observed.

    DIVERSION rests on those of repeat buyers before the draw, SILENT on the last ones that there were.
    """

    kind: TransactionKind
    days: int = RECENT
    is_late: bool = False


EVIDENCE: Final[Mapping[Signal, Evidence]] = MappingProxyType(
    {
        Signal.SALES_BELOW_SEASON: Evidence(kind=TransactionKind.SALE),
        Signal.SALES_BELOW_PEERS: Evidence(kind=TransactionKind.SALE),
        Signal.SILENT: Evidence(kind=TransactionKind.SALE, days=RECENT + PAST),
        Signal.DIVERSION: Evidence(kind=TransactionKind.SALE),
        Signal.REFUNDS: Evidence(kind=TransactionKind.REFUND),
        Signal.DISPUTES: Evidence(kind=TransactionKind.CHARGEBACK, days=DISPUTED),
        Signal.LATE_DISPATCHES: Evidence(kind=TransactionKind.DISPATCH, is_late=True),
        Signal.DRAINED: Evidence(kind=TransactionKind.PAYOUT),
        Signal.SHORT_OF_INSTALMENT: Evidence(kind=TransactionKind.SETTLEMENT),
    }
)


def evidence_of(signal: Signal, *, is_escrow: bool) -> Evidence:
    """Return the rows of a signal for a merchant whose sales settle later, or at once: then a sale is released."""
    evidence = EVIDENCE[signal]
    is_released = evidence.kind is TransactionKind.SETTLEMENT and not is_escrow
    return replace(evidence, kind=TransactionKind.SALE) if is_released else evidence
