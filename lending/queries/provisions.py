"""Provisions that were made: their policies, months, sums and movements."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db import connection
from django.db.models import Count, F, Sum

from lending.domain.books.provision import Cause, Exposure, Left, Period, Stage
from lending.domain.books.provision_movement import Moved, MovementTable, movement_tables
from lending.domain.books.provision_policy import Category, Policy, parse_policy
from lending.models import DayClose, LoanProvision, ProvisionMonth, ProvisionPolicy

BY_MONTH: Final = """
SELECT c.day, s.currency, s.minor::bigint FROM lending_provisionmonth m JOIN lending_dayclose c ON c.id = m.close_id
LEFT JOIN (
    SELECT month_id, currency, sum(provision_minor) AS minor FROM lending_loanprovision GROUP BY month_id, currency
) s ON s.month_id = m.id
WHERE m.booked_at IS NOT NULL ORDER BY m.month
"""


@dataclass(frozen=True, slots=True)
class Total:
    """The provisions of one currency, stage and category: how many, and minor units in all."""

    currency: str
    stage: Stage
    category: Category
    number: int
    ead_minor: int
    ecl_minor: int
    minimum_minor: int
    provision_minor: int


def latest_policy() -> ProvisionPolicy | None:
    """Get the policy in force: the last entered."""
    return ProvisionPolicy.objects.order_by("-pk").first()


def policy_of(version: ProvisionPolicy) -> Policy:
    """Load a stored policy, verifying its hash. Raises PolicyMalformed."""
    return parse_policy(version.content, version.sha256)


def month_of(close: DayClose) -> ProvisionMonth | None:
    """Get the month whose provisions a close makes; None if it makes none."""
    return ProvisionMonth.objects.select_related("close", "policy").filter(close=close).first()


def booked_month(month: date) -> ProvisionMonth | None:
    """Get the provisions of a month, by its first day, once they are booked."""
    return ProvisionMonth.objects.select_related("close", "policy", "run").filter(
        month=month, booked_at__isnull=False
    ).first()  # fmt: skip


def month_before(month: ProvisionMonth) -> ProvisionMonth | None:
    """Get the month that was provided for before."""
    return ProvisionMonth.objects.filter(month__lt=month.month).order_by("-month").first()


def changes_of(month: ProvisionMonth) -> list[tuple[int, str, int]]:
    """Sum by how much the provisions of a month differ from the last ones: product version, currency, minor units."""
    rows = month.provisions.values_list("product_id", "currency")
    sums = rows.annotate(change=Sum(F("provision_minor") - F("before_minor"))).order_by("product_id", "currency")
    return [(product, currency, int(change)) for product, currency, change in sums]


def provided_between(first: date, last: date) -> dict[str, int]:
    """Sum by how much the months that end in a period raised provisions, by currency."""
    rows = LoanProvision.objects.filter(month__booked_at__isnull=False, month__close__day__range=(first, last))
    sums = rows.values_list("currency").annotate(change=Sum(F("provision_minor") - F("before_minor")))
    return {currency: int(change) for currency, change in sums.order_by()}


def provided_by_month() -> list[tuple[date, dict[str, int]]]:
    """Sum the provisions of each month that is booked, by its last day and by currency, in order."""
    found = dict[date, dict[str, int]]()
    with connection.cursor() as cursor:
        cursor.execute(BY_MONTH)
        for day, currency, minor in cursor.fetchall():
            sums = found.setdefault(day, {})
            if currency is not None:
                sums[currency] = minor
    return list(found.items())


def movements_of(month: ProvisionMonth) -> list[MovementTable]:
    """Return how provisions moved in a month, by currency."""
    sums = month.provisions.values_list("currency", "before_stage", "stage", "left").annotate(
        Sum("before_minor"), Sum("provision_minor")
    )
    return movement_tables(
        Moved(
            currency=currency,
            before=None if before is None else Stage(before),
            stage=None if stage is None else Stage(stage),
            left=None if left is None else Left(left),
            before_minor=int(before_minor),
            provision_minor=int(minor),
        )
        for currency, before, stage, left, before_minor, minor in sums.order_by()
    )


def stored_exposure(row: LoanProvision, *, on: date) -> Exposure:
    """Return what a row says was provided for, at the end of its month."""
    return Exposure(
        on=on,
        dpd=row.dpd,
        worst_dpd=row.worst_dpd,
        re_aged_on=row.re_aged_on,
        pd_ppm=row.score_pd_ppm,
        origination_pd_ppm=row.origination_pd_ppm,
        lgd_bps=row.lgd_bps,
        rate_ppm=row.rate_ppm,
        ead_minor=row.ead_minor,
        periods=tuple(Period(days, minor) for days, minor in row.periods),
        # Of the loans under a line no more is known here than that they made its stage.
        least_stage=Stage(row.stage) if row.stage is not None and row.cause == Cause.SAME_LINE else Stage.ONE,
        borrower_defaulted=row.cause == Cause.CROSS_DEFAULT,
    )


def totals_of(month: ProvisionMonth) -> list[Total]:
    """Sum a month's provisions by currency, stage and category, in their order."""
    rows = month.provisions.filter(left=None).values_list("currency", "stage", "category")
    sums = rows.annotate(Count("pk"), *(Sum(name) for name in ("ead_minor", "ecl_minor", "minimum_minor")),
                         Sum("provision_minor")).order_by()  # fmt: skip
    found = [
        Total(currency, Stage(stage), Category(category), number, *map(int, minors))
        for currency, stage, category, number, *minors in sums
    ]
    return sorted(found, key=lambda total: (total.currency, total.stage, list(Category).index(total.category)))


def booked_months() -> list[date]:
    """List the months that are booked, by their first days, in order."""
    booked = ProvisionMonth.objects.filter(booked_at__isnull=False).order_by("month")
    return list(booked.values_list("month", flat=True))
