from datetime import UTC, date, datetime, timedelta

import pytest

from config.office.desk import age_of
from config.office.trends import HEIGHT, MARGIN, WIDTH, Trend, strokes_of

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
FOOT, HEAD, END = HEIGHT - MARGIN, MARGIN, WIDTH - MARGIN


@pytest.mark.parametrize(
    ("points", "runs"),
    [
        ([], []),
        ([None, None], []),
        ([0.0, 10.0], [[(MARGIN, FOOT), (END, HEAD)]]),
        ([5.0, 5.0], [[(MARGIN, HEIGHT / 2), (END, HEIGHT / 2)]]),
        ([0.0, None, 10.0], [[(MARGIN, FOOT)], [(END, HEAD)]]),
        ([None, -1.0, 1.0], [[(WIDTH / 2, FOOT), (END, HEAD)]]),
    ],
)
def test_points_are_placed_with_gaps(points: list[float | None], runs: list[list[tuple[float, float]]]) -> None:
    assert list(strokes_of(points)) == runs


def test_a_trend_says_in_words_what_it_draws() -> None:
    drawn = Trend(points=[1.0, None, 2.0, 3.0], label="1.0 % <3 weeks before>").html
    assert drawn.count("<polyline") == 2
    assert 'aria-label="1.0 % &lt;3 weeks before&gt;"' in drawn
    assert Trend(points=[None, 3.0], label="one point is no line").html == ""


@pytest.mark.parametrize(
    ("since", "on", "age"),
    [
        (NOW - timedelta(hours=3), date(2026, 3, 4), timedelta(hours=3)),
        (date(2026, 3, 1), date(2026, 3, 4), timedelta(days=3)),
        (date(2026, 3, 1), None, timedelta()),
        (None, date(2026, 3, 4), timedelta()),
    ],
)
def test_age_is_by_the_clock_or_by_business_dates(
    since: datetime | date | None, on: date | None, age: timedelta
) -> None:
    assert age_of(since, now=NOW, on=on) == age
