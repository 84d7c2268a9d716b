"""Compute every worked table of the documents again."""

from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest

from scoring.domain.calibration import GRADES, SLOPE_MICRO, grades_of, pd_ppm
from scoring.domain.checks import psi_null_bound
from scoring.domain.features.characteristics import characteristics
from scoring.domain.features.columns import column_of, half_even, variation
from scoring.domain.features.measures import MONTH_NAMES
from scoring.domain.features.repayment import repayment_levels
from scoring.domain.reference import percentile_cuts
from scoring.domain.sales_basis import sales_basis
from scoring.domain.scorecard import row_points
from tests.scoring.domain.markets import Row, connect, day_one, measured
from tests.scoring.domain.values import measures_of, peers_of

DOCUMENTS = Path(__file__).parents[3] / "docs" / "algorithms"
Line = list[str]


def tables() -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for name in ("characteristics.md", "scorecard.md"):
        for part in (DOCUMENTS / name).read_text(encoding="utf-8").split("<!-- table: ")[1:]:
            title, _, rest = part.partition(" -->\n")
            lines = takewhile(lambda line: line.startswith("|"), rest.splitlines())
            found[title] = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines][2:]
    return found


def integer(text: str) -> int | None:
    return None if text == "-" else int(text)


def rounding(line: Line) -> list[object]:
    above, below, scale, exact, _ = line
    assert float(exact) == pytest.approx(int(above) * int(scale) / int(below), abs=0.005)
    return [*line[:4], str(half_even(np.array([int(above)]), np.array([int(below)]), int(scale))[0])]


def months(line: Line) -> list[object]:
    blocks = [int(block) for block in line[0].split()]
    measured = measures_of({"first_sale_d": 30 * len(blocks), **dict(zip(MONTH_NAMES, blocks, strict=False))})
    found = characteristics(measured, peers_of(1))
    return [line[0], *(str(found[name].tolist()[0]) for name in ("med_month_12", "resilience", "trend_12"))]


def weeks(line: Line) -> list[object]:
    blocks = [int(block) for block in line[0].split()]
    return [line[0], str(variation(np.array([blocks]), np.array([len(blocks)])).tolist()[0])]


def ratings(line: Line) -> list[object]:
    total, number, sums, count = map(int, line[:4])
    measured = measures_of({"rating_sum_180": total, "ratings_180": number})
    return [*line[:4], str(characteristics(measured, peers_of(1, rating=(sums, count)))["rating_180"].tolist()[0])]


def ranks(line: Line) -> list[object]:
    return [*line[:2], str(percentile_cuts(np.arange(1, int(line[0]) + 1))[int(line[1]) - 1])]


def basis(line: Line) -> list[object]:
    month, quarter, median, season, orders = map(integer, line[:5])
    assert month is not None
    names = {"sales_90": quarter, "med_month_12": median, "season": season, "orders_90": orders}
    found = sales_basis(measures_of({"s_month_0": month}), {name: column_of([part]) for name, part in names.items()})
    return [*line[:5], str(found[0])]


def repayment(line: Line) -> list[object]:
    repaid, worst, scheduled, returned = map(int, line[:4])
    told = {"loans_repaid": repaid, "max_dpd_365": worst, "open_scheduled": scheduled, "open_repaid": returned}
    [level] = repayment_levels(measures_of(told)).tolist()
    [row] = [row for row in day_one().rows if row.name == "repayment"]
    return [*line[:4], str(level), str(row_points(row, column_of([level]), None)[0])]


def points(line: Line) -> list[object]:
    [row] = [row for row in day_one().rows if row.name == line[0]]
    return [*line[:2], str(row_points(row, column_of([integer(line[1])]), None)[0])]


def pd(line: Line) -> list[object]:
    ppm = pd_ppm(int(line[0]), 2_368_857, SLOPE_MICRO)
    return [line[0], str(ppm), GRADES[int(grades_of(np.array([ppm]))[0])].value]


def psi(line: Line) -> list[object]:
    bins, now, before = map(int, line[:3])
    return [*line[:3], str(round(psi_null_bound(bins, now, before) * 1_000_000))]


def reversals(line: Line) -> list[object]:
    sent = [row.split() for row in line[1].split(", ")]
    rows: list[Row] = [
        (0, line[0] == "ESCROW", int(d), kind, order, str(number), int(amount), None, None)
        for number, (order, kind, d, amount) in enumerate(sent, start=1)
    ]
    found = {name: column.tolist()[0] or 0 for name, column in measured(connect(rows), 1).items()}
    sales = sum(found[name] for name in MONTH_NAMES[:3])
    return [*line[:2], str(sales), str(found["chargebacks_45_224"])]


def versions(line: Line) -> list[object]:
    """Leave it to test_golden.py, which computes both columns."""
    return list(line)


WORKED: dict[str, Callable[[Line], list[object]]] = {
    "rounding": rounding,
    "months": months,
    "weeks": weeks,
    "ratings": ratings,
    "ranks": ranks,
    "reversals": reversals,
    "versions": versions,
    "basis": basis,
    "repayment": repayment,
    "points": points,
    "pd": pd,
    "psi": psi,
}


@pytest.mark.parametrize("name", WORKED)
def test_a_worked_table_is_what_the_code_gives(name: str) -> None:
    table = tables()[name]
    assert len(table) >= 3
    assert [WORKED[name](line) for line in table] == table


def test_every_table_of_numbers_is_worked() -> None:
    assert set(tables()) == set(WORKED)
