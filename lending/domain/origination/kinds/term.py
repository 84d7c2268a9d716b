"""TERM: a loan of an amount over some months, paid out at once."""

from collections.abc import Sequence
from typing import Final

from config.kernel.documents import Unfit
from lending.domain.contract.terms import Terms
from lending.domain.origination.kinds.kind import Kind, Opening
from lending.domain.origination.product import Months, Product, terms_of
from scoring.domain.calibration import Grade


def _require(product: Product) -> None:
    if product.line is not None:
        message = "line: a TERM product has none"
        raise Unfit(message)


def _terms(product: Product, *, grade: Grade, principal_minor: int, months: Months) -> Terms:
    return terms_of(product, grade=grade, principal_minor=principal_minor, months=months or 0)


def _choices(product: Product, grade: Grade) -> Sequence[Months]:
    return range(product.shortest_months, product.grades[grade].months + 1)


def _judged(_product: Product, _grade: Grade, months: Months) -> Months:
    return months


TERM: Final = Kind(opens=Opening.LOAN, require=_require, terms=_terms, choices=_choices, judged=_judged)
