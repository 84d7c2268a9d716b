"""Keep the numbers of payout accounts encrypted, each with the name of its key and a keyed hash."""

from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from config.db.encryption import Keys
from config.db.fixed import fixed

ENTERED = (
    "merchant_id", "sealed_number", "number_key", "number_index", "holder", "merchant_name", "entered_by", "entered_at",
)  # fmt: skip
BATCH = 5_000
PLAIN = "SELECT id, merchant_id, number FROM merchants_payoutaccount WHERE id > %s ORDER BY id LIMIT %s"
ENCRYPTED = """
UPDATE merchants_payoutaccount a SET number_key = %s, sealed_number = n.sealed, number_index = n.index
FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[]) n (id, sealed, index) WHERE n.id = a.id
"""


def encrypt(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Encrypt every number with the first of the keys that the environment gives."""
    keys, last = Keys(settings.ACCOUNT_KEYS, purpose="account number", width=34), 0
    with schema_editor.connection.cursor() as cursor:
        while True:
            cursor.execute(PLAIN, [last, BATCH])
            rows = cursor.fetchall()
            if not rows:
                return
            kept = [keys.encrypt(number, owner=f"merchant {merchant}") for _, merchant, number in rows]
            ids = [pk for pk, _, _ in rows]
            cursor.execute(ENCRYPTED, [keys.current, ids, [one.sealed for one in kept], [one.index for one in kept]])
            last = ids[-1]


class Migration(migrations.Migration):
    dependencies = [("merchants", "0018_fixed")]
    operations = [
        migrations.RunSQL("DROP TRIGGER merchants_payoutaccount_fixed ON merchants_payoutaccount"),
        migrations.AddField("payoutaccount", "sealed_number", models.BinaryField(null=True)),
        migrations.AddField("payoutaccount", "number_key", models.CharField(max_length=20, null=True)),
        migrations.AddField("payoutaccount", "number_index", models.BinaryField(null=True)),
        migrations.RunPython(encrypt),
        migrations.RemoveConstraint("payoutaccount", "merchants_payoutaccount_number_canonical"),
        migrations.RemoveConstraint("payoutaccount", "merchants_payoutaccount_number_once"),
        migrations.RemoveField("payoutaccount", "number"),
        migrations.AlterField("payoutaccount", "sealed_number", models.BinaryField()),
        migrations.AlterField("payoutaccount", "number_key", models.CharField(max_length=20)),
        migrations.AlterField("payoutaccount", "number_index", models.BinaryField()),
        migrations.AddConstraint(
            "payoutaccount",
            models.UniqueConstraint(
                condition=models.Q(("state__in", ["PENDING", "VERIFIED"])),
                fields=("merchant", "number_index"),
                name="merchants_payoutaccount_number_once",
            ),
        ),
        fixed("merchants_payoutaccount", *ENTERED),
    ]
