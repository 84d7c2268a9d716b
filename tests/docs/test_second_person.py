import re
from pathlib import Path

from lending.domain.books.second_person import ALONE_UP_TO, NEVER

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


def test_the_document_says_what_one_person_does_alone() -> None:
    table = DOCUMENT.read_text(encoding="utf-8").partition("<!-- table: alone -->")[2].partition("\n\n")[0]
    said = dict(re.findall(r"^\| (\w+) \| (\w+) \|$", table, re.MULTILINE))
    assert said == {kind.value: "never" if most == NEVER else str(most) for kind, most in ALONE_UP_TO.items()}
