"""Migrations that move what is there."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection, connections, transaction

from config.office.actors import SYSTEM
from config.office.business_date import open_day
from lending.models import BankAnswer, BankFile, StatementLine
from tests.conftest import NOW
from tests.lending.bank_files import take_statement
from tests.lending.loans import OPENED, close, lent

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])
rest = import_module("lending.migrations.0014_loans_at_rest")
files = import_module("lending.migrations.0039_encrypted_files")
IBAN = "GB82WEST12345698765432"
PLAIN = f"""
ALTER TABLE lending_bankfile ADD COLUMN content bytea;
ALTER TABLE lending_statementline ADD COLUMN number varchar(34);
UPDATE lending_bankfile SET content = convert_to('file ' || id || ' to {IBAN}', 'UTF8'), sealed_content = '',
    content_key = '';
UPDATE lending_statementline SET number = CASE WHEN id % 2 = 0 THEN '{IBAN}' ELSE '' END, sealed_number = '',
    number_key = '', words = 'to GB82 WEST 1234 5698 7654 32, or gb82west12345698765432';
UPDATE lending_bankanswer SET words = '{IBAN} is closed';
"""


def migrate() -> None:
    with connection.schema_editor() as editor:
        rest.require_closed(apps, editor)


def test_loans_are_laid_to_rest_only_when_every_day_is_closed() -> None:
    """Red if a row that is booked ahead of a day's close were taken for one that the close has reached."""
    lent()
    migrate()
    open_day(on=OPENED.replace(day=2), actor=SYSTEM, now=NOW)
    with pytest.raises(RuntimeError, match="close every day"):
        migrate()
    close()
    migrate()


def test_files_and_lines_are_encrypted_as_they_were() -> None:
    """Red if one were skipped or could not be read, or a number stayed in what a bank wrote."""
    lent()
    take_statement()
    owner = connections["owner"]
    with transaction.atomic(using="owner"), owner.cursor() as cursor:
        cursor.execute(PLAIN)
        files.encrypt(None, SimpleNamespace(connection=owner))
        kept = [(file.pk, file.content) for file in BankFile.objects.using("owner")]
        lines = [(line.pk, line.number, line.words) for line in StatementLine.objects.using("owner")]
        answers = set(BankAnswer.objects.using("owner").values_list("words", flat=True))
        transaction.set_rollback(True, using="owner")
    assert len(kept) == 2
    assert [content for _, content in kept] == [f"file {pk} to {IBAN}".encode() for pk, _ in kept]
    hidden = "to **** 5432, or **** 5432"
    assert lines == [(pk, "" if pk % 2 else IBAN, hidden) for pk, _, _ in lines]
    assert answers == {"**** 5432 is closed"}
