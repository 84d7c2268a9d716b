"""How late loans are on any date, past ones too: what is kept of their arrears, classed by a policy, in SQL.

Whatever is known by now counts, as it does for a loan's page: a payment that was booked later for an earlier date has
healed the days between. `lending.domain.books.delinquency` classes one loan.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import chain
from typing import Any, Final, NamedTuple, TypeVar

from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.db.models.expressions import RawSQL

from lending.domain.books.delinquency_policy import (
    DelinquencyPolicy,
    Pauses,
    day_one_delinquency,
    parse_delinquency,
)
from lending.domain.books.provision_policy import DefaultLevel
from lending.domain.contract.spells import FOREVER
from lending.models import DelinquencyPolicy as PolicyRow
from lending.models import Loan, LoanSpell
from lending.models.loan import EXPOSED
from lending.queries.owners import OWNED, merchants_of, owners_of

M = TypeVar("M", bound=Model)
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
        SELECT * FROM lending_loanspell WHERE until = {EVER} AND late_from <= %(on)s {{only}}
        UNION ALL
        SELECT * FROM lending_loanspell
        WHERE until < {EVER} AND until > %(on)s::date - %(cure)s::int AND late_from <= %(on)s {{only}}
    ) s LEFT JOIN pauses p ON p.loan_id = s.loan_id
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
    CLASSED.format(only="AND loan_id IN (SELECT id FROM lending_loan WHERE merchant_id = ANY(%(merchants)s))"),
)
# Those in a bucket; for 0, those in any.
OF_BUCKET: Final = f"""
{ALL} SELECT coalesce(array_agg(loan_id), '{{}}') FROM classed
WHERE CASE WHEN %(bucket)s = 0 THEN bucket > 0 ELSE bucket = %(bucket)s END
"""  # noqa: S608 - constants only
OF_LOANS: Final = f"""
{AMONG} SELECT s.loan_id, coalesce(c.dpd, 0), coalesce(c.worst_dpd, 0), c.late_since, coalesce(c.arrears_minor, 0),
    coalesce(c.own_bucket, 0), coalesce(c.bucket, 0)
FROM lending_loanspell s LEFT JOIN classed c ON c.loan_id = s.loan_id
WHERE s.loan_id = ANY(%(loans)s) AND s.since <= %(on)s AND s.until > %(on)s
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


def current_policy() -> DelinquencyPolicy:
    """Return the policy in force: the last entered, or the one that comes with Tradeline. Raises PolicyMalformed."""
    row = PolicyRow.objects.order_by("-pk").first()
    return day_one_delinquency() if row is None else parse_delinquency(row.content, row.sha256)


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
    with connection.cursor() as cursor:
        cursor.execute(OF_BUCKET, asked(policy, on=on) | {"bucket": bucket})
        [classed] = cursor.fetchone()
    # Once, as a list is counted and read apart; as one array, whose length the planner knows.
    found = {f"{loan}__in": RawSQL("SELECT unnest(%s::bigint[])", [classed])}
    return rows.filter(**found) if bucket else rows.exclude(**found)


def running_on(spells: QuerySet[LoanSpell], on: date) -> QuerySet[LoanSpell]:
    """Filter spells to those of a date."""
    # The two that an index has: what lasts, and what has ended.
    return spells.filter(Q(until=FOREVER) | Q(until__lt=FOREVER, until__gt=on), since__lte=on)


def late_at_least(spells: QuerySet[LoanSpell], days: int, *, on: date) -> QuerySet[LoanSpell]:
    """Filter spells of a date to those of loans that were so many days past due, or more."""
    return spells.filter(late_from__lte=on, late_since__lte=on - timedelta(days=days))


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
