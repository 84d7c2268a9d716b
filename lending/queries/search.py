"""Find loans, applications, offers and transfers by number, merchant or reference."""

from typing import TypeVar

from django.db.models import Model, QuerySet

from lending.models import Application, Loan, LoanEvent, Offer, Transfer
from merchants.queries.merchants import search_merchants

M = TypeVar("M", bound=Model)
LONGEST_NUMBER = 18  # digits of a bigint


def number_in(term: str, prefix: str) -> int | None:
    """Parse a number, with or without its prefix: `33` and `loan_33`."""
    digits = term.lower().removeprefix(f"{prefix}_")
    return int(digits) if digits.isdecimal() and digits.isascii() and len(digits) <= LONGEST_NUMBER else None


def search_loans(term: str) -> QuerySet[Loan]:
    """Find loans by their number, their merchant, the reference of their contract, or that of a payment."""
    paid = LoanEvent.objects.filter(external_ref=term).exclude(external_ref="").values("loan")
    return _united(
        _numbered(Loan.objects.all(), term, "loan"),
        Loan.objects.filter(merchant__in=search_merchants(term)),
        Loan.objects.filter(application__in=_by_reference(term)),
        Loan.objects.filter(pk__in=paid),
    )


def search_applications(term: str) -> QuerySet[Application]:
    """Find applications by their number, merchant or reference."""
    return _united(
        _numbered(Application.objects.all(), term, "application"),
        Application.objects.filter(merchant__in=search_merchants(term)),
        _by_reference(term),
    )


def search_offers(term: str) -> QuerySet[Offer]:
    """Find offers by their number or merchant."""
    return _united(
        _numbered(Offer.objects.all(), term, "offer"),
        Offer.objects.filter(merchant__in=search_merchants(term)),
    )


def search_transfers(term: str) -> QuerySet[Transfer]:
    """Find payouts and collections by their number, their loan or its merchant."""
    return _united(
        _numbered(Transfer.objects.all(), term, "transfer"),
        Transfer.objects.filter(loan__in=search_loans(term)),
    )


def _numbered(rows: QuerySet[M], term: str, prefix: str) -> QuerySet[M]:
    number = number_in(term, prefix)
    return rows.none() if number is None else rows.filter(pk=number)


def _united(first: QuerySet[M], *others: QuerySet[M]) -> QuerySet[M]:
    """Return the rows of any of these: united, as each has its index, and none would serve an OR of them."""
    ids = first.values("pk").union(*(other.values("pk") for other in others))
    found: QuerySet[M] = first.model._default_manager.filter(pk__in=ids)  # noqa: SLF001 - Django says so
    return found


def _by_reference(term: str) -> QuerySet[Application]:
    return Application.objects.filter(external_ref__istartswith=term)
