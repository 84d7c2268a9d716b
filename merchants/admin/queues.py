"""What of merchants and their feeds waits for people."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from django.db.models import Count, Min
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.office.desk import Queue, Waiting, listed_at
from config.office.display import change_url
from config.office.verbs import Asked
from merchants.domain.feed import FeedSignal
from merchants.domain.payout_account import PayoutAccountState
from merchants.models import Batch, Partner, PayoutAccount
from merchants.queries.labels import FEED_SIGNALS, OFFERS_HELD


def _accounts(_asked: Asked, _on: date | None) -> Iterator[Waiting]:
    pending = PayoutAccount.objects.filter(state=PayoutAccountState.PENDING)
    found = pending.aggregate(number=Count("pk"), since=Min("entered_at"))
    if number := found["number"]:
        yield Waiting(
            number=number,
            what=ngettext("payout account waits for verification", "payout accounts wait for verification", number),
            link=listed_at("merchants_payoutaccount", state=PayoutAccountState.PENDING),
            button=_("Verify"),
            tag="accounts",
            since=found["since"],
        )


def _red_feeds(_asked: Asked, _on: date | None) -> Iterator[Waiting]:
    for partner in Partner.objects.exclude(feed_signal="").order_by("code"):
        yield Waiting(
            number=1,
            what=partner.name,
            note=f"{FEED_SIGNALS[FeedSignal(partner.feed_signal)]} {OFFERS_HELD}",
            link=change_url(partner),
            button=_("Look"),
            tag="feed",
            is_urgent=True,
        )


def _unsealed(_asked: Asked, _on: date | None) -> Iterator[Waiting]:
    found = Batch.objects.unsealed().aggregate(number=Count("pk"), since=Min("opened_at"))
    if number := found["number"]:
        yield Waiting(
            number=number,
            what=ngettext("batch is not sealed", "batches are not sealed", number),
            note=_("Rows are still being stored, and no run sees them yet."),
            link=listed_at("merchants_batch", sealed="no"),
            button=_("Look"),
            tag="batches",
            since=found["since"],
        )


QUEUES: Final = (
    Queue(rights=frozenset({"merchants.verify_payoutaccount"}), read=_accounts),
    Queue(rights=frozenset({"merchants.withhold_partner", "merchants.upload_feed"}), read=_red_feeds),
    Queue(rights=frozenset({"merchants.upload_feed"}), read=_unsealed),
)
