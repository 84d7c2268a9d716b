"""The running loans of a day by product, currency and bucket: as a close kept them, or added up now.

What is kept is right or not there: what is booked for a day removes what was kept of it and of later days. Loans are
classed by a policy, and with those of the same owner: what was kept by others than those of today is not read.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import connection
from django.db.models import Count as CountRows
from django.db.models import Q, QuerySet, Sum

from config.kernel.calendar import add_months
from config.kernel.canonical import canonical_json, sha256_of
from config.kernel.documents import written
from lending.domain.books.delinquency_policy import DelinquencyPolicy
from lending.domain.books.portfolio import PAR, Dimension, Report
from lending.domain.books.provision_policy import DefaultLevel
from lending.models import DelinquencyFigures, LoanSpell
from lending.models.loan import ACTIVE
from lending.queries.delinquency import ALL, EVER, asked
from lending.queries.owners import state_of_owners
from lending.queries.portfolio_figures import kept_figures

BY_BUCKET: Final = f"""
{ALL} SELECT v.code, c.currency, c.bucket, count(*), sum(c.arrears_minor)::bigint, sum(c.principal_minor)::bigint,
    {", ".join(f"count(*) FILTER (WHERE c.dpd >= {days})" for days in PAR)},
    {", ".join(f"coalesce(sum(c.principal_minor) FILTER (WHERE c.dpd >= {days}), 0)::bigint" for days in PAR)}
FROM classed c JOIN lending_productversion v ON v.id = c.product_id
GROUP BY v.code, c.currency, c.bucket ORDER BY v.code, c.currency, c.bucket
"""  # noqa: S608 - constants only
# What runs now by the sums that are kept, less what has changed since the date: on the open day, next to nothing.
RUNNING: Final = f"""
SELECT code, currency, sum(loans)::bigint, sum(minor)::bigint FROM (
    SELECT code, currency, loans, minor FROM lending_productexposure WHERE status = '{ACTIVE}'
    UNION ALL
    SELECT v.code, l.currency, sum(moved.loans), sum(moved.minor) FROM (
        SELECT loan_id, 1 AS loans, principal_minor AS minor FROM lending_loanspell
        WHERE until < {EVER} AND until > %(on)s AND since <= %(on)s
        UNION ALL
        SELECT loan_id, -1, -principal_minor FROM lending_loanspell WHERE until = {EVER} AND since > %(on)s
    ) moved JOIN lending_loan l ON l.id = moved.loan_id JOIN lending_productversion v ON v.id = l.product_id
    GROUP BY v.code, l.currency
) summed GROUP BY code, currency HAVING sum(loans) <> 0 ORDER BY code, currency
"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many loans, what is past due of them, and their outstanding principal, in minor units."""

    loans: int = 0
    arrears_minor: int = 0
    principal_minor: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(
            loans=self.loans + other.loans,
            arrears_minor=self.arrears_minor + other.arrears_minor,
            principal_minor=self.principal_minor + other.principal_minor,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DelinquencyTable:
    """The running loans of a product in a currency on a date.

    running: all of them. buckets: those in none, and in each bucket, in order. at_risk: by days past due, those that
    are as late or later by themselves, whatever their bucket; without their arrears.
    """

    product: str
    currency: str
    running: Count
    buckets: Sequence[Count]
    at_risk: Mapping[int, Count]


def delinquency_tables(policy: DelinquencyPolicy, *, on: date, **narrowed: str) -> list[DelinquencyTable]:
    """Sum the loans that ran on a date by product and currency; narrowed: to a `product`, a `currency`."""
    running, classed = _running(on), defaultdict[tuple[str, str], list[Any]](list)
    kept = DelinquencyFigures.objects.filter(on=on, basis=basis_of(policy)).first()
    for code, currency, *counted in compute_buckets(policy, on=on) if kept is None else kept.rows:
        classed[code, currency].append(counted)
    return [
        _table(of, running[of], classed[of], buckets=len(policy.rule.buckets))
        for of in running
        if narrowed.get("product", of[0]) == of[0] and narrowed.get("currency", of[1]) == of[1]
    ]


def _running(on: date) -> dict[tuple[str, str], tuple[int, int]]:
    """Return how many loans ran on a date and their principal, by product and currency, in order."""
    kept = kept_figures(Report.RISK, Dimension.PRODUCT, [on]).get(on)
    if kept is not None:
        return {(code, currency): (loans, minor) for code, currency, loans, minor, *_late in sorted(kept)}
    with connection.cursor() as cursor:
        cursor.execute(RUNNING, {"on": on})
        return {(code, currency): (loans, minor) for code, currency, loans, minor in cursor.fetchall()}


def compute_buckets(policy: DelinquencyPolicy, *, on: date) -> list[list[Any]]:
    """Add up the loans that are classed on a date by product, currency and bucket."""
    with connection.cursor() as cursor:
        cursor.execute(BY_BUCKET, asked(policy, on=on))
        return [list(row) for row in cursor.fetchall()]


def basis_of(policy: DelinquencyPolicy) -> str:
    """Hash what loans are classed by beside their own arrears: the policy, and whose merchants are."""
    owners = state_of_owners() if policy.level is DefaultLevel.BORROWER else None
    return sha256_of(canonical_json([written(policy), owners]))


def days_to_class(policy: DelinquencyPolicy, day: date) -> list[date]:
    """List the days that the page of a day shows, itself and a month before, of which nothing is kept that counts."""
    kept = DelinquencyFigures.objects.filter(on__in=(days := [add_months(day, -1), day]), basis=basis_of(policy))
    return sorted(set(days) - set(kept.values_list("on", flat=True)))


def _table(
    of: tuple[str, str], running: tuple[int, int], classed: Iterable[Sequence[Any]], *, buckets: int
) -> DelinquencyTable:
    (product, currency), (loans, minor) = of, running
    counts = [Count() for _ in range(buckets + 1)]
    at_risk = dict.fromkeys(PAR, Count())
    for bucket, number, arrears, principal, *risk in classed:
        counts[bucket] += Count(loans=number, arrears_minor=arrears, principal_minor=principal)
        for days, late, late_minor in zip(PAR, risk[: len(PAR)], risk[len(PAR) :], strict=True):
            at_risk[days] += Count(loans=late, principal_minor=late_minor)
    in_any = sum(counts[1:], start=Count())
    counts[0] = Count(  # of those in no bucket, only whoever shares a borrower with a late one was looked at
        loans=loans - in_any.loans,
        arrears_minor=counts[0].arrears_minor,
        principal_minor=minor - in_any.principal_minor,
    )
    return DelinquencyTable(
        product=product, currency=currency, running=sum(counts, start=Count()), buckets=counts, at_risk=at_risk
    )


def counts_of_list(
    spells: QuerySet[LoanSpell], narrowed: Mapping[str, str], policy: DelinquencyPolicy, *, on: date, are_many: bool
) -> list[tuple[str, Count]] | None:
    """Sum the spells of a list of a date by currency; None if they are too many to be added up.

    narrowed: what the list is filtered by, beside the date. Of many that a table of the day counts, its figures are
    taken.
    """
    if not are_many:
        return counts_of(spells, on=on)
    if not narrowed.keys() <= {"product", "currency", "bucket"}:
        return None
    named = {name: value for name, value in narrowed.items() if name != "bucket"}
    found, bucket = dict[str, Count](), narrowed.get("bucket")
    for table in delinquency_tables(policy, on=on, **named):
        count = table.running if bucket is None else table.buckets[int(bucket)]
        found[table.currency] = found.get(table.currency, Count()) + count
    return sorted(found.items())


def counts_of(spells: QuerySet[LoanSpell], *, on: date) -> list[tuple[str, Count]]:
    """Sum spells of a date by currency."""
    rows = spells.values_list("loan__currency").annotate(
        loans=CountRows("pk"),
        arrears=Sum("arrears_minor", filter=Q(late_from__lte=on), default=0),
        principal=Sum("principal_minor"),
    )
    return [
        (currency, Count(loans=loans, arrears_minor=int(arrears_minor), principal_minor=int(minor)))
        for currency, loans, arrears_minor, minor in rows.order_by("loan__currency")
    ]
