"""Make what was decided, what happened to loans, and the books append-only; let a schedule be drawn afresh."""

from django.db import migrations

from config.db.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("lending", "0001_tables"), ("office", "0003_append_only")]
    operations = [
        *(
            append_only(f"lending_{name}")
            for name in ("productversion", "decision", "loanevent", "ledgeraccount", "entry", "posting", "proofline")
        ),
        migrations.RunSQL(
            "GRANT DELETE ON lending_instalment TO tradeline_app",
            "REVOKE DELETE ON lending_instalment FROM tradeline_app",
        ),
    ]
