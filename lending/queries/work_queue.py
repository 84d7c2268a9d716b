"""Lending's part of the first page: its figures, and what waits for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Min

from lending.models import Application, DayClose, Offer, ProductVersion, Transfer
from lending.queries.closes import latest_close
from lending.queries.lines import unreviewed_lines
from lending.queries.portfolio import Portfolio, portfolios
from lending.queries.products import ending_calendars, sold_products
from merchants.models import Partner


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkQueue:
    """Lending's part of the first page.

    portfolios: one a currency; unknown: payouts and collections without an answer, unknown_since the oldest of them;
    unreviewed: lines that the latest round could not review. ending_calendars: products on sale whose calendar lacks
    years, with the day from which loans are refused.
    """

    has_product: bool
    portfolios: Sequence[Portfolio]
    open_offers: int
    referred: int
    referred_since: datetime | None
    unknown: int
    unknown_since: datetime | None
    unreviewed: int
    last_close: DayClose | None
    red_feeds: Sequence[Partner]
    ending_calendars: Sequence[tuple[ProductVersion, date]]


def get_work_queue(*, on: date | None) -> WorkQueue:
    """Return lending's part of the first page. on: the business date."""
    close, sold = latest_close(), sold_products()
    referred = Application.objects.referred().aggregate(number=Count("pk"), since=Min("entered_at"))
    unknown = Transfer.objects.unknown().aggregate(number=Count("pk"), since=Min("made_at"))
    return WorkQueue(
        has_product=bool(sold),
        portfolios=portfolios(to=None if close is None else close.closed_to),
        open_offers=Offer.objects.open().count(),
        referred=referred["number"],
        referred_since=referred["since"],
        unknown=unknown["number"],
        unknown_since=unknown["since"],
        unreviewed=unreviewed_lines().count(),
        last_close=close,
        red_feeds=list(Partner.objects.exclude(feed_signal="").order_by("code")),
        ending_calendars=[] if on is None else ending_calendars(sold, on=on),
    )
