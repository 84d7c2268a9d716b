"""Let an external id name one row of a merchant for good, superseded ones included.

Partition by partition and concurrently, so that ingestion goes on; the table's own index then takes up the parts, and
only a valid one takes the place of the old. Interrupted anywhere, it may be run again.
"""

from typing import Any

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

OLD = "merchants_transaction_external_id_once"
NEW = "merchants_transaction_id_once"
PARTITIONS = [f"{number:02}" for number in range(32)]
IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"


def is_valid(editor: BaseDatabaseSchemaEditor, name: str) -> bool | None:
    """Check whether an index is valid; None if no such index exists."""
    with editor.connection.cursor() as cursor:
        cursor.execute(IS_VALID, [name])
        found = cursor.fetchone()
        return None if found is None else bool(found[0])


def swap(editor: BaseDatabaseSchemaEditor, *, new: str, condition: str, old: str) -> None:
    """Build a unique index on every partition, and on the table from these; then drop the old one.

    Where SQL is only printed (`sqlmigrate`), the new index does not exist.
    """
    for part in PARTITIONS:
        name = f"{new}_p{part}"
        if is_valid(editor, name) is False:  # left by a build that was interrupted
            editor.execute(f"DROP INDEX CONCURRENTLY {name}")
        editor.execute(
            f"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {name}"
            f" ON merchants_transaction_p{part} (merchant_id, external_id) {condition}"
        )
    editor.execute(
        f"CREATE UNIQUE INDEX IF NOT EXISTS {new} ON merchants_transaction (merchant_id, external_id) {condition}"
    )
    if is_valid(editor, new) is False:
        message = f"The index {new} is not valid: {old} stays. Drop it, and migrate again."
        raise RuntimeError(message)
    editor.execute(f"DROP INDEX IF EXISTS {old}")


def forward(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:  # noqa: ANN401 - of any state
    swap(editor, new=NEW, condition="", old=OLD)


def backward(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:  # noqa: ANN401
    swap(editor, new=OLD, condition="WHERE superseded_in IS NULL", old=NEW)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("merchants", "0008_corrections")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE merchants_transaction VALIDATE CONSTRAINT merchants_transaction_kind_known",
            migrations.RunSQL.noop,
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(forward, backward)],
            state_operations=[
                migrations.RemoveConstraint(model_name="transaction", name=OLD),
                migrations.AddConstraint(
                    model_name="transaction",
                    constraint=models.UniqueConstraint(fields=("merchant", "external_id"), name=NEW),
                ),
            ],
        ),
    ]
