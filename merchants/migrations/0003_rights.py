"""Make the facts append-only, and let the sealing of a batch empty its staging."""

from django.db import migrations

from config.db.append_only import append_only

PARTITIONS = """
DO $$ BEGIN
    FOR k IN 0..31 LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON merchants_transaction_p%s FROM tradeline_app',
            lpad(k::text, 2, '0'));
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("merchants", "0002_transaction"), ("office", "0003_append_only")]
    operations = [
        append_only("merchants_transaction"),
        migrations.RunSQL(PARTITIONS, migrations.RunSQL.noop),
        append_only("merchants_batchissue"),
        migrations.RunSQL(
            "GRANT DELETE ON merchants_stagedrow TO tradeline_app",
            "REVOKE DELETE ON merchants_stagedrow FROM tradeline_app",
        ),
    ]
