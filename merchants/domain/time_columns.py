"""Read times in columns: those of which it is certain that `judge_row` and PostgreSQL read them in the same way."""

from datetime import datetime, tzinfo
from typing import Any

import numpy as np
import numpy.typing as npt

from merchants.domain.transaction import FIRST_YEAR

Texts = Any  # pyarrow has no types: a StringArray without nulls, of UTF-8 without a NUL
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

_SECONDS = 86_400
_MOST_OFFSET = 15  # hours, of what PostgreSQL reads
# 2026-02-01T12:00:00, then nothing, milliseconds or microseconds, then Z or +08:00: the text's width says which.
_WIDTHS = {19 + fraction + offset: offset for fraction in (0, 4, 7) for offset in (1, 6)}
_DIGITS = (0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18)
_MARKS = ((4, "-"), (7, "-"), (10, "T "), (13, ":"), (16, ":"))


def bytes_of(texts: Texts) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Return the bytes of all texts, one after the other, and where each begins and the last one ends."""
    _, offsets, data = texts.buffers()
    places = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(data or b"", np.uint8), places


def moments_in(texts: Texts, size: Integers) -> tuple[Integers, Bools]:
    """Return seconds since 1970 in UTC, without their fraction, and which texts are times."""
    seconds, certain = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.bool_)
    data, places = bytes_of(texts)
    for width, offset in _WIDTHS.items():
        rows = np.flatnonzero(size == width)
        if len(rows) == len(texts):
            marks = data[places[0] : places[-1]].reshape(-1, width)
        else:
            marks = data[places[rows][:, None] + np.arange(width)]
        if len(rows):
            seconds[rows], certain[rows] = _moments_of(marks, width - offset)
    return seconds, certain


def _moments_of(marks: npt.NDArray[np.uint8], end: int) -> tuple[Integers, Bools]:
    """Do this for texts of one width, given as a matrix of bytes; their offset begins at `end`."""
    is_zulu = end == marks.shape[1] - 1
    digits = marks.astype(np.int16) - ord("0")

    def number(place: int) -> Integers:
        return digits[:, place].astype(np.int64) * 10 + digits[:, place + 1]

    places = [*_DIGITS, *range(20, end), *([] if is_zulu else [end + 1, end + 2, end + 4, end + 5])]
    certain: Bools = np.all((digits[:, places] >= 0) & (digits[:, places] <= 9), axis=1)  # noqa: PLR2004 - digits
    for place, allowed in (*_MARKS, *([(19, ".")] if end > 19 else []), (end, "Z" if is_zulu else "+-")):  # noqa: PLR2004
        certain &= np.isin(marks[:, place], [ord(mark) for mark in allowed])
    offset = np.zeros(len(marks), np.int64)
    if not is_zulu:
        hours, minutes = number(end + 1), number(end + 4)
        certain &= (marks[:, end + 3] == ord(":")) & (hours <= _MOST_OFFSET) & (minutes < 60)  # noqa: PLR2004
        offset = np.where(marks[:, end] == ord("-"), -1, 1) * (hours * 3_600 + minutes * 60)
    year, hour, minute, second = number(0) * 100 + number(2), number(11), number(14), number(17)
    months = (year - 1970) * 12 + number(5) - 1
    first, following = (
        one.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) for one in (months, months + 1)
    )
    day = first + number(8) - 1
    certain &= (year > FIRST_YEAR) & (number(5) >= 1) & (number(5) <= 12) & (first <= day) & (day < following)  # noqa: PLR2004
    certain &= (hour < 24) & (minute < 60) & (second < 60)  # noqa: PLR2004
    return day * _SECONDS + hour * 3_600 + minute * 60 + second - offset, certain


def days_of(seconds: Integers, zone: tzinfo) -> tuple[Integers, Bools]:
    """Return the business days, and which are certain: those of a day in UTC during which the offset stands still."""
    days, at = np.unique(seconds // _SECONDS, return_inverse=True)
    ends = [
        [datetime.fromtimestamp(moment, zone).utcoffset() for moment in (start, start + _SECONDS - 1)]
        for start in (days * _SECONDS).tolist()
    ]
    offsets = np.array([round(first.total_seconds()) if first else 0 for first, _ in ends], np.int64)
    stand_still = np.array([first == last for first, last in ends], np.bool_)
    return (seconds + offsets[at]) // _SECONDS, stand_still[at]
