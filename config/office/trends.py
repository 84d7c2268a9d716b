"""The small line beside a figure: its trend."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from config.office.words import Words

WIDTH: Final = 120
HEIGHT: Final = 28
MARGIN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A figure at equal intervals, the oldest first; None where it is not known. label: says the same in words."""

    points: Sequence[float | None]
    label: Words

    @property
    def html(self) -> SafeString:
        """The line as a drawing; nothing where fewer than two points are known."""
        drawn = list(strokes_of(self.points))
        if sum(map(len, drawn)) < 2:  # noqa: PLR2004 - a line has two ends
            return SafeString("")
        (x, y) = drawn[-1][-1]
        lines = format_html_join("", '<polyline points="{}"/>', ((_joined(run),) for run in drawn))
        return format_html(
            '<svg class="tl-trend" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>{}'
            '<circle cx="{}" cy="{}" r="2.5"/></svg>',
            *(WIDTH, HEIGHT, self.label, self.label, lines, f"{x:.1f}", f"{y:.1f}"),
        )


def strokes_of(points: Sequence[float | None]) -> Iterator[list[tuple[float, float]]]:
    """Place the known points in the drawing, in strokes without a gap: the lowest at the foot, the highest on top."""
    known = [point for point in points if point is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    step = (WIDTH - 2 * MARGIN) / max(len(points) - 1, 1)
    for is_gap, run in groupby(enumerate(points), key=lambda place: place[1] is None):
        if not is_gap:
            yield [(MARGIN + place * step, _height(point, low, high)) for place, point in run if point is not None]


def _height(point: float, low: float, high: float) -> float:
    """Return how far below the head of the drawing a point is; one that never changes is drawn in the middle."""
    share = (point - low) / (high - low) if high > low else 0.5
    return HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)


def _joined(run: Sequence[tuple[float, float]]) -> str:
    """Write a run as the points of a line; one point alone as a line to itself, which is drawn as a dot."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in (run if len(run) > 1 else [*run, *run]))
