"""The first page: what waits for whoever looks, then the figures of their job."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Count, Min, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.module_loading import import_string
from django.utils.timesince import timesince
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.declarations import Role
from config.office.business_date import get_business_date
from config.office.display import Alert, Card, Cell, Column, Figure, Figures, Page, Part, Row, Table, Text
from config.office.heartbeat import get_pulse
from config.office.lists import counted
from config.office.sidebar import address_of
from config.office.staff import roles_of
from config.office.verbs import Asked, asked_by
from config.office.words import Words

NO_ROLE: Final = _("You have no role in this office. Ask an administrator for one.")
NOTHING_WAITS: Final = _("You have nothing to do.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Work of one kind that waits for whoever looks.

    number, what: how much of it, counted no further than lists count, and its words after the number. link: where it
    is done, a list of exactly that much where it is more than one. since: since when the oldest waits, a moment or a
    business date; None where that says nothing. note: what to know first. is_urgent: money is at risk, or a proof
    failed. tag: how tests find it.
    """

    number: int
    what: Words
    link: str
    button: Words
    tag: str
    since: datetime | date | None = None
    note: Words = ""
    is_urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A place where work waits. rights: who has any of them does it. read: what waits for them on a business date."""

    rights: frozenset[str]
    read: Callable[[Asked, date | None], Iterable[Waiting]]


def rows_waiting(
    rows: QuerySet[Any],
    *,
    said: Callable[[int], Words],
    link: str,
    button: Words,
    tag: str,
    since: str = "",
    note: Words = "",
    is_urgent: bool = False,
) -> Iterator[Waiting]:
    """Yield the rows of a list as one kind of work, if there are any. since: the column with since when each waits."""
    found = rows.aggregate(number=Count("pk"), **({"since": Min(since)} if since else {}))
    if number := found["number"]:
        yield Waiting(
            number=number,
            what=said(number),
            link=link,
            button=button,
            tag=tag,
            since=found.get("since"),
            note=note,
            is_urgent=is_urgent,
        )


def waiting_for(asked: Asked, *, on: date | None) -> list[Waiting]:
    """List what waits for whoever asks: first what is urgent, then by age, the oldest first."""
    queues: Iterable[Queue] = (queue for path in settings.DECLARED.queues for queue in import_string(path))
    found = [one for queue in queues if any(map(asked.may, queue.rights)) for one in queue.read(asked, on)]
    return sorted(found, key=lambda one: (not one.is_urgent, -age_of(one.since, now=asked.now, on=on)))


def age_of(since: datetime | date | None, *, now: datetime, on: date | None) -> timedelta:
    """Return how long something has waited by the clock or, since a business date, by business dates."""
    if isinstance(since, datetime):
        return now - since
    return timedelta() if since is None or on is None else on - since


def fill_desk(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Describe the first page, for whoever looks."""
    asked, on = asked_by(request), get_business_date()
    held = roles_of(asked.user)
    roles = [role for role in Role if role in held]
    title = _t("Business date %(date)s") % {"date": on} if on else _("No business day is open")
    cards = [Card(title=_("Nothing to see yet"), parts=[Text(NO_ROLE)])]
    if roles or asked.user.is_superuser:
        cards = [Card(title=_("Waiting for you"), parts=[_queue(waiting_for(asked, on=on), asked, on)])]
        cards += _figures(roles, on)
    alerts = silence_alerts(asked.now)
    return context | {"title": _("My desk"), "page": Page(title=title, sub=list(roles), alerts=alerts, cards=cards)}


def silence_alerts(now: datetime) -> list[Alert]:
    """Say that nothing starts by itself, while the scheduler is not heard of."""
    pulse = get_pulse(now=now)
    if pulse.is_alive:
        return []
    never = _("The scheduler has never been heard of: start celery beat and a worker.")
    said = _t("The scheduler was last heard of %(since)s ago: it is down, or the broker is, or no worker is free.")
    text = never if pulse.last is None else said % {"since": timesince(pulse.last, now)}
    return [Alert(tint="tl-bad", strong=_("Nothing starts by itself."), text=text)]


def _queue(waiting: Sequence[Waiting], asked: Asked, on: date | None) -> Part:
    columns = [
        Column(label=_("Number"), number=True, style="tl-count"),
        Column(label=_("What")),
        Column(label=_("Oldest"), style="tl-nowrap"),
        Column(label="", style="tl-do"),
    ]
    rows = [
        Row(
            cells=[
                Cell(text=counted(one.number), link=one.link, tag=one.tag),
                Cell(text=one.what, note=one.note),
                _age(one, asked.now, on),
                _button(one),
            ],
            style="tl-urgent" if one.is_urgent else "",
        )
        for one in waiting
    ]
    return Table(columns=columns, rows=rows, empty=NOTHING_WAITS, style="tl-queue")


def _age(one: Waiting, now: datetime, on: date | None) -> str | None:
    if one.since is None:
        return None
    if isinstance(one.since, datetime):
        return timesince(one.since, now, depth=1)
    days = age_of(one.since, now=now, on=on).days
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": f"{days:,}"} if days > 0 else _t("today")


def _button(one: Waiting) -> Cell:
    said = f"{one.button}: {counted(one.number)} {one.what}"
    return Cell(text=format_html('<a class="tl-button" href="{}" aria-label="{}">{}</a>', one.link, said, one.button))


def _figures(roles: Sequence[Role], on: date | None) -> list[Card]:
    figures: list[Figure] = import_string(settings.DECLARED.desks)(roles, on)
    return [Card(title=_("Key figures"), parts=[Figures(figures)])] if figures else []


def listed_at(model: str, **filters: str) -> str:
    """Return the address of a model's list, narrowed; model: as `lending_loan`."""
    address = address_of(f"admin:{model}_changelist")
    return f"{address}?{urlencode(filters)}" if filters else address
