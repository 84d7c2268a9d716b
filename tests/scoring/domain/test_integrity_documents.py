"""Compute every worked table of docs/algorithms/integrity.md again."""

import re
from itertools import takewhile
from pathlib import Path

from scoring.domain.features.columns import column_of
from scoring.domain.features.integrity import FIGURE_NAMES
from scoring.domain.integrity import integrity_measures
from tests.scoring.domain.integrity_oracle import MarketRow
from tests.scoring.domain.test_integrity import found

DOCUMENT = Path(__file__).parents[3] / "docs" / "algorithms" / "integrity.md"
SENT = re.compile(r"(?:x(\d):)?([a-z-]+)@(\d+)(?:/(\d+))?(?:=(\w+))?(?:\*(\d+))?")


def table(title: str) -> list[list[str]]:
    _, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(f"<!-- table: {title} -->\n")
    lines = takewhile(lambda line: line.startswith("|"), rest.splitlines())
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines][2:]


def market_of(opened: int, besides: str) -> list[MarketRow]:
    rows: list[MarketRow] = [(shop, 1, 5, 5, "SALE", None, f"own-{shop}", 1_234, None) for shop in range(3, 14)]
    rows += [(1, 1, d, d, "SALE", None, f"s{d}", 1_234, None) for d in range(0, opened + 1, 10)]
    rows += [(2, 1, d, d, "SALE", None, f"s{d}", 1_234, None) for d in range(0, 401, 10)]
    for place, sent in enumerate(besides.split()):
        match = SENT.fullmatch(sent)
        assert match, sent
        shop, name, d, known, order, times = match.groups()
        kind = name.upper() if name in {"refund", "payout"} else "SALE"
        buyer = ord(name) if len(name) == 1 and name != "-" else None
        for number in range(int(times or 1)):
            row = (int(shop or 1), 1, int(d), int(known or d), kind, order, f"x{place}-{number}", 1_000, buyer)
            rows.append(row)
    return rows


def test_marks_fire_as_the_table_says() -> None:
    lines = table("marks")
    assert len(lines) >= 10
    for line in lines:
        finding = found(market_of(int(line[0]), line[1]))[1]
        assert [*line[:2], " ".join(finding.fired) or "-", str(len(finding.flagged))] == line


def test_shares_are_rounded_as_the_table_says() -> None:
    for part, whole, expected in table("shares"):
        figures = {name: column_of([0]) for name in FIGURE_NAMES}
        figures |= {"flagged_90": column_of([int(part)]), "sold_90": column_of([int(whole)])}
        assert str(integrity_measures(figures)["flagged_share_90"].tolist()[0]) == expected
