"""What the rows of one merchant say of its trade before a day: the windows, and the figures signals are made of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

RECENT: Final = 28
"""Days: whole weeks, so that each weekday counts alike."""
USUAL: Final = 84
"""Days before the recent ones, three times as many: what is usual of late."""
PAST: Final = 180
"""Days before the recent ones, over which a merchant's rate of refunds and late dispatches is known."""
YEAR: Final = 364
"""Days: the same weekday a year before."""
DISPUTED: Final = 56
"""Days: buyers dispute late, and seldom."""
DISPUTED_PAST: Final = 168
LOYAL: Final = 180
"""Days in which whoever bought twice is a repeat buyer; before those that are compared, so that nothing is chosen by
what it is then measured by."""
SHORTEST_SINCE: Final = 14
"""Days since a draw, below which chance does too much."""
LONGEST_SINCE: Final = 120
"""Days since a draw, after which other causes are as likely."""
OLDEST: Final = YEAR + RECENT + USUAL
"""Days before the day that any figure may look back, but for those of repeat buyers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CashFlow:
    """The figures of one merchant: days before the day are counted from 0; amounts in minor units.

    first_sale_d: of the first sale within OLDEST days; quiet: whole days since the last, longest_quiet: the most in a
    row between two sales within PAST days; None without a sale. sales and sold: rows and amounts of SALE; of the recent
    days, the usual ones, the past ones, and the same recent and usual days a year before. released: what was released
    to the merchant (SETTLEMENT under escrow, else SALE); taken_back: refunds and chargebacks. compared: days on either
    side of its latest draw, 0 if it is not watched for diversion; loyal: the sales of those days to repeat buyers, and
    how many of them bought.
    """

    first_sale_d: int | None = None
    quiet: int | None = None
    longest_quiet: int | None = None
    sales_recent: int = 0
    sales_usual: int = 0
    sales_past: int = 0
    sold_recent: int = 0
    sold_usual: int = 0
    sold_year_recent: int = 0
    sold_year_usual: int = 0
    refunds_recent: int = 0
    refunds_past: int = 0
    disputed_sales: int = 0
    disputed_sales_past: int = 0
    chargebacks: int = 0
    chargebacks_past: int = 0
    dispatches_recent: int = 0
    dispatches_past: int = 0
    late_recent: int = 0
    late_past: int = 0
    released_recent: int = 0
    released_usual: int = 0
    taken_back_recent: int = 0
    payouts_recent: int = 0
    payouts_usual: int = 0
    compared: int = 0
    loyal_before: int = 0
    loyal_after: int = 0
    loyal_buyers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """The numbers of sales of merchants together, recent and usual, and how many of them sold in the usual days."""

    merchants: int = 0
    sales_recent: int = 0
    sales_usual: int = 0

    def plus(self, other: "Peers") -> "Peers":
        """Add others."""
        return Peers(
            merchants=self.merchants + other.merchants,
            sales_recent=self.sales_recent + other.sales_recent,
            sales_usual=self.sales_usual + other.sales_usual,
        )

    def without(self, flow: CashFlow) -> "Peers":
        """Take one of them out, who counts only if it sold in the usual days."""
        if not flow.sales_usual:
            return self
        return Peers(
            merchants=self.merchants - 1,
            sales_recent=self.sales_recent - flow.sales_recent,
            sales_usual=self.sales_usual - flow.sales_usual,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NextInstalment:
    """What falls due next on a merchant's loans, in how many days, and what it has with the platform; minor units."""

    due_minor: int
    days: int
    balance_minor: int


Cell = tuple[str, str, str]
"""The currency, category and region of a merchant: its peers are those who share all three."""


@dataclass(frozen=True, slots=True)
class Market:
    """How the sales of a market changed, by cell, and those of wider groups: a category of all regions, and all."""

    groups: Mapping[tuple[str, str | None, str | None], Peers]

    @classmethod
    def of(cls, cells: Iterable[tuple[Cell, Peers]]) -> "Market":
        """Sum cells, also several parts of one, over wider groups."""
        groups: dict[tuple[str, str | None, str | None], Peers] = {}
        for (currency, category, region), peers in cells:
            for group in ((currency, category, region), (currency, category, None), (currency, None, None)):
                groups[group] = groups.get(group, Peers()).plus(peers)
        return cls(groups)

    def peers_of(self, cell: Cell, flow: CashFlow, *, least: int) -> Peers:
        """Return the narrowest group of so many merchants beside the one of this cash flow; none if none has."""
        currency, category, region = cell
        for group in ((currency, category, region), (currency, category, None), (currency, None, None)):
            found = self.groups.get(group, Peers()).without(flow)
            if found.merchants >= least:
                return found
        return Peers()
