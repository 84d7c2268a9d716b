"""Office pages of how merchants are reached."""

from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from config.office.display import Card, Facts, Page, chip, linked
from config.office.lists import ListColumn, Search, choice_filter
from config.office.pages import OfficeAdmin, named
from config.office.verbs import Refusals, Verb
from config.office.words import Words
from merchants.domain.contact_detail import DetailKind, DetailRefusal, Language
from merchants.models import ContactDetail
from merchants.operations.contact_details import DetailNotMoved, retire_detail, reveal_detail
from merchants.queries.labels import DETAIL_KINDS, DETAIL_REFUSALS, LANGUAGES
from merchants.queries.merchants import search_merchants

MOVED: Final[Refusals] = {DetailNotMoved: DETAIL_REFUSALS}
REVEAL: Final = Verb(
    name="reveal",
    label=_("Show in full"),
    right="merchants.reveal_contactdetail",
    note=_("To call or write. That you saw it is kept in the audit trail, with your name."),
    call=lambda detail, asked: reveal_detail(detail_id=detail.pk, actor=asked.actor, now=asked.now),
    done=_("It is kept in the audit trail that you saw it."),
    shown=lambda text: [Facts([(_("Number or address"), text)])],
    why_not=lambda detail, _asked: _retired(detail),
    refusals=MOVED,
    is_primary=True,
)
RETIRE: Final = Verb(
    name="retire",
    label=_("Retire"),
    right="merchants.retire_contactdetail",
    note=_("For a number or address that is wrong, or no longer the merchant's."),
    why_not=lambda detail, _asked: _retired(detail),
    call=lambda detail, asked: retire_detail(detail_id=detail.pk, actor=asked.actor, now=asked.now),
    done=_("It is not used any more."),
    refusals=MOVED,
)


def _retired(detail: ContactDetail) -> Words | None:
    return None if detail.retired_at is None else DETAIL_REFUSALS[DetailRefusal.RETIRED]


@admin.register(ContactDetail)
class ContactDetailAdmin(OfficeAdmin[ContactDetail]):
    """Numbers and addresses, masked; whole only on demand, which is recorded."""

    title = _("Contact details")
    columns = (
        ListColumn(label=_("Number or address"), cell=lambda detail: detail.masked, style="tl-nowrap"),
        ListColumn(label=_("Merchant"), cell=lambda detail: linked(detail.merchant)),
        ListColumn(label=_("Kind"), cell=lambda detail: DETAIL_KINDS[DetailKind(detail.kind)]),
        ListColumn(label=_("Language"), cell=lambda detail: LANGUAGES[Language(detail.language)]),
        ListColumn(label=_("Entered"), cell=lambda detail: detail.entered_at, style="tl-nowrap"),
    )
    filters = (choice_filter("kind", _("kind"), DETAIL_KINDS), choice_filter("language", _("language"), LANGUAGES))
    search = Search(
        help=_("Merchant: name or id"), keep=lambda rows, term: rows.filter(merchant__in=search_merchants(term))
    )
    list_related = ("merchant",)
    related = ("merchant",)
    verbs = (REVEAL, RETIRE)
    empty = _("No contact detail yet. Partners send them, or staff enter them on the page of a merchant.")

    def page_of(self, row: ContactDetail, request: HttpRequest) -> Page:
        names: dict[Any, Any] = named([row.entered_by, row.retired_by])
        facts = [
            (_("Merchant"), linked(row.merchant)),
            (_("Kind"), DETAIL_KINDS[DetailKind(row.kind)]),
            (_("Language"), LANGUAGES[Language(row.language)]),
            (_("Encrypted with key"), row.text_key),
            (_("Entered"), row.entered_at),
            (_("Entered by"), names[row.entered_by]),
        ]
        if row.retired_at is not None:
            facts += [(_("Retired"), row.retired_at), (_("Retired by"), names[row.retired_by])]
        in_use = row.retired_at is None
        return Page(
            title=row.masked,
            chips=[chip(_("In use"), "tl-ok") if in_use else chip(_("Retired"), "")],
            cards=[Card(title=_("Contact detail"), parts=[Facts(facts)])],
        )
