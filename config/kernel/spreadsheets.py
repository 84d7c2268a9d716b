"""Texts and numbers for files that people open in a spreadsheet: no text runs as a formula, numbers stay numbers."""

import re
from typing import Final

# Signs with their full-width forms, which some editions of Excel take for the same; and what nobody sees before them.
UNSEEN: Final = r"\s\x00-\x1f\u200b-\u200f\u2060\ufeff"
SIGNS: Final = r"=+\-@＝＋－＠"  # noqa: RUF001
FORMULA: Final = re.compile(rf"[{UNSEEN}]*[{SIGNS}\t\r]")
# Where a cell begins if the file is opened with another separator than the comma; a quote opens such a cell, too.
BEGINS: Final = re.compile(rf'([;|\t\r\n])(?=[{UNSEEN}"]*[{SIGNS}])')
PLAIN: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?( %)?\Z")
SHOWN: Final = re.compile(
    r"(?P<sign>[+\-\N{MINUS SIGN}]?)(?P<whole>[0-9]{1,3}(,[0-9]{3})+|[0-9]+)(?P<rest>(\.[0-9]+)?( %)?)\Z"
)


def guarded(text: str) -> str:
    """Return a text with an apostrophe wherever a spreadsheet might begin to run it as a formula; not a plain number.

    At its beginning, and after whatever separates cells if a file is opened otherwise than it was written.
    """
    if PLAIN.match(text):
        return text
    within = BEGINS.sub(r"\1'", text)
    return f"'{within}" if FORMULA.match(text) else within


def plain_number(text: str) -> str | None:
    """Return a number or a percentage without separators of thousands, with a hyphen for its minus.

    None for what is shown otherwise: a text, or a number with words.
    """
    found = SHOWN.match(text)
    if found is None:
        return None
    sign = "-" if found["sign"] in {"-", "\N{MINUS SIGN}"} else ""
    return f"{sign}{found['whole'].replace(',', '')}{found['rest']}"
