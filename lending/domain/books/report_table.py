"""What reports are made of: tables of figures, each with the list that it is the sum of, for pages and files alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from lending.domain.books.portfolio import Count, Share


class ListName(StrEnum):
    """The lists that figures lead to: loans that ran on a day, all loans that were paid out, offers."""

    RUNNING = "running"
    LENT = "lent"
    OFFERS = "offers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """The list behind a figure, and by what it is filtered."""

    of: ListName
    asked: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure of a report: an amount in minor units, a number of loans, a share, points of an index, or a name.

    number: of how many loans it is, where it is not one itself. asked: of another page of the same report.
    """

    value: int | str | Share
    is_money: bool = False
    number: int | None = None
    behind: Behind | None = None
    asked: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a chart: its name, and a height per label; None where there is nothing."""

    name: str
    heights: Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTable:
    """A table of a report in one currency.

    lines: drawn over these labels, beside it; bars: they are bars; in_percent: of shares. note: what its figures are,
    in a sentence.
    """

    title: str
    currency: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Figure]]
    note: str = ""
    labels: Sequence[str] = ()
    lines: Sequence[Line] = field(default_factory=tuple)
    bars: bool = False
    in_percent: bool = True


NONE: Final = Figure(value="")


def amount(count: Count, behind: Behind | None = None) -> Figure:
    """Return an amount, with of how many loans it is."""
    return Figure(value=count.minor, is_money=True, number=count.loans, behind=behind)


def height(share: Share) -> float | None:
    """Return a share as the height of a line, in percent; for drawing only."""
    return None if not share.whole else 100 * share.part / share.whole
