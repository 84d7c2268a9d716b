"""Fixtures that more than one test module needs.

The owner makes the test database, the tests run as the application's role: so its rights are tested too.
"""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty
from zlib import crc32

import psycopg
import pytest
from celery import current_app
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connections
from django.test import TransactionTestCase
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker

from config import embedded
from config.declarations import Role
from config.office.actors import Actor, ActorKind

# No deadline: on a busy machine any example may take longer than any bound.
hypothesis_settings.register_profile("tradeline", deadline=None)
hypothesis_settings.load_profile("tradeline")

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CLERK = Actor(ActorKind.STAFF, 1)
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw")
# TEST_NAME lets two sessions run at once, each on databases and queues of its own.
TEST_DATABASE = f"test_tradeline_{os.environ.get('TEST_NAME', '')}{WORKER}"
# Seeded by migrations: emptied, they would be missing in every later test.
SEEDED = frozenset(
    {"django_migrations", "django_content_type", "auth_permission", "auth_group", "lending_ledgeraccount"}
)

if embedded.wanted(os.environ):
    embedded.start(ROOT, os.environ)
# A virtual host of our own: no worker of the checkout takes the tests' messages.
current_app.conf["broker_url"] = current_app.conf.broker_url.partition("?")[0] + (
    f"?virtual_host={crc32(TEST_DATABASE.encode()) % 60_000 + 1}"
)

Enqueued = Callable[[], list[tuple[str, dict[str, int]]]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden-dir", help="a directory of golden files, instead of those beside the checkout")


def owner_connection() -> psycopg.Connection:
    """Connect to the test database as the owner of its tables."""
    parameters = connections["owner"].get_connection_params()
    return psycopg.connect(
        dbname=TEST_DATABASE,
        autocommit=True,
        **{key: parameters[key] for key in ("host", "user", "password", "port") if key in parameters},
    )


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:  # noqa: ARG001
    """Make the test database as its owner, and let the application's role connect to it."""
    owner, default = connections["owner"], connections["default"]
    with django_db_blocker.unblock():
        owner.settings_dict["TEST"]["NAME"] = TEST_DATABASE
        owner.creation.create_test_db(verbosity=0, autoclobber=True)
        owner.close()
        default.close()
        default.settings_dict["NAME"] = TEST_DATABASE
    yield
    with django_db_blocker.unblock():
        default.close()
        with psycopg.connect(
            dbname="postgres",
            autocommit=True,
            **{
                key: value
                for key, value in owner.get_connection_params().items()
                if key in {"host", "user", "password", "port"}
            },
        ) as server:
            try:
                server.execute(f"DROP DATABASE {TEST_DATABASE} WITH (FORCE)")
            except psycopg.errors.InsufficientPrivilege:  # over an autovacuum, which makes way where no force is used
                server.execute(f"DROP DATABASE {TEST_DATABASE}")


# Which tables hold a row, in one question; partitions are asked one by one, as few of them do.
FILLED = """
SELECT string_agg(format('SELECT %%L WHERE EXISTS (SELECT FROM %%I)', relname, relname), ' UNION ALL ') FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND NOT relname = ANY(%s)
"""
# From those that nobody may change, their owner takes the trigger meanwhile.
UNCHANGEABLE = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%append_only'"
SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"


def _empty_tables(_case: TransactionTestCase) -> None:
    """Empty every table that holds a row, as the owner.

    TRUNCATE makes new files for a table, its indexes, and all tables that refer to it: deleting a test's few rows is
    much cheaper.
    """
    connections["default"].close()
    with owner_connection() as owner:
        [(question,)] = owner.execute(FILLED, [list(SEEDED)]).fetchall()
        filled = {name for (name,) in owner.execute(question)}
        closed = sorted(filled & {name for (name,) in owner.execute(UNCHANGEABLE)})
        with owner.transaction():  # foreign keys are checked at its end, so the order does not matter
            for name in closed:
                owner.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
            for name in sorted(filled):
                owner.execute(f"DELETE FROM {name}")
            owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for name in closed:
                owner.execute(f"ALTER TABLE {name} ENABLE TRIGGER USER")
            for (name,) in owner.execute(SEQUENCES).fetchall():
                if name.removesuffix("_id_seq") not in SEEDED:
                    owner.execute(f"ALTER SEQUENCE {name} RESTART")


TransactionTestCase._fixture_teardown = _empty_tables  # type: ignore[attr-defined] # noqa: SLF001


@pytest.fixture(autouse=True)
def _no_bank(monkeypatch: pytest.MonkeyPatch) -> None:
    """Move no money but where a test brings a bank of its own: the checkout's remembers other tests."""
    monkeypatch.setattr(settings, "LOOPBACK_DIR", None)


@pytest.fixture
def enqueued() -> Iterator[Enqueued]:
    """Read, and so empty, the broker's queue: what a worker would get, not what a mock was told."""

    def drain() -> list[tuple[str, dict[str, int]]]:
        sent: list[tuple[str, dict[str, int]]] = []
        with current_app.connection_for_read() as connection, connection.SimpleQueue("celery") as queue:
            while True:
                try:
                    message = queue.get_nowait()
                except Empty:
                    return sent
                message.ack()
                sent.append((message.headers["task"], message.payload[1]))

    drain()
    yield drain
    drain()


def make_user(name: str, *roles: Role) -> User:
    user = User.objects.create_user(name, email=f"{name}@tradeline.example", is_staff=True)
    user.groups.set(Group.objects.filter(name__in=roles))
    return user
