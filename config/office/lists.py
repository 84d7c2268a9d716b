"""Lists: columns, filters, search and sorting declared as data, paged by keys and never by OFFSET."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import F, Model, Q, QuerySet
from django.http import QueryDict
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext as _t

from config.office.display import Cell, Column, Table
from config.office.words import Words

A_PAGE: Final = 50
COUNTED: Final = 10_000
LONGEST_QUERY: Final = 2_000
"""Characters of what an address asks of a list, where that is kept: in a saved view, or with an export."""
SEARCH, SORT, AFTER, BEFORE = "q", "sort", "after", "before"


class BadQuery(Exception):
    """The address asks for a filter, value, order or page that the list does not have; the message says which."""

    def __str__(self) -> str:
        return "=".join(map(str, self.args))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListColumn(Column):
    """A column of a list: its cell for a row, and the field it sorts by, if any.

    sort: a field or annotation of the queryset. sort_nulls: it may be null (sorted last). indexed: an index serves the
    sort; without one, no more than COUNTED rows are sorted. ascends_first: the smallest are asked for first, as
    dates since which something waits.
    """

    cell: Callable[[Any], object]
    sort: str | None = None
    sort_nulls: bool = False
    indexed: bool = False
    ascends_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A filter of a list. choices: the values on offer, read again for each page; None: any text that `keep` accepts.

    keep: narrows the rows to a chosen value. Raises ValueError for a meaningless text. comes_and_goes: what is on
    offer is read from rows: a value that is not on offer any more is one that no row has, and no error.
    """

    name: str
    label: Words
    keep: Callable[[QuerySet[Any], str], QuerySet[Any]]
    choices: Callable[[], Iterable[tuple[str, Words]]] | None = None
    kind: str = "text"
    comes_and_goes: bool = False


def choice_filter(name: str, label: Words, words: Mapping[Any, Any], *, field: str | None = None) -> Filter:
    """Return a filter by a column of few values, each with its words (or words and tint)."""

    def choices() -> Iterator[tuple[str, Words]]:
        for value, said in words.items():
            yield str(value), said[0] if isinstance(said, tuple) else said

    return Filter(
        name=name, label=label, choices=choices, keep=lambda rows, value: rows.filter(**{field or name: value})
    )


def date_filter(name: str, label: Words, lookup: str) -> Filter:
    """Return a filter by a date, YYYY-MM-DD."""
    return Filter(
        name=name, label=label, keep=lambda rows, text: rows.filter(**{lookup: date.fromisoformat(text)}), kind="date"
    )


def value_filter(name: str, label: Words, values: Callable[[], Iterable[str]], *, field: str | None = None) -> Filter:
    """Return a filter by a column whose values are read from the table."""
    return Filter(
        name=name,
        label=label,
        choices=lambda: ((value, value) for value in values()),
        keep=lambda rows, value: rows.filter(**{field or name: value}),
        comes_and_goes=True,
    )


def member(kind: type[StrEnum], words: Mapping[Any, Words]) -> Callable[[], Iterable[tuple[str, Words]]]:
    """Return the choices of an enum's members, each with its words."""
    return lambda: [(value.value, words[value]) for value in kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The search of a list: a hint of what it finds, and how it narrows the rows to a term."""

    help: Words
    keep: Callable[[QuerySet[Any], str], QuerySet[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenFilter:
    """A filter as shown on the page."""

    filter: Filter
    value: str
    choices: Sequence[tuple[str, Words]]
    without: str

    @property
    def is_choice(self) -> bool:
        """Whether its values are on offer; a template that asked `choices` of the filter would read them again."""
        return self.filter.choices is not None

    @property
    def said(self) -> Words:
        return dict(self.choices).get(self.value, self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page of a list. previous, next: addresses, None at the ends. matching: all rows that match, unordered.

    are_many: more than COUNTED match. too_many: the column that was to sort them and cannot, None if there is no such.
    """

    table: Table
    rows: Sequence[Any]
    heads: Sequence[tuple[ListColumn, str | None, str]]
    term: str
    filters: Sequence[ChosenFilter]
    kept: Sequence[tuple[str, str]]
    count: str
    are_many: bool
    too_many: ListColumn | None
    previous: str | None
    next: str | None
    matching: QuerySet[Any]

    @property
    def bound(self) -> str:
        """How many rows are sorted or summed without an index, at most."""
        return f"{COUNTED:,}"

    @property
    def is_narrowed(self) -> bool:
        return bool(self.term) or any(part.value for part in self.filters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """The rows that an address asks for, not yet ordered; given: what it asks for, without an order that is refused."""

    rows: QuerySet[Any]
    given: Mapping[str, str]
    chosen: Sequence[ChosenFilter]
    term: str
    count: str
    are_many: bool
    column: ListColumn | None
    too_many: ListColumn | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf:
    """How a model is listed.

    key: the default order, `pk`, `-pk` or what a column sorts by. prepare: returns what the columns are passed, for all
    rows of a page at once. link: the address of a row's page.
    """

    columns: Sequence[ListColumn]
    filters: Sequence[Filter]
    key: str
    search: Search | None
    prepare: Callable[[list[Any]], Sequence[Any]]
    link: Callable[[Any], str]

    def read(self, rows: QuerySet[Any], asked: QueryDict) -> Listing:
        """Read one page as the address asks for it. Raises BadQuery."""
        found, sort = self.narrow(rows, asked), str(asked.get(SORT) or "")
        given = found.given
        page, older, newer = self._page(found, given, most=A_PAGE)
        kept = {name: value for name, value in given.items() if name not in {AFTER, BEFORE}}
        are_many = found.are_many
        return Listing(
            table=Table(columns=self.columns, rows=list(self._linked_cells(page))),
            rows=page,
            heads=[(column, *self._order(column, kept, are_many=are_many)) for column in self.columns],
            term=found.term,
            filters=found.chosen,
            kept=[(SORT, sort)] if sort else [],  # one that was refused, too: a narrower list has it
            count=found.count,
            are_many=are_many,
            too_many=found.too_many,
            previous=None if newer is None else _query(kept | {BEFORE: newer}),
            next=None if older is None else _query(kept | {AFTER: older}),
            matching=found.rows,
        )

    def walk(self, found: "Narrowed", *, at_once: int) -> Iterator[list[list[object]]]:
        """Yield the cells of all rows that an address asks for, in its order, those of so many rows at once."""
        given = {name: value for name, value in found.given.items() if name not in {AFTER, BEFORE}}
        older: str | None = ""
        while older is not None:
            page, older, _newer = self._page(found, {**given, AFTER: older} if older else given, most=at_once)
            prepared = self.prepare(page)
            yield [[column.cell(shown) for column in self.columns] for shown in prepared]

    def normal(self, asked: QueryDict) -> str:
        """Write what an address asks for in one way, without its page: two that list the same rows are equal."""
        names = [*(part.name for part in self.filters), *([] if self.search is None else [SEARCH]), SORT]
        given = {name: str(asked.get(name, "")).strip() for name in names}
        return urlencode({name: text for name, text in given.items() if text and (name, text) != (SORT, self.key)})

    def said(self, asked: QueryDict, *, sorts: bool = True) -> list[tuple[Words, Words]]:
        """Say what an address asks for: each filter, the search and, if it sorts, the order. Raises BadQuery."""
        given = self._given(asked)
        chosen = [part for part in (self._chosen(part, given) for part in self.filters) if part.value]
        words = [(capfirst(part.filter.label), part.said) for part in chosen]
        if term := given.get(SEARCH, "").strip():
            words.append((_t("Search"), f"“{term}”"))
        column = self._sorting(given)
        if sorts and column is not None and SORT in given:
            way = _t("%(column)s, descending") if given[SORT].startswith("-") else _t("%(column)s, ascending")
            words.append((_t("Sorted by"), way % {"column": column.label}))
        return words

    def narrow(self, rows: QuerySet[Any], asked: QueryDict) -> "Narrowed":
        """Keep the rows that the address asks for, count them, and decide by what they are sorted. Raises BadQuery."""
        given = self._given(asked)
        chosen = [self._chosen(part, given) for part in self.filters]
        for part in chosen:
            if part.value:
                rows = _kept(part, rows)
        term = given.get(SEARCH, "").strip()
        if term and self.search is not None:
            rows = self.search.keep(rows, term)
        count, are_many = _count(rows)
        column = self._sorting(given)
        too_many = column if are_many and column is not None and not column.indexed else None
        if too_many is not None:
            column, given = None, {name: text for name, text in given.items() if name not in {SORT, AFTER, BEFORE}}
        return Narrowed(
            rows=rows, given=given, chosen=chosen, term=term, count=count, are_many=are_many, column=column,
            too_many=too_many,
        )  # fmt: skip

    def _given(self, asked: QueryDict) -> dict[str, str]:
        """Return what an address says. Raises BadQuery if the list does not know its name."""
        known = {SEARCH, SORT, AFTER, BEFORE, *(part.name for part in self.filters)}
        if unknown := sorted(asked.keys() - known):
            raise BadQuery(unknown[0])
        return {name: str(asked[name]) for name in asked if asked[name]}

    def _chosen(self, part: Filter, given: Mapping[str, str]) -> ChosenFilter:
        value = given.get(part.name, "")
        choices = [] if part.choices is None else list(part.choices())
        if value and part.choices is not None and value not in {choice for choice, _words in choices}:
            if not part.comes_and_goes or not value.isprintable():
                raise BadQuery(part.name, value)
            choices.append((value, value))
        others = {name: text for name, text in given.items() if name not in {part.name, AFTER, BEFORE}}
        return ChosenFilter(filter=part, value=value, choices=choices, without=_query(others))

    def _linked_cells(self, page: Sequence[Any]) -> Iterator[list[object]]:
        prepared = self.prepare(list(page))
        for row, shown in zip(page, prepared, strict=True):
            first, *others = self.columns
            yield [_linked(first.cell(shown), self.link(row)), *(column.cell(shown) for column in others)]

    def _sorting(self, given: Mapping[str, str]) -> ListColumn | None:
        """Return the column that the address sorts by, None for the default order. Raises BadQuery."""
        sort = given.get(SORT, self.key)
        field = sort.removeprefix("-")
        column = next((part for part in self.columns if part.sort == field), None)
        if field != "pk" and column is None:
            raise BadQuery(SORT, sort)
        return column

    def _page(
        self, found: "Narrowed", given: Mapping[str, str], *, most: int
    ) -> tuple[list[Any], str | None, str | None]:
        """Read a page and one row more; return the places of the first and last row where more lies beyond them."""
        rows, column = found.rows, found.column
        descends = given.get(SORT, self.key).startswith("-")
        if column is not None and column.sort is not None:
            rows = rows.annotate(sort_key=F(column.sort))
        nulls, backwards = column is not None and column.sort_nulls, BEFORE in given
        up = descends == backwards
        pk = F("pk").asc() if up else F("pk").desc()
        if column is None:
            rows = rows.order_by(pk)
        else:
            last = {"nulls_first" if backwards else "nulls_last": True} if nulls else {}
            rows = rows.order_by(F("sort_key").asc(**last) if up else F("sort_key").desc(**last), pk)
        place = given.get(BEFORE) or given.get(AFTER) or ""
        try:
            if place:
                beyond = _beyond(place, keyed=column is not None, nulls=nulls, up=up, past_nulls=backwards)
                rows = rows.filter(beyond)
            page = list(rows[: most + 1])
        except (ValueError, ValidationError) as error:
            raise BadQuery(place) from error
        more, page = len(page) > most, page[:most]
        if backwards:
            page.reverse()
        follows, precedes = (True, more) if backwards else (more, AFTER in given)
        older = _place(page[-1], column is not None) if page and follows else None
        newer = _place(page[0], column is not None) if page and precedes else None
        return page, older, newer

    def _order(self, column: ListColumn, kept: Mapping[str, str], *, are_many: bool) -> tuple[str | None, str]:
        """Return the address that sorts by a column, mostly the largest first, and how it is sorted now."""
        if column.sort is None or (are_many and not column.indexed):
            return None, "none"
        now = kept.get(SORT, self.key)
        state = {f"-{column.sort}": "descending", column.sort: "ascending"}.get(now, "none")
        ascends = state == ("none" if column.ascends_first else "descending")
        following = column.sort if ascends else f"-{column.sort}"
        return _query({**kept, SORT: following}), state


def _kept(part: ChosenFilter, rows: QuerySet[Any]) -> QuerySet[Any]:
    try:
        return part.filter.keep(rows, part.value)
    except (ValueError, ValidationError) as error:
        raise BadQuery(part.filter.name, part.value) from error


def _beyond(place: str, *, keyed: bool, nulls: bool, up: bool, past_nulls: bool) -> Q:
    """Return a condition for lying beyond a place, `pk` or `pk~value`. past_nulls: on the way back, before nulls."""
    number, has_value, value = place.partition("~")
    if not number.isdecimal() or len(number) > 18 or bool(has_value) is not keyed:  # noqa: PLR2004 - of a bigint
        raise BadQuery(place)
    sign = "gt" if up else "lt"
    beyond = Q(**{f"pk__{sign}": int(number)})
    if not keyed:
        return beyond
    if nulls and value == "~":
        among = Q(sort_key__isnull=True) & beyond
        return among | Q(sort_key__isnull=False) if past_nulls else among
    at = Q(**{f"sort_key__{sign}": value}) | (Q(sort_key=value) & beyond)
    return at | Q(sort_key__isnull=True) if nulls and not past_nulls else at


def _place(row: Any, keyed: bool) -> str:  # noqa: ANN401, FBT001 - a row of any model
    if not keyed:
        return str(row.pk)
    return f"{row.pk}~{'~' if row.sort_key is None else row.sort_key}"


def _linked(value: object, link: str) -> Cell:
    if isinstance(value, Cell):
        return Cell(text=value.text, note=value.note, title=value.title, tint=value.tint, link=link)
    return Cell(text=value, link=link)


def _query(parts: Mapping[str, str]) -> str:
    return f"?{urlencode(parts)}"


def _count(rows: QuerySet[Any]) -> tuple[str, bool]:
    """Count no further than COUNTED, and return whether there are more.

    A table beyond it is estimated if all of it is listed; how much it holds is not told to whoever sees a part.
    """
    is_whole = not rows.query.has_filters()
    if is_whole and (estimate := _estimate(rows.model)) > COUNTED:
        return _t("about %(number)s") % {"number": rounded(estimate)}, True
    number = rows.order_by()[: COUNTED + 1].count()
    if number > COUNTED:
        return _t("more than %(number)s") % {"number": f"{COUNTED:,}"}, True
    return f"{number:,}", False


def counted(number: int) -> str:
    """Format what was counted no further than to one more than COUNTED."""
    return f"{number:,}" if number <= COUNTED else f"{COUNTED:,}+"


def _estimate(model: type[Model]) -> int:
    """Return how many rows the last ANALYZE found; -1 before the first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])
        return int(cursor.fetchone()[0])


def rounded(number: int) -> str:
    """Format an estimate: thousands below a million, then millions."""
    return f"{number / 1_000_000:.1f} M" if number >= 1_000_000 else f"{round(number, -3):,}"  # noqa: PLR2004
