import pytest
from django.core.management import call_command
from django.test import Client


def test_the_schema_is_valid_and_says_everything(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn")
    schema = capsys.readouterr().out
    assert "openapi: 3.1" in schema
    assert "transactions:write" in schema


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["/docs/", "/docs/problems", "/api/v1/schema"])
def test_strangers_can_read_how_to_call(client: Client, page: str) -> None:
    reply = client.get(page)
    assert reply.status_code == 200
    assert b"https://" not in reply.content, "nothing comes from outside"
