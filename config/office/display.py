"""What pages are made of: figures, cards, tables, facts and charts, as data that the office's templates render."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from itertools import groupby
from typing import Any, ClassVar, Final

from django.db.models import Model
from django.urls import reverse
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from config.kernel.money import exponent_of
from config.office.trends import Trend
from config.office.words import NOTHING, Words

MOST_IN_HEAD: Final = 3
"""So many verbs fit beside a page's name; more get a card of their own."""

Series = tuple[Words, Sequence[float | None], str | Sequence[str]]
"""Its name, a height per label (None where nothing is drawn), and its colour or a colour per bar."""
SERIES = ("--tl-series-1", "--tl-series-2", "--tl-series-3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bar in a cell; `width` in percent of the cell, `side` one of whole, up, down, progress."""

    width: float
    side: str = "whole"
    marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One value as shown. tint: as a chip of this colour ("" for grey). tag: how tests find the figure."""

    text: Any = ""
    link: str | None = None
    note: Words = ""
    tint: str | None = None
    bar: Bar | None = None
    title: Words = ""
    tag: str = ""
    more: Sequence["Cell"] = ()

    @property
    def html(self) -> SafeString:
        """The cell as markup. Not a template: a list has five hundred of them."""
        found = _escaped(self.text)
        marks = f' title="{_escaped(self.title)}"' if self.title else ""
        marks += f' class="tl-chip {_escaped(self.tint)}"' if self.tint is not None else ""
        if self.link:
            marks += f' data-figure="{_escaped(self.tag)}"' if self.tag else ""
            found = f'<a href="{_escaped(self.link)}"{marks}>{found}</a>'
        elif marks:
            found = f"<span{marks}>{found}</span>"
        if self.bar is not None:
            kind = f"tl-{self.bar.side}{' tl-marked' if self.bar.marked else ''}"
            found += f'<span class="tl-bar {_escaped(kind)}" style="width: {self.bar.width:.1f}%"></span>'
        for other in self.more:
            found += f" {other.html}"
        if self.note:
            found += f"<small>{_escaped(self.note)}</small>"
        return mark_safe(found)  # noqa: S308 - built of escaped parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table; style: further CSS classes of its cells."""

    label: Words
    number: bool = False
    style: str = ""

    @property
    def css(self) -> str:
        return f"{'tl-number' if self.number else ''} {self.style}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table; style: classes of the whole row."""

    cells: Sequence[object]
    style: str = ""
    title: Words = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; `empty` is shown while it has no rows, `folded` is its summary if it is folded."""

    template: ClassVar[str] = "office/table.html"
    columns: Sequence[Column]
    rows: Iterable[Row | Sequence[object]]
    empty: Words = ""
    folded: Words = ""
    foot: Sequence[Row] = ()
    style: str = ""

    def lines(self) -> Iterator[tuple[Row, SafeString]]:
        """Yield each row with the markup of its cells; a template would take longer than all else of a page."""
        tags = [f'<td class="{conditional_escape(column.css)}">' for column in self.columns]
        ends = ["</td>"] * len(tags)
        if self.columns and not self.columns[0].number:
            tags[0], ends[0] = tags[0].replace("<td", '<th scope="row"'), "</th>"
        for row in self.rows:
            line = row if isinstance(row, Row) else Row(cells=row)
            cells = [tag + _html_of(value) + end for tag, value, end in zip(tags, line.cells, ends, strict=False)]
            yield line, mark_safe("".join(cells))  # noqa: S308 - built of escaped parts

    def sums(self) -> Iterator[tuple[int, list[tuple[Column, Cell]]]]:
        """Yield each row of the foot: its first cell spans what the others leave."""
        for row in self.foot:
            own = list(self.columns[len(self.columns) - len(row.cells) + 1 :])
            columns = [Column(label=""), *own]
            span = len(self.columns) - len(own)
            yield span, [(column, as_cell(value)) for column, value in zip(columns, row.cells, strict=True)]


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with their values; halves: in two equal columns."""

    template: ClassVar[str] = "office/facts.html"
    facts: Sequence[tuple[Words, object]]
    halves: bool = False

    def lines(self) -> Iterator[tuple[Words, Cell]]:
        for name, value in self.facts:
            yield name, as_cell(value)


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; style: tl-note for an aside, tl-strong for emphasis."""

    template: ClassVar[str] = "office/text.html"
    text: Words
    style: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a card."""

    template: ClassVar[str] = "office/heading.html"
    text: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart, drawn by the office's one script from JSON; `label` describes it to those who cannot see it."""

    template: ClassVar[str] = "office/chart.html"
    name: str
    label: Words
    data: Mapping[str, Any]
    key: Sequence[tuple[str, Words]] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """Numbered sentences."""

    template: ClassVar[str] = "office/listed.html"
    sentences: Sequence[Words]


@dataclass(frozen=True, slots=True)
class Figures:
    """Key figures inside a card."""

    template: ClassVar[str] = "office/figures.html"
    figures: Sequence["Figure"]


Part = Table | Facts | Text | Heading | Chart | Listed | Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What a reader must not miss; tint: "" a warning, tl-bad money at risk, tl-ok a proof that holds."""

    text: Words
    tint: str = ""
    link: Cell | None = None
    strong: Words = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A key figure under its name, with its trend."""

    label: Words
    value: object
    note: Words = ""
    note_link: str | None = None
    style: str = ""
    trend: Trend | None = None

    @property
    def cell(self) -> Cell:
        return as_cell(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button for a verb, or a link; a verb that is not allowed is shown all the same, and says why.

    group: under which heading it stands where there are many. is_forbidden: it is not for the role of whoever looks.
    """

    label: Words
    url: str
    why: Words | None = None
    is_primary: bool = True
    group: Words = ""
    is_forbidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A titled part of a page, as wide as `span` of twelve columns."""

    title: Words
    parts: Sequence[Part]
    span: int = 12
    buttons: Sequence[Button] = ()
    tabs: Sequence[tuple[str, Words, bool]] = ()
    aside: Cell | None = None
    anchor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: its subject, state, key figures and verbs, then what explains them.

    buttons: links to further pages. verbs: filled in by the page's class. live: cards above the others, reloaded every
    two seconds from `poll` while that is given.
    """

    title: Words
    name: Cell | None = None
    chips: Sequence[Cell] = ()
    sub: Sequence[object] = ()
    lead: Words = ""
    alerts: Sequence[Alert] = ()
    figures: Sequence[Figure] = ()
    buttons: Sequence[Button] = ()
    verbs: Sequence[Button] = ()
    cards: Sequence[Card] = ()
    live: Sequence[Card] = ()
    poll: str | None = None
    form: Any = None

    @property
    def has_many_verbs(self) -> bool:
        """Whether the verbs need a card of their own; few stand in the head."""
        return len(self.verbs) > MOST_IN_HEAD

    @property
    def verb_groups(self) -> list[tuple[Words, list[Button]]]:
        """The verbs that are for the role, under their headings, in their order."""
        own = [button for button in self.verbs if not button.is_forbidden]
        return [(group, list(buttons)) for group, buttons in groupby(own, key=lambda button: button.group)]

    @property
    def forbidden(self) -> list[Button]:
        """The verbs that are not for the role."""
        return [button for button in self.verbs if button.is_forbidden]

    @property
    def head_buttons(self) -> list[Button]:
        """What stands beside the name."""
        return [*self.buttons, *([] if self.has_many_verbs else self.verbs)]

    @property
    def facts(self) -> list[Cell]:
        return [as_cell(value) for value in self.sub if value]


def as_cell(value: object) -> Cell:
    """Format a value as a cell: numbers with thousands separated, moments in UTC, a dash for None."""
    return value if isinstance(value, Cell) else Cell(text=_shown(value))


def _shown(value: object) -> Any:  # noqa: ANN401 - texts, and what has markup of its own
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        message = "a truth value has no words of its own"
        raise TypeError(message)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return value.isoformat() if isinstance(value, date) else value


def _html_of(value: object) -> str:
    return value.html if isinstance(value, Cell) else _escaped(_shown(value))


def _escaped(value: Any) -> str:  # noqa: ANN401 - as Django takes it
    """Escape a text unless it is markup. Not by Django's own alone: what it does for lazy words takes longer."""
    return escape(value) if type(value) is str else conditional_escape(value)


def change_url(row: Model) -> str:
    """Return the address of a row's page."""
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])


def linked(row: Model, text: Words = "", note: Words = "") -> Cell:
    """Return a row's name, linked to its page."""
    return Cell(text=text or str(row), link=change_url(row), note=note)


def chip(words: Words, tint: str) -> Cell:
    """Return a state as a chip."""
    return Cell(text=words, tint=tint)


def grade_chip(grade: str | None) -> SafeString | str:
    """Return a grade as a chip; a dash without one."""
    return format_html('<span class="tl-grade tl-grade-{0}">{0}</span>', grade) if grade else NOTHING


def mono(text: object) -> SafeString:
    """Format an identifier in monospace."""
    return format_html('<span class="tl-mono">{}</span>', text)


def code(text: str) -> SafeString:
    """Format a command."""
    return format_html("<code>{}</code>", text)


def version_card(title: Words, sha256: str, *more: tuple[Words, object]) -> Card:
    """Return a card with the hash that identifies an immutable version."""
    return Card(title=title, parts=[Facts([("SHA-256", mono(sha256)), *more])])


def bars(
    labels: Sequence[str], *series: Series, decimals: int = 0, unit: str = "", ends: bool = False
) -> dict[str, Any]:
    """Describe bars from zero; `ends` writes each value at its bar."""
    return _chart("bar", labels, series) | {"decimals": decimals, "unit": unit, "ends": ends}


def lines(labels: Sequence[str], *series: Series, low: float | None = None) -> dict[str, Any]:
    """Describe at most three lines, each named at its end; `low` is where the axis begins, else near the lowest."""
    chart = _chart("line", labels, series) | {"decimals": 0, "unit": "", "ends": True}
    return chart if low is None else chart | {"low": low}


def major(minor: int, currency: str) -> float:
    """Convert minor units to the height of a bar; for drawing only."""
    return minor / float(10 ** exponent_of(currency))


def _chart(kind: str, labels: Sequence[str], series: Sequence[Series]) -> dict[str, Any]:
    drawn = [{"label": str(label), "values": list(values), "colour": colour} for label, values, colour in series]
    return {"kind": kind, "labels": list(labels), "series": drawn}
