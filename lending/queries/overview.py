"""Lending's part of the overview."""

from collections.abc import Sequence
from dataclasses import dataclass

from lending.models import DayClose, Offer
from lending.queries.closes import latest_close
from lending.queries.portfolio import Portfolio, portfolios
from lending.queries.products import sold_products
from merchants.models import Partner


@dataclass(frozen=True, slots=True, kw_only=True)
class LendingOverview:
    """Lending's part of the overview. portfolios: one a currency."""

    has_product: bool
    portfolios: Sequence[Portfolio]
    open_offers: int
    last_close: DayClose | None
    red_feeds: Sequence[Partner]


def get_lending_overview() -> LendingOverview:
    """Return lending's part of the overview."""
    close = latest_close()
    return LendingOverview(
        has_product=bool(sold_products()),
        portfolios=portfolios(to=None if close is None else close.closed_to),
        open_offers=Offer.objects.open().count(),
        last_close=close,
        red_feeds=list(Partner.objects.exclude(feed_signal="").order_by("code")),
    )
