"""Keep the hash of an account number beside it on the lines of statements, so that accounts can be compared in SQL.

Lines from before have none until keys are rotated: their numbers are decrypted to be compared, as all were.
"""

from django.db import migrations, models

from config.db.fixed import fixed

SAID = (
    "statement_id", "place", "booked_on", "value_on", "key", "batch", "reference", "bank_reference", "name", "code",
    "words", "sealed_number", "number_key",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("lending", "0051_delinquency_figures")]
    operations = [
        migrations.AddField("statementline", "number_index", models.BinaryField(db_default=b"")),
        migrations.RunSQL(
            "DROP TRIGGER lending_statementline_fixed ON lending_statementline",
            fixed("lending_statementline", *SAID).sql,
        ),
        fixed("lending_statementline", *SAID, "number_index"),
    ]
