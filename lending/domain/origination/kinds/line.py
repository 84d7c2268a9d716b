"""LINE: an agreed limit, under which the merchant draws and repays at any time. Each draw is a loan of its own.

A draw has a term in months, repaid as the product's contract says, or none: then a share of what is outstanding falls
due each month, and at least an amount, until it is repaid.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from config.kernel.documents import unfit
from config.kernel.exact import BASIS_POINTS
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.domain.contract.terms import Method, Terms
from lending.domain.origination.kinds.kind import Kind, Opening
from lending.domain.origination.product import LONGEST_MONTHS, LineFigures, Months, Product, terms_of
from scoring.domain.calibration import Grade


def draw_choices(product: Product, grade: Grade) -> tuple[Months, ...]:
    """Return the terms in months that a draw may have at a grade; None: open-ended."""
    figures = _figures(product)
    tenors = tuple(months for months in figures.tenors if months <= product.grades[grade].months)
    return tenors if figures.open_ended is None else (*tenors, None)


def for_draws(product: Product) -> Product:
    """Return the product by which a draw is judged: its minimum is that of a draw, not of a limit."""
    return replace(product, minimum_minor=_figures(product).minimum_draw_minor)


def _figures(product: Product) -> LineFigures:
    if product.line is None:
        message = f"terms: {product.code} is no line"
        raise LoanRefused(LoanRefusal.BAD_TERMS, message)
    return product.line


def _require(product: Product) -> None:
    figures = product.line
    if figures is None:
        raise unfit(None, "line", "the figures of a line")
    if not 0 < figures.minimum_draw_minor <= product.minimum_minor:
        raise unfit(figures.minimum_draw_minor, "line.minimum_draw", "above 0 and at most the minimum")
    for months in figures.tenors:
        if not product.shortest_months <= months <= product.longest_months:
            raise unfit(months, "line.tenors", "from shortest_months to longest_months")
    if figures.open_ended is not None and not figures.open_ended.least_minor:
        raise unfit(0, "line.open_ended.least", "above 0")
    shortest = min(figures.tenors, default=LONGEST_MONTHS)
    if figures.open_ended is None and any(shortest > row.months for row in product.grades.values()):
        raise unfit(list(figures.tenors), "line.tenors", "a choice for every grade, as nothing is open-ended")


def _terms(product: Product, *, grade: Grade, principal_minor: int, months: Months) -> Terms:
    if months is not None:
        return terms_of(product, grade=grade, principal_minor=principal_minor, months=months)
    payment = _figures(product).open_ended
    if payment is None:
        message = f"terms: {product.code} has no open-ended draws"
        raise LoanRefused(LoanRefusal.BAD_TERMS, message)
    plain = terms_of(product, grade=grade, principal_minor=principal_minor, months=LONGEST_MONTHS)
    return replace(
        plain,
        method=Method.MINIMUM_PAYMENT,
        minimum_share=Decimal(payment.share_bps) / BASIS_POINTS,
        minimum_minor=payment.least_minor,
    )


def _choices(_product: Product, _grade: Grade) -> Sequence[Months]:
    return [None]


def _judged(product: Product, grade: Grade, _months: Months) -> Months:
    """Judge a limit as if all of it were drawn over the longest term."""
    return product.grades[grade].months


LINE: Final = Kind(opens=Opening.LINE, require=_require, terms=_terms, choices=_choices, judged=_judged)
