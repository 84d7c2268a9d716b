"""The bank of a demo: mock-bank in a process beside it, on whose clock the business date runs."""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

from django.utils import timezone

from config.office.actors import SYSTEM
from config.office.business_date import get_business_date
from lending.domain.books.bank_profile import BankProfile
from lending.gateways.bank_folders import BankFolders
from lending.gateways.registry import folders_of
from lending.management.processes import free_port, supervised
from lending.operations.banks import BankNotEntered, enter_bank
from lending.operations.settlement import settle_transfers
from lending.queries.gateways import bank_profiles, get_gateways

NAME: Final = "mock-bank"
STARTS_WITHIN: Final = 30
FUNDED: Final = 2 * 10**9
"""Minor units: the lender's money at the bank before the first payout."""
OUR_ACCOUNT, OTHERS = "ACME", ("GLOBEX", "INITECH", "EURODIS")


class MockBank:
    """A mock-bank that listens at an address, and does what it is told."""

    def __init__(self, address: str) -> None:
        self.address = address

    def call(self, method: str, path: str, **body: object) -> Any:  # noqa: ANN401 - JSON
        data = json.dumps(body).encode() if body else None
        request = Request(f"{self.address}/_mock/{path}", method=method, data=data)  # noqa: S310 - of this machine
        request.add_header("Content-Type", "application/json")
        with urlopen(request, timeout=60) as answer:  # noqa: S310 - of this machine
            return json.load(answer)

    def wait(self) -> None:
        """Wait until it listens."""
        until = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                self.call("GET", "health")
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
            else:
                return


class DemoBank(MockBank):
    """Reads its folder when it is told to, and follows the business date."""

    def exchange(self) -> None:
        """Write what waits for the bank to a file, let the bank read it, and take in what it says."""
        settle_transfers(get_gateways(), clock=timezone.now)
        self.call("POST", "drop/scan")
        self.follow()
        settle_transfers(get_gateways(), clock=timezone.now)

    def follow(self) -> None:
        """Move the bank's clock to the business date."""
        today = get_business_date()
        if today is not None:
            with suppress(OSError):  # it is there already
                self.call("POST", f"advance?to={today}")


@contextmanager
def demo_bank(local: Path, *, currency: str, on: date) -> Iterator[DemoBank]:
    """Run a bank that pays out in a currency, from the morning of a day; enter how it is used."""
    profile = BankProfile(
        name=NAME,
        holder="Tradeline Lending",
        account="NL41MOCK0000000001",
        currency=currency,
        agent="MOCKNL2AXXX",
        service_level="",
    )
    folders = folders_of(profile)
    if folders is None:
        message = "BANKS_DIR is not set"
        raise RuntimeError(message)
    if not bank_profiles():  # what an earlier office left there is not this one's
        shutil.rmtree(folders.root, ignore_errors=True)
    folders.make()
    port = free_port()
    with supervised(_command(port, folders, on=on), log=local / "bank.log"):
        bank = DemoBank(f"http://127.0.0.1:{port}")
        bank.wait()
        _set_up(bank, currency=currency)
        with suppress(BankNotEntered):  # the demo was interrupted
            enter_bank(profile=profile, actor=SYSTEM, now=timezone.now())
        yield bank


def _command(port: int, folders: BankFolders, *, on: date) -> list[str]:
    command = [sys.executable, "-m", "mockbank", "--port", str(port), "-q", "--clock", f"{on}T09:00"]
    kept = ["--db", str(folders.root / "bank.sqlite3"), "--retention-days", "3"]
    return [*command, *kept, "--drop-dir", str(folders.outbox), "--pickup-dir", str(folders.inbox)]


def _set_up(bank: DemoBank, *, currency: str) -> None:
    ours = bank.call("GET", f"accounts/{OUR_ACCOUNT}")
    if ours["currency"] != currency:
        bank.call("PATCH", f"accounts/{OUR_ACCOUNT}", currency=currency, balance=FUNDED, name="Tradeline Lending")
        for other in OTHERS:  # else it sends their statements, too
            bank.call("PATCH", f"accounts/{other}", closed=True)
