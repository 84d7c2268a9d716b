"""Money as integers of minor units, converted to text and back at the edges."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from iso4217 import Currency

EXPONENTS = {currency.code: currency.exponent for currency in Currency}
"""ISO 4217's list one: the decimals of every code in force; None for what has none, such as gold."""
CURRENCY_PATTERN = r"^[A-Z]{3}$"
# Beyond any payment of a merchant, yet a thousand such rows still add up within a 64-bit integer.
MAX_MINOR = 10**15
_TYPED = re.compile(r"([0-9]{1,18}|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]+)?", re.ASCII)
_AMOUNT = re.compile(r"-?[0-9]{1,18}(\.[0-9]+)?", re.ASCII)


class BadAmount(ValueError):
    """The text is not an amount of this currency."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units of one currency."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            message = f"minor units are int, not {type(self.minor).__name__}"
            raise TypeError(message)
        if not re.fullmatch(CURRENCY_PATTERN, self.currency):
            message = f"{self.currency!r} is not a currency code"
            raise BadAmount(message)

    def __str__(self) -> str:
        return f"{format_minor(self.minor, self.currency)} {self.currency}"


def is_currency(code: str) -> bool:
    """Check whether amounts can be of a currency: three capital letters, but not those of gold or of no currency.

    A code that is not in the list is a currency too: BGN left the list the day Bulgaria joined the euro.
    """
    return bool(re.fullmatch(CURRENCY_PATTERN, code)) and EXPONENTS.get(code, 2) is not None


def exponent_of(currency: str) -> int:
    """Return the number of decimals of a currency (ISO 4217; two where it is not listed)."""
    exponent = EXPONENTS.get(currency, 2)
    return 2 if exponent is None else exponent


def minor_unit(currency: str) -> Decimal:
    """Return what one minor unit is of the currency's unit, with exactly its decimals: 0.01, or 1, or 0.001."""
    return Decimal(1).scaleb(-exponent_of(currency))


MINOR_UNITS = {code: minor_unit(code) for code in EXPONENTS}
"""One minor unit of every listed currency; of any other it is that of `UNLISTED`."""
UNLISTED = ""


def parse_minor(text: str, currency: str, *, most: int = MAX_MINOR) -> int:
    """Parse decimal text ("1234.50") to at most so many minor units. Raises BadAmount.

    Zeros beyond the currency's decimals are accepted; other digits there are refused, never rounded away.
    """
    if not _AMOUNT.fullmatch(text):
        message = f"{text[:40]!r} is not a decimal amount"
        raise BadAmount(message)
    exponent = exponent_of(currency)
    whole, _, decimals = text.partition(".")
    if decimals[exponent:].strip("0"):
        message = f"{text[:40]!r} has more than {exponent} decimals"
        raise BadAmount(message)
    minor = int(whole + decimals[:exponent].ljust(exponent, "0"))
    if abs(minor) > most:
        message = f"{text[:40]!r} is beyond every plausible amount"
        raise BadAmount(message)
    return minor


def parse_typed(text: str, currency: str) -> int:
    """Parse an amount that a person typed to minor units: digits, or groups of three with commas, then a point.

    Raises BadAmount for what another country reads differently: 12,50 or 1.500,00 or, of two decimals, 1.500.
    """
    text = text.strip()
    exponent = exponent_of(currency)
    if not _TYPED.fullmatch(text) or len(text.partition(".")[2]) > exponent:
        example = format_minor(12345 * 10**exponent // 10, currency, grouped=True)
        message = f"Write the amount like {example} or {example.replace(',', '')}."
        raise BadAmount(message)
    return parse_minor(text.replace(",", ""), currency)


def format_minor(minor: int, currency: str, *, grouped: bool = False) -> str:
    """Format minor units as decimal text, with all decimals of the currency, optionally with thousands commas."""
    exponent = exponent_of(currency)
    whole, decimals = divmod(abs(minor), 10**exponent)
    text = f"{whole:,}" if grouped else str(whole)
    if exponent:
        text += f".{decimals:0{exponent}}"
    return f"-{text}" if minor < 0 else text


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Split a total of minor units in proportion to the weights, so that the parts add up to it.

    Largest remainder (Hamilton): each part is rounded towards zero, and what is left goes, one unit each, to the
    largest remainders; ties to the earliest. Raises ValueError for a negative weight or no positive one.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        message = "weights must not be negative, and one must be positive"
        raise ValueError(message)
    sign = -1 if total < 0 else 1
    quotients = [divmod(abs(total) * weight, whole) for weight in weights]
    parts = [quotient for quotient, _ in quotients]
    left = abs(total) - sum(parts)
    by_remainder = sorted(range(len(weights)), key=lambda position: -quotients[position][1])
    for position in by_remainder[:left]:
        parts[position] += 1
    return [sign * part for part in parts]
