"""What came in feeds, day by day."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import F, Max, Min, QuerySet, Sum
from django.db.models.functions import TruncDate

from config.kernel.calendar import day_number
from config.office.business_date import get_business_date
from merchants.domain.feed import FeedHealth, judge_feed
from merchants.domain.transaction import TransactionKind
from merchants.models import Batch, FeedDay, Partner
from merchants.models.batch import BEHAVIOUR

ARRIVALS = timedelta(days=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedTotal:
    """All rows of a kind and currency: number, amounts (minor units), first and last day, how many came late."""

    kind: str
    currency: str
    rows: int
    amount_minor: int
    first: int
    last: int
    late: int


def sales_by_day(partners: Iterable[int] | None = None) -> dict[int, int]:
    """Count the SALE rows of each day, of some partners or all."""
    days = FeedDay.objects.filter(kind=TransactionKind.SALE)
    if partners is not None:
        days = days.filter(partner__in=partners)
    return dict(days.values_list("day").annotate(Sum("rows")).order_by())


def health_of_feeds(partner: Partner | None = None) -> dict[int, FeedHealth]:
    """Judge the feeds of one partner or of all as of the business date; empty before the first one."""
    today = get_business_date()
    if today is None:
        return {}
    partners = Partner.objects.all() if partner is None else Partner.objects.filter(pk=partner.pk)
    sales: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for of, day, count in (
        FeedDay.objects.filter(kind=TransactionKind.SALE, partner__in=partners)
        .values_list("partner", "day")
        .annotate(count=Sum("rows"))
        .order_by()
    ):
        sales[of][day] = count
    arrivals: defaultdict[int, set[int]] = defaultdict(set)
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    late = _arrivals().filter(partner__in=partners, sealed_at__date__gte=today - ARRIVALS)
    for of, arrived in late.values_list("partner", TruncDate("sealed_at", tzinfo=zone)).distinct():
        arrivals[of].add(day_number(arrived))
    number = day_number(today)
    return {
        of: judge_feed(sales[of], arrivals=arrivals[of], today=number) for of in partners.values_list("pk", flat=True)
    }


def totals_of_feed(partner: Partner) -> list[FeedTotal]:
    """Sum all that a partner sent, by kind and currency."""
    rows = (
        partner.feed_days.values("kind", "currency")
        .annotate(
            number=Sum("rows"), minor=Sum("amount_minor"), first=Min("day"), last=Max("day"), came_late=Sum("late")
        )
        .filter(number__gt=0)
        .order_by("kind", "currency")
    )
    return [
        FeedTotal(
            kind=row["kind"],
            currency=row["currency"],
            rows=row["number"],
            amount_minor=int(row["minor"]),
            first=row["first"],
            last=row["last"],
            late=row["came_late"],
        )
        for row in rows
    ]


def last_batches(partner: Partner, *, limit: int) -> list[Batch]:
    """List the partner's last batches of rows, the newest first."""
    return list(Batch.objects.filter(partner=partner).exclude(source=BEHAVIOUR).order_by("-number")[:limit])


def last_arrival(partner: Partner) -> datetime | None:
    """Return when rows of the partner were last stored."""
    found: datetime | None = _arrivals().filter(partner=partner).aggregate(at=Max(F("sealed_at")))["at"]
    return found


def _arrivals() -> QuerySet[Batch]:
    return Batch.objects.filter(accepted__gt=0, sealed_at__isnull=False).exclude(source=BEHAVIOUR)
