"""Texts and numbers for files that people open in a spreadsheet: no text runs as a formula, numbers stay numbers."""

import re
from typing import Final

# With their full-width forms, which some editions of Excel take for the same; and what nobody sees before them.
FORMULA: Final = re.compile(r"[\s\x00-\x1f\u200b-\u200f\u2060\ufeff]*[=+\-@\t\r＝＋－＠]")  # noqa: RUF001
PLAIN: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?( %)?\Z")
SHOWN: Final = re.compile(
    r"(?P<sign>[+\-\N{MINUS SIGN}]?)(?P<whole>[0-9]{1,3}(,[0-9]{3})+|[0-9]+)(?P<rest>(\.[0-9]+)?( %)?)\Z"
)


def guarded(text: str) -> str:
    """Return a text with an apostrophe before it if a spreadsheet might run it as a formula; not a plain number."""
    return f"'{text}" if FORMULA.match(text) and not PLAIN.match(text) else text


def plain_number(text: str) -> str | None:
    """Return a number or a percentage without separators of thousands, with a hyphen for its minus.

    None for what is shown otherwise: a text, or a number with words.
    """
    found = SHOWN.match(text)
    if found is None:
        return None
    sign = "-" if found["sign"] in {"-", "\N{MINUS SIGN}"} else ""
    return f"{sign}{found['whole'].replace(',', '')}{found['rest']}"
