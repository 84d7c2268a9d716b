import pytest
from django.conf import settings
from django.core.checks import run_checks

from config.office.checks import no_atomic_requests


def test_the_settings_pass() -> None:
    assert [message for message in run_checks() if message.id == "office.E001"] == []


@pytest.mark.parametrize("alias", ["default", "owner"])
def test_atomic_requests_are_refused(monkeypatch: pytest.MonkeyPatch, alias: str) -> None:
    """Red without the check: no operation could own its transaction, and all would fail at once as nested."""
    monkeypatch.setitem(settings.DATABASES[alias], "ATOMIC_REQUESTS", value=True)
    [message] = no_atomic_requests()
    assert message.id == "office.E001"
    assert repr(alias) in message.msg
