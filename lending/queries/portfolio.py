"""The portfolio as of now: what is outstanding, disbursed, late; each figure is the sum of a list."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from django.db.models import Count, F, Q, QuerySet, Sum

from lending.domain.books.loan import LoanStatus
from lending.models import Loan, ProductExposure
from lending.queries.closes import closed_to

KEPT_BY: Final = frozenset({"status", "currency"})
INDEXED_BY: Final = KEPT_BY | {"late", "bucket"}
NOT_LATE: Final = {"late": 0, "delinquent": 0, "late_minor": 0, "delinquent_minor": 0}


class Lateness(StrEnum):
    """How late a loan is: at all, or delinquent."""

    ANY = "1"
    DELINQUENT = "30"


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """A currency's active and closed loans; amounts in minor units.

    delinquent_minor: outstanding principal of loans with anything 30 or more days past due; late_minor: 1 or more.
    """

    currency: str
    active: int
    late: int
    delinquent: int
    outstanding_minor: int
    disbursed_minor: int
    repaid_minor: int
    late_minor: int
    delinquent_minor: int


def portfolios(*, to: date | None) -> list[Portfolio]:
    """Return one portfolio a currency: from the sums that are kept, and from the loans that are late.

    to: the date after the last night that is closed.
    """
    active = Q(status=LoanStatus.ACTIVE)
    kept = ProductExposure.objects.values("currency").annotate(
        active=Sum("loans", filter=active, default=0),
        outstanding_minor=Sum("minor", filter=active, default=0),
        disbursed_minor=Sum("disbursed_minor", default=0),
        repaid_minor=Sum("repaid_minor", default=0),
    )
    late = _late(to)
    return [Portfolio(**row, **late.get(row["currency"], NOT_LATE)) for row in kept.order_by("currency")]


def _late(to: date | None) -> dict[str, dict[str, int]]:
    """Sum the loans that are late, by currency."""
    delinquent = _is_late(Lateness.DELINQUENT, to)
    rows = (
        Loan.objects.filter(_is_late(Lateness.ANY, to))
        .values("currency")
        .annotate(
            late=Count("pk"),
            delinquent=Count("pk", filter=delinquent),
            late_minor=Sum("principal_minor", default=0),
            delinquent_minor=Sum("principal_minor", filter=delinquent, default=0),
        )
        .values_list("currency", *NOT_LATE)
    )
    return {currency: dict(zip(NOT_LATE, sums, strict=True)) for currency, *sums in rows.order_by()}


def with_lateness(loans: QuerySet[Loan], lateness: Lateness) -> QuerySet[Loan]:
    """Filter to the loans that are so many days past due after the nights that are closed, or their last event.

    Those that were written off do not count.
    """
    return loans.filter(_is_late(lateness, closed_to()))


def _is_late(lateness: Lateness, to: date | None) -> Q:
    days = timedelta(days=int(lateness))
    # A loan with an event behind which the close is still to come is as late as by that.
    late = Q(late_since__lte=F("booked_to") - days)
    return (
        Q(late_since__isnull=False)
        & ~Q(status=LoanStatus.WRITTEN_OFF)
        & (late if to is None else late | Q(late_since__lte=to - days))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The totals of a currency's loans, in minor units."""

    currency: str
    loans: int
    outstanding_minor: int
    disbursed_minor: int


def totals_of_list(
    loans: QuerySet[Loan], narrowed: Mapping[str, str], *, is_searched: bool, are_many: bool
) -> list[Total] | None:
    """Sum the loans of a list by currency, from the sums that are kept where it is narrowed by nothing else.

    narrowed: the value of each filter by its name. None if they are many, and no index serves the filters.
    """
    if not is_searched and narrowed.keys() <= KEPT_BY:
        return kept_totals(**narrowed)
    if are_many and (is_searched or not narrowed.keys() <= INDEXED_BY):
        return None
    return totals_of(loans)


def kept_totals(**narrowed: str) -> list[Total]:
    """Return the totals of all loans, or of those of a `status` or `currency`, from the sums that are kept."""
    rows = (
        ProductExposure.objects.filter(**narrowed)
        .values("currency")
        .annotate(
            number=Sum("loans"),
            outstanding=Sum("minor", filter=Q(status=LoanStatus.ACTIVE), default=0),
            disbursed=Sum("disbursed_minor"),
        )
        .values_list("currency", "number", "outstanding", "disbursed")
    )
    return [
        Total(currency=currency, loans=loans, outstanding_minor=outstanding, disbursed_minor=disbursed)
        for currency, loans, outstanding, disbursed in rows.order_by("currency")
        if loans
    ]


def totals_of(loans: QuerySet[Loan]) -> list[Total]:
    """Sum the loans of a list by currency."""
    rows = (
        loans.order_by()
        .values("currency")
        .annotate(
            loans=Count("pk"),
            outstanding_minor=Sum("principal_minor", default=0),
            disbursed_minor=Sum("disbursed_minor", default=0),
        )
    )
    return [Total(**row) for row in rows.order_by("currency")]


def lent_currencies() -> list[str]:
    """List the currencies of loans: each loan that was ever made left a row of its exposure."""
    return list(ProductExposure.objects.order_by("currency").values_list("currency", flat=True).distinct())


def lent_products() -> list[str]:
    """List the products of loans, as `lent_currencies`."""
    return list(ProductExposure.objects.order_by("code").values_list("code", flat=True).distinct())
