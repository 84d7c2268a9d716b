"""Show the partners."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from config.office.admin import ReadOnlyAdmin
from merchants.domain.transaction import Settlement
from merchants.models import Partner

SETTLEMENTS = {
    Settlement.ESCROW: _("Released later: a sale counts when it is settled"),
    Settlement.IMMEDIATE: _("At once: a sale counts when it is paid"),
}


@admin.register(Partner)
class PartnerAdmin(ReadOnlyAdmin):
    """List the partners; imports and commands enter them."""

    ordering = ("pk",)
    list_display = ("name", "code", "how_it_settles")
    fields = ("name", "code", "how_it_settles", "clients")
    readonly_fields = ("how_it_settles", "clients")

    @display(description=_("Settlement"))
    def how_it_settles(self, partner: Partner) -> str:
        """Say when a sale counts."""
        return str(SETTLEMENTS[Settlement(partner.settlement)])

    @display(description=_("Systems that may log in"))
    def clients(self, partner: Partner) -> str:
        """List the OAuth clients by name; a secret is shown once, by the command that makes it."""
        names = partner.clients.order_by("pk").values_list("application__name", flat=True)
        return ", ".join(names) or str(_("none: `manage.py create_partner_client` makes one"))
