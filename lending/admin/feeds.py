"""Alerts about the feeds that offers rest on."""

from collections.abc import Iterable

from config.office.display import Alert, linked
from merchants.domain.feed import FeedSignal
from merchants.models import Partner
from merchants.queries.labels import FEED_SIGNALS, OFFERS_HELD


def feed_alerts(partners: Iterable[Partner]) -> list[Alert]:
    """Say of which partners the feed is red, and what waits for it."""
    return [
        Alert(
            tint="tl-bad",
            link=linked(partner, str(partner)),
            text=f"{FEED_SIGNALS[FeedSignal(partner.feed_signal)]} {OFFERS_HELD}",
        )
        for partner in partners
        if partner.feed_signal
    ]
