"""Judge the feeds, and keep which are red."""

from datetime import datetime

from config.db.transactions import operation
from config.office.actors import SYSTEM
from config.office.events import record_event
from merchants.models import Partner
from merchants.queries.feeds import health_of_feeds


def judge_feeds(*, now: datetime) -> int:
    """Judge every feed against its own past, and record each change; return how many changed. Raises Contended."""
    health = health_of_feeds()
    with operation():
        changed = 0
        for partner in Partner.objects.filter(pk__in=health).order_by("pk").lock():
            signal = health[partner.pk].signal or ""
            if signal != partner.feed_signal:
                record_event(
                    name="merchants.judge_feed",
                    subject=partner,
                    actor=SYSTEM,
                    before={"signal": partner.feed_signal},
                    after={"signal": signal},
                    now=now,
                )
                changed += 1
            Partner.objects.filter(pk=partner.pk).update(feed_signal=signal, feed_judged_at=now)
        return changed
