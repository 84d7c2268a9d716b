"""Format amounts, shares and signs for the office."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Final

from django.utils.functional import Promise

from config.kernel.money import format_minor

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

    Words = _StrOrPromise
else:
    Words = str | Promise

MINUS: Final = "\N{MINUS SIGN}"
NOTHING: Final = "\N{EN DASH}"
TENTH: Final = Decimal("0.1")
HUNDREDTH: Final = Decimal("0.01")


def in_words(name: str) -> str:
    """Format the dotted name of a job or an event as words."""
    return name.rpartition(".")[2].replace("_", " ").capitalize()


def percent(part: int, whole: int, to: Decimal = TENTH) -> str:
    """Format a share as a percentage, rounded half to even; a dash where the whole is 0."""
    return f"{(Decimal(part * 100) / whole).quantize(to, ROUND_HALF_EVEN)} %" if whole else NOTHING


def signed(number: int) -> str:
    """Format a number with its sign, thousands separated."""
    return f"{'+' if number > 0 else MINUS if number < 0 else ''}{abs(number):,}"


def money_with_currency(minor: int, currency: str) -> str:
    """Format an amount as `money` does, with its currency."""
    return f"{money(minor, currency)} {currency}"


def money(minor: int, currency: str) -> str:
    """Format an amount with thousands separated, without its currency."""
    return format_minor(minor, currency, grouped=True).replace("-", MINUS)
