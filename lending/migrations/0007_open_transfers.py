"""Find what a gateway is asked for next, and what it was asked for last; count what a bank has as open."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently, ValidateConstraint
from django.db import migrations, models

OPEN = ["DUE", "PENDING", "SENT", "UNKNOWN"]


def forget(index: str) -> migrations.RunSQL:
    """Drop what a broken attempt left of an index."""
    return migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {index}", migrations.RunSQL.noop)


def one_open(states: str, reverse_states: str) -> list[migrations.RunSQL]:
    """Make the unique index anew beside the old one, then put it in its place."""
    name, new = "lending_transfer_one_open", "lending_transfer_one_open_new"
    make = f"CREATE UNIQUE INDEX CONCURRENTLY {new} ON lending_transfer (loan_id, kind) WHERE state IN ({{}})"
    drop, rename = f"DROP INDEX CONCURRENTLY IF EXISTS {name}", f"ALTER INDEX {new} RENAME TO {name}"
    return [
        forget(new),
        # Backwards the statements are run from the last to the first.
        migrations.RunSQL(make.format(states), rename),
        migrations.RunSQL(drop, drop),
        migrations.RunSQL(rename, make.format(reverse_states)),
    ]


class Migration(migrations.Migration):
    atomic = False  # indexes that are made while transfers go on

    dependencies = [("lending", "0006_gateways")]
    operations = [
        # Other transactions are waited for, however long they last.
        migrations.RunSQL("SET lock_timeout = 0", "RESET lock_timeout"),
        ValidateConstraint("transfer", "lending_transfer_state_known"),
        ValidateConstraint("transfer", "lending_transfer_settled_when"),
        forget("lending_transfer_next"),
        AddIndexConcurrently(
            "transfer",
            models.Index(
                fields=["gateway", "next_attempt_at"],
                name="lending_transfer_next",
                condition=models.Q(state__in=["DUE", "SENT", "UNKNOWN"]),
            ),
        ),
        forget("lending_transfer_asked"),
        AddIndexConcurrently(
            "transfer",
            models.Index(
                fields=["gateway", "-sent_at"],
                name="lending_transfer_asked",
                condition=models.Q(sent_at__isnull=False),
            ),
        ),
        RemoveIndexConcurrently("transfer", "lending_transfer_open"),
        RemoveIndexConcurrently("transfer", "lending_transfer_last"),
        migrations.SeparateDatabaseAndState(
            one_open("'DUE', 'PENDING', 'SENT', 'UNKNOWN'", "'DUE', 'SENT', 'UNKNOWN'"),
            [
                migrations.RemoveConstraint("transfer", "lending_transfer_one_open"),
                migrations.AddConstraint(
                    "transfer",
                    models.UniqueConstraint(
                        name="lending_transfer_one_open",
                        fields=["loan", "kind"],
                        condition=models.Q(state__in=OPEN),
                    ),
                ),
            ],
        ),
        migrations.RunSQL("RESET lock_timeout", "SET lock_timeout = 0"),
        # Code from before knows nothing of what a bank has: it asks again, under the same key.
        migrations.RunSQL(
            migrations.RunSQL.noop, "UPDATE lending_transfer SET state = 'UNKNOWN' WHERE state = 'PENDING'"
        ),
    ]
