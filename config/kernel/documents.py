"""Read JSON as written, and dataclasses from it: nothing is guessed, converted, given twice or left over."""

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
from types import MappingProxyType, NoneType
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin, get_type_hints

from config.kernel.money import BadAmount, parse_minor

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_DECIMAL: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,40})?", re.ASCII)
ADDED: Final = {"added": True}
"""Metadata of a field added after documents were stored: it is omitted where it has its default."""
IN_MAJOR_UNITS: Final = "in major units"
Amount = Annotated[int, IN_MAJOR_UNITS]
"""Minor units, in a field `limit_minor`; the document has decimal text in major units of its currency, as `limit`."""

Fields = Mapping[str, Any]
Reader = Callable[[Fields, str, str], Any]
"""Reads the field of this name from an object, with the currency of the document."""

Choice = TypeVar("Choice", bound=StrEnum)
Kind = TypeVar("Kind")


class Unfit(ValueError):
    """A field is missing, unknown, of another type or out of range; the message names it.

    path: the objects that contain the field, by name, the whole document first.
    """

    path: tuple[str, ...] = ()


class DoubledKey(ValueError):
    """A key is given twice, of which Python would keep the last; the message is the key."""


def load(text: str | bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Parse a JSON document; NaN and Infinity are refused. Raises DoubledKey, ValueError."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except RecursionError as error:
        message = "nested too deeply"
        raise ValueError(message) from error


def read(kind: type[Kind], raw: object, *, currency: str = "") -> Kind:
    """Parse a dataclass from an object of its fields, by their types. Raises Unfit.

    They are integers, texts, dates, decimals, choices, such dataclasses, tuples, sets and mappings of these, and each
    of them or None; with `Annotated`, functions of a field's name and value that raise Unfit; with a currency, amounts.
    A text may be empty. Only a field marked as ADDED may be missing.
    """
    read_document: Reader = _reader(kind)  # type: ignore[arg-type] # a class can be hashed
    result: Kind = read_document({"document": raw}, "document", currency)
    return result


def written(value: object) -> object:
    """Write a value in the form that `read` parses."""
    if isinstance(value, tuple):
        return [written(one) for one in value]
    if isinstance(value, frozenset):
        return sorted(value)
    if is_dataclass(value):
        held = [(field, getattr(value, field.name)) for field in fields(value)]
        kept = [(field, one) for field, one in held if field.metadata != ADDED or one != field.default]
        return {field.name: written(one) for field, one in kept}
    if isinstance(value, Mapping):
        return {key: written(one) for key, one in value.items()}
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date) else value


def require_fields(
    raw: object, required: AbstractSet[str], optional: AbstractSet[str] | None = frozenset()
) -> Mapping[str, object]:
    """Require an object of these fields and no others (None: any): no field is silently ignored."""
    if not isinstance(raw, Mapping):
        message = f"{shown(raw)} is not an object of named fields"
        raise Unfit(message)
    missing = sorted(required - raw.keys())
    unknown = [] if optional is None else sorted(map(str, raw.keys() - required - optional))
    if missing or unknown:
        message = f"{missing[0]} is missing" if missing else f"{shown(unknown[0])} is an unknown field"
        raise Unfit(message)
    return raw


def text_of(raw: Mapping[str, object], name: str) -> str:
    """Return a text that is not empty."""
    value = raw[name]
    if not isinstance(value, str) or not value:
        raise unfit(value, name, "text")
    return value


def choice_of(raw: Mapping[str, object], name: str, kind: type[Choice]) -> Choice:
    """Return the member of an enumeration with this text."""
    value = raw[name]
    if isinstance(value, str):
        with suppress(ValueError):
            return kind(value)
    raise unfit(value, name, f"one of {', '.join(kind)}")


def integer_of(raw: Mapping[str, object], name: str) -> int:
    """Return a whole number; a boolean and 1.0 are refused."""
    value = raw[name]
    if type(value) is not int:
        raise unfit(value, name, "a whole number")
    return value


def decimal_of(raw: Mapping[str, object], name: str) -> Decimal:
    """Parse decimal text ("0.1095"): without a sign, so never below 0, and without an exponent."""
    value = raw[name]
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise unfit(value, name, "decimal text of 0 or more")
    return Decimal(value)


def date_of(raw: Mapping[str, object], name: str) -> date:
    """Parse an ISO date, YYYY-MM-DD."""
    value = raw[name]
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise unfit(value, name, "a date")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise unfit(value, name, "a date") from error


def shown(value: object) -> str:
    """Format a value for a message, shortened."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # thousands of digits, or of brackets
        text = f"what cannot be shown, of type {type(value).__name__},"
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - fits a line


def unfit(value: object, name: str, what: str) -> Unfit:
    """Make the error for a field whose value is not what it should be."""
    return Unfit(f"{name}: {shown(value)} is not {what}")


@cache
def _reader(kind: Any) -> Reader:  # noqa: ANN401, PLR0911 - of the types that a dataclass declares
    """Make the function that reads a field of this type: once, as looking into types is slow."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _checked(arguments[0], arguments[1:])
    if NoneType in arguments:
        inner = _reader(arguments[0])
        return lambda raw, name, currency: None if raw[name] is None else inner(raw, name, currency)
    if is_dataclass(kind):
        return _inside(_dataclass_reader(kind))
    if origin is Mapping:
        return _inside(_mapping_reader(*map(_reader, arguments)))
    if origin in {tuple, frozenset}:
        return _list_reader(origin, _reader(arguments[0]))
    if issubclass(kind, StrEnum):
        return lambda raw, name, _: choice_of(raw, name, kind)
    plain = READERS[kind]
    return lambda raw, name, _: plain(raw, name)


def _checked(kind: Any, marks: tuple[Any, ...]) -> Reader:  # noqa: ANN401
    inner = _amount_of if IN_MAJOR_UNITS in marks else _reader(kind)
    checks = [mark for mark in marks if mark != IN_MAJOR_UNITS]

    def checked(raw: Fields, name: str, currency: str) -> object:
        value = inner(raw, name, currency)
        for check in checks:
            check(name, value)
        return value

    return checked


def _inside(inner: Reader) -> Reader:
    """Read an object of fields, and add its name to the path of what is wrong in it."""

    def inside(raw: Fields, name: str, currency: str) -> object:
        try:
            return inner(raw, name, currency)
        except Unfit as error:
            error.path = (name, *error.path)
            raise

    return inside


def _dataclass_reader(kind: Any) -> Reader:  # noqa: ANN401
    types = get_type_hints(kind, include_extras=True)
    by_field = {field.name: (field.name, _reader(types[field.name])) for field in fields(kind)}
    by_amount = {key.removesuffix("_minor"): found for key, found in by_field.items()}
    added = frozenset(field.name for field in fields(kind) if field.metadata == ADDED)

    def read_dataclass(raw: Fields, name: str, currency: str) -> object:
        known = by_amount if currency else by_field
        optional = {key for key, (field, _) in known.items() if field in added}
        part = require_fields(raw[name], known.keys() - optional, optional)
        return kind(**{known[key][0]: known[key][1](part, key, currency) for key in part})

    return read_dataclass


def _mapping_reader(read_key: Reader, read_value: Reader) -> Reader:
    def read_mapping(raw: Fields, name: str, currency: str) -> object:
        part = require_fields(raw[name], frozenset(), None)
        return MappingProxyType(
            {read_key({name: key}, name, currency): read_value(part, key, currency) for key in part}
        )

    return read_mapping


def _list_reader(make: Any, inner: Reader) -> Reader:  # noqa: ANN401 - tuple or frozenset
    def read_list(raw: Fields, name: str, currency: str) -> object:
        if not isinstance(raw[name], list):
            raise unfit(raw[name], name, "a list")
        found = make(inner({name: one}, name, currency) for one in raw[name])
        if len(found) < len(raw[name]):
            raise unfit(raw[name], name, "a list of different values")
        return found

    return read_list


def _amount_of(raw: Mapping[str, object], name: str, currency: str) -> int:
    try:
        minor = parse_minor(text_of(raw, name), currency)
    except BadAmount as error:
        raise unfit(raw[name], name, f"an amount of {currency}") from error
    if minor < 0:
        raise unfit(raw[name], name, "an amount of 0 or more")
    return minor


def _any_text_of(raw: Mapping[str, object], name: str) -> str:
    value = raw[name]
    if not isinstance(value, str):
        raise unfit(value, name, "text")
    return value


READERS: Final[Mapping[type, Callable[[Mapping[str, object], str], object]]] = {
    int: integer_of,
    date: date_of,
    Decimal: decimal_of,
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
