"""Office pages of partners."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Final

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.kernel.calendar import date_of, day_number
from config.office.business_date import get_business_date
from config.office.display import (
    Alert,
    Card,
    Cell,
    Chart,
    Column,
    Facts,
    Figure,
    Page,
    Table,
    Text,
    bars,
    chip,
    code,
)
from config.office.lists import ListColumn
from config.office.pages import OfficeAdmin
from config.office.verbs import Asked, Verb
from config.office.words import money_with_currency
from merchants.admin.batch import batches_table
from merchants.admin.upload import UPLOAD
from merchants.domain.feed import FeedHealth, FeedSignal
from merchants.domain.transaction import Settlement, TransactionKind
from merchants.models import Partner
from merchants.operations.partners import let_withhold
from merchants.queries.feeds import (
    FeedTotal,
    health_of_feeds,
    last_arrival,
    last_batches,
    sales_by_day,
    totals_of_feed,
)
from merchants.queries.labels import FEED_SIGNALS, KINDS, OFFERS_HELD

DAYS: Final = 90
BATCHES: Final = 10

SETTLEMENTS: Final = {
    Settlement.ESCROW: _("In escrow: a sale counts when it is settled"),
    Settlement.IMMEDIATE: _("Immediate: a sale counts when it is paid"),
}


FEED_CHIPS: Final = {
    FeedSignal.SILENT: _("Silent"),
    FeedSignal.HALVED: _("Halved"),
    FeedSignal.DOUBLED: _("Doubled"),
}


def _let_withhold(partner: Partner, asked: Asked, *, withholds: bool) -> Partner:
    return let_withhold(partner_id=partner.pk, withholds=withholds, actor=asked.actor, now=asked.now)


@admin.register(Partner)
class PartnerAdmin(OfficeAdmin[Partner]):
    list_key = "pk"
    columns = (
        ListColumn(label=_("Name"), cell=lambda partner: partner.name),
        ListColumn(label=_("Code"), cell=lambda partner: partner.code),
        ListColumn(label=_("Feed"), cell=lambda partner: _feed_chip(partner.feed_signal)),
        ListColumn(label=_("Settlement"), cell=lambda partner: SETTLEMENTS[Settlement(partner.settlement)]),
    )
    verbs = (
        UPLOAD,
        Verb(
            name="withhold",
            label=_("Collect through the platform"),
            right="merchants.withhold_partner",
            done=_("What its merchants owe from now on is for the platform to withhold."),
            note=_(
                "The partner's system fetches what is due over the API, withholds it from what it settles to its "
                "merchants, and reports how much that was."
            ),
            call=partial(_let_withhold, withholds=True),
            why_not=lambda partner, _asked: _("It is so already.") if partner.withholds else None,
            refusals={},
        ),
        Verb(
            name="collect_ourselves",
            label=_("Collect without the platform"),
            right="merchants.withhold_partner",
            done=_("What its merchants owe from now on is collected without the platform."),
            note=_("What the platform was asked for already stays for it to report."),
            call=partial(_let_withhold, withholds=False),
            why_not=lambda partner, _asked: None if partner.withholds else _("It is so already."),
            refusals={},
        ),
    )
    empty = _("No partner yet. Importing a marketplace enters one.")

    def page_of(self, row: Partner, request: HttpRequest) -> Page:
        clients = ", ".join(row.clients.order_by("pk").values_list("application__name", flat=True))
        facts = [
            (_("Settlement"), SETTLEMENTS[Settlement(row.settlement)]),
            (_("What is due"), _("withheld by the platform") if row.withholds else _("collected without the platform")),
            (_("API clients"), clients or code(f"manage.py create_partner_client {row.code}")),
        ]
        health, totals, batches = (
            health_of_feeds(row).get(row.pk),
            totals_of_feed(row),
            last_batches(row, limit=BATCHES),
        )
        today = get_business_date()
        red = [Alert(strong=FEED_SIGNALS[FeedSignal(row.feed_signal)], text=OFFERS_HELD)] if row.feed_signal else []
        cards = [] if today is None else [_days_card(row, today)]
        cards += [
            Card(title=_("What the feed carries"), parts=[_totals_table(totals)]),
            Card(title=_("Last batches"), parts=[batches_table(batches)]),
            Card(title=_("Partner"), parts=[Facts(facts)]),
        ]
        return Page(title=row.name, sub=[row.code], alerts=red, figures=_figures(row, health, totals), cards=cards)


def _feed_chip(signal: str) -> Cell:
    return chip(FEED_CHIPS[FeedSignal(signal)], "tl-bad") if signal else chip(_("Normal"), "tl-ok")


def _figures(partner: Partner, health: FeedHealth | None, totals: Sequence[FeedTotal]) -> list[Figure]:
    stored = Figure(label=_("Rows stored"), value=sum(total.rows for total in totals), note=_since(partner))
    if health is None or health.quiet is None:
        return [stored]
    usual = _t("%(number)s in a usual week") % {"number": f"{health.usual:,}"}
    longest = _t("at most %(days)s in the eight weeks before") % {"days": health.longest_quiet}
    return [
        Figure(label=_("Sales of the last 7 days delivered"), value=health.recent, note=usual),
        Figure(label=_("Whole days without a sale up to now"), value=health.quiet, note=longest),
        stored,
    ]


def _since(partner: Partner) -> str:
    arrived = last_arrival(partner)
    return "" if arrived is None else _t("the last at %(at)s UTC") % {"at": f"{arrived:%Y-%m-%d %H:%M}"}


def _days_card(partner: Partner, today: date) -> Card:
    """Chart the sales of 90 days, and name the days without any."""
    sales, end = sales_by_day([partner.pk]), day_number(today)
    days = range(end - DAYS, end)
    counts = [sales.get(day, 0) for day in days]
    title = _("Sales by day, number of rows")
    if not any(counts):
        return Card(
            title=title,
            parts=[Text(_t("No sale in the %(days)s days before %(date)s.") % {"days": DAYS, "date": today})],
        )
    chart = Chart(
        name="feed-chart",
        label=_("Sales by day; days without a sale are named below."),
        data=bars([date_of(day).isoformat() for day in days], (_("Sales"), counts, "s1")),
    )
    empty = [date_of(day).isoformat() for day, count in zip(days, counts, strict=True) if not count]
    gaps = _t("Days without a sale: %(days)s.") % {"days": ", ".join(empty)} if empty else _t("A sale on every day.")
    return Card(title=title, parts=[chart, Text(gaps, "tl-note")])


def _totals_table(totals: Sequence[FeedTotal]) -> Table:
    columns = [
        Column(label=_("Kind")),
        Column(label=_("Rows"), number=True),
        Column(label=_("Amount"), number=True),
        Column(label=_("First")),
        Column(label=_("Last")),
        Column(label=_("Came late"), number=True),
    ]
    rows = [
        [
            KINDS[TransactionKind(total.kind)],
            total.rows,
            money_with_currency(total.amount_minor, total.currency) if total.amount_minor else "",
            date_of(total.first),
            date_of(total.last),
            Cell(text=f"{total.late:,}", title=_("More than a week after they happened")),
        ]
        for total in totals
    ]
    return Table(columns=columns, rows=rows, empty=_("Nothing has come yet."))
