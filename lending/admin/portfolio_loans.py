"""The list of loans behind figures of the portfolio: all that were paid out, as they stood on a day."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.business_date import current_day
from config.office.display import Column, Part, Table, Text, change_url, grade_chip
from config.office.lists import BadQuery, Filter, ListColumn, Listing, ListOf, value_filter
from config.office.pages import OfficeAdmin, name_over
from config.office.words import Words, money
from lending.domain.books.portfolio import FIRST_DAY, NOT_GIVEN, RUNNING, SPLIT, Band
from lending.models import LoanOrigin
from lending.queries.closes import last_closed_day
from lending.queries.portfolio import lent_currencies
from lending.queries.portfolio_lists import (
    LentLoan,
    in_band,
    lent_by,
    lent_totals,
    loans_on,
    of_vintage,
    ran_before_month,
    ran_in_month,
    received_in_month,
    standing_so,
)
from lending.queries.portfolio_questions import BANDS, DIMENSIONS

ON: Final = "on"
DAY: Final = timedelta(days=1)
Kept = Callable[[QuerySet[Any], str], QuerySet[Any]]
STOOD: Final[dict[str, Words]] = {
    "bad": _("30 days past due or more"),
    "lost": _("written off"),
    "bad_or_lost": _("30 days past due or more, or written off"),
    "matured": _("first instalment 30 days old"),
    "defaulted": _("first instalment unpaid for 30 days"),
    "rated": _("lent by a probability of default"),
    "recovered": _("recovered after a write-off"),
}
RAN: Final[dict[str, Words]] = {"month": _("in the month"), "before": _("at the end of the month before")}
RAN_WHEN: Final = {"month": ran_in_month, "before": ran_before_month}


def _grade(origin: LoanOrigin) -> str | None:
    return None if origin.grade == NOT_GIVEN else origin.grade


def _money(row: LentLoan, minor: int | None) -> str:
    return money(minor, row.origin.currency) if minor else ""


class LentLoans(OfficeAdmin[LoanOrigin]):
    title = _("Loans of the portfolio")
    columns = (
        ListColumn(
            label=_("Merchant"),
            cell=lambda row: name_over(row.origin.loan.merchant.name, str(row.origin)),
        ),
        ListColumn(label=_("Grade"), cell=lambda row: grade_chip(_grade(row.origin))),
        ListColumn(label=_("Paid out on"), cell=lambda row: row.origin.disbursed_on, style="tl-nowrap"),
        ListColumn(label=_("Stood"), cell=lambda row: BANDS[row.band], style="tl-nowrap"),
        ListColumn(label=_("Paid out"), cell=lambda row: _money(row, row.disbursed_minor), number=True),
        ListColumn(label=_("Outstanding"), cell=lambda row: _money(row, row.outstanding_minor), number=True),
        ListColumn(label=_("Received in the month"), cell=lambda row: _money(row, row.received_minor), number=True),
        ListColumn(label=_("Written off"), cell=lambda row: _money(row, row.written_off_minor), number=True),
        ListColumn(label=_("Recovered"), cell=lambda row: _money(row, row.recovered_minor), number=True),
        ListColumn(label=_("Currency"), cell=lambda row: row.origin.currency),
        ListColumn(label=_("Product"), cell=lambda row: row.origin.product),
    )
    list_related = ("loan__merchant",)
    list_page = "loans"
    empty = _("No loan was paid out by this day.")

    def completed(self, asked: QueryDict) -> QueryDict:
        """Return what is asked for, as of the last day that is closed where no other is."""
        return asked if asked.get(ON) else as_of(asked, last_closed_day() or current_day(timezone.now()))

    def described(self, asked: QueryDict) -> ListOf:
        on = day_of(asked)
        return replace(
            super().described(asked),
            filters=_filters(on),
            prepare=lambda rows: loans_on(rows, on=on),
            link=lambda row: change_url(row.loan),
        )

    def list_parts(self, listing: Listing) -> Sequence[Part]:
        if listing.are_many:
            words = _t("Totals are shown of %(bound)s loans or fewer: narrow the list.") % {"bound": listing.bound}
            return [Text(words, "tl-note")]
        on = next(date.fromisoformat(chosen.value) for chosen in listing.filters if chosen.filter.name == ON)
        columns = [
            Column(label=_("Total")),
            Column(label=_("Loans"), number=True),
            *(Column(label=words, number=True) for words, _name in TOTALS),
        ]
        rows = [
            [total.currency, total.loans, *(money(getattr(total, name), total.currency) for _words, name in TOTALS)]
            for total in lent_totals(listing.matching, on=on)
        ]
        return [Table(columns=columns, rows=rows, style="tl-totals")] if rows else []


TOTALS: Final[Sequence[tuple[Words, str]]] = (
    (_("Paid out"), "disbursed_minor"),
    (_("Outstanding"), "outstanding_minor"),
    (_("At the end of the month before"), "before_minor"),
    (_("On an average day of the month"), "average_minor"),
    (_("Received in the month"), "received_minor"),
    (_("Expected loss"), "expected_minor"),
    (_("Written off"), "written_off_minor"),
    (_("Recovered"), "recovered_minor"),
)


def as_of(asked: QueryDict, on: date) -> QueryDict:
    """Return what is asked for, as of a day where none is named."""
    completed = asked.copy()
    completed[ON] = str(asked.get(ON) or on)
    return completed


def day_of(asked: QueryDict) -> date:
    """Return the day that a list is asked for. Raises BadQuery."""
    try:
        on = date.fromisoformat(str(asked[ON]))
    except ValueError as error:
        raise BadQuery(ON, asked[ON]) from error
    if on < FIRST_DAY or on > current_day(timezone.now()):
        raise BadQuery(ON, asked[ON])
    return on


def origin_filters(prefix: str = "") -> tuple[Filter, ...]:
    """Return the filters by what a loan was when it was paid out; prefix: the way there from the rows of the list."""
    return tuple(_origin_filter(one.value, DIMENSIONS[one], prefix) for one in SPLIT)


def _origin_filter(name: str, label: Words, prefix: str) -> Filter:
    return Filter(name=name, label=label, keep=lambda rows, text: rows.filter(**{f"{prefix}{name}": text}))


def borrower_filter(prefix: str = "") -> Filter:
    """Return the filter by who borrowed, as `LoanOrigin.borrower`."""
    return Filter(
        name="borrower", label=_("borrower"), keep=lambda rows, text: rows.filter(**{f"{prefix}borrower": text})
    )


def _filters(on: date) -> tuple[Filter, ...]:
    def chosen(name: str, label: Words, choices: Iterable[tuple[str, Words]], keep: Kept) -> Filter:
        offered = list(choices)
        return Filter(name=name, label=label, choices=lambda: offered, keep=keep)

    before = on.replace(day=1) - DAY
    return (
        Filter(name=ON, label=_("as of"), keep=lambda rows, _text: lent_by(rows, on), kind="date"),
        chosen("stands", _("stood"), STOOD.items(), lambda rows, text: standing_so(rows, text, on=on)),
        chosen(
            "began",
            _("at the end of the month before"),
            ((band.value, BANDS[band]) for band in RUNNING),
            lambda rows, text: in_band(rows, Band(text), on=before),
        ),
        chosen(
            "ended",
            _("on the day"),
            ((band.value, BANDS[band]) for band in Band),
            lambda rows, text: in_band(rows, Band(text), on=on),
        ),
        chosen("ran", _("ran"), RAN.items(), lambda rows, text: RAN_WHEN[text](rows, on=on)),
        chosen(
            "received",
            _("paid interest or fees"),
            [("month", _("in the month"))],
            lambda rows, _text: received_in_month(rows, on=on),
        ),
        Filter(name="vintage", label=_("paid out in, YYYY-MM"), keep=of_vintage),
        *origin_filters(),
        value_filter("currency", _("currency"), lent_currencies),
    )
