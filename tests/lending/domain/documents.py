"""Read the worked tables of a page of docs/algorithms."""

from itertools import takewhile

from tests.conftest import ROOT

Line = list[str]


def text_of(page: str) -> str:
    return (ROOT / "docs" / "algorithms" / page).read_text(encoding="utf-8")


def tables(page: str) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for part in text_of(page).split("<!-- table: ")[1:]:
        title, _, rest = part.partition(" -->\n")
        lines = takewhile(lambda line: line.startswith("|"), rest.splitlines())
        found[title] = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        assert len(found[title]) > 2, f"the table {title} of {page} has no rows"
    return found
