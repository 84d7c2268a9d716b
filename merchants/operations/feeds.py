"""Judge the feeds, and keep which are red."""

from datetime import datetime

from config.db.transactions import operation, require_one
from config.office.actors import SYSTEM
from config.office.events import record_event
from merchants.models import Partner
from merchants.queries.feeds import health_of_feeds


def judge_feeds(*, now: datetime) -> int:
    """Judge every feed against its own past, and record each change; return how many changed. Raises Contended."""
    signals = {partner: health.signal or "" for partner, health in health_of_feeds().items()}
    known = Partner.objects.values_list("pk", "feed_signal")
    changed = 0
    with operation():
        moved = [partner for partner, signal in known if signals.get(partner, signal) != signal]
        for partner in Partner.objects.filter(pk__in=moved).lock():
            signal = signals[partner.pk]
            if signal == partner.feed_signal:  # another worker was faster
                continue
            changed += 1
            require_one(Partner.objects.filter(pk=partner.pk).update(feed_signal=signal))
            record_event(
                name="merchants.judge_feed",
                subject=partner,
                actor=SYSTEM,
                before={"signal": partner.feed_signal},
                after={"signal": signal},
                now=now,
            )
        return changed
