"""Account numbers at rest: nowhere in plain text, and under another key when it is wanted."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from io import StringIO
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.test import Client
from django.urls import reverse

from config.db.encryption import KeyMissing, TextUnreadable
from config.declarations import Role
from config.office.models import Document, OperationEvent
from config.office.signatures import enter_keys, knows_our_keys
from lending.models import BankFile, Loan, StatementLine
from lending.operations.payouts import claim_payout
from lending.operations.transfers import order_of
from merchants.domain.payout_account import mask_number
from merchants.models import Merchant, PayoutAccount
from merchants.operations import account_keys
from merchants.operations.payout_accounts import PayoutAccountNotEntered, reveal_number
from tests import mock_bank
from tests.bank_messages import detail, entry
from tests.config.office.notes import PDF, make_document
from tests.conftest import CLERK, NOW, emptier, make_user
from tests.forge import forge
from tests.lending.bank_files import account_statement, booked, filed, take
from tests.lending.loans import lent, make_loan
from tests.lending.operations.test_transfers import due
from tests.merchants.operations.test_payout_accounts import IBANS, enter, verify
from tests.partners import Api, token_for

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])
OLD, NEW = ("2025", b"o" * 32), ("2026", b"n" * 32)
TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"


@pytest.fixture(autouse=True)
def _old_key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    give(monkeypatch, OLD)
    yield
    monkeypatch.undo()
    enter_keys(using="owner", only_first=True)


def give(monkeypatch: pytest.MonkeyPatch, *keys: tuple[str, bytes]) -> None:
    """Let the office have these keys, and migrate."""
    monkeypatch.setattr(settings, "ACCOUNT_KEYS", keys)
    enter_keys(using="owner")


def rotate(*arguments: str) -> list[str]:
    output = StringIO()
    call_command("rotate_account_keys", *arguments, stdout=output)
    return output.getvalue().splitlines()


def used() -> set[tuple[str, str]]:
    return {(account.number_key, account.number) for account in PayoutAccount.objects.all()}


def test_without_its_key_pages_and_calls_say_what_is_missing(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    """Red if they ended in a bare 500: nobody would know that an environment lacks a key."""
    account = enter()
    give(monkeypatch, NEW)
    client.force_login(make_user("uma", Role.UNDERWRITER))
    for address in (
        reverse("admin:merchants_payoutaccount_changelist"),
        reverse("admin:merchants_payoutaccount_change", args=[account.pk]),
    ):
        page = client.get(address)
        assert page.status_code == 503
        assert "The key “2025”" in page.content.decode()
    api = Api(token_for(account.merchant.partner))
    status, reply = api.get(f"merchants/{account.merchant.external_id}/payout-account")
    assert (status, reply["code"]) == (503, "account_unreadable")


def test_no_table_and_no_log_holds_the_number(caplog: pytest.LogCaptureFixture, client: Client) -> None:
    """Red for any copy of it, also as the bytes of a text."""
    with caplog.at_level(logging.DEBUG):
        account = verify(enter())
        with pytest.raises(PayoutAccountNotEntered):
            enter(holder="Another")
        reveal_number(payout_account_id=account.pk, actor=CLERK, now=NOW)
        loan = lent()
        order = order_of(loan.transfers.get(), Loan.objects.select_related("payout_account").get(pk=loan.pk))
        client.force_login(make_user("uma", Role.UNDERWRITER))
        shown = client.post(reverse("admin:merchants_payoutaccount_reveal", args=[account.pk]))
        assert client.get(reverse("admin:merchants_payoutaccount_changelist")).status_code == 200
    number, grouped = IBANS[0], "GB82 WEST 1234 5698 7654 32"
    assert order.account_number == number
    assert grouped in shown.content.decode()
    assert "no-store" in shown.headers["Cache-Control"]
    assert not [line for line in caplog.text.splitlines() if number[-8:] in line or grouped[-9:] in line]
    assert not any(text in f"{shown.cookies} {order!r}" for text in (grouped, number[-8:]))
    for (table,) in emptier().execute(TABLES).fetchall():
        rows = emptier().execute(f'SELECT t::text FROM "{table}" t').fetchall()
        assert not [row for (row,) in rows if number[-8:] in row or number.encode().hex() in row], table


def test_what_a_bank_is_given_and_sends_is_encrypted_and_rotated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if a file or a line kept a number in plain text, or stayed under a key that is said to be free to go."""
    [transfer] = filed(mock_bank.enter(), 90_000)
    account = transfer.loan.payout_account
    assert account is not None
    number, other = account.number, mock_bank.iban(77)
    theirs = f"<RltdPties><CdtrAcct><Id><IBAN>{other}</IBAN></Id></CdtrAcct></RltdPties>"
    told = detail(None, more=f"{theirs}<RmtInf><Ustrd>to {other} of the shop</Ustrd></RmtInf>")
    content = account_statement(100_000, 8_501, booked(transfer.key, 90_000), entry("14.99", told))
    take(mock_bank.profile(), content)
    for (table,) in emptier().execute(TABLES).fetchall():
        rows = emptier().execute(f'SELECT t::text FROM "{table}" t').fetchall()
        for plain in (number, other):
            assert not [row for (row,) in rows if plain in row or plain.encode().hex() in row], table
    files = {file.pk: file.content for file in BankFile.objects.all()}
    assert content in files.values()
    assert any(number.encode() in one for one in files.values())
    document = make_document(transfer.loan)
    line = StatementLine.objects.in_suspense().get()
    assert (line.number, line.words) == (other, f"to {mask_number(other)} of the shop")
    give(monkeypatch, NEW, OLD)
    said = rotate()
    assert [one.split(maxsplit=1)[1] for one in said if one.startswith("2025")] == [
        "1 documents", "1 payout accounts", "1 statement lines", "2 bank files",
    ]  # fmt: skip
    assert said[-1] == "All is under 2026. 2025 may be removed."
    monkeypatch.setattr(settings, "ACCOUNT_KEYS", (OLD,))
    assert not knows_our_keys(), "whoever has the old key signs no more"
    give(monkeypatch, NEW)
    assert StatementLine.objects.get(pk=line.pk).number == other
    assert {file.pk: file.content for file in BankFile.objects.all()} == files
    assert Document.objects.get(pk=document.pk).content == PDF


def test_an_account_is_known_again_under_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if the hash were looked for under the first key alone: the merchant would have the account twice."""
    account = enter()
    give(monkeypatch, NEW, OLD)
    assert enter() == account
    assert enter(IBANS[1]).number_key == "2026"
    rotate()
    assert enter() == account


def test_every_number_is_encrypted_anew_also_of_closed_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    verify(enter())
    verify(enter(IBANS[1]))  # the first is withdrawn
    give(monkeypatch, NEW, OLD)
    assert rotate("--count") == ["2025                             2 payout accounts"]
    assert {key for key, _ in used()} == {"2025"}
    said = rotate()
    assert said[1].startswith("2 of 2 payout accounts, up to ")
    assert said[-1] == "All is under 2026. 2025 may be removed."
    give(monkeypatch, NEW)
    assert used() == {("2026", number) for number in IBANS}
    assert rotate() == ["2026                             2 payout accounts", "All is under 2026."]
    event = OperationEvent.objects.get(name="merchants.rotate_account_keys")
    assert (event.before["keys"], event.after["keys"], event.after["rows"]) == ("2025", "2026", 2)


def test_a_rotation_that_is_killed_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in IBANS:
        enter(number)
    give(monkeypatch, NEW, OLD)
    one = [replace(part, at_once=1) for part in settings.DECLARED.sealed]
    monkeypatch.setattr(settings, "DECLARED", replace(settings.DECLARED, sealed=one))

    def die(**_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(account_keys, "record_event", die)
        with pytest.raises(KeyboardInterrupt):
            rotate()
    assert used() == {("2026", IBANS[0]), ("2025", IBANS[1])}
    assert rotate()[2] == f"1 of 1 payout accounts, up to {PayoutAccount.objects.latest('pk').pk}"
    assert used() == {("2026", number) for number in IBANS}


def test_without_a_key_that_is_used_nothing_is_rotated_and_nothing_read(monkeypatch: pytest.MonkeyPatch) -> None:
    account = enter()
    give(monkeypatch, NEW)
    with pytest.raises(CommandError, match="ACCOUNT_KEYS lacks 2025"):
        rotate()
    with pytest.raises(KeyMissing, match="2025"):
        str(account.masked_number)


def test_a_number_that_is_copied_from_another_merchant_is_neither_paid_to_nor_rotated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Red if whoever owns the tables could have a loan paid to an account of their own."""
    mine, loan = enter(), lent()
    its = loan.payout_account
    assert its is not None
    forge(its, sealed_number=mine.sealed_number)
    loan = Loan.objects.select_related("payout_account").get(pk=loan.pk)
    with pytest.raises(TextUnreadable):
        order_of(loan.transfers.get(), loan)
    give(monkeypatch, NEW, OLD)
    with pytest.raises(CommandError, match=f"1 were changed or copied from others: merchants.payoutaccount:{its.pk}"):
        rotate()
    assert {account.number_key for account in PayoutAccount.objects.all()} == {"2025", "2026"}


def test_a_payout_whose_account_cannot_be_read_is_not_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    transfer = due(make_loan())
    give(monkeypatch, NEW)
    with pytest.raises(KeyMissing):
        claim_payout(transfer_id=transfer.pk, now=NOW)
    transfer.refresh_from_db()
    assert transfer.state == "DUE"


def test_the_migration_encrypts_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if a number were skipped between batches, or encrypted so that the application could not read it."""
    migration = import_module("merchants.migrations.0019_encrypted_numbers")
    monkeypatch.setattr(migration, "BATCH", 1)
    for number in IBANS:
        enter(number)
    table, owner = "merchants_payoutaccount", connections["owner"]
    numbers = {account.pk: account.number for account in PayoutAccount.objects.all()}
    with transaction.atomic(using="owner"), owner.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ADD COLUMN number varchar(34)")
        for pk, number in numbers.items():
            cursor.execute(
                f"UPDATE {table} SET number = %s, sealed_number = '', number_key = '', number_index = id::text::bytea"
                " WHERE id = %s",
                [number, pk],
            )
        migration.encrypt(None, SimpleNamespace(connection=owner))
        found = list(PayoutAccount.objects.using("owner"))
        transaction.set_rollback(True, using="owner")
    assert {account.pk: account.number for account in found} == numbers
    known = PayoutAccount.objects.numbered(IBANS[0], merchant_id=Merchant.objects.get().pk).get()
    assert known.number_index in {account.number_index for account in found}
