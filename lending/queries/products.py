"""Product versions."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet

from lending.domain.origination.assessment import Assessment, Preview, assess, preview
from lending.domain.origination.calendars import refused_from
from lending.domain.origination.product import Product, ProductKind, Servicing
from lending.domain.origination.product_document import parse_product
from lending.domain.origination.rules import Rules, current_rules
from lending.models import ProductVersion
from lending.queries.calendars import calendar_by, latest_calendar
from lending.queries.facts import facts_of, is_outdated
from merchants.models import Merchant
from scoring.models import Score, ScoreRun
from scoring.queries.scores import get_live_run

AT_ONCE: Final = 1_000
Sold = tuple[str, str, str]
LAST_ENTERED: Final = ~Exists(
    ProductVersion.objects.filter(kind=OuterRef("kind"), currency=OuterRef("currency"), pk__gt=OuterRef("pk"))
)
"""A version is the one sold of its kind in its currency."""


def product_of(version: ProductVersion) -> Product:
    """Load a stored product, verifying its hash, with its calendar as it was entered last.

    Raises ProductMalformed, CalendarMalformed.
    """
    return with_calendar(parse_product(version.content, version.sha256))


def product_then(version: ProductVersion, *, calendar_sha256: str) -> Product:
    """Load a stored product with the calendar that it had then. Raises ProductMalformed, CalendarMalformed."""
    return replace(parse_product(version.content, version.sha256), calendar=calendar_by(calendar_sha256))


def with_calendar(product: Product) -> Product:
    """Return a product with the calendar that it names, as it was entered last."""
    name = product.contract.calendar
    return product if name is None else replace(product, calendar=latest_calendar(name))


def latest_versions(*, code: str | None = None) -> dict[Sold, ProductVersion]:
    """Get the version that was entered last of each product, or of one: what it says of rooms and rules counts for all.

    By what names a product: its code, currency and kind.
    """
    versions = ProductVersion.objects.order_by("pk")
    if code is not None:
        versions = versions.filter(code=code)
    return {sold_as(version): version for version in versions}


def sold_as(version: ProductVersion) -> Sold:
    """Return what names the product of a version."""
    return version.code, version.currency, version.kind


def latest_version(version: ProductVersion) -> ProductVersion:
    """Get the version of the same product that was entered last."""
    return latest_versions(code=version.code)[sold_as(version)]


def servicing_of(version: ProductVersion) -> Servicing:
    """Return what may become of a version's loans that are out."""
    return product_of(latest_version(version)).servicing


def preview_product(product: Product, *, on: date) -> Preview:
    """Sum whom a product would admit today, and how much it would offer, from the live scores; nothing is stored.

    Nobody while nothing is published, or what is was made without a characteristic that the rules read.
    """
    run, rules, product = get_live_run(), current_rules(), with_calendar(product)
    return preview(
        () if run is None or is_outdated(run.feature_set, rules) else _assessments(product, run, rules, on=on)
    )


def _assessments(product: Product, run: ScoreRun, rules: Rules, *, on: date) -> Iterator[Assessment]:
    after = 0
    while True:
        scores = list(Score.objects.filter(run=run, merchant__gt=after).order_by("merchant_id")[:AT_ONCE])
        if not scores:
            return
        for score in scores:
            score.run = run  # with its card and calibration
        for facts in facts_of(scores=scores, on=on, product=product, rules=rules).values():
            yield assess(facts, product, rules.no_offer)
        after = scores[-1].merchant_id


def with_sold(versions: QuerySet[ProductVersion]) -> QuerySet[ProductVersion]:
    """Annotate each version with `is_sold`, whether it is the one sold of its kind in its currency."""
    return versions.annotate(is_sold=LAST_ENTERED)


def sold_products(*, currency: str | None = None) -> list[ProductVersion]:
    """List the versions that are sold, one a kind and currency, in the order of kinds; of a currency, or of all."""
    sold = ProductVersion.objects.filter(LAST_ENTERED).order_by("currency")
    found = sold if currency is None else sold.filter(currency=currency)
    kinds = list(ProductKind)
    return sorted(found, key=lambda version: (version.currency, kinds.index(ProductKind(version.kind))))


def products_by(calendar: str) -> list[ProductVersion]:
    """List the versions on sale whose loans fall due by the calendar of a name."""
    return [version for version in sold_products() if product_of(version).contract.calendar == calendar]


def ending_calendars(sold: Iterable[ProductVersion], *, on: date) -> list[tuple[ProductVersion, date]]:
    """List the versions whose calendar soon lacks years, with the day from which loans are refused."""
    found = ((version, refused_from(product_of(version), on=on)) for version in sold)
    return [(version, first) for version, first in found if first is not None]


def unsold_products() -> list[tuple[ProductKind, str]]:
    """List the kinds and currencies of merchants in which no such product is sold."""
    currencies = Merchant.objects.order_by("currency").values_list("currency", flat=True).distinct()
    sold = set(ProductVersion.objects.values_list("kind", "currency"))
    return [(kind, currency) for currency in currencies for kind in ProductKind if (kind.value, currency) not in sold]
