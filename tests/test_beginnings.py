"""A beginning is kept only where it can be read."""

import pytest
from django.db import connection

from tests import beginnings
from tests.beginnings import begin
from tests.markets import make_partner

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_beginning_is_copied() -> None:
    begin("a partner", make_partner)
    assert "a partner" in beginnings._kept  # noqa: SLF001


def test_what_is_made_on_another_server_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if the tests of a worker were given an empty copy for the rest of its run."""
    connection.ensure_connection()
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    begin("a partner elsewhere", make_partner)
    assert "a partner elsewhere" not in beginnings._kept  # noqa: SLF001
