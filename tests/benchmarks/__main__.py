"""Measure the product beside named rivals, on a simulated market in a database of its own; report, never gate.

`make bench`, or `python -m tests.benchmarks --merchants N --only NAME...`. Each workload is a process of its own, so
that its peak memory is its own, and ends with one line of JSON. Whatever was made is removed at the end.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import psycopg
from celery import Celery

from config import embedded
from merchants.domain.simulation.market import DAYS
from tests.forge import LENIENT

ROOT = Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / ".local" / "bench"
WORKLOADS = {
    "ingestion": ("ingest",),
    "workloads": ("measures", "run", "single"),
    "lending": ("decision", "replay"),
    "watch": ("signals",),
    "nights": ("close", "provisions"),
    "years": ("years",),
    "books": ("book",),
    "ledger": ("ledger", "trial"),
    "banks": ("banks",),
    "audit": ("events", "seals"),
    "accounts": ("accounts",),
    "pages": ("pages",),
    "exports": ("exports",),
    "portfolio": ("portfolio",),
    "indexes": ("indexes",),
}
NO_DATABASE = {"replay"}
CHILD = (
    "import django; django.setup(); from tests.benchmarks.{module} import WORKLOADS;"
    " from tests.benchmarks.results import tell; tell({name!r}, WORKLOADS[{name!r}]())"
)


def main() -> None:
    """Make a database, run the workloads, clean up."""
    names = [(module, name) for module, some in WORKLOADS.items() for name in some]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--merchants", type=int, default=1_000, help="of the simulated market")
    parser.add_argument("--days", type=int, default=DAYS, help="that the simulated market has traded")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the file that is ingested")
    parser.add_argument("--loans", type=int, default=100_000, help="that close and pages are about, 1,000,000 at most")
    parser.add_argument("--only", nargs="+", choices=[name for _, name in names], help="some, with what they need")
    arguments = parser.parse_args()
    chosen = [(module, name) for module, name in names if arguments.only is None or name in arguments.only]
    if not embedded.wanted(os.environ):
        sys.exit("The benchmarks use the embedded servers alone: unset DATABASE_URL and BROKER_URL.")
    environ = os.environ | {
        "DATA": str(DIRECTORY),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LOG_LEVEL": "ERROR",
        "PYTHONPATH": str(ROOT),
        "LOOPBACK_DIR": str(DIRECTORY / "bank"),
        "MERCHANTS": str(arguments.merchants),
        "DAYS": str(arguments.days),
        "ROWS": str(arguments.rows),
        "LOANS": str(arguments.loans),
    }
    say(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    remove(environ)
    try:
        if any(name not in NO_DATABASE for _, name in chosen):
            describe(embedded.start(ROOT, environ))
            command = [sys.executable, "manage.py", "migrate", "--database", "owner", "--verbosity", "0"]
            subprocess.run(command, env=environ, cwd=ROOT, check=True)
            with psycopg.connect(embedded.addresses(ROOT, environ).database_url(embedded.Role.OWNER)) as database:
                database.execute(LENIENT)  # the workloads have clocks and staff as the tests do
        for module, name in chosen:
            command = [sys.executable, "-c", CHILD.format(module=module, name=name)]
            subprocess.run(command, env=environ, cwd=ROOT, check=True)
    finally:
        remove(environ)


def describe(where: embedded.Addresses) -> None:
    """Say what database this is."""
    with psycopg.connect(where.database_url(embedded.Role.OWNER)) as database:
        row = database.execute("SHOW server_version").fetchone()
    say(f"PostgreSQL {row[0] if row else '?'}")


def say(words: str) -> None:
    """Write a line at once, before those of the workloads."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def remove(environ: Mapping[str, str]) -> None:
    """Drop the database and the messages of the benchmarks, and only these; remove their files."""
    where = embedded.addresses(ROOT, environ)
    if where.postgres_socket.exists():
        with psycopg.connect(
            replace(where, database="postgres").database_url(embedded.Role.OWNER), autocommit=True
        ) as server:
            # Not by force: that wants a right over the autovacuum, which else ends by itself.
            server.execute(f"DROP DATABASE IF EXISTS {where.database}")
    if where.valkey_socket.exists():
        with Celery(broker=where.broker_url).connection_for_write() as broker:
            broker.channel().client.flushdb()  # type: ignore[attr-defined] # Kombu's Redis; a virtual host of its own
    shutil.rmtree(DIRECTORY, ignore_errors=True)


if __name__ == "__main__":
    main()
