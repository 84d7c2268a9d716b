"""Create the credentials of partners' systems."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from oauth2_provider.models import Application

from config.db.transactions import operation
from config.office.actors import Actor
from config.office.events import record_event
from merchants.models import Partner, PartnerClient


@dataclass(frozen=True, slots=True)
class Credentials:
    """A partner's credentials for requesting tokens; the secret is stored only as a hash."""

    client_id: str
    client_secret: str


def create_partner_client(*, partner_id: int, actor: Actor, now: datetime) -> Credentials:
    """Create another client of the partner; the old one works until it is revoked. Raises Partner.DoesNotExist."""
    secret = secrets.token_urlsafe(32)
    with operation():
        partner = Partner.objects.filter(pk=partner_id).lock().get()
        application = Application(
            name=f"{partner.code} {now:%Y-%m-%d}",
            client_type=Application.CLIENT_CONFIDENTIAL,
            authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
            client_secret=secret,
        )
        application.save()
        client = PartnerClient.objects.create(partner=partner, application=application)
        record_event(
            name="merchants.create_partner_client",
            subject=client,
            actor=actor,
            before={},
            after={"client_id": application.client_id},
            now=now,
        )
        return Credentials(application.client_id, secret)
