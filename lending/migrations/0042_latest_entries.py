"""Find the latest entries of a loan without reading all of them."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from config.db.indexes import drop_key_index, unindexed


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("lending", "0041_late_statements")]
    operations = [
        # Other transactions are waited for, however long they last.
        migrations.RunSQL("SET lock_timeout = 0", "RESET lock_timeout"),
        # What a broken attempt left is not valid.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS lending_entry_by_loan", migrations.RunSQL.noop),
        AddIndexConcurrently(
            "entry",
            models.Index(fields=["loan", "-id"], name="lending_entry_by_loan", condition=models.Q(loan__isnull=False)),
        ),
        migrations.SeparateDatabaseAndState(
            [drop_key_index("lending_entry_loan_id_50fe9092")],
            [unindexed("entry", "loan", "lending.loan", "entries", null=True)],
        ),
        migrations.RunSQL("RESET lock_timeout", "SET lock_timeout = 0"),
    ]
