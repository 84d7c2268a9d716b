"""Read JSON as it is written, and dataclasses from it: nothing is guessed, converted, given twice or left over."""

import json
import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import NoneType
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_DECIMAL: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,40})?", re.ASCII)
ADDED: Final = {"added": True}
"""Metadata of a field that came after documents were stored: it is left out where it has its default."""

Choice = TypeVar("Choice", bound=StrEnum)
Kind = TypeVar("Kind")


class Unfit(ValueError):
    """A field is missing, unknown, of another type or out of its range; the message names it."""


class DoubledKey(ValueError):
    """A key is given twice, of which Python would believe the last; the message is the key."""


def load(text: str | bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Read a JSON document, without the numbers that JSON does not have. Raises DoubledKey, ValueError."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except RecursionError as error:
        message = "nested too deeply"
        raise ValueError(message) from error


def read(kind: type[Kind], raw: object) -> Kind:
    """Read a dataclass from an object of its fields, by their types. Raises Unfit.

    They are integers, texts, dates, choices, such dataclasses, tuples of these, and each of them or None. A text may
    be empty. Only what is marked as ADDED may be missing.
    """
    result: Kind = _read(kind, {"document": raw}, "document")
    return result


def written(value: object) -> object:
    """Write what `read` reads."""
    if isinstance(value, tuple):
        return [written(one) for one in value]
    if is_dataclass(value):
        held = [(field, getattr(value, field.name)) for field in fields(value)]
        kept = [(field, one) for field, one in held if field.metadata != ADDED or one != field.default]
        return {field.name: written(one) for field, one in kept}
    return value.isoformat() if isinstance(value, date) else value


def require_fields(
    raw: object, required: AbstractSet[str], optional: AbstractSet[str] = frozenset()
) -> Mapping[str, object]:
    """Demand an object of these fields and no others: one that nothing reads would be believed in vain."""
    if not isinstance(raw, Mapping):
        message = f"{shown(raw)} is no object of named fields"
        raise Unfit(message)
    missing, unknown = sorted(required - raw.keys()), sorted(map(str, raw.keys() - required - optional))
    if missing or unknown:
        message = f"{missing[0]} is missing" if missing else f"{shown(unknown[0])} is an unknown field"
        raise Unfit(message)
    return raw


def text_of(raw: Mapping[str, object], name: str) -> str:
    """Read a text that is not empty."""
    value = raw[name]
    if not isinstance(value, str) or not value:
        raise unfit(value, name, "no text")
    return value


def choice_of(raw: Mapping[str, object], name: str, kind: type[Choice]) -> Choice:
    """Read a member of an enumeration, by its text."""
    value = raw[name]
    if isinstance(value, str):
        with suppress(ValueError):
            return kind(value)
    raise unfit(value, name, f"none of {', '.join(kind)}")


def integer_of(raw: Mapping[str, object], name: str) -> int:
    """Read a whole number; a truth value and 1.0 are none."""
    value = raw[name]
    if type(value) is not int:
        raise unfit(value, name, "no whole number")
    return value


def decimal_of(raw: Mapping[str, object], name: str) -> Decimal:
    """Read decimal text ("0.1095"): without a sign, so never below 0, and without an exponent."""
    value = raw[name]
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise unfit(value, name, "no decimal text from 0 on")
    return Decimal(value)


def date_of(raw: Mapping[str, object], name: str) -> date:
    """Read an ISO date, YYYY-MM-DD."""
    value = raw[name]
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise unfit(value, name, "no date")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise unfit(value, name, "no date") from error


def shown(value: object) -> str:
    """Show a value in a message, shortened."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # thousands of digits, or of brackets
        text = f"what cannot be shown, of type {type(value).__name__},"
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - fits a line


def unfit(value: object, name: str, what: str) -> Unfit:
    """Say that the value of a field is not what it should be."""
    return Unfit(f"{name}: {shown(value)} is {what}")


def _read(kind: Any, raw: Any, name: str) -> Any:  # noqa: ANN401 - by the types that a dataclass declares
    if is_dataclass(kind):
        added = frozenset(field.name for field in fields(kind) if field.metadata == ADDED)
        types = _types_of(kind)  # type: ignore[arg-type] # a class can be hashed
        part = require_fields(raw[name], types.keys() - added, added)
        return kind(**{field: _read(types[field], part, field) for field in part})  # type: ignore[operator]
    if NoneType in get_args(kind):
        return None if raw[name] is None else _read(get_args(kind)[0], raw, name)
    if get_origin(kind) is tuple:
        if not isinstance(raw[name], list):
            raise unfit(raw[name], name, "no list")
        return tuple(_read(get_args(kind)[0], {name: one}, name) for one in raw[name])
    return choice_of(raw, name, kind) if issubclass(kind, StrEnum) else READERS[kind](raw, name)


@cache
def _types_of(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - a dataclass
    return get_type_hints(kind)


def _any_text_of(raw: Mapping[str, object], name: str) -> str:
    value = raw[name]
    if not isinstance(value, str):
        raise unfit(value, name, "no text")
    return value


READERS: Final[Mapping[type, Callable[[Mapping[str, object], str], object]]] = {
    int: integer_of,
    date: date_of,
    str: _any_text_of,
}


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise DoubledKey(next(name for place, name in enumerate(names) if name in names[:place]))
    return found


def _refuse_constant(text: str) -> None:
    message = f"{text} is not JSON"
    raise ValueError(message)
