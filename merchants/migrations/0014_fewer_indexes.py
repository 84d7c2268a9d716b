"""Drop indexes whose column another one begins with."""

from django.db import migrations

from config.db.indexes import drop_key_index, unindexed

DROPPED = [
    "merchants_batchissue_batch_id_b27ef834",
    "merchants_merchant_partner_id_d83277a6",
    "merchants_owner_partner_id_ca6ad354",
    "merchants_payoutaccount_merchant_id_b405cd08",
]
KEYS = [
    ("batchissue", "batch", "merchants.batch", "issues"),
    ("merchant", "partner", "merchants.partner", "+"),
    ("owner", "partner", "merchants.partner", "+"),
    ("payoutaccount", "merchant", "merchants.merchant", "payout_accounts"),
]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("merchants", "0013_uploads")]
    operations = [
        # Other transactions are waited for, however long they last.
        migrations.RunSQL("SET lock_timeout = 0", "RESET lock_timeout"),
        migrations.SeparateDatabaseAndState(
            [drop_key_index(name) for name in DROPPED], [unindexed(*key) for key in KEYS]
        ),
        migrations.RunSQL("RESET lock_timeout", "SET lock_timeout = 0"),
    ]
