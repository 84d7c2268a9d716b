"""A bank that nobody here wrote: mock-bank, in a process of its own, with the folders of the product's profile."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from schwifty import IBAN

from config.office.actors import SYSTEM
from lending.domain.books.bank_profile import BankProfile, parse_profile
from lending.gateways.bank_folders import BankFolders
from lending.management.demo_bank import OUR_ACCOUNT, MockBank
from lending.management.processes import free_port
from lending.models import Loan
from lending.operations.banks import enter_bank
from merchants.models import PayoutAccount
from tests.conftest import NOW
from tests.lending.loans import give_number

OTHERS = ("GLOBEX", "INITECH")
PROFILE = Path("docs/examples/bank.toml")


class FolderBank(MockBank):
    """Asks the bank to do things, and moves its clock; everything else goes through the folders."""

    def __init__(self, address: str, folders: BankFolders) -> None:
        super().__init__(address)
        self.folders = folders

    def read_outbox(self) -> list[dict[str, Any]]:
        """Let the bank take what is in the outbox now; return what it made of each file."""
        return list(self.call("POST", "drop/scan")["files"])

    def next_day(self, days: int = 1) -> None:
        self.call("POST", f"advance?days={days}")

    def behave(self, behaviour: str, *, parameters: Mapping[str, object]) -> None:
        """Let our account have one of the bank's behaviours."""
        self.call("PATCH", f"accounts/{OUR_ACCOUNT}", behaviour=behaviour, parameters=parameters)


@contextmanager
def mock_bank(root: Path, *, on: date) -> Iterator[FolderBank]:
    """Start the bank on the morning of a day."""
    folders = BankFolders(root / profile().name)
    folders.make()
    port = free_port()
    command = [sys.executable, "-m", "mockbank", "--port", str(port), "-q", "--clock", f"{on}T09:00"]
    command += ["--drop-dir", str(folders.outbox), "--pickup-dir", str(folders.inbox), "--drop-settle-ms", "0"]
    process = subprocess.Popen([*command, "--drop-interval-ms", "3600000"])
    try:
        bank = FolderBank(f"http://127.0.0.1:{port}", folders)
        bank.wait()
        for other in OTHERS:
            bank.call("PATCH", f"accounts/{other}", closed=True)  # else it sends their statements, too
        yield bank
    finally:
        process.terminate()
        process.wait(10)


def profile(**changes: object) -> BankProfile:
    return replace(parse_profile(PROFILE.read_text()), **changes)  # type: ignore[arg-type]


def enter(**changes: object) -> BankProfile:
    found = profile(**changes)
    enter_bank(profile=found, actor=SYSTEM, now=NOW)
    return found


def iban(number: int) -> str:
    """Return an account of nobody, at another bank than ours."""
    return str(IBAN.generate("NL", bank_code="TSTB", account_code=f"{number:010}"))


def with_account(loan: Loan, number: str) -> Loan:
    """Let the loan's merchant have this account."""
    account = PayoutAccount.objects.get(merchant=loan.merchant)
    give_number(account, number)
    return Loan.objects.select_related("payout_account").get(pk=loan.pk)
