"""How late loans are on any date, past ones too: what is kept of their arrears, classed by a policy, in SQL.

Whatever is known by now counts, as it does for a loan's page: a payment that was booked later for an earlier date has
healed the days between. `lending.domain.books.delinquency` classes one loan.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from typing import Any, Final, NamedTuple, TypeVar

from django.db import connection
from django.db.models import Count as CountRows
from django.db.models import Model, Q, QuerySet, Sum
from django.db.models.expressions import RawSQL

from lending.domain.books.delinquency_policy import (
    DelinquencyPolicy,
    Pauses,
    day_one_delinquency,
    parse_delinquency,
)
from lending.domain.books.portfolio import PAR
from lending.domain.books.provision_policy import DefaultLevel
from lending.domain.contract.spells import FOREVER
from lending.models import DelinquencyPolicy as PolicyRow
from lending.models import Loan, LoanSpell
from lending.models.loan import ACTIVE, EXPOSED
from lending.queries.owners import OWNED, merchants_of, owners_of

M = TypeVar("M", bound=Model)
NAMED: Final = re.compile(r"%\((\w+)\)s")
EVER: Final = f"'{FOREVER}'"
"""Said in the statements, so that an index of what lasts, or of what has ended, is known to serve."""
# The last day of a spell up to the date, and since when it is delinquent then. A loan is in the worst bucket for which
# it qualified in the days of the cure; `late` has those of loans that do not run any more, `own` has not. Others are
# the loans of the same borrowers that are not late and were not.
LAST, DELINQUENT = "least(s.until - 1, %(on)s::date)", "(s.late_since + %(grace)s::int)"
STILL: Final = f"""CASE WHEN p.still IS NULL THEN 0 ELSE coalesce((
    SELECT sum(upper(r) - lower(r)) FROM unnest(p.still * datemultirange(daterange({DELINQUENT}, {LAST}))) r
), 0) END"""  # noqa: S608 - constants only
DAYS: Final = f"CASE WHEN {LAST} > {DELINQUENT} THEN {LAST} - {DELINQUENT} - ({STILL}) ELSE 0 END"
LASTING: Final = ", ".join(
    f"max(s.{name}) FILTER (WHERE s.until > %(on)s) AS {name}"
    for name in ("late_since", "principal_minor", "arrears_minor")
)
PAUSE: Final = f"""daterange(e."on", least({EVER}, e."on" + e.periods * (l.terms->>'every')::int
        * CASE l.terms->>'unit' WHEN 'MONTH' THEN interval '1 month' WHEN 'WEEK' THEN interval '1 week'
        ELSE interval '1 day' END)::date)"""
IS_PAUSE: Final = "e.type = 'pause' AND NOT EXISTS (SELECT FROM lending_loanevent r WHERE r.of_id = e.id)"
"""The days of an event e of a loan l that is a pause, and that it is one that stands."""
CLASSED: Final = f"""
WITH pauses AS (
    SELECT e.loan_id, range_agg({PAUSE}) AS still
    FROM lending_loanevent e JOIN lending_loan l ON l.id = e.loan_id WHERE %(stops)s AND {IS_PAUSE} GROUP BY e.loan_id
), late AS (
    SELECT s.loan_id, max({DAYS}) AS days, {LASTING}
    FROM (
        SELECT * FROM lending_loanspell WHERE until = {EVER} AND late_from <= %(on)s
        UNION ALL
        SELECT * FROM lending_loanspell
        WHERE until < {EVER} AND until > %(on)s::date - %(cure)s::int AND late_from <= %(on)s
    ) s LEFT JOIN pauses p ON p.loan_id = s.loan_id {{only}}
    GROUP BY s.loan_id
), own AS (
    SELECT late.loan_id, l.merchant_id, l.product_id, l.currency, %(on)s::date - late.late_since AS dpd,
        late.late_since, late.principal_minor, late.arrears_minor,
        width_bucket(late.days, %(from_days)s::bigint[]) AS bucket
    FROM late JOIN lending_loan l ON l.id = late.loan_id WHERE late.late_since IS NOT NULL
    UNION ALL
    SELECT late.loan_id, l.merchant_id, l.product_id, l.currency, 0, NULL, s.principal_minor, 0,
        width_bucket(late.days, %(from_days)s::bigint[])
    FROM late JOIN lending_loanspell s ON s.loan_id = late.loan_id AND s.since <= %(on)s AND s.until > %(on)s
    JOIN lending_loan l ON l.id = late.loan_id WHERE late.late_since IS NULL
), owned AS ({OWNED}), worst AS (
    SELECT merchant_id, max(bucket) AS bucket, max(dpd) AS dpd FROM (
        SELECT merchant_id, bucket, dpd FROM own
        UNION ALL
        SELECT same.merchant_id, own.bucket, own.dpd FROM own
        JOIN owned m ON m.merchant_id = own.merchant_id JOIN owned same ON same.owner_id = m.owner_id
    ) borrowers GROUP BY merchant_id
), others AS MATERIALIZED (
    SELECT l.id AS loan_id, l.product_id, l.currency, worst.bucket, worst.dpd
    FROM worst JOIN lending_loan l ON l.merchant_id = worst.merchant_id
    WHERE NOT EXISTS (SELECT FROM own WHERE own.loan_id = l.id)
), classed AS (
    SELECT own.loan_id, own.product_id, own.currency, own.principal_minor, own.dpd, worst.dpd AS worst_dpd,
        own.late_since, own.arrears_minor, own.bucket AS own_bucket,
        CASE WHEN %(follows)s THEN worst.bucket ELSE own.bucket END AS bucket
    FROM own JOIN worst ON worst.merchant_id = own.merchant_id
    UNION ALL
    SELECT others.loan_id, others.product_id, others.currency, s.principal_minor, 0, others.dpd, NULL, 0, 0,
        CASE WHEN %(follows)s THEN others.bucket ELSE 0 END
    FROM others JOIN lending_loanspell s ON s.loan_id = others.loan_id AND s.since <= %(on)s AND s.until > %(on)s
)
"""  # noqa: S608 - constants only
ALL, AMONG = (
    CLASSED.format(only=""),
    CLASSED.format(only="WHERE s.loan_id IN (SELECT id FROM lending_loan WHERE merchant_id = ANY(%(merchants)s))"),
)
OF_BUCKET: Final = f"{ALL} SELECT loan_id FROM classed WHERE bucket = %(bucket)s"  # noqa: S608 - constants only
OF_ANY_BUCKET: Final = f"{ALL} SELECT loan_id FROM classed WHERE bucket > 0"  # noqa: S608 - constants only
OF_LOANS: Final = f"""
{AMONG} SELECT s.loan_id, coalesce(c.dpd, 0), coalesce(c.worst_dpd, 0), c.late_since, coalesce(c.arrears_minor, 0),
    coalesce(c.own_bucket, 0), coalesce(c.bucket, 0)
FROM lending_loanspell s LEFT JOIN classed c ON c.loan_id = s.loan_id
WHERE s.loan_id = ANY(%(loans)s) AND s.since <= %(on)s AND s.until > %(on)s
"""  # noqa: S608 - constants only
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


class Classed(NamedTuple):
    """How a running loan stands on a date; minor units.

    late_since: None if nothing is past due. worst_dpd: the most days past due of all the borrower's loans. own_bucket,
    bucket: their numbers from 1, of the loan by itself and by the policy; 0 for none.
    """

    dpd: int = 0
    worst_dpd: int = 0
    late_since: date | None = None
    arrears_minor: int = 0
    own_bucket: int = 0
    bucket: int = 0


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


def current_policy() -> DelinquencyPolicy:
    """Return the policy in force: the last entered, or the one that comes with Tradeline. Raises PolicyMalformed."""
    row = PolicyRow.objects.order_by("-pk").first()
    return day_one_delinquency() if row is None else parse_delinquency(row.content, row.sha256)


def delinquency_tables(policy: DelinquencyPolicy, *, on: date, **narrowed: str) -> list[DelinquencyTable]:
    """Sum the loans that ran on a date by product and currency; narrowed: to a `product`, a `currency`."""
    with connection.cursor() as cursor:
        cursor.execute(RUNNING, {"on": on})
        running = {(code, currency): (loans, minor) for code, currency, loans, minor in cursor.fetchall()}
        cursor.execute(BY_BUCKET, asked(policy, on=on))
        classed = defaultdict[tuple[str, str], list[Any]](list)
        for code, currency, *counted in cursor.fetchall():
            classed[code, currency].append(counted)
    return [
        _table(of, running[of], classed[of], buckets=len(policy.rule.buckets))
        for of in running
        if narrowed.get("product", of[0]) == of[0] and narrowed.get("currency", of[1]) == of[1]
    ]


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


def classes_of(loans: Iterable[Loan], policy: DelinquencyPolicy, *, on: date) -> dict[int, Classed]:
    """Class loans on a date, by their keys; those that did not run are left out."""
    by_key = {loan.pk: loan.merchant_id for loan in loans}
    theirs = merchants_of(chain.from_iterable(owners_of(set(by_key.values())).values()))
    merchants = set(by_key.values()).union(*theirs.values())
    with connection.cursor() as cursor:
        given = {**asked(policy, on=on), "loans": list(by_key), "merchants": list(merchants)}
        cursor.execute(OF_LOANS, given)
        return {loan: Classed(*found) for loan, *found in cursor.fetchall()}


def with_bucket(rows: QuerySet[M], bucket: int, policy: DelinquencyPolicy, *, on: date, loan: str) -> QuerySet[M]:
    """Filter rows to those whose loan, in the named column, was in a bucket on a date; 0: in none."""
    given = asked(policy, on=on)
    if bucket:
        return rows.filter(**{f"{loan}__in": _subquery(OF_BUCKET, given | {"bucket": bucket})})
    return rows.exclude(**{f"{loan}__in": _subquery(OF_ANY_BUCKET, given)})


def running_on(spells: QuerySet[LoanSpell], on: date) -> QuerySet[LoanSpell]:
    """Filter spells to those of a date."""
    return spells.filter(since__lte=on, until__gt=on)


def late_at_least(spells: QuerySet[LoanSpell], days: int, *, on: date) -> QuerySet[LoanSpell]:
    """Filter spells of a date to those of loans that were so many days past due, or more."""
    return spells.filter(late_from__lte=on, late_since__lte=on - timedelta(days=days))


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


def _subquery(statement: str, given: Mapping[str, Any]) -> RawSQL:
    """Return a statement for a filter, which names no parameters."""
    names = NAMED.findall(statement)
    return RawSQL(NAMED.sub("%s", statement), [given[name] for name in names])  # noqa: S611 - constants only


def asked(policy: DelinquencyPolicy, *, on: date) -> dict[str, Any]:
    """Return what the statements ask by a policy and a date."""
    return {
        "on": on,
        "grace": policy.rule.grace_days,
        "cure": policy.cure_days,
        "stops": policy.pauses is Pauses.STOP,
        "from_days": [bucket.from_days for bucket in policy.rule.buckets],
        "follows": policy.level is DefaultLevel.BORROWER,
        "exposed": EXPOSED,
    }
