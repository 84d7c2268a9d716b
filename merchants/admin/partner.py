"""Office pages of partners."""

from typing import Final

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from config.office.display import Card, Facts, Page, code
from config.office.lists import ListColumn
from config.office.pages import OfficeAdmin
from merchants.domain.transaction import Settlement
from merchants.models import Partner

SETTLEMENTS: Final = {
    Settlement.ESCROW: _("In escrow: a sale counts when it is settled"),
    Settlement.IMMEDIATE: _("Immediate: a sale counts when it is paid"),
}


@admin.register(Partner)
class PartnerAdmin(OfficeAdmin[Partner]):
    list_key = "pk"
    columns = (
        ListColumn(label=_("Name"), cell=lambda partner: partner.name),
        ListColumn(label=_("Code"), cell=lambda partner: partner.code),
        ListColumn(label=_("Settlement"), cell=lambda partner: SETTLEMENTS[Settlement(partner.settlement)]),
    )
    empty = _("No partner yet. Importing a marketplace enters one.")

    def page_of(self, row: Partner, request: HttpRequest) -> Page:
        clients = ", ".join(row.clients.order_by("pk").values_list("application__name", flat=True))
        facts = [
            (_("Settlement"), SETTLEMENTS[Settlement(row.settlement)]),
            (_("API clients"), clients or code(f"manage.py create_partner_client {row.code}")),
        ]
        return Page(title=row.name, sub=[row.code], cards=[Card(title=_("Partner"), parts=[Facts(facts)])])
