"""What a market's figures say about each merchant: measures in whole units, and who is to be looked at."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from config.kernel.exact import BASIS_POINTS
from scoring.domain.features.columns import Column, column, exact, ratio
from scoring.domain.features.flags import Flags
from scoring.domain.features.integrity import MARKS, Mark

MEASURES: Final = {
    "flagged_share_90": "Flagged sales of 90 days, of all, by amount.",
    "cycle_180": "Sales of 180 days to buyers to whom the money goes back, or who buy only after payouts, by amount.",
    "captive_180": "Sales of 180 days to buyers who are new, came again and bought nowhere else, by amount.",
    "overlap_90": "Sales of 90 days to buyers whom the shop shares with the same few others, by amount.",
    "burst_90": "Sales of 90 days on days with far more orders than ever before, by amount.",
    "round_value_90": "Sales of 90 days with a round amount, by number.",
    "spike_30": "Sales of 30 days, of the 30-day mean of the 90 days before, by amount.",
    "late_history_180": "Rows of 180 days that were told late, when hardly anybody else's were, by number.",
}
"""In basis points; 0 where there is nothing to divide by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """A SALE of a flagged order; the marks for which its order is flagged. d: whole days before as_of."""

    external_id: str
    order_key: str
    d: int
    amount_minor: int
    buyer: int | None
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found of a merchant: MEASURES, the marks that fired, its flagged sales, oldest first.

    first_known_d: the days since its first SALE was known, None without one. flagged_share: the characteristic, in
    basis points: the share of flagged sales of 90 days, or of 180 if that is more.
    """

    merchant_id: int
    measures: Mapping[str, int]
    fired: tuple[Mark, ...]
    flagged: tuple[Flagged, ...]
    first_known_d: int | None
    flagged_share: int = 0

    @property
    def to_review(self) -> bool:
        """Whether a person should look at the merchant before it borrows."""
        return bool(self.fired)


def flags_of(findings: Iterable[Finding]) -> Flags:
    """Return what scores need of the findings."""
    told = [finding for finding in findings if finding.fired]
    return Flags(
        shares={finding.merchant_id: finding.flagged_share for finding in told},
        first_known_d={
            finding.merchant_id: finding.first_known_d
            for finding in told
            if Mark.LATE in finding.fired and finding.first_known_d is not None
        },
        orders=[
            (finding.merchant_id, order)
            for finding in told
            for order in sorted({sale.order_key for sale in finding.flagged})
        ],
    )


def nothing_of(merchant_id: int) -> Finding:
    """Return what is found of a merchant without a row."""
    measures = dict.fromkeys(MEASURES, 0)
    return Finding(merchant_id=merchant_id, measures=measures, fired=(), flagged=(), first_known_d=None)


def integrity_measures(figures: Mapping[str, Column]) -> dict[str, Column]:
    """Derive MEASURES from the figures, over whole columns, quantised once, half to even."""
    of = {name: exact(column.values) for name, column in figures.items()}
    shares = {
        "flagged_share_90": (of["flagged_90"], of["sold_90"]),
        "cycle_180": (of["cycle_180"], of["sold_180"]),
        "captive_180": (of["captive_180"], of["sold_180"]),
        "overlap_90": (of["ring_90"], of["sold_90"]),
        "burst_90": (of["burst_90"], of["sold_90"]),
        "round_value_90": (of["round_rows_90"], of["rows_90"]),
        "spike_30": (3 * of["sold_30"], of["sold_30_119"]),
        "late_history_180": (of["late_rows_180"], of["rows_180"]),
    }
    return {name: _or_nought(ratio(part, whole, BASIS_POINTS)) for name, (part, whole) in shares.items()}


def flagged_shares(figures: Mapping[str, Column], measures: Mapping[str, Column]) -> Column:
    """Derive the characteristic flagged_share: the larger of the shares of 90 and of 180 days."""
    of = {name: exact(figures[name].values) for name in ("flagged_180", "sold_180")}
    half = _or_nought(ratio(of["flagged_180"], of["sold_180"], BASIS_POINTS))
    return column(np.maximum(measures["flagged_share_90"].values, half.values))


def bits_of(marks: Iterable[Mark]) -> int:
    """Write marks as a sum of bits."""
    return sum(1 << MARKS.index(mark) for mark in marks)


def marks_of(bits: int) -> tuple[Mark, ...]:
    """Read the marks of a sum of bits."""
    return tuple(mark for place, mark in enumerate(MARKS) if bits >> place & 1)


def _or_nought(share: Column) -> Column:
    return column(share.values)
