"""Call the API as a partner's system does."""

import gzip
import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application

from merchants.models import Partner, PartnerClient
from merchants.operations.clients import create_partner_client
from tests.conftest import CLERK, NOW

SCOPES = "merchants:write transactions:write scores:read offers:read offers:write loans:read loans:write"


def token_for(partner: Partner, scopes: str = SCOPES) -> str:
    """Make a token without asking for it: asking costs an Argon2 hash."""
    client = PartnerClient.objects.filter(partner=partner).first()
    if client is None:
        create_partner_client(partner_id=partner.pk, actor=CLERK, now=NOW)
        client = PartnerClient.objects.get(partner=partner)
    token = f"token-of-{partner.code}-{AccessToken.objects.count()}"
    application = Application.objects.get(pk=client.application_id)
    AccessToken.objects.create(
        token=token, application=application, scope=scopes, expires=timezone.now() + timedelta(hours=1)
    )
    return token


class Api:
    """A partner's own client; `last` is the last reply."""

    def __init__(self, token: str | None) -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str) -> tuple[int, Any]:
        reply = self.client.get(f"/api/v1/{path}", headers=self.headers)
        return reply.status_code, reply.json()

    def post(self, path: str, body: object) -> tuple[int, Any]:
        return self.send(path, json.dumps(body).encode(), "application/json")

    def send(self, path: str, body: bytes, content_type: str, **headers: str) -> tuple[int, Any]:
        reply = self.client.post(f"/api/v1/{path}", body, content_type=content_type, headers=self.headers | headers)
        return reply.status_code, reply.json()

    def lines(self, rows: Iterable[object], *, compressed: bool = False) -> tuple[int, Any]:
        body = "\n".join(json.dumps(row) for row in rows).encode()
        if compressed:
            return self.send(
                "transactions", gzip.compress(body), "application/x-ndjson", **{"Content-Encoding": "gzip"}
            )
        return self.send("transactions", body, "application/x-ndjson")
