"""Keep bank files, and the account numbers on the lines of statements, encrypted; hide numbers in what banks write."""

import re
from collections.abc import Iterator
from typing import Any

from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from config.db.encryption import Keys
from config.db.fixed import fixed

SAID = (
    "statement_id", "place", "booked_on", "value_on", "key", "batch", "reference", "bank_reference", "name", "code",
    "words",
)  # fmt: skip
NUMBERS = re.compile(
    r"\b(?:[A-Z]{2}[0-9]{2}[0-9A-Z]{10,30}|[A-Z]{2}[0-9]{2}(?: [0-9A-Z]{4}){2,7}(?: [0-9A-Z]{1,3})?"
    r"|[0-9](?: ?[0-9]){10,33})\b",
    re.IGNORECASE,
)
"""What may be an account, in what a bank writes."""
FILES = "SELECT id, sha256, content FROM lending_bankfile WHERE id > %s ORDER BY id LIMIT 20"
FILE = "UPDATE lending_bankfile SET content_key = %s, sealed_content = %s WHERE id = %s"
LINES = "SELECT id, statement_id, number, words FROM lending_statementline WHERE id > %s ORDER BY id LIMIT 5000"
ANSWERS = "SELECT id, words FROM lending_bankanswer WHERE id > %s AND words <> '' ORDER BY id LIMIT 5000"
ANSWER = "UPDATE lending_bankanswer SET words = %s WHERE id = %s"
LINE = "UPDATE lending_statementline SET number_key = %s, sealed_number = %s, words = %s WHERE id = %s"


def encrypt(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Encrypt with the first of the keys that the environment gives."""
    keys = Keys(settings.ACCOUNT_KEYS, purpose="account number", width=34)

    with schema_editor.connection.cursor() as cursor:
        for rows in _pages(cursor, FILES):
            kept = [(keys.current, keys.seal(bytes(one), owner=f"file {digest}"), pk) for pk, digest, one in rows]
            cursor.executemany(FILE, kept)
        for rows in _pages(cursor, LINES):
            cursor.executemany(LINE, [(*_line(keys, *one), _hidden(words), pk) for pk, *one, words in rows])
        for rows in _pages(cursor, ANSWERS):
            cursor.executemany(ANSWER, [(_hidden(words), pk) for pk, words in rows])


def _pages(cursor: Any, statement: str) -> Iterator[list[Any]]:  # noqa: ANN401 - of whatever driver
    last = 0
    while True:
        cursor.execute(statement, [last])
        rows = cursor.fetchall()
        if not rows:
            return
        yield rows
        last = rows[-1][0]


def _hidden(words: str) -> str:
    return NUMBERS.sub(lambda found: f"**** {found[0].replace(' ', '')[-4:]}", words)


def _line(keys: Keys, statement: int, number: str) -> tuple[str, bytes]:
    if not number:
        return "", b""
    kept = keys.encrypt(number, owner=f"statement {statement}")
    return kept.key, kept.sealed


class Migration(migrations.Migration):
    dependencies = [("lending", "0038_closes_are_final"), ("merchants", "0021_evidence")]
    operations = [
        migrations.RunSQL("DROP TRIGGER lending_bankfile_fixed ON lending_bankfile", migrations.RunSQL.noop),
        migrations.RunSQL("DROP TRIGGER lending_statementline_fixed ON lending_statementline", migrations.RunSQL.noop),
        migrations.AddField("bankfile", "sealed_content", models.BinaryField(null=True)),
        migrations.AddField("bankfile", "content_key", models.CharField(max_length=20, null=True)),
        migrations.AddField("statementline", "sealed_number", models.BinaryField(null=True)),
        migrations.AddField("statementline", "number_key", models.CharField(max_length=20, null=True)),
        migrations.RunPython(encrypt, migrations.RunPython.noop),
        migrations.RemoveField("bankfile", "content"),
        migrations.RemoveField("statementline", "number"),
        migrations.AlterField("bankfile", "sealed_content", models.BinaryField()),
        migrations.AlterField("bankfile", "content_key", models.CharField(max_length=20)),
        migrations.AlterField("statementline", "sealed_number", models.BinaryField()),
        migrations.AlterField("statementline", "number_key", models.CharField(max_length=20)),
        fixed(
            "lending_bankfile",
            *("bank", "is_ours", "name", "message_id", "sealed_content", "content_key", "sha256", "made_at"),
        ),
        fixed("lending_statementline", *SAID, "sealed_number", "number_key"),
    ]
