"""Describe charts as the JSON that the office's one script draws."""

from collections.abc import Sequence
from typing import Any

from config.kernel.money import exponent_of

Series = tuple[str, Sequence[float | None], str | Sequence[str]]
SERIES = ("--tl-series-1", "--tl-series-2", "--tl-series-3")


def bars(
    labels: Sequence[str],
    *series: Series,
    decimals: int = 0,
    unit: str = "",
    ends: bool = False,
) -> dict[str, Any]:
    """Describe bars from zero; `ends` writes each value at its bar."""
    return _chart("bar", labels, series) | {"decimals": decimals, "unit": unit, "ends": ends}


def lines(labels: Sequence[str], *series: Series, low: float | None = None) -> dict[str, Any]:
    """Describe at most three lines, each named at its end; `low` is where the axis begins, else near the lowest."""
    chart = _chart("line", labels, series) | {"decimals": 0, "unit": "", "ends": True}
    return chart if low is None else chart | {"low": low}


def major(minor: int, currency: str) -> float:
    """Turn minor units into what a bar is as high as; for drawing only."""
    return minor / float(10 ** exponent_of(currency))


def _chart(kind: str, labels: Sequence[str], series: Sequence[Series]) -> dict[str, Any]:
    drawn = [{"label": label, "values": list(values), "colour": colour} for label, values, colour in series]
    return {"kind": kind, "labels": list(labels), "series": drawn}
