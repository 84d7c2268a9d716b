"""Find loans, applications, offers and transfers by number, merchant or reference."""

from functools import reduce
from operator import or_
from typing import Any, Final, TypeVar

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from lending.models import (
    Application,
    ArrearsCase,
    EarlyWarning,
    ImportedLoan,
    Letter,
    Line,
    Loan,
    LoanEvent,
    Offer,
    Transfer,
)
from merchants.queries.merchants import search_merchants

M = TypeVar("M", bound=Model)
LONGEST_NUMBER = 18  # digits of a bigint
COMMON: Final = 10_000  # merchants whose names have a term in them


def number_in(term: str, prefix: str) -> int | None:
    """Parse a number, with or without its prefix: `33` and `loan_33`."""
    digits = term.lower().removeprefix(f"{prefix}_")
    return int(digits) if digits.isdecimal() and digits.isascii() and len(digits) <= LONGEST_NUMBER else None


def search_loans(term: str, among: QuerySet[Loan] | None = None) -> QuerySet[Loan]:
    """Find loans by their number, their merchant, the reference of their contract or book, or that of a payment."""
    paid = LoanEvent.objects.filter(external_ref=term).exclude(external_ref="").values("loan")
    is_common = _is_common(term)
    return _found(
        Loan.objects.all() if among is None else among,
        Q(pk=number_in(term, "loan")),
        _is_of("merchant", search_merchants(term), is_common=is_common),
        _is_of("application", Application.objects.filter(_has_reference(term)), is_common=is_common),
        Q(pk__in=paid),
        Q(pk__in=ImportedLoan.objects.filter(number=term).values("loan")),
        is_common=is_common,
    )


def search_applications(term: str, among: QuerySet[Application] | None = None) -> QuerySet[Application]:
    """Find applications by their number, merchant or reference."""
    is_common = _is_common(term)
    return _found(
        Application.objects.all() if among is None else among,
        Q(pk=number_in(term, "application")),
        _is_of("merchant", search_merchants(term), is_common=is_common),
        _has_reference(term),
        is_common=is_common,
    )


def search_offers(term: str, among: QuerySet[Offer]) -> QuerySet[Offer]:
    """Find offers by their number or merchant."""
    is_common = _is_common(term)
    merchant = _is_of("merchant", search_merchants(term), is_common=is_common)
    return _found(among, Q(pk=number_in(term, "offer")), merchant, is_common=is_common)


def search_cases(term: str, among: QuerySet[ArrearsCase]) -> QuerySet[ArrearsCase]:
    """Find cases of arrears by their number or merchant."""
    is_common = _is_common(term)
    merchant = _is_of("merchant", search_merchants(term), is_common=is_common)
    return _found(among, Q(pk=number_in(term, "case")), merchant, is_common=is_common)


def search_warnings(term: str, among: QuerySet[EarlyWarning]) -> QuerySet[EarlyWarning]:
    """Find early warnings by their number or merchant."""
    is_common = _is_common(term)
    merchant = _is_of("merchant", search_merchants(term), is_common=is_common)
    return _found(among, Q(pk=number_in(term, "warning")), merchant, is_common=is_common)


def search_letters(term: str, among: QuerySet[Letter]) -> QuerySet[Letter]:
    """Find letters by their number, their case or its merchant."""
    is_common = _is_common(term)
    case = _is_of("case", search_cases(term, ArrearsCase.objects.all()), is_common=is_common)
    return _found(among, Q(pk=number_in(term, "letter")), case, is_common=is_common)


def search_lines(term: str, among: QuerySet[Line]) -> QuerySet[Line]:
    """Find credit lines by their number or merchant."""
    is_common = _is_common(term)
    merchant = _is_of("merchant", search_merchants(term), is_common=is_common)
    return _found(among, Q(pk=number_in(term, "line")), merchant, is_common=is_common)


def search_transfers(term: str, among: QuerySet[Transfer]) -> QuerySet[Transfer]:
    """Find payouts and collections by their number, their loan or its merchant."""
    is_common = _is_common(term)
    loan = _is_of("loan", search_loans(term), is_common=is_common)
    return _found(among, Q(pk=number_in(term, "transfer")), loan, is_common=is_common)


def _is_common(term: str) -> bool:
    return search_merchants(term)[: COMMON + 1].count() > COMMON


def _is_of(name: str, found: QuerySet[Any], *, is_common: bool) -> Q:
    """Return a condition that what a row refers to is among those found; of many, each row asks for its own."""
    return Q(Exists(found.filter(pk=OuterRef(name)))) if is_common else Q(**{f"{name}__in": found})


def _found(rows: QuerySet[M], *ways: Q, is_common: bool) -> QuerySet[M]:
    """Return the rows that any of the ways finds: as a union, as each has its index, and none would serve an OR.

    A union is gathered whole before its first row is shown. What is part of many names is met soon, row by row.
    """
    if is_common:
        return rows.filter(reduce(or_, ways))
    first, *others = (rows.order_by().filter(way).values("pk") for way in ways)
    return rows.filter(pk__in=first.union(*others))


def _has_reference(term: str) -> Q:
    return Q(external_ref__istartswith=term)
