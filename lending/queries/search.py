"""Find loans, applications, offers and transfers by number, merchant or reference."""

from django.db.models import Q, QuerySet

from lending.models import Application, Loan, LoanEvent, Offer, Transfer
from merchants.queries.merchants import search_merchants

LONGEST_NUMBER = 18  # digits of a bigint


def number_in(term: str, prefix: str) -> int | None:
    """Parse a number, with or without its prefix: `33` and `loan_33`."""
    digits = term.lower().removeprefix(f"{prefix}_")
    return int(digits) if digits.isdecimal() and digits.isascii() and len(digits) <= LONGEST_NUMBER else None


def search_loans(term: str) -> QuerySet[Loan]:
    """Find loans by their number, their merchant, the reference of their contract, or that of a payment."""
    paid = LoanEvent.objects.filter(external_ref=term).exclude(external_ref="").values("loan")
    return Loan.objects.filter(
        Q(pk=number_in(term, "loan"))
        | Q(merchant__in=search_merchants(term))
        | Q(application__in=_by_reference(term))
        | Q(pk__in=paid)
    )


def search_applications(term: str) -> QuerySet[Application]:
    """Find applications by their number, merchant or reference."""
    return Application.objects.filter(
        Q(pk=number_in(term, "application")) | Q(merchant__in=search_merchants(term)) | Q(pk__in=_by_reference(term))
    )


def search_offers(term: str) -> QuerySet[Offer]:
    """Find offers by their number or merchant."""
    return Offer.objects.filter(Q(pk=number_in(term, "offer")) | Q(merchant__in=search_merchants(term)))


def search_transfers(term: str) -> QuerySet[Transfer]:
    """Find payouts and collections by their number, their loan or its merchant."""
    return Transfer.objects.filter(Q(pk=number_in(term, "transfer")) | Q(loan__in=search_loans(term)))


def _by_reference(term: str) -> QuerySet[Application]:
    return Application.objects.filter(external_ref__istartswith=term)
