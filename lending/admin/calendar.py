"""Office pages of business calendars, and the words for what they do to due dates."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.kernel.business_days import BusinessCalendar, BusinessDayRule
from config.office.display import Card, Column, Facts, Figure, Page, Table, Text, chip, linked, version_card
from config.office.lists import ListColumn
from config.office.pages import OfficeAdmin, name_of
from config.office.words import Words
from lending.domain.contract.terms import MonthEnd
from lending.domain.origination.calendars import CalendarRefusal
from lending.models import CalendarVersion
from lending.queries.calendars import calendar_of, with_state
from lending.queries.products import products_by

IN_FORCE: Final = (_("In force"), "tl-ok")
REPLACED: Final = (_("Replaced by a later version"), "")
CALENDAR_REFUSALS: Final = {
    CalendarRefusal.TERM_BEYOND_CALENDAR: _(
        "An instalment would fall due in a year that the product's calendar does not know: enter more years."
    ),
}
BUSINESS_DAYS: Final = {
    BusinessDayRule.NONE: _("not moved"),
    BusinessDayRule.FOLLOWING: _("the next business day"),
    BusinessDayRule.MODIFIED_FOLLOWING: _("the next business day, the one before at the end of a month"),
    BusinessDayRule.PRECEDING: _("the business day before"),
}
MONTH_ENDS: Final = {
    MonthEnd.LAST_DAY: _("the month's last day"),
    MonthEnd.NEXT_DAY: _("the first of the next month"),
    MonthEnd.STAY_LAST: _("the month's last day, each month if paid out on one"),
}


@admin.register(CalendarVersion)
class CalendarVersionAdmin(OfficeAdmin[CalendarVersion]):
    columns = (
        ListColumn(label=_("Calendar"), cell=lambda version: version.name),
        ListColumn(label=_("State"), cell=lambda version: chip(*_state(version))),
        ListColumn(label=_("Knows"), cell=lambda version: f"{version.first_year} – {version.last_year}"),  # noqa: RUF001
        ListColumn(label=_("From"), cell=lambda version: version.source),
        ListColumn(label=_("Entered, UTC"), cell=lambda version: version.created_at, style="tl-nowrap"),
    )
    empty = _("No calendar yet. One is entered with manage.py enter_calendar, and a product names it.")

    def rows(self) -> QuerySet[CalendarVersion]:
        return with_state(CalendarVersion.objects.all())

    def page_of(self, row: CalendarVersion, request: HttpRequest) -> Page:
        calendar = calendar_of(row)
        entered = {"at": f"{row.created_at:%Y-%m-%d %H:%M}", "who": name_of(row.created_by)}
        products = products_by(row.name)
        used = [linked(product, str(product)) for product in products]
        note = _(
            "New loans follow the last version entered; a loan keeps the calendar that it was made with. What falls "
            "due in a year that a calendar does not know is not lent."
        )
        return Page(
            title=_t("Calendar %(name)s") % {"name": row.name},
            chips=[chip(*_state(row))],
            sub=[row.source, _t("entered %(at)s UTC by %(who)s") % entered],
            figures=[
                Figure(label=_("Knows"), value=f"{row.first_year} – {row.last_year}"),  # noqa: RUF001
                Figure(label=_("Weekdays off"), value=len(calendar.holidays)),
                Figure(label=_("Weekend days worked"), value=len(calendar.working)),
            ],
            cards=[
                _days(calendar),
                Card(
                    title=_("Use"),
                    parts=[
                        Facts(
                            [
                                (_("Weekend"), ", ".join(str(WEEKDAYS[day - 1]) for day in calendar.weekend)),
                                (_("Products on sale"), used or _("none")),
                            ]
                        ),
                        Text(note, "tl-note"),
                    ],
                ),
                version_card(_("Version"), row.sha256),
            ],
        )


def _state(version: CalendarVersion) -> tuple[Words, str]:
    return IN_FORCE if version.is_latest else REPLACED  # type: ignore[attr-defined] # with_state


def _days(calendar: BusinessCalendar) -> Card:
    columns = [Column(label=_("Month"), style="tl-nowrap"), Column(label=_("Days off")), Column(label=_("Days worked"))]
    free, worked = _by_month(calendar.holidays), _by_month(calendar.working)
    rows = [[month, free.get(month, ""), worked.get(month, "")] for month in sorted({*free, *worked})]
    return Card(title=_("Holidays and worked weekends"), parts=[Table(columns=columns, rows=rows)])


def _by_month(days: Sequence[date]) -> dict[str, str]:
    months = groupby(sorted(days), key=lambda day: f"{day:%Y-%m}")
    return {month: ", ".join(f"{day:%a} {day.day}" for day in found) for month, found in months}
