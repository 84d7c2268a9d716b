"""Insert and read rows by SQL that is written once: for what every decision does.

Django writes each query anew; a connection has planned a text that it knows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import DecimalField, GenericIPAddressField, JSONField, Model
from psycopg.types.numeric import Int8

M = TypeVar("M", bound=Model)
Converters = Sequence[tuple[int, Callable[..., Any]]]
"""Functions of some columns, by their places."""

CONVERTED: Final = (DecimalField, GenericIPAddressField, JSONField)
"""The fields whose values the driver does not take as they are."""


def insert(row: M) -> M:
    """Insert a new row and give it its key; all its columns have values: none is left to the database."""
    statement, names, converters = _inserting(type(row))
    values = [_typed(getattr(row, name)) for name in names]
    for place, convert in converters:
        values[place] = convert(values[place], connection)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        [row.pk] = cursor.fetchone()
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS  # noqa: SLF001 - as after save()
    return row


def _typed(value: Any) -> Any:  # noqa: ANN401 - of any column
    """Give whole numbers one type whatever their size: a statement is prepared anew for other types of parameters."""
    if type(value) is int:
        return Int8(value)
    return [_typed(item) for item in value] if type(value) is list else value


def select(statement: str, parameters: Mapping[str, Any], **kinds: type[Model]) -> list[tuple[Any, ...]]:
    """Read rows as one model or several; `{alias}` stands for the columns of the table with this alias.

    Where an outer join finds no row, there is None.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement.format(**{alias: _columns(kind, alias) for alias, kind in kinds.items()}), parameters)
        return [_models(row, kinds.values()) for row in cursor.fetchall()]


def _models(row: tuple[Any, ...], kinds: Iterable[type[Model]]) -> tuple[Model | None, ...]:
    found, start = list[Model | None](), 0
    for kind in kinds:
        names, converters = _reading(kind)
        values = list(row[start : start + len(names)])
        for place, convert in converters:
            values[place] = convert(values[place], None, connection)
        found.append(None if values[0] is None else kind.from_db(DEFAULT_DB_ALIAS, names, values))
        start += len(names)
    return tuple(found)


@cache
def _inserting(kind: type[Model]) -> tuple[str, Sequence[str], Converters]:
    fields = [field for field in kind._meta.concrete_fields if not field.primary_key]
    columns, values = ", ".join(f'"{field.column}"' for field in fields), ", ".join("%s" for _ in fields)
    return (
        f'INSERT INTO "{kind._meta.db_table}" ({columns}) VALUES ({values}) RETURNING id',  # noqa: S608
        [field.attname for field in fields],
        [(place, field.get_db_prep_save) for place, field in enumerate(fields) if isinstance(field, CONVERTED)],
    )


@cache
def _reading(kind: type[Model]) -> tuple[Sequence[str], Converters]:
    fields = kind._meta.concrete_fields
    return (
        [field.attname for field in fields],
        [(place, one) for place, field in enumerate(fields) for one in field.get_db_converters(connection)],
    )


@cache
def _columns(kind: type[Model], alias: str) -> str:
    return ", ".join(f'{alias}."{field.column}"' for field in kind._meta.concrete_fields)
