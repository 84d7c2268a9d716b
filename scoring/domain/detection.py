"""How well merchants that cheat are told from others, where the truth is known: in a simulated market."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

TRUTH_COLUMNS: Final = ("merchant", "scheme", "strength")


class BadTruth(ValueError):
    """A row of the file that says who cheats cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Told:
    """Of the merchants with one scheme and strength, how many there are, and how many are to be looked at."""

    scheme: str
    strength: int
    merchants: int
    found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What became of everybody: cheaters by scheme and strength, and honest merchants."""

    cheaters: tuple[Told, ...]
    honest: int
    false_alarms: int

    @property
    def found(self) -> int:
        """How many cheaters are to be looked at."""
        return sum(told.found for told in self.cheaters)

    @property
    def recall(self) -> float | None:
        """The share of cheaters that are to be looked at; None without any."""
        everybody = sum(told.merchants for told in self.cheaters)
        return self.found / everybody if everybody else None

    @property
    def precision(self) -> float | None:
        """The share of cheaters among those to be looked at; None if nobody is."""
        reviewed = self.found + self.false_alarms
        return self.found / reviewed if reviewed else None


def read_truth(rows: Iterable[Mapping[str, str]], *, known: Collection[str]) -> dict[str, tuple[str, int]]:
    """Read who cheats: scheme and strength by merchant. Raises BadTruth."""
    truth: dict[str, tuple[str, int]] = {}
    for number, row in enumerate(rows, start=1):
        merchant, scheme, strength = (row.get(name) or "" for name in TRUTH_COLUMNS)
        if merchant not in known or merchant in truth:
            message = f"row {number}: {merchant!r} is no merchant, or named twice"
            raise BadTruth(message)
        if not scheme or not strength.isdecimal():
            message = f"row {number}: {scheme!r} with strength {strength!r} is no scheme"
            raise BadTruth(message)
        truth[merchant] = (scheme, int(strength))
    return truth


def detect(truth: Mapping[str, tuple[str, int]], *, reviewed: Collection[str], merchants: int) -> Detection:
    """Compare who cheats with who is to be looked at, of so many merchants in all."""
    every, found = Counter(truth.values()), Counter(truth[name] for name in reviewed if name in truth)
    return Detection(
        cheaters=tuple(Told(*kind, merchants=every[kind], found=found[kind]) for kind in sorted(every)),
        honest=merchants - len(truth),
        false_alarms=len(reviewed) - found.total(),
    )


@dataclass(frozen=True, slots=True)
class Gain:
    """What those of one strength gain by cheating, and what it costs them, in minor units, over all of them."""

    strength: int
    merchants: int
    gain_minor: int
    cost_minor: int


def gains(
    truth: Mapping[str, tuple[str, int]],
    costs: Mapping[str, int],
    *,
    cheated: Mapping[str, int],
    honest: Mapping[str, int],
    multiple: Fraction,
) -> tuple[Gain, ...]:
    """Compare the sales bases M of who cheats with those without it: a limit is at most `multiple` of M, rounded down.

    Who has no score has no limit: its M is not given, and counts as 0.
    """
    found = []
    for strength in sorted({strength for _, strength in truth.values()}):
        names = [name for name, (_, own) in truth.items() if own == strength]
        gained = sum(int(multiple * cheated.get(name, 0)) - int(multiple * honest.get(name, 0)) for name in names)
        found.append(Gain(strength, len(names), gained, sum(costs[name] for name in names)))
    return tuple(found)
