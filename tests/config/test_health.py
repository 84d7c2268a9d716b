from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.db import connections
from django.test import Client
from django.utils import timezone

from config.health import _require_migrations
from config.office.heartbeat import OVERDUE, get_pulse, record_heartbeat
from config.office.models import Heartbeat
from tests.conftest import NOW, ROOT, owner_connection

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _migrations_are_looked_at_anew() -> None:
    _require_migrations.cache_clear()


def failing(client: Client) -> str | None:
    reply = client.get("/health/ready")
    assert (reply.status_code == 200) == ("failing" not in reply.json())
    assert set(reply.json()) <= {"status", "failing"}, "why is for the log: an error may hold an address or a password"
    found: str | None = reply.json().get("failing")
    return found


def test_the_task_of_the_scheduler_leaves_a_heartbeat(client: Client) -> None:
    """Red if beat had no entry for it, or under another name than the task's."""
    assert failing(client) == "scheduler"
    name = "office.record_heartbeat"
    entry: Any = settings.CELERY_BEAT_SCHEDULE[name]
    assert entry["task"] == name
    assert entry["schedule"] * 3 < OVERDUE
    current_app.tasks[name]()
    assert failing(client) is None
    current_app.tasks[name]()
    assert Heartbeat.objects.count() == 1


def test_a_scheduler_is_dead_after_two_minutes_and_alive_again_with_the_next_heartbeat() -> None:
    assert get_pulse(now=NOW).last is None
    record_heartbeat(now=NOW)
    assert get_pulse(now=NOW + OVERDUE).is_alive
    assert not get_pulse(now=NOW + OVERDUE + timedelta(seconds=1)).is_alive
    record_heartbeat(now=NOW + 2 * OVERDUE)
    assert get_pulse(now=NOW + 3 * OVERDUE).is_alive


def test_without_a_database_the_process_lives_and_is_not_ready(client: Client, tmp_path: Path) -> None:
    database = connections["default"]
    host = database.settings_dict["HOST"]
    database.close()
    try:
        database.settings_dict["HOST"] = str(tmp_path)
        assert client.get("/health/live").json() == {"status": "live"}
        assert failing(client) == "database"
    finally:
        database.settings_dict["HOST"] = host


def test_a_database_that_lacks_a_migration_is_not_ready(client: Client) -> None:
    record_heartbeat(now=timezone.now())
    last = (ROOT / "config/office/migrations/max_migration.txt").read_text().strip()
    with owner_connection() as owner:
        owner.execute("BEGIN")
        owner.execute("UPDATE django_migrations SET name = 'unheard_of' WHERE name = %s", [last])
        owner.execute("COMMIT")
        try:
            assert failing(client) == "migrations"
        finally:
            owner.execute("UPDATE django_migrations SET name = %s WHERE name = 'unheard_of'", [last])
    assert failing(client) is None


def test_without_a_broker_the_office_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(current_app.conf, "broker_url", "redis+socket:///nowhere/valkey.sock?virtual_host=0")
    record_heartbeat(now=timezone.now())
    assert failing(client) == "broker"


def test_health_is_asked_without_https_and_only_asked(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SECURE_SSL_REDIRECT", True)
    assert client.get("/health/live").status_code == 200
    assert client.post("/health/live").status_code == 405
