"""Fixtures that more than one test module needs.

The owner makes the test database, the tests run as the application's role: so its rights are tested too.
"""

import gc
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from queue import Empty
from types import CodeType
from zlib import crc32

import django
import psycopg
import pytest
from celery import current_app
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.auth.models import Group, User
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.test import TransactionTestCase
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker
from whitenoise.middleware import WhiteNoiseMiddleware
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

from config import embedded
from config.declarations import Role
from config.office.actors import Actor, ActorKind
from tests.forge import FORGE, LENIENT

# No deadline: on a busy machine any example may take longer than any bound.
hypothesis_settings.register_profile("tradeline", deadline=None)
hypothesis_settings.load_profile("tradeline")

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CLERK = Actor(ActorKind.STAFF, 1)
VERIFIER = Actor(ActorKind.STAFF, 1_000_003)
"""Of the payout accounts that tests make; nobody who enters applications or decides them."""
EVIDENCE = "ab" * 32
"""Hash of the bank's document that an account is verified by."""
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw")
# TEST_NAME lets two sessions run at once, each on databases and queues of its own.
TEST_DATABASE = f"test_tradeline_{os.environ.get('TEST_NAME', '')}{WORKER}"
MIGRATED = "tradeline_migrated_"
# Seeded by migrations: emptied, they would be missing in every later test.
SEEDED = frozenset(
    {
        "django_migrations",
        "django_content_type",
        "auth_permission",
        "auth_group",
        "lending_ledgeraccount",
        "office_signingkey",
    }
)

EMBEDDED = embedded.wanted(os.environ)
if EMBEDDED:
    embedded.start(ROOT, os.environ)
# A virtual host of our own: no worker of the checkout takes the tests' messages.
current_app.conf["broker_url"] = current_app.conf.broker_url.partition("?")[0] + (
    f"?virtual_host={crc32(TEST_DATABASE.encode()) % 60_000 + 1}"
)

# Modules whose tests share a server that they start: one worker does all of each.
# By path: the groups of xdist 3.8 have no effect with pytest 9.2, which reads ids where xdist does not write them.
TOGETHER = frozenset({"tests/config/test_embedded.py", "tests/stories/test_database_dies.py"})

DEAR = frozenset(
    {
        "tests/lending/admin/test_books_pages.py",
        "tests/lending/admin/test_provision_pages.py",
        "tests/lending/management/test_export_ledger.py",
        "tests/lending/operations/test_month_close.py",
        "tests/lending/queries/test_portfolio.py",
    }
)
"""Modules whose tests share a beginning that takes seconds: one worker does all of each, and makes it once."""

WAITING = frozenset({"race", "die_in", "wait_until", "worker", "subprocess", "ThreadPoolExecutor"})
"""What tests use that start processes, or threads that meet."""

# What these cost to guess is no matter of tests; the algorithm, and so what is stored, stays.
Argon2PasswordHasher.time_cost = Argon2PasswordHasher.parallelism = 1
Argon2PasswordHasher.memory_cost = 8

Enqueued = Callable[[], list[tuple[str, dict[str, int]]]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden-dir", help="a directory of golden files, instead of those beside the checkout")
    parser.addoption("--pictures", help="a directory for pictures of what people see in the journeys")


class Scheduling(LoadGroupScheduling):  # type: ignore[misc] # xdist has no types
    """Give each test to the next free worker, but all of a module of `TOGETHER` or `DEAR` to one."""

    def _split_scope(self, nodeid: str) -> str:
        module, _, _ = nodeid.partition("::")
        return module if module in TOGETHER | DEAR else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    return Scheduling(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the real data sets: begun last, they would keep one worker busy while the other has nothing to do."""
    items.sort(key=lambda item: item.get_closest_marker("real") is None)


def pytest_itemcollected(item: pytest.Function) -> None:
    """Mark as `waits` what a slow machine may break."""
    module = item.nodeid.partition("::")[0]
    is_story = module.startswith("tests/stories/") or module in TOGETHER or "live_server" in item.fixturenames
    if is_story or not WAITING.isdisjoint(_names(item.function.__code__)):
        item.add_marker("waits")


def _names(code: CodeType) -> Iterator[str]:
    """Name what a function uses, and the functions inside it."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


gc.disable()  # while everything is imported


def pytest_collection_finish() -> None:
    """Keep what was imported out of garbage collections, each of which would go through all of it."""
    gc.collect()
    gc.freeze()
    gc.enable()


def _connect(database: str, **others: str) -> psycopg.Connection:
    """Connect as the owner of the tables, or another; each statement is a transaction of its own."""
    parameters = connections["owner"].get_connection_params() | others
    return psycopg.connect(
        dbname=database,
        autocommit=True,
        **{key: parameters[key] for key in ("host", "user", "password", "port") if key in parameters},
    )


def owner_connection() -> psycopg.Connection:
    """Connect to the test database as the owner of its tables."""
    return _connect(TEST_DATABASE)


def _drop(server: psycopg.Connection, database: str) -> None:
    try:
        server.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
    except psycopg.errors.InsufficientPrivilege:  # over an autovacuum, which makes way where no force is used
        server.execute(f'DROP DATABASE IF EXISTS "{database}"')


def _migrated(server: psycopg.Connection) -> str:
    """Name the database that these migrations made, empty but for what they seed; make it where there is none.

    It is kept for the next run; one that other migrations made is dropped.
    """
    modules = sorted(migration.__module__ for migration in MigrationLoader(None).disk_migrations.values())
    files = [*(Path(str(sys.modules[name].__file__)) for name in modules), *sorted((ROOT / "config/db").glob("*.py"))]
    found = sha256(
        b"".join(
            [
                django.__version__.encode(),
                FORGE.encode(),
                LENIENT.encode(),
                repr(settings.ACCOUNT_KEYS).encode(),
                *(file.read_bytes() for file in files),
            ]
        )
    )
    name = f"{MIGRATED}{found.hexdigest()[:12]}"
    kept = [
        row[0] for row in server.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [MIGRATED])
    ]
    if name in kept:
        return name
    for other in kept:
        _drop(server, other)
    owner, draft = connections["owner"], f"{MIGRATED}draft"
    owner.settings_dict["TEST"]["NAME"] = draft
    owner.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    with owner.cursor() as cursor:
        cursor.execute(FORGE)
        cursor.execute(LENIENT)
    owner.close()
    server.execute(f"ALTER DATABASE {draft} RENAME TO {name}")
    return name


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:  # noqa: ARG001
    """Make the test database as its owner, and let the application's role connect to it."""
    owner, default = connections["owner"], connections["default"]
    with django_db_blocker.unblock():
        with _connect("postgres") as server:
            server.execute("SELECT pg_advisory_lock(hashtext(%s))", [MIGRATED])  # one worker migrates, others wait
            migrated = _migrated(server)
            _drop(server, TEST_DATABASE)
            server.execute(f'CREATE DATABASE "{TEST_DATABASE}" TEMPLATE {migrated}')
            # Nobody needs these rows after a power cut. Tests of a server that dies start one of their own.
            server.execute(f'ALTER DATABASE "{TEST_DATABASE}" SET synchronous_commit = off')
        owner.close()
        default.close()
        owner.settings_dict["NAME"] = default.settings_dict["NAME"] = TEST_DATABASE
    yield
    with django_db_blocker.unblock():
        emptier().close()
        owner.close()
        default.close()
        with _connect("postgres") as server:
            _drop(server, TEST_DATABASE)


# Which tables hold a row, in one question; partitions are asked one by one, as few of them do.
FILLED = """
SELECT string_agg(format('SELECT %%L WHERE EXISTS (SELECT FROM %%I)', relname, relname), ' UNION ALL ') FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND NOT relname = ANY(%s)
"""
# From those that nobody may change, their owner takes the trigger meanwhile: then every plan for them is made anew.
UNCHANGEABLE = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%append_only'"
# ALTER SEQUENCE would make a new file for each.
RESTART = """
SELECT setval(quote_ident(sequencename)::regclass, start_value, false) FROM pg_sequences
WHERE schemaname = 'public' AND last_value IS NOT NULL AND NOT replace(sequencename, '_id_seq', '') = ANY(%s)
"""


@cache
def emptier() -> psycopg.Connection:
    """Connect once: on a new connection, the question alone takes longer to plan than all the rest.

    Of the embedded server the superuser is at hand, for whom neither triggers nor foreign keys stand in the way.
    """
    if not EMBEDDED:
        return owner_connection()
    superuser = _connect(TEST_DATABASE, user="postgres")
    superuser.execute("SET session_replication_role = replica")
    return superuser


@cache
def _filled() -> str:
    """Write the question once: no test makes a table."""
    [(question,)] = emptier().execute(FILLED, [list(SEEDED)]).fetchall()
    return str(question)


def filled_tables() -> list[str]:
    """Return which tables hold a row."""
    return sorted(name for (name,) in emptier().execute(_filled().encode()))


def _empty_tables(_case: TransactionTestCase) -> None:
    """Empty every table that holds a row.

    TRUNCATE makes new files for a table, its indexes, and all tables that refer to it: deleting a test's few rows is
    much cheaper.
    """
    if connections["default"].in_atomic_block or not connections["default"].get_autocommit():
        connections["default"].close()
    filled = filled_tables()
    closed = [] if EMBEDDED else sorted({name for (name,) in emptier().execute(UNCHANGEABLE)}.intersection(filled))
    statements = [
        *(f"ALTER TABLE {name} DISABLE TRIGGER USER" for name in closed),
        *(f"DELETE FROM {name}" for name in filled),
        "SET CONSTRAINTS ALL IMMEDIATE",  # foreign keys are checked here, so the order above does not matter
        *(f"ALTER TABLE {name} ENABLE TRIGGER USER" for name in closed),
    ]
    with emptier().transaction():
        emptier().execute("; ".join(statements))
        emptier().execute(RESTART, [list(SEEDED)])


TransactionTestCase._fixture_teardown = _empty_tables  # type: ignore[attr-defined] # noqa: SLF001
TransactionTestCase._should_reload_connections = lambda _case: False  # type: ignore[attr-defined] # noqa: SLF001


@pytest.fixture(autouse=True)
def _no_bank(monkeypatch: pytest.MonkeyPatch) -> None:
    """Move no money but where a test brings a bank of its own: the checkout's remembers other tests."""
    monkeypatch.setattr(settings, "LOOPBACK_DIR", None)
    monkeypatch.setattr(settings, "BANKS_DIR", None)
    monkeypatch.setattr(settings, "AUDIT_SEALS_FILE", None)
    monkeypatch.setattr(settings, "EMAIL_HOST", "")


@pytest.fixture(autouse=True, scope="session")
def _static_files_are_found_once() -> Iterator[None]:
    """Look for static files once, not for every `Client`, which has middleware of its own."""
    found: dict[str, object] = {}
    look = WhiteNoiseMiddleware.add_files_from_finders

    def add(middleware: WhiteNoiseMiddleware) -> None:
        if not found:
            look(middleware)
            found.update(middleware.files)
        middleware.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add)
        yield


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

    def forget() -> None:
        with current_app.connection_for_write() as connection, connection.SimpleQueue("celery") as queue:
            queue.clear()

    forget()
    yield drain
    forget()


def make_user(name: str, *roles: Role) -> User:
    user = User.objects.create_user(name, email=f"{name}@tradeline.example", is_staff=True)
    user.groups.set(Group.objects.filter(name__in=roles))
    return user
