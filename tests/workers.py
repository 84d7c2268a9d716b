"""Run real Celery workers on the test database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from celery import current_app
from django.db import connections

from tests.conftest import ROOT

LEASE = 3


def _url(alias: str) -> str:
    facts = connections[alias].settings_dict
    name = connections["default"].settings_dict["NAME"]
    host, port = quote(str(facts.get("HOST", "")), safe=""), facts.get("PORT") or ""
    secret = f":{quote(facts['PASSWORD'], safe='')}" if facts.get("PASSWORD") else ""
    return f"postgresql://{facts['USER']}{secret}@/{name}?host={host}&port={port}"


@contextmanager
def worker(log: Path, *, beat: bool = True) -> Iterator[subprocess.Popen[bytes]]:
    """Start one worker process with one child; killed as a group at the end, if it still lives."""
    environment = os.environ | {
        "DATABASE_URL": _url("default"),
        "DATABASE_OWNER_URL": _url("owner"),
        "BROKER_URL": current_app.conf.broker_url,
        "SECRET_KEY": "only-for-the-workers-of-the-test-suite",
        "BUSINESS_CLOCK": "manual",
        "JOB_LEASE": str(LEASE),
        "SWEEP_EVERY": "1",
        "SECURE": "0",
        "LOG_LEVEL": "INFO",
    }
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "-c", "1"]
    if beat:
        command += ["-B", "-s", str(log.with_suffix(".beat"))]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            yield process
        finally:
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End the worker and its children at once, as a power cut would."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def wait_until(done: Callable[[], bool], *, seconds: float = 60) -> None:
    """Look again and again, for at most so long."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
