import base64

import pytest
from django.test import Client

from merchants.operations.clients import create_partner_client
from tests.conftest import CLERK, NOW
from tests.markets import make_partner

pytestmark = pytest.mark.django_db(transaction=True)


def ask(client_id: str, secret: str, **body: str) -> tuple[int, dict[str, object]]:
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    client = Client(raise_request_exception=False)
    reply = client.post(
        "/oauth/token/", {"grant_type": "client_credentials"} | body, headers={"Authorization": f"Basic {basic}"}
    )
    return reply.status_code, reply.json()


def test_a_token_is_as_wide_as_the_scopes_asked_for() -> None:
    """Red without DEFAULT_SCOPES: who asks for nothing would get everything."""
    made = create_partner_client(partner_id=make_partner().pk, actor=CLERK, now=NOW)
    assert ask(made.client_id, made.client_secret)[1]["scope"] == ""
    status, token = ask(made.client_id, made.client_secret, scope="scores:read")
    assert (status, token["scope"], token["token_type"]) == (200, "scores:read", "Bearer")


@pytest.mark.parametrize(("name", "secret"), [("nobody", "wrong"), ("a\x00b", "c"), ("a", "c\x00")])
def test_a_stranger_gets_none(name: str, secret: str) -> None:
    status, reply = ask(name, secret)
    assert status in {400, 401}
    assert "access_token" not in reply


def test_revoking_takes_no_nul() -> None:
    """Red without the guard on revoking: the database refuses the text, and a stranger gets a 500."""
    reply = Client(raise_request_exception=False).post("/oauth/revoke/", {"client_id": "a\x00b", "token": "c"})
    assert (reply.status_code, reply.json()) == (400, {"error": "invalid_request"})
