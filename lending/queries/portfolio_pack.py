"""The pack of a month: every report as of its last day, by every dimension, in every currency."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _t

from config.office.words import Words, in_words
from lending.domain.books.month_close import last_day_of
from lending.domain.books.portfolio import Report
from lending.domain.books.report_table import ReportTable
from lending.queries.closes import last_closed_day
from lending.queries.portfolio import lent_currencies
from lending.queries.portfolio_figures import days_to_keep, dimensions_of
from lending.queries.portfolio_questions import DIMENSIONS, REPORT_NAMES, Question
from lending.queries.portfolio_reports import tables_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A report in one currency, by one dimension after the other."""

    report: Report
    name: str
    currency: str
    tables: Sequence[tuple[str, ReportTable]]
    """By what each is split, in words."""


def pack_of(on: date, *, grounds: Callable[[str], Words] = in_words) -> list[Section]:
    """Return the sections of the pack as of a day. grounds: how the rules of decisions are said."""
    return [
        Section(
            report=report,
            name=str(REPORT_NAMES[report]),
            currency=currency,
            tables=[
                (str(DIMENSIONS[dimension]), table)
                for dimension in dimensions_of(report)
                for table in tables_of(report, Question(on=on, currency=currency, dimension=dimension, grounds=grounds))
            ],
        )
        for currency in lent_currencies()
        for report in Report
    ]


def is_kept(on: date) -> bool:
    """Tell whether the figures of a day and of the month ends before it are kept: then its pack is made at once."""
    return not days_to_keep(on)


def last_month_end() -> date | None:
    """Return the last day of the last month whose days are all closed; None before the first."""
    closed = last_closed_day()
    if closed is None:
        return None
    end = last_day_of(closed)
    return end if end == closed else closed.replace(day=1) - timedelta(days=1)


def title_of(on: date) -> str:
    """Name the pack as of a day."""
    return _t("Portfolio, %(month)s, as of %(day)s") % {"month": f"{on:%Y-%m}", "day": on}


def file_name(on: date, kind: str) -> str:
    """Name a file of the pack. kind: pdf, xlsx."""
    return f"portfolio-{on:%Y-%m}.{kind}"
