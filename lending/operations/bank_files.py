"""Exchange files with a bank: write what waits to one, put it into the outbox, take in what the bank sends.

A file is a row with its bytes before anything else happens with it. An order is in one file at most, as the file and
its orders are one transaction; a file that was not marked as delivered is put again, the same bytes under the same
name, and a bank that has it says so, which changes nothing. A file of the bank is kept once by its hash: read again
after a crash, it is known.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, time
from hashlib import sha256
from typing import Final
from uuid import uuid4
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings

from config.db.locking import lock_name
from config.db.rows import insert
from config.db.transactions import operation, require_one
from config.office.actors import Actor
from config.office.business_date import get_business_date
from config.office.events import record_event
from config.office.job_runs import Clock
from lending.domain.books.bank_profile import BankProfile
from lending.domain.books.transfer import PATIENCE, TransferKind, TransferState
from lending.gateways.bank_answers import LARGEST, NotReadable, read_message
from lending.gateways.bank_folders import BankFolders
from lending.gateways.bank_orders import DEBITS, PAYOUTS, write_debits, write_payouts
from lending.models import BankFile, Transfer
from lending.models.bank import sealed_file
from lending.operations.bank_answers import keep_message
from lending.queries.bank_orders import bank_order, orders_to_file
from lending.queries.transfers import may_be_paid_to

BANK: Final = "lending.bank"
FILES_AT_ONCE: Final = 100
log = structlog.get_logger(__name__)


def write_files(bank: BankProfile, *, clock: Clock) -> None:
    """Write all orders that wait for a bank to files."""
    for _ in range(FILES_AT_ONCE):
        if write_file(bank, now=clock()) is None:
            return


def write_file(bank: BankProfile, *, now: datetime) -> BankFile | None:
    """Write the oldest orders that wait for a bank to a file; None if none waits."""
    today = get_business_date()
    with operation():
        lock_name(BANK, bank.name)
        transfers = orders_to_file(bank=bank.name, most=bank.orders_a_file)
        if today is None or not transfers:
            return None
        sent = _put_back_withdrawn(transfers, now=now)
        if not sent:
            return None
        message_id = uuid4().hex
        is_payout = transfers[0].kind == TransferKind.PAYOUT
        at = _time_of(now)
        on = bank.requested_on(today, at=at) if is_payout else bank.collected_on(today, at=at)
        write = write_payouts if is_payout else write_debits
        content = write(
            [bank_order(transfer, transfer.loan) for transfer in sent],
            profile=bank,
            message_id=message_id,
            on=on,
            now=now,
        )
        file = insert(
            BankFile(
                bank=bank.name,
                is_ours=True,
                name=f"{message_id}.xml",
                kind=PAYOUTS if is_payout else DEBITS,
                message_id=message_id,
                **sealed_file(content),
                made_at=now,
                problem="",
                dismissed_by="",
                dismissed_why="",
            )
        )
        Transfer.objects.filter(pk__in=[transfer.pk for transfer in sent]).update(file=file)
        return file


def deliver_files(bank: BankProfile, folders: BankFolders, *, clock: Clock) -> None:
    """Put the files that are written, and not yet marked as delivered, into the outbox of their bank."""
    for pk in list(BankFile.objects.to_deliver().filter(bank=bank.name).order_by("pk").values_list("pk", flat=True)):
        with operation():
            lock_name(BANK, bank.name)
            file = BankFile.objects.to_deliver().filter(pk=pk).first()
            if file is not None:  # no other worker was faster
                folders.put(file.name, file.content)
                require_one(BankFile.objects.to_deliver().filter(pk=pk).update(delivered_at=clock()))


def take_files(bank: BankProfile, folders: BankFolders, *, clock: Clock, then: Callable[[], None]) -> None:
    """Take in what came from a bank: read and kept, or set aside whole; the same file again changes nothing.

    then: what is done after each, before the next is read: a later file may rest on what an earlier one says.
    """
    for path in folders.arrived():
        try:
            content = folders.read(path, most=LARGEST + 1)
            if content is None:  # another worker was faster
                continue
            take_file(bank, name=path.name, content=content, now=clock())
            folders.put_away(path, sha256=sha256(content).hexdigest())
        except Exception:  # it stays in the inbox, and the others are taken
            log.exception("bank_file_left", bank=bank.name, file=path.name)
            continue
        then()


def take_file(bank: BankProfile, *, name: str, content: bytes, now: datetime) -> BankFile:
    """Keep a file of a bank, with what it says; one that cannot be read says nothing. Raises Contended."""
    digest = sha256(content).hexdigest()
    with operation():
        lock_name(BANK, bank.name)
        known = BankFile.objects.filter(bank=bank.name, is_ours=False, sha256=digest).first()
        if known is not None:
            log.info("bank_file_known", bank=bank.name, file=name, known=known.pk)
            return known
        file = insert(
            BankFile(
                bank=bank.name,
                is_ours=False,
                name=name[:200],
                kind="",
                message_id="",
                **sealed_file(content),
                made_at=now,
                problem="",
                dismissed_by="",
                dismissed_why="",
            )
        )
        _read(bank, file)
        return file


def read_file_again(*, file_id: int, bank: BankProfile, actor: Actor, now: datetime) -> BankFile:
    """Read a file again that was set aside, as what was wrong may be mended. Raises Contended, DoesNotExist."""
    with operation():
        lock_name(BANK, bank.name)
        file = BankFile.objects.set_aside().lock().get(pk=file_id, bank=bank.name)
        before = file.problem
        file.problem = ""
        _read(bank, file)
        record_event(
            name="lending.read_bank_file",
            subject=file,
            actor=actor,
            before={"problem": before},
            after={"problem": file.problem},
            now=now,
        )
        return file


def dismiss_file(*, file_id: int, reason: str, actor: Actor, now: datetime) -> BankFile:
    """Record that nothing is to be done about a file that was set aside. Raises BankFile.DoesNotExist."""
    with operation():
        file = BankFile.objects.set_aside().lock().get(pk=file_id)
        aside = BankFile.objects.set_aside().filter(pk=file.pk)
        require_one(aside.update(dismissed_by=str(actor), dismissed_why=reason.strip()[:500]))
        record_event(
            name="lending.dismiss_bank_file",
            subject=file,
            actor=actor,
            before={"problem": file.problem},
            after={"reason": reason.strip()},
            now=now,
        )
        return file


def _read(bank: BankProfile, file: BankFile) -> None:
    """Keep what a file says, or why it is set aside."""
    try:
        message = read_message(file.content)
        file.kind, file.problem = message.kind, keep_message(bank, file, message)
    except NotReadable as error:
        file.problem = str(error)[:500] or "not readable"
    require_one(BankFile.objects.filter(pk=file.pk).update(kind=file.kind, problem=file.problem))


def _put_back_withdrawn(transfers: Sequence[Transfer], *, now: datetime) -> list[Transfer]:
    """Return the orders that may go; a payout to an account that is not good any more counts as never sent."""
    held = [one for one in transfers if one.kind == TransferKind.PAYOUT and not may_be_paid_to(one.loan)]
    waiting = Transfer.objects.filter(pk__in=[one.pk for one in held], file__isnull=True, state=TransferState.PENDING)
    waiting.update(state=TransferState.DUE, attempts=0, sent_at=None, answer="", next_attempt_at=now + PATIENCE)
    return [one for one in transfers if one not in held]


def _time_of(now: datetime) -> time | None:
    """Return the time of the business day; None where a person turns the days."""
    if settings.BUSINESS_CLOCK == "manual":
        return None
    return now.astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE)).time()
