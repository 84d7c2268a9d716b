"""Health checks for load balancers and monitors: whether this process answers, and whether the office can work."""

from collections.abc import Callable
from functools import cache
from http import HTTPStatus

import structlog
from celery import current_app
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from config.office.heartbeat import get_pulse
from config.office.signatures import knows_our_keys

BROKER_SECONDS = 2
log = structlog.get_logger(__name__)


class NotReady(Exception):
    """A part of the office does not work."""


@require_safe
def live(_request: HttpRequest) -> JsonResponse:
    """Reply at once: whatever else is broken, this process need not be restarted."""
    return JsonResponse({"status": "live"})


@require_safe
def ready(_request: HttpRequest) -> JsonResponse:
    """Reply 200 if the office can work, else 503 with the first part that fails; why goes only to the log."""
    for name, check in CHECKS.items():
        try:
            check()
        except Exception as error:  # noqa: BLE001 - whatever it is, the part does not work
            log.warning("not_ready", failing=name, error=repr(error))
            return JsonResponse({"status": "not ready", "failing": name}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    return JsonResponse({"status": "ready"})


def _require_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@cache  # of success: what is migrated stays so
def _require_migrations() -> None:
    executor = MigrationExecutor(connection)
    if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotReady(plan)


def _require_keys() -> None:
    if not knows_our_keys():
        message = "the database takes nothing that this process signs: migrate it with these ACCOUNT_KEYS"
        raise NotReady(message)


def _require_broker() -> None:
    limits = {"socket_connect_timeout": BROKER_SECONDS, "socket_timeout": BROKER_SECONDS}
    with current_app.connection_for_write(transport_options=limits) as broker:
        broker.ensure_connection(max_retries=0)


def _require_scheduler() -> None:
    pulse = get_pulse(now=timezone.now())
    if not pulse.is_alive:
        raise NotReady(pulse)


CHECKS: dict[str, Callable[[], object]] = {
    "database": _require_database,
    "migrations": _require_migrations,
    "keys": _require_keys,
    "broker": _require_broker,
    "scheduler": _require_scheduler,
}
