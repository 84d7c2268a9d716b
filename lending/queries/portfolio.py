"""The portfolio as of now: what is outstanding, disbursed, late; each figure is the sum of a list."""

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Count, Q, QuerySet, Sum

from lending.domain.books.loan import LoanStatus
from lending.models import Loan, ProductExposure


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


def portfolios() -> list[Portfolio]:
    """Sum the loans, one portfolio a currency."""
    late, delinquent = (Q(dpd__gte=int(lateness)) for lateness in Lateness)
    rows = (
        Loan.objects.values("currency")
        .annotate(
            active=Count("pk", filter=Q(status=LoanStatus.ACTIVE)),
            late=Count("pk", filter=late),
            delinquent=Count("pk", filter=delinquent),
            outstanding_minor=Sum("principal_minor", default=0),
            disbursed_minor=Sum("disbursed_minor", default=0),
            repaid_minor=Sum("repaid_minor", default=0),
            late_minor=Sum("principal_minor", filter=late, default=0),
            delinquent_minor=Sum("principal_minor", filter=delinquent, default=0),
        )
        .order_by("currency")
    )
    return [Portfolio(**row) for row in rows]


def with_lateness(loans: QuerySet[Loan], lateness: Lateness) -> QuerySet[Loan]:
    """Filter to the loans that are so many days past due."""
    return loans.filter(dpd__gte=int(lateness))


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The totals of a currency's loans, in minor units."""

    currency: str
    loans: int
    outstanding_minor: int
    disbursed_minor: int


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
