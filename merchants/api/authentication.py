"""Which partner a client of the API belongs to."""

from config.api.authentication import BearerAuthentication
from merchants.models import PartnerClient


class PartnerAuthentication(BearerAuthentication):
    """Know partners by their clients."""

    def get_partner_id(self, *, application_id: int) -> int | None:
        """Find the partner whose client this is."""
        clients = PartnerClient.objects.filter(application=application_id)
        return clients.values_list("partner", flat=True).first()
