"""Parsers of transactions: NDJSON, or a JSON object with a list."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

from config.api.parsers import encoding_of, lines_of, printable, read_body
from config.kernel.documents import load
from merchants.domain.transaction import COLUMNS, RawRow
from merchants.operations.ingestion import MAX_ROWS

LIMIT = 64 * 1024 * 1024
# A list is decoded whole before its rows can be counted, so its limit is lower.
LIST_LIMIT = 4 * 1024 * 1024
MOST_UNKNOWN = 20


class TooManyRows(APIException):
    status_code = 413
    default_code = "too_many_rows"
    default_detail = f"A request takes at most {MAX_ROWS:,} rows: send them in parts."


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRows:
    """Rows with their line numbers, and the names of unknown fields."""

    rows: list[tuple[int, RawRow]]
    unknown_fields: list[str]


class NDJSONParser(BaseParser):
    """One JSON object a line; a line that is not one is a bad row, not a bad request."""

    media_type = "application/x-ndjson"

    def parse(  # type: ignore[override] # the stubs expect form data only
        self,
        stream: IO[bytes],
        _media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> SentRows:
        """Read the rows. Raises BodyTooLarge, TooManyRows, ParseError."""
        body = read_body(stream, encoding=encoding_of(parser_context), limit=LIMIT)
        return _sent((line, _line(text)) for line, text in lines_of(body))


class TransactionsJSONParser(BaseParser):
    """A body of `{"transactions": [...]}`; a row's line is its place in the list, from 1."""

    media_type = "application/json"

    def parse(  # type: ignore[override]
        self,
        stream: IO[bytes],
        _media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> SentRows:
        """Read the rows. Raises BodyTooLarge, TooManyRows, ParseError."""
        body = read_body(stream, encoding=encoding_of(parser_context), limit=LIST_LIMIT)
        try:
            sent = load(body)
        except ValueError as error:
            message = f"The body is not valid JSON: {error}."
            raise ParseError(message) from error
        if not isinstance(sent, dict) or not isinstance(sent.get("transactions"), list):
            message = 'Send {"transactions": [...]}, or one object a line as application/x-ndjson.'
            raise ParseError(message)
        return _sent(enumerate(sent["transactions"], start=1))


def _line(text: bytes) -> object:
    try:
        return load(text.decode("utf-8", "surrogateescape"))
    except ValueError as error:
        return str(error)


def _sent(found: Iterable[tuple[int, object]]) -> SentRows:
    rows: list[tuple[int, RawRow]] = []
    unknown: dict[str, None] = {}
    for line, row in found:
        if len(rows) == MAX_ROWS:
            raise TooManyRows
        if isinstance(row, dict) and len(unknown) < MOST_UNKNOWN:
            unknown |= dict.fromkeys(printable(name) for name in row.keys() - COLUMNS)
        rows.append((line, row if isinstance(row, str) else _texts(row)))
    return SentRows(rows=rows, unknown_fields=sorted(unknown))


def _texts(row: object) -> RawRow:
    """Convert a JSON row to texts by column; amounts must be texts, since a float cannot hold cents exactly."""
    if not isinstance(row, dict):
        return "not an object"
    texts = {}
    for column in COLUMNS:
        value = row.get(column)
        if type(value) is int and column == "value":
            texts[column] = str(value) if abs(value) < 10**6 else "too large"
        elif value is None:
            texts[column] = ""
        elif isinstance(value, str):
            texts[column] = value
        else:
            return f"{column} must be a text"
    return texts
