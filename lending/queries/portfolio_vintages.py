"""The report on vintages, and that on how loans roll from band to band."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from lending.domain.books.portfolio import (
    BAD,
    RUNNING,
    Band,
    Count,
    Dimension,
    Report,
    VintagePoint,
    is_better,
    is_worse,
    month_ends,
    months_on_book,
    roll_rates,
    rolled,
)
from lending.domain.books.report_table import NONE, Behind, Figure, Line, ListName, ReportTable, amount, height
from lending.queries.portfolio_figures import figures_of_days, first_month
from lending.queries.portfolio_questions import BANDS, Question, of_currency, rows_of

NOTE: Final = _(
    "Of the principal outstanding at the end of the month before: the share whose loans are by now so late, repaid or "
    "written off."
)
CURVES: Final = 3
"""So many vintages are drawn; the table has all."""
Points = dict[date, dict[date, VintagePoint]]
"""By month of disbursement, by day."""


def _points(asked: Question) -> dict[str, Points]:
    """Return the vintages by value: at each month end up to the day, and on it."""
    first = first_month()
    found = dict[str, Points]()
    days = [] if first is None else month_ends(first, asked.on)
    for on, rows in figures_of_days(Report.VINTAGES, asked.dimension, days).items():
        for value, (cohort, *figures) in of_currency(rows, asked):
            loans, disbursed, late, late_minor, lost, lost_minor, matured, defaulted = figures
            by_day = found.setdefault(value, {}).setdefault(date.fromisoformat(cohort), {})
            by_day[on] = VintagePoint(
                lent=Count(loans=loans, minor=disbursed),
                bad=Count(loans=late, minor=late_minor),
                lost=Count(loans=lost, minor=lost_minor),
                matured=matured,
                defaulted=defaulted,
            )
    return found


def vintages(asked: Question) -> Iterator[ReportTable]:
    """Yield the vintages as of the day, by value or by month, and their curves."""
    points = _points(asked)
    if asked.dimension is not Dimension.ALL:
        rows = [
            [Figure(value=value, asked={"value": value}), *_standing(asked, value, _sum(by_cohort, asked.on))]
            for value, by_cohort in sorted(points.items())
        ]
        yield _vintage_table(asked, asked.head(), rows)
    if asked.dimension is Dimension.ALL or asked.value:
        chosen = points.get(asked.value, {})
        rows = [
            [
                Figure(value=f"{cohort:%Y-%m}"),
                *_standing(asked, asked.value, by_day.get(asked.on, VintagePoint()), vintage=f"{cohort:%Y-%m}"),
            ]
            for cohort, by_day in sorted(chosen.items())
        ]
        yield _vintage_table(asked, _t("Paid out in"), rows)
        yield _curves(asked, chosen)


def _sum(by_cohort: Points, on: date) -> VintagePoint:
    found = [by_day[on] for by_day in by_cohort.values() if on in by_day]
    return VintagePoint(
        lent=sum((one.lent for one in found), start=Count()),
        bad=sum((one.bad for one in found), start=Count()),
        lost=sum((one.lost for one in found), start=Count()),
        matured=sum(one.matured for one in found),
        defaulted=sum(one.defaulted for one in found),
    )


def _standing(asked: Question, value: str, point: VintagePoint, **vintage: str) -> list[Figure]:
    def behind(**which: str) -> Behind:
        return asked.behind(ListName.LENT, value, **vintage, **which)

    return [
        amount(point.lent, behind()),
        amount(point.bad, behind(stands="bad")),
        amount(point.lost, behind(stands="lost")),
        Figure(value=point.share),
        Figure(value=point.matured, behind=behind(stands="matured")),
        Figure(value=point.defaulted, behind=behind(stands="defaulted")),
        Figure(value=point.first_payment_default),
    ]


def _vintage_table(asked: Question, head: str, rows: list[list[Figure]]) -> ReportTable:
    late = {"days": BAD}
    return ReportTable(
        title=_t("Vintages"),
        currency=asked.currency,
        columns=[
            head,
            _t("Paid out"),
            _t("%(days)s+ days past due") % late,
            _t("Written off"),
            _t("Bad or lost"),
            _t("First instalment %(days)s days old") % late,
            _t("Of it unpaid for %(days)s days") % late,
            _t("First-payment default"),
        ],
        rows=rows,
        note=_t(
            "By the month in which loans were paid out: the principal of those now late and the principal that was "
            "written off, as a share of what was paid out. Recoveries are in the report on losses."
        ),
    )


def _curves(asked: Question, by_cohort: Points) -> ReportTable:
    ages = [months_on_book(cohort, on) for cohort, by_day in by_cohort.items() for on in by_day]
    months = list(range(max(ages, default=-1) + 1))
    rows, curves = list[list[Figure]](), dict[str, list[float | None]]()
    for cohort, by_day in sorted(by_cohort.items()):
        by_age = {months_on_book(cohort, on): (on, point) for on, point in by_day.items()}
        name = f"{cohort:%Y-%m}"
        points = [_point(asked, cohort, *by_age[month]) if month in by_age else NONE for month in months]
        rows.append([Figure(value=name), *points])
        curves[name] = [height(by_age[month][1].share) if month in by_age else None for month in months]
    drawn = list(curves.items())[-CURVES - 1 : -1] if len(curves) > CURVES else list(curves.items())
    return ReportTable(
        title=_t("Curves of the vintages"),
        currency=asked.currency,
        columns=[_t("Months on book"), *map(str, months)],
        rows=rows,
        note=_t(
            "Bad or lost at each month end since the month of payout, which is 0; the last is of the day asked for."
        ),
        labels=list(map(str, months)),
        lines=[Line(name=name, heights=heights) for name, heights in drawn],
    )


def _point(asked: Question, cohort: date, on: date, point: VintagePoint) -> Figure:
    behind = asked.behind(ListName.LENT, asked.value, vintage=f"{cohort:%Y-%m}", stands="bad_or_lost")
    told = Behind(of=behind.of, asked={**behind.asked, "on": str(on)})
    return Figure(value=point.share, behind=told)


Moves = dict[tuple[Band, Band], Count]


def rolls(asked: Question) -> Iterator[ReportTable]:
    """Yield how the loans of the month before's end stand on the day: by value, or of one from band to band."""
    moves = dict[str, Moves]()
    for value, (began, ended, loans, minor) in rows_of(Report.ROLLS, asked):
        moves.setdefault(value, {})[Band(began), Band(ended)] = Count(loans=loans, minor=minor)
    if asked.dimension is not Dimension.ALL:
        yield _rolled(asked, moves)
    if asked.dimension is Dimension.ALL or asked.value:
        yield _matrix(asked, moves.get(asked.value, {}))


def _rolled(asked: Question, moves: dict[str, Moves]) -> ReportTable:
    rows = list[list[Figure]]()
    for value, of_value in sorted(moves.items()):
        whole = sum(of_value.values(), start=Count())
        behind = asked.behind(ListName.LENT, value, ran="before")
        shares = (rolled(of_value, to) for to in (is_worse, is_better))
        ended = (Figure(value=share) for share in shares)
        rows.append([Figure(value=value, asked={"value": value}), amount(whole, behind), *ended])
    return ReportTable(
        title=_t("Roll rates"),
        currency=asked.currency,
        columns=[asked.head(), _t("Outstanding then"), _t("Later, or written off"), _t("Less late, or repaid")],
        rows=rows,
        note=str(NOTE),
    )


def _matrix(asked: Question, moves: Moves) -> ReportTable:
    rates, rows = roll_rates(moves), list[list[Figure]]()
    for began in RUNNING:
        of_band = {ended: moves.get((began, ended), Count()) for ended in Band}
        whole = sum(of_band.values(), start=Count())
        row = [Figure(value=str(BANDS[began])), amount(whole, asked.behind(ListName.LENT, asked.value, began=began))]
        for ended, count in of_band.items():
            behind = asked.behind(ListName.LENT, asked.value, began=began, ended=ended)
            row.append(Figure(value=rates[began, ended], number=count.loans, behind=behind))
        rows.append(row)
    return ReportTable(
        title=_t("Roll rates by band"),
        currency=asked.currency,
        columns=[_t("At the end of the month before"), _t("Outstanding then"), *(str(BANDS[one]) for one in Band)],
        rows=rows if moves else [],
        note=str(NOTE),
    )
