"""Read bodies from strangers: counted while they inflate, and refused before they do harm."""

import zlib
from collections.abc import Iterator, Mapping
from itertools import count
from typing import IO, Any

from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from config.kernel.documents import load

CHUNK = 64 * 1024
SMALL = 1024 * 1024
TRAILING = "Something follows the gzip: send one member."


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "body_too_large"
    default_detail = "The body is too large: send it in parts."


def read_body(stream: IO[bytes], *, encoding: str, limit: int) -> bytes:
    """Read a body of at most `limit` bytes, sent and inflated; as gzip, of one member.

    Raises BodyTooLarge, ParseError, UnsupportedMediaType.
    """
    if encoding not in {"", "identity", "gzip"}:
        raise UnsupportedMediaType(encoding)
    inflate = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    body = bytearray()
    sent = 0
    try:
        while chunk := stream.read(CHUNK):
            sent += len(chunk)
            if sent > limit:
                raise BodyTooLarge
            if inflate is not None and inflate.eof:
                raise ParseError(TRAILING)
            # One byte above the limit is enough to know: a bomb never inflates.
            body += chunk if inflate is None else inflate.decompress(chunk, limit + 1 - len(body))
            if len(body) > limit or (inflate is not None and inflate.unconsumed_tail):
                raise BodyTooLarge
    except zlib.error as error:
        message = "The body is not gzip."
        raise ParseError(message) from error
    if inflate is not None and not inflate.eof:
        message = "The gzip breaks off."
        raise ParseError(message)
    if inflate is not None and inflate.unused_data:
        raise ParseError(TRAILING)
    return bytes(body)


class StrictJSONParser(BaseParser):
    """Parser of small JSON bodies."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        _media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Read the body. Raises ParseError, BodyTooLarge."""
        body = read_body(stream, encoding=encoding_of(parser_context), limit=SMALL)
        try:
            return load(body)
        except ValueError as error:
            message = f"The body is not valid JSON: {error}."
            raise ParseError(message) from error


def encoding_of(parser_context: Mapping[str, Any] | None) -> str:
    """Return the declared encoding of the body."""
    request = (parser_context or {})["request"]
    return str(request.headers.get("Content-Encoding", "")).lower()


def lines_of(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with their numbers from 1."""
    start = 0
    for number in count(1):
        if start >= len(body):
            return
        end = body.find(b"\n", start)
        line = body[start : end if end >= 0 else len(body)]
        start += len(line) + 1
        if line.strip():
            yield number, line


def printable(name: str) -> str:
    """Make a field name fit for a reply, whatever bytes it came from."""
    return name[:40].encode("utf-8", "replace").decode()
