"""Identify the partner of an API client."""

from config.api.authentication import BearerAuthentication
from merchants.models import PartnerClient


class PartnerAuthentication(BearerAuthentication):
    def get_partner_id(self, *, application_id: int) -> int | None:
        clients = PartnerClient.objects.filter(application=application_id)
        return clients.values_list("partner", flat=True).first()
