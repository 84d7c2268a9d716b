"""Walk an office through its first day, as docs/operations.md tells it, and time it: `make first-day`.

PostgreSQL and Valkey listen on 127.0.0.1 and ask for passwords; the web server, a worker and beat run beside them as in
production. Staff do over HTTP what the first page asks for, and nothing else; what begins by itself is waited for.
"""

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.cookiejar import CookieJar
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import psycopg
from psycopg.rows import dict_row

from config.embedded import Account, Addresses, NotStarted, prepare
from lending.management.processes import free_port

T = TypeVar("T")
ROOT: Final = Path(__file__).resolve().parent.parent
DOCUMENT: Final = ROOT / "docs" / "operations.md"
PATIENCE: Final = 600  # seconds, for all that begins by itself
BOUND: Final = 300  # seconds from the end of the import to the first offers
PASSWORDS: Final = {name: secrets.token_urlsafe(24) for name in ("postgres", "owner", "app", "valkey", "staff")}
LINK: Final = re.compile(r'<a href="([^"]+)">\s*([^<]+?)\s*</a>')
MOMENTS: Final = """
SELECT (SELECT min(booked_at) FROM office_operationevent WHERE name = 'office.open_day') AS "business date open",
       (SELECT min(finished_at) FROM scoring_scorerun WHERE calibration_id IS NULL) AS "reference run done",
       (SELECT min(created_at) FROM scoring_calibrationversion) AS "calibrated",
       (SELECT min(published_at) FROM scoring_liverun) AS "scores published",
       (SELECT min(made_at) FROM lending_offer) AS "first offers"
"""


class Failed(Exception):
    """The walk ended before there were offers; the text says where, with the end of a log."""


class Office:
    """An office in a folder of its own: its environment, its processes and their logs."""

    def __init__(self, folder: Path, account: Account, stack: ExitStack) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.deadline = time.monotonic() + PATIENCE
        self._stack = stack
        self.database_port, broker, web = free_port(), free_port(), free_port()
        self.root = f"http://127.0.0.1:{web}"
        at = f"127.0.0.1:{self.database_port}/tradeline"
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": f"postgresql://tradeline_app:{PASSWORDS['app']}@{at}",
            "DATABASE_OWNER_URL": f"postgresql://tradeline_owner:{PASSWORDS['owner']}@{at}",
            "BROKER_URL": f"redis://:{PASSWORDS['valkey']}@127.0.0.1:{broker}/0",
            "SECRET_KEY": secrets.token_urlsafe(32),
            "ACCOUNT_KEYS": f"first:{b64encode(secrets.token_bytes(32)).decode()}",
            "ALLOWED_HOSTS": "127.0.0.1",
            "SECURE": "0",
            "BUSINESS_CLOCK": "wall",
            "LOOPBACK_DIR": str(folder / "bank"),
        }
        valkey = [str(account.valkey), *f"--bind 127.0.0.1 --port {broker}".split(), "--requirepass"]
        self.valkey = [*valkey, PASSWORDS["valkey"], "--dir", str(folder)]
        self.gunicorn = ["gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{web}"]

    def start(self, name: str, *command: str) -> None:
        """Start a process that ends with the walk."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self._stack.callback(stop, self.processes[name])

    def manage(self, *command: str, text: str = "") -> None:
        """Run a management command. Raises Failed."""
        done = subprocess.run(
            [sys.executable, ROOT / "manage.py", *command],
            check=False,
            cwd=self.folder,
            env=self.environment,
            input=text,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            message = f"manage.py {command[0]} failed:\n{done.stderr[-2_000:]}"
            raise Failed(message)

    def wait(self, words: str, log: str, look: Callable[[], T | None]) -> T:
        """Look until there is something, every process lives, and there is time. Raises Failed."""
        while (found := look()) is None:
            dead = next((name for name, process in self.processes.items() if process.poll() is not None), None)
            if dead is not None or time.monotonic() > self.deadline:
                message = f"{words}: {dead} ended" if dead else f"{words}: not in time"
                raise self.failed(message, dead or log)
            time.sleep(0.5)
        return found

    def failed(self, words: str, log: str) -> Failed:
        """Say what failed, with the end of a log."""
        lines = (self.folder / f"{log}.log").read_text(errors="replace").splitlines()
        return Failed("\n".join([words, f"The end of the log of {log}:", *lines[-20:]]))

    def moments(self) -> dict[str, datetime | None]:
        """Read from the database what has happened, and when."""
        with psycopg.connect(self.environment["DATABASE_URL"], row_factory=dict_row) as connection:
            return connection.execute(MOMENTS).fetchone() or {}


class Person:
    """A member of staff at a browser. What is refused raises Failed."""

    def __init__(self, office: Office, name: str) -> None:
        self._office, self._cookies = office, CookieJar()
        self._opener = build_opener(HTTPCookieProcessor(self._cookies))
        self.get("/admin/login/")
        self.post("/admin/login/", username=name, password=PASSWORDS["staff"], next="/admin/")

    def get(self, path: str) -> str:
        return self._ask(path, None)[1]

    def post(self, path: str, **fields: str) -> None:
        """Send a form; one that is refused is shown again, one that is accepted leads to another page."""
        token = next(cookie.value for cookie in self._cookies if cookie.name == "csrftoken")
        address, page = self._ask(path, urlencode({**fields, "csrfmiddlewaretoken": token}).encode())
        if address == self._office.root + path:
            shown = " ".join(re.sub(r"<script.*?</script>|<[^>]+>", " ", page, flags=re.DOTALL).split())
            message = f"{path} was refused: {shown[-1_500:]}"
            raise self._office.failed(message, "web")

    def step(self, label: str) -> str | None:
        """Find where the checklist of the first page leads for a step, if that can be done now."""
        links = LINK.findall(self.get("/admin/"))
        return next((address for address, words in links if words == label), None)

    def take(self, label: str, **fields: str) -> None:
        """Do a step as soon as the checklist asks for it."""
        self.post(self._office.wait(label, "worker", lambda: self.step(label)), **fields)

    def approve(self) -> None:
        """Approve what others asked for."""
        waiting = self.get("/admin/office/approvalrequest/?state=OPEN")
        for number in sorted(set(re.findall(r"/admin/office/approvalrequest/(\d+)/change/", waiting))):
            self.post(f"/admin/office/approvalrequest/{number}/approve/", step="confirm", seen="")

    def _ask(self, path: str, data: bytes | None) -> tuple[str, str]:
        try:
            with self._opener.open(self._office.root + path, data, timeout=60) as answer:
                return answer.url, answer.read().decode()
        except OSError as error:
            message = f"{path}: {error}"
            raise self._office.failed(message, "web") from error


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, and what is left of its children."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(30)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def postgres(account: Account, where: Addresses, port: int) -> Iterator[None]:
    """Run PostgreSQL with the roles and the database that the document tells to make."""
    data, secret = where.home / "postgres", where.home / "password"
    secret.write_text(PASSWORDS["postgres"])
    secret.chmod(0o644)  # in a directory that is closed
    safe = ["--auth=scram-sha-256", f"--pwfile={secret}"]
    account.run(account.postgres / "initdb", "--username=postgres", "--encoding=UTF8", *safe, "-D", data)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {where.sockets}"
    control = [str(account.postgres / "pg_ctl"), "-w", "-D", str(data)]
    account.run(*control, "-l", where.home / "postgres.log", "-o", options, "start")
    try:
        [told] = re.findall(r"```sql\n(.+?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
        for role in ("owner", "app"):
            told = told.replace("'…'", f"'{PASSWORDS[role]}'", 1)
        address = f"postgresql://postgres:{PASSWORDS['postgres']}@127.0.0.1:{port}/postgres"
        account.run(account.postgres / "psql", "-X", "-v", "ON_ERROR_STOP=1", address, text=told)
        yield
    finally:
        account.run(*control, "-m", "fast", "stop")


def open_office(office: Office) -> Person:
    """Do what the document says under "First time"; return the administrator."""
    office.start("broker", *office.valkey)
    office.manage("migrate", "--database", "owner")
    for name, role in (("admin", "Administrator"), ("control", "Controller")):
        typed = f"{PASSWORDS['staff']}\n"
        office.manage("create_account", name, "--role", role, "--password-from-stdin", text=typed)
    office.start("web", sys.executable, "-m", *office.gunicorn)
    for name in ("worker", "beat"):
        office.start(name, sys.executable, "-m", "celery", "-A", "config", name)

    def answers() -> Person | None:
        with suppress(Failed):
            return Person(office, "admin")
        return None

    return office.wait("The log-in", "web", answers)


def walk(office: Office) -> bool:
    """Take every step, print the moments, and tell whether the offers came in time."""
    admin = open_office(office)
    password = PASSWORDS["staff"]
    admin.post("/admin/auth/user/new/", name="risk", password=password, again=password)
    [account] = re.findall(r"/admin/auth/user/(\d+)/change/", admin.get("/admin/auth/user/?q=risk"))
    admin.post(f"/admin/auth/user/{account}/give/", role="Risk manager", step="confirm")
    controller = Person(office, "control")
    controller.approve()
    manager = Person(office, "risk")
    manager.take("Enter the card")

    market = office.folder / "market"
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    size = ["--merchants", "300", "--days", "400", "--seed", "7"]
    office.manage("simulate_marketplace", str(market), *size, "--end", yesterday.isoformat())
    office.manage("import_marketplace", str(market), "--settlement", "ESCROW")
    imported, office.deadline = datetime.now(UTC), time.monotonic() + PATIENCE

    manager.take("Enter a first product", product=f"TERM:{currency_of(market)}", step="confirm")
    controller.approve()
    office.manage("create_partner_client", "market")
    manager.take("Calibrate", target="5", step="confirm")
    office.wait("The first offers", "worker", lambda: office.moments()["first offers"])

    admin.get("/health/ready")

    took = {name: (at - imported).total_seconds() for name, at in office.moments().items() if at is not None}
    lines = [f"{name:20}{seconds:8.1f}\n" for name, seconds in took.items()]
    sys.stdout.write("".join(["Seconds since the import was done\n", *lines]))
    return took["first offers"] <= BOUND


def currency_of(market: Path) -> str:
    """Read in which currency a market sells."""
    header, first, *_ = (market / "merchants.csv").read_text(encoding="utf-8").splitlines()
    return dict(zip(header.split(","), first.split(","), strict=True))["currency"]


def main() -> None:
    """Walk, and end with 1 if it failed or took too long."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended like by Ctrl-C, processes and all
    try:
        with TemporaryDirectory(prefix="tradeline-") as name, ExitStack() as stack:
            folder = Path(name)
            folder.chmod(0o755)  # the servers' account goes through it
            where = Addresses(home=folder / "postgres", sockets=folder / "run", database="tradeline")
            account = prepare(where)
            office = Office(folder, account, stack)
            stack.enter_context(postgres(account, where, office.database_port))
            in_time = walk(office)
    except (Failed, NotStarted) as failure:
        sys.exit(str(failure))
    if not in_time:
        sys.exit(f"The first offers took longer than {BOUND} s.")


if __name__ == "__main__":
    main()
