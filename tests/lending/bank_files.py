"""Files of a bank with what they say, without a bank."""

from datetime import date, timedelta
from uuid import UUID

from config.db.transactions import operation
from config.kernel.money import format_minor
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date, open_day
from lending.domain.books.bank_profile import BankProfile
from lending.gateways.bank_files import BankFiles
from lending.gateways.breaker import Breaker
from lending.models import BankAnswer, BankFile, Transfer
from lending.operations.bank_answers import apply_answers
from lending.operations.bank_files import take_file, write_files
from lending.operations.bank_statements import book_statements
from lending.operations.payouts import make_payout, pay_out
from lending.operations.statement_lines import match_again
from tests.bank_messages import balance, detail, entry, statement
from tests.conftest import NOW
from tests.lending.loans import OPENED, make_loan
from tests.mock_bank import enter, iban, with_account

MONDAY = OPENED + timedelta(days=1)
BANK = Breaker("mock-bank", BankFiles())
OURS = "<IBAN>NL41MOCK0000000001</IBAN>"


def ordered(*amounts: int) -> list[Transfer]:
    """Order payouts of so many minor units, which wait for a file; it is Monday then."""
    made = []
    for number, amount in enumerate(amounts):
        loan = with_account(make_loan(currency="EUR", amount_minor=amount), iban(number))
        with operation():
            transfer = make_payout(loan, now=NOW)
        pay_out(BANK, transfer_id=transfer.pk, clock=lambda: NOW)
        made.append(transfer)
    if (get_business_date() or OPENED) < MONDAY:
        open_day(on=MONDAY, actor=SYSTEM, now=NOW)
    return made


def filed(bank: BankProfile, *amounts: int) -> list[Transfer]:
    """Order payouts, and write them to a file."""
    transfers = ordered(*amounts)
    write_files(bank, clock=lambda: NOW)
    return [Transfer.objects.get(pk=one.pk) for one in transfers]


def take(bank: BankProfile, content: bytes, name: str = "answer.xml") -> BankFile:
    """Take a file of a bank, and do all that follows from it."""
    file = take_file(bank, name=name, content=content, now=NOW)
    apply_answers(BANK, clock=lambda: NOW)
    book_statements(bank, clock=lambda: NOW)
    match_again(bank, clock=lambda: NOW)
    return file


def states() -> list[str]:
    """Return the states of all orders."""
    return list(Transfer.objects.order_by("pk").values_list("state", flat=True))


def booked(key: UUID, minor: int, side: str = "DBIT") -> str:
    """Write the entry of an order."""
    return entry(format_minor(minor, "EUR"), detail(key), side=side)


def account_statement(opening: int, closing: int, *entries: str, name: str = "T1", on: date = MONDAY) -> bytes:
    """Write a statement of the account of the test's bank."""
    balances = [
        balance(code, format_minor(minor, "EUR"), on=str(on)) for code, minor in (("OPBD", opening), ("CLBD", closing))
    ]
    return statement(*balances, *entries, name=name, account=OURS)


def take_statement() -> None:
    """Let there be one of everything: a bank, a file to it, one of it, an answer held, a statement, suspense."""
    bank = enter()
    [transfer] = filed(bank, 90_000)
    on = get_business_date() or MONDAY
    take(bank, account_statement(100_000, 98_501, entry("14.99"), on=on))
    BankAnswer.objects.create(
        file=BankFile.objects.latest("pk"),
        place=9,
        transfer=transfer,
        outcome="REJECTED",
        state="HELD",
        hold="CONTRADICTS",
    )
