"""Find loans, applications, offers and transfers by number, merchant or reference."""

from functools import reduce
from operator import or_
from typing import Final, TypeVar

from django.db.models import Model, Q, QuerySet

from lending.models import Application, Loan, LoanEvent, Offer, Transfer
from merchants.queries.merchants import search_merchants

M = TypeVar("M", bound=Model)
LONGEST_NUMBER = 18  # digits of a bigint
COMMON: Final = 10_000  # merchants whose names have a term in them


def number_in(term: str, prefix: str) -> int | None:
    """Parse a number, with or without its prefix: `33` and `loan_33`."""
    digits = term.lower().removeprefix(f"{prefix}_")
    return int(digits) if digits.isdecimal() and digits.isascii() and len(digits) <= LONGEST_NUMBER else None


def search_loans(term: str) -> QuerySet[Loan]:
    """Find loans by their number, their merchant, the reference of their contract, or that of a payment."""
    paid = LoanEvent.objects.filter(external_ref=term).exclude(external_ref="").values("loan")
    return _found(
        Loan.objects.all(),
        term,
        Q(pk=number_in(term, "loan")),
        Q(merchant__in=search_merchants(term)),
        Q(application__in=Application.objects.filter(_has_reference(term))),
        Q(pk__in=paid),
    )


def search_applications(term: str) -> QuerySet[Application]:
    """Find applications by their number, merchant or reference."""
    return _found(
        Application.objects.all(),
        term,
        Q(pk=number_in(term, "application")),
        Q(merchant__in=search_merchants(term)),
        _has_reference(term),
    )


def search_offers(term: str) -> QuerySet[Offer]:
    """Find offers by their number or merchant."""
    return _found(Offer.objects.all(), term, Q(pk=number_in(term, "offer")), Q(merchant__in=search_merchants(term)))


def search_transfers(term: str) -> QuerySet[Transfer]:
    """Find payouts and collections by their number, their loan or its merchant."""
    return _found(Transfer.objects.all(), term, Q(pk=number_in(term, "transfer")), Q(loan__in=search_loans(term)))


def _found(rows: QuerySet[M], term: str, *ways: Q) -> QuerySet[M]:
    """Return the rows that any of the ways finds: as a union, as each has its index, and none would serve an OR.

    A union is gathered whole before its first row is shown. What is part of many names an OR meets soon.
    """
    if search_merchants(term)[: COMMON + 1].count() > COMMON:
        return rows.filter(reduce(or_, ways))
    first, *others = (rows.filter(way).values("pk") for way in ways)
    return rows.filter(pk__in=first.union(*others))


def _has_reference(term: str) -> Q:
    return Q(external_ref__istartswith=term)
