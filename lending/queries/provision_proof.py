"""Prove provisions: the account against the rows of every month, and the rows of the last against their own figures."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Final

from django.db import connection, transaction

from lending.domain.books.provision import Before, Cause, Stage, provide
from lending.domain.books.provision_policy import DefaultLevel, Policy
from lending.models import LoanProvision, ProvisionMonth
from lending.queries.provisions import month_before, policy_of, provided_by_month, stored_exposure

CHUNK: Final = 2_000
BOOKED: Final = """
SELECT e.effective_date, p.currency, sum(CASE p.credit_id WHEN 'PROVISION' THEN p.amount_minor ELSE -p.amount_minor END)
FROM lending_posting p JOIN lending_entry e ON e.id = p.entry_id
WHERE 'PROVISION' IN (p.debit_id, p.credit_id)
GROUP BY e.effective_date, p.currency ORDER BY e.effective_date
"""
SPARED: Final = """
WITH rows AS (
    SELECT p.id, p.stage, p.cause, p.loan_id, coalesce(l.merchant_id, n.merchant_id) AS merchant_id
    FROM lending_loanprovision p
    LEFT JOIN lending_loan l ON l.id = p.loan_id
    LEFT JOIN lending_line n ON n.id = p.line_id
    WHERE p.month_id = %s AND p."left" IS NULL
)
SELECT DISTINCT r.id FROM rows r JOIN rows d ON d.merchant_id = r.merchant_id AND d.id <> r.id
WHERE d.cause = 'DEFAULTED' AND d.loan_id IS NOT NULL AND r.stage < 3
"""


def months_apart() -> list[date]:
    """List the month ends at which the account is not the sum of the provisions of loans and lines."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")  # every provision and every posting is read
        months = provided_by_month()  # first: what is booked meanwhile falls on a later day than theirs
        cursor.execute(BOOKED)
        booked = cursor.fetchall()
    balances, apart = defaultdict[str, int](int), []
    for day, provided in months:
        while booked and booked[0][0] <= day:
            _, currency, minor = booked.pop(0)
            balances[currency] += int(minor)
        if any(balances[currency] != provided.get(currency, 0) for currency in {*balances, *provided}):
            apart.append(day)
    return apart


def provisions_apart() -> list[int]:
    """List the rows of the last month that its policy does not make of the figures that they hold."""
    month = ProvisionMonth.objects.select_related("policy").exclude(booked_at=None).order_by("-month").first()
    if month is None:
        return []
    policy, previous = policy_of(month.policy), month_before(month)
    last_day, spared = month.close.day, _spared(month, policy)
    return [
        row.pk
        for row, before in _rows(month, previous)
        if row.stage is not None
        and (row.pk in spared or not _agrees(row, provide(policy, stored_exposure(row, on=last_day), before)))
    ]


def _spared(month: ProvisionMonth, policy: Policy) -> set[int]:
    """Return the rows that are not in stage 3 though another of the same merchant's is in default, or that are for it.

    Of the same merchant alone: to whom it belongs may have changed since.
    """
    if policy.default_level is DefaultLevel.LOAN:
        return set(month.provisions.filter(cause=Cause.CROSS_DEFAULT).values_list("pk", flat=True))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(SPARED, [month.pk])
        return {pk for (pk,) in cursor.fetchall()}


def _rows(month: ProvisionMonth, previous: ProvisionMonth | None) -> Iterator[tuple[LoanProvision, Before | None]]:
    """Yield the rows of a month, each with that of the month before."""
    after = 0
    while rows := list(month.provisions.filter(pk__gt=after).order_by("pk")[:CHUNK]):
        after = rows[-1].pk
        kept = dict[tuple[int | None, int | None], LoanProvision]()
        for name in ("loan", "line"):
            keys = [getattr(row, f"{name}_id") for row in rows if getattr(row, f"{name}_id") is not None]
            befores = LoanProvision.objects.filter(month=previous, left=None, **{f"{name}__in": keys})
            kept |= {(before.loan_id, before.line_id): before for before in befores}
        for row in rows:
            before = kept.get((row.loan_id, row.line_id))
            yield (
                row,
                None
                if before is None or before.stage is None
                else Before(stage=Stage(before.stage), good_months=before.good_months, worst_dpd=before.worst_dpd),
            )


def _agrees(row: LoanProvision, made: object) -> bool:
    names = ("stage", "cause", "good_months", "category", "pd_ppm", "ecl_minor", "minimum_minor", "provision_minor")
    return all(getattr(row, name) == getattr(made, name) for name in names)
