"""Read the fields of terms and events as JSON gives them: nothing is guessed, converted or left over."""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar

from lending.domain.contract.refusal import LoanRefusal, LoanRefused

MOST_DECIMALS: Final = 12
"""Of a rate or a multiple: they are numerators over a power of ten, which stays far inside 64 bits."""
HIGHEST_RATE: Final = 100
"""Of a year's rate, or of a multiple of it: beyond any law."""
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_DECIMAL: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,40})?", re.ASCII)

Choice = TypeVar("Choice", bound=StrEnum)


class Unfit(ValueError):
    """A field is missing, unknown, of another type or out of its range; the message names it."""


@contextmanager
def refusing(reason: LoanRefusal, where: str) -> Iterator[None]:
    """Turn what is wrong with a field into a refusal of this reason, which says where it was found."""
    try:
        yield
    except Unfit as error:
        raise LoanRefused(reason, f"{where}: {error}") from error


def require_fields(
    raw: object, required: AbstractSet[str], optional: AbstractSet[str] = frozenset()
) -> Mapping[str, object]:
    """Demand an object of these fields and no others: one that nothing reads would be believed in vain."""
    if not isinstance(raw, Mapping):
        message = f"{shown(raw)} is no object of named fields"
        raise Unfit(message)
    missing, unknown = sorted(required - raw.keys()), sorted(map(str, raw.keys() - required - optional))
    if missing or unknown:
        message = f"{missing[0]} is missing" if missing else f"{shown(unknown[0])} is no field here"
        raise Unfit(message)
    return raw


def text_of(raw: Mapping[str, object], name: str) -> str:
    """Read a text that is not empty."""
    value = raw[name]
    if not isinstance(value, str) or not value:
        raise _unfit(name, value, "no text")
    return value


def choice_of(raw: Mapping[str, object], name: str, kind: type[Choice]) -> Choice:
    """Read a member of an enumeration, by its text."""
    value = raw[name]
    if isinstance(value, str):
        with suppress(ValueError):
            return kind(value)
    raise _unfit(name, value, f"none of {', '.join(kind)}")


def integer_of(raw: Mapping[str, object], name: str) -> int:
    """Read a whole number; a truth value and 1.0 are none."""
    value = raw[name]
    if type(value) is not int:
        raise _unfit(name, value, "no whole number")
    return value


def decimal_of(raw: Mapping[str, object], name: str) -> Decimal:
    """Read decimal text ("0.1095"): without a sign, so never below 0, and without an exponent."""
    value = raw[name]
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise _unfit(name, value, "no decimal text from 0 on")
    return Decimal(value)


def date_of(raw: Mapping[str, object], name: str) -> date:
    """Read an ISO date, YYYY-MM-DD."""
    value = raw[name]
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise _unfit(name, value, "no date")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise _unfit(name, value, "no date") from error


def require_range(name: str, value: int, lowest: int, highest: int) -> None:
    """Demand a whole number within its bounds."""
    if type(value) is not int or not lowest <= value <= highest:
        raise _unfit(name, value, f"no whole number from {lowest} to {highest}")


def require_rate(name: str, value: Decimal) -> None:
    """Demand an exact rate from 0 to HIGHEST_RATE of at most MOST_DECIMALS decimals."""
    exponent = value.as_tuple().exponent  # a text for what is no number
    if not isinstance(exponent, int) or exponent < -MOST_DECIMALS or not 0 <= value <= HIGHEST_RATE:
        raise _unfit(name, value, f"no rate from 0 to {HIGHEST_RATE} of at most {MOST_DECIMALS} decimals")


def shown(value: object) -> str:
    """Show a value in a message, shortened."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # thousands of digits, or of brackets
        text = f"what cannot be shown, of type {type(value).__name__},"
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - fits a line


def _unfit(name: str, value: object, what: str) -> Unfit:
    return Unfit(f"{name}: {shown(value)} is {what}")
