"""Office pages of the audit trail and its seals."""

from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_address
from typing import Any, Final

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.kernel.money import parse_typed
from config.office.actors import Actor, ActorKind
from config.office.display import Card, Cell, Facts, Figure, Page, Part, Text
from config.office.lists import COUNTED, Filter, ListColumn, Listing, Search, counted, date_filter
from config.office.models import AuditSeal, OperationEvent
from config.office.pages import OfficeAdmin, name_of, named, subject_url
from config.office.seals import count_waiting, get_sealing
from config.office.words import in_words, money, money_with_currency

MINOR: Final = "_minor"
"""Ends the names of amounts."""


def _by_person(rows: QuerySet[OperationEvent], login: str) -> QuerySet[OperationEvent]:
    staff = User.objects.filter(username__iexact=login).values_list("pk", flat=True)
    return rows.filter(actor__in=[login, *(str(Actor(ActorKind.STAFF, pk)) for pk in staff)])


def _about(rows: QuerySet[OperationEvent], term: str) -> QuerySet[OperationEvent]:
    model, _sep, number = term.partition("_")
    if number.isdecimal() and "." not in term:
        return rows.filter(subject__endswith=f".{model.lower()}:{number}")
    return rows.filter(Q(subject__istartswith=term) if ":" in term else Q(name__istartswith=term))


def _when(event: OperationEvent) -> datetime:
    """Return when an event was recorded, by the database's clock if that was kept."""
    return event.recorded_at or event.booked_at


def _from(rows: QuerySet[OperationEvent], address: str) -> QuerySet[OperationEvent]:
    return rows.filter(address=str(ip_address(address)))


def _at_least(rows: QuerySet[OperationEvent], text: str) -> QuerySet[OperationEvent]:
    amount, currency = text.split()
    return rows.filter(currency=currency, amount_minor__gte=parse_typed(amount, currency))


def _amount(event: OperationEvent) -> str:
    if event.amount_minor is None or event.currency is None:
        return ""
    return money_with_currency(event.amount_minor, event.currency)


def _said(event: OperationEvent, name: str, value: object) -> object:
    """Return a fact as people read it: amounts in the event's currency, if that was kept."""
    is_amount = name.endswith(MINOR) and isinstance(value, int)
    return money(int(str(value)), event.currency) if is_amount and event.currency else value


def _label(event: OperationEvent, name: str) -> str:
    return (name.removesuffix(MINOR) if event.currency else name).replace("_", " ")


def _changes(event: OperationEvent, facts: dict[str, Any]) -> str:
    told = {name: value for name, value in facts.items() if value not in (None, "")}
    return ", ".join(f"{_label(event, name)} {_said(event, name, value)}" for name, value in told.items())


@admin.register(OperationEvent)
class OperationEventAdmin(OfficeAdmin[OperationEvent]):
    """The audit trail."""

    title = _("Audit trail")
    columns = (
        ListColumn(label=_("When, UTC"), cell=lambda row: f"{_when(row[0]):%Y-%m-%d %H:%M:%S}", style="tl-nowrap"),
        ListColumn(label=_("What"), cell=lambda row: Cell(text=in_words(row[0].name), note=row[0].name)),
        ListColumn(label=_("About"), cell=lambda row: Cell(text=row[0].subject, link=subject_url(row[0].subject))),
        ListColumn(label=_("Who"), cell=lambda row: row[1]),
        ListColumn(label=_("Amount"), cell=lambda row: _amount(row[0]), number=True, style="tl-nowrap"),
        ListColumn(label=_("Before"), cell=lambda row: _changes(row[0], row[0].before)[:120]),
        ListColumn(label=_("After"), cell=lambda row: _changes(row[0], row[0].after)[:120]),
        ListColumn(label=_("From"), cell=lambda row: row[0].address or "", style="tl-nowrap"),
    )
    search = Search(
        help=_("Subject, like lending.loan:33 or loan_33, or an operation, like lending.return_payout"), keep=_about
    )
    filters = (
        Filter(name="who", label=_("who (log-in, or like partner:1)"), keep=_by_person),
        Filter(name="least", label=_("amount of at least, like 1000 CNY"), keep=_at_least),
        Filter(name="from", label=_("from address"), keep=_from),
        date_filter("since", _("since"), "booked_at__date__gte"),
        date_filter("until", _("until"), "booked_at__date__lte"),
    )

    def prepare(self, rows: list[OperationEvent]) -> Sequence[Any]:
        names = named(event.actor for event in rows)
        return [(event, names[event.actor]) for event in rows]

    def page_of(self, row: OperationEvent, request: HttpRequest) -> Page:
        names = sorted({*row.before, *row.after})
        facts = Facts([(_label(row, name), _change(row, name)) for name in names])
        amount = _amount(row)
        return Page(
            title=in_words(row.name),
            figures=[Figure(label=_("Amount"), value=amount)] if amount else [],
            sub=[
                Cell(text=row.subject, link=subject_url(row.subject)),
                name_of(row.actor),
                *([row.address] if row.address else []),
                _when(row),
            ],
            cards=[Card(title=_("Before → after"), parts=[facts if names else Text(_("Nothing but the fact."))])],
        )


def _change(event: OperationEvent, name: str) -> str:
    before, after = (_said(event, name, facts.get(name)) for facts in (event.before, event.after))
    return f"{'–' if before in (None, '') else before} → {'–' if after in (None, '') else after}"  # noqa: RUF001


@admin.register(AuditSeal)
class AuditSealAdmin(OfficeAdmin[AuditSeal]):
    """The seals of the audit trail, and what waits for one."""

    title = _("Audit seals")
    columns = (
        ListColumn(label=_("Sealed, UTC"), cell=lambda seal: f"{seal.sealed_at:%Y-%m-%d %H:%M:%S}", style="tl-nowrap"),
        ListColumn(label=_("Events"), cell=lambda seal: f"{seal.events:,}", number=True),
        ListColumn(label=_("First id"), cell=lambda seal: seal.after_event + 1, number=True),
        ListColumn(label=_("Last id"), cell=lambda seal: seal.last_event, number=True),
        ListColumn(label=_("Digest"), cell=lambda seal: seal.digest[:16], style="tl-mono"),
    )
    empty = _("No seal yet: the first is made a minute after the first event, by the scheduler.")

    def list_parts(self, listing: Listing) -> Sequence[Part]:
        sealing = get_sealing()
        waiting = counted(count_waiting(sealing.last_event, most=COUNTED + 1))
        written = _t("up to seal %(number)s") % {"number": sealing.written} if sealing.written else None
        where = _t("no: AUDIT_SEALS_FILE is not set") if settings.AUDIT_SEALS_FILE is None else written
        return [Facts([(_("Events that wait for a seal"), waiting), (_("Written outside the database"), where)])]

    def page_of(self, row: AuditSeal, request: HttpRequest) -> Page:
        facts = [
            (_("Events"), f"{row.events:,}"),
            (_("First id"), row.after_event + 1),
            (_("Last id"), row.last_event),
            (_("Sealed"), row.sealed_at),
            (_("SHA-256"), row.digest),
        ]
        note = Text(_("manage.py verify_audit computes every seal again, and names the first that does not hold."))
        title = _t("Seal %(number)s") % {"number": row.pk}
        return Page(title=title, cards=[Card(title=_("What it seals"), parts=[Facts(facts), note])])
