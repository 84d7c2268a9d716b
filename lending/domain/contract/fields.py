"""Validate the fields of terms and events."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Final

from config.kernel.documents import Unfit, unfit
from lending.domain.contract.refusal import LoanRefusal, LoanRefused

MOST_DECIMALS: Final = 12
"""Of a rate or a multiple: they are numerators over a power of ten, which stays far within 64 bits."""
HIGHEST_RATE: Final = 100
"""Of a yearly rate, or of a multiple of it: beyond any law."""


@contextmanager
def refusing(reason: LoanRefusal, where: str) -> Iterator[None]:
    """Turn the fault of a field into a refusal with this reason, which says where it was found."""
    try:
        yield
    except Unfit as error:
        path = "".join(f"{name}: " for name in error.path[1:])
        raise LoanRefused(reason, f"{where}: {path}{error}") from error


def require_range(name: str, value: int, lowest: int, highest: int) -> None:
    """Require a whole number within its bounds."""
    if type(value) is not int or not lowest <= value <= highest:
        raise unfit(value, name, f"a whole number from {lowest} to {highest}")


def require_rate(name: str, value: Decimal) -> None:
    """Require an exact rate from 0 to HIGHEST_RATE of at most MOST_DECIMALS decimals."""
    exponent = value.as_tuple().exponent  # text for what is not a number
    if not isinstance(exponent, int) or exponent < -MOST_DECIMALS or not 0 <= value <= HIGHEST_RATE:
        raise unfit(value, name, f"a rate from 0 to {HIGHEST_RATE} of at most {MOST_DECIMALS} decimals")


def require_none_of(term: str, others: Mapping[str, bool]) -> None:
    """Demand that none of the terms that a term cannot go with is there."""
    found = [name for name, said in others.items() if said]
    if found:
        message = f"{term} does not go with this {found[0]}"
        raise Unfit(message)
