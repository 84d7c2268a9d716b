"""What differs between the kinds of product."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from lending.domain.contract.terms import Terms
from lending.domain.origination.product import Months, Product
from scoring.domain.calibration import Grade


class Opening(StrEnum):
    """What an approved application opens: a loan, whose money leaves at once, or a line, under which draws follow."""

    LOAN = "LOAN"
    LINE = "LINE"


class MakeTerms(Protocol):
    """Make the terms of what is borrowed."""

    def __call__(self, product: Product, *, grade: Grade, principal_minor: int, months: Months) -> Terms:
        """Make them. Raises KeyError for a grade that is not lent to, LoanRefused (BAD_TERMS) if they make no loan."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a kind decides for itself.

    opens: what an accepted offer leads to. require: demand the form of its product; raises Unfit. terms: of what is
    borrowed. choices: the terms in months among which whoever accepts an offer to a grade chooses; None where the term
    is no part of the offer. judged: the term by which a choice is judged and quoted.
    """

    opens: Opening
    require: Callable[[Product], None]
    terms: MakeTerms
    choices: Callable[[Product, Grade], Sequence[Months]]
    judged: Callable[[Product, Grade, Months], Months]
