from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

import pytest

from config.kernel.documents import ADDED, DoubledKey, Unfit, load, read, written


class Colour(StrEnum):
    RED = "RED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    on: date
    colour: Colour | None


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    name: str
    inner: Inner
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Second(First):
    """As First was, with two fields that came later."""

    share: int | None = field(default=None, metadata=ADDED)
    seen: tuple[Colour, ...] = field(default=(), metadata=ADDED)


FIRST = {"name": "", "inner": {"on": "2026-03-01", "colour": None}, "numbers": [1, -2]}


def test_what_is_read_is_written_again_and_older_documents_stay_what_they_are() -> None:
    """Red if a field that came later were asked of an older document, or written into one."""
    first = read(First, FIRST)
    assert first == First(name="", inner=Inner(on=date(2026, 3, 1), colour=None), numbers=(1, -2))
    second = read(Second, FIRST)
    assert (second.share, second.seen) == (None, ())
    assert written(first) == written(second) == FIRST
    newer = FIRST | {"share": 7, "seen": ["RED"]}
    assert written(read(Second, newer)) == newer
    assert read(Second, newer).seen == (Colour.RED,)


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"name": 1},
        {"numbers": None},
        {"numbers": [1.0]},
        {"numbers": [True]},
        {"inner": []},
        {"inner": {"on": "2026-02-30", "colour": None}},
        {"inner": {"on": "2026-03-01", "colour": "BLUE"}},
        {"inner": {"on": "2026-03-01"}},
        {"inner": {"on": "2026-03-01", "colour": None, "shape": 1}},
        {"more": 1},
    ],
)
def test_nothing_is_guessed(change: dict[str, object]) -> None:
    with pytest.raises(Unfit):
        read(First, FIRST | change)


def test_a_key_twice_and_numbers_that_json_does_not_have_are_refused() -> None:
    with pytest.raises(DoubledKey, match=r"^a$"):
        load('{"b": 1, "c": {"a": 1, "d": 2, "a": 3}}')
    for text in ("NaN", "[Infinity]", "[" * 100_000, "{", "9" * 10_000):
        with pytest.raises(ValueError):  # noqa: PT011 - of json, whatever it says
            load(text)
