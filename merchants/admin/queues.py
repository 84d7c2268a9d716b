"""What of merchants and their feeds waits for people."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.office.desk import Queue, Waiting, listed_at, rows_waiting
from config.office.display import change_url
from config.office.verbs import Asked
from merchants.domain.feed import FeedSignal
from merchants.domain.payout_account import PayoutAccountState
from merchants.models import Batch, Partner, PayoutAccount
from merchants.queries.labels import FEED_SIGNALS, OFFERS_HELD


def _accounts(_asked: Asked, _on: date | None) -> Iterator[Waiting]:
    yield from rows_waiting(
        PayoutAccount.objects.filter(state=PayoutAccountState.PENDING),
        said=lambda n: ngettext("payout account to verify", "payout accounts to verify", n),
        link=listed_at("merchants_payoutaccount", state=PayoutAccountState.PENDING),
        button=_("Verify"),
        tag="accounts",
        since="entered_at",
    )


def _red_feeds(_asked: Asked, _on: date | None) -> Iterator[Waiting]:
    for partner in Partner.objects.exclude(feed_signal="").order_by("code"):
        yield Waiting(
            number=1,
            what=_t("partner's feed is red: %(partner)s") % {"partner": partner.name},
            note=f"{FEED_SIGNALS[FeedSignal(partner.feed_signal)]} {OFFERS_HELD}",
            link=change_url(partner),
            button=_("Open the feed"),
            tag=f"feed-{partner.pk}",
            is_urgent=True,
        )


def _unsealed(_asked: Asked, _on: date | None) -> Iterator[Waiting]:
    yield from rows_waiting(
        Batch.objects.unsealed(),
        said=lambda n: ngettext("batch is not sealed", "batches are not sealed", n),
        note=_("Rows are still being stored, and no run sees them yet."),
        link=listed_at("merchants_batch", sealed="no"),
        button=_("Open"),
        tag="batches",
        since="opened_at",
    )


QUEUES: Final = (
    Queue(rights=frozenset({"merchants.verify_payoutaccount"}), read=_accounts),
    Queue(rights=frozenset({"merchants.withhold_partner", "merchants.upload_feed"}), read=_red_feeds),
    Queue(rights=frozenset({"merchants.upload_feed"}), read=_unsealed),
)
