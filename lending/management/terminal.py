"""Read a command's input, and lay out its output."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from config.kernel.money import format_minor

MINOR = "_minor"


def read_text(name: str) -> str:
    """Read a file of UTF-8 text; "-" is standard input. Raises CommandError."""
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return content.decode()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        message = f"{name} cannot be read: {error}"
        raise CommandError(message) from error


def table(title: str, rows: Sequence[Mapping[str, object]], currency: str) -> Iterator[str]:
    """Yield the lines of a table of rows; minor units are formatted as amounts of the currency.

    A field that a row lacks, and another has, is 0.
    """
    if not rows:
        yield f"{title}: none"
        return
    yield title
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = [name.removesuffix(MINOR).replace("_", " ") for name in names]
    body = [[_cell(name, row.get(name, 0), currency) for name in names] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    for line in (head, *body):
        yield "  " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))


def tell_ignored(command: BaseCommand, given: object, known: AbstractSet[str]) -> None:
    """Say which keys of a file's object nobody reads: one of them may be misspelt."""
    ignored = sorted(map(repr, given.keys() - known)) if isinstance(given, Mapping) else []
    if ignored:
        command.stderr.write(f"Not read: {', '.join(ignored)}; known are {', '.join(sorted(known))}.")


def printable(lines: Iterator[str]) -> str:
    """Join lines, replacing what is not UTF-8."""
    return "\n".join(lines).encode(errors="replace").decode()


def _cell(name: str, value: object, currency: str) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_cell(name, one, currency)}" for key, one in value.items())
    if name.endswith(MINOR) and isinstance(value, int):
        return format_minor(value, currency, grouped=True)
    return str(value)
