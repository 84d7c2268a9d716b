"""Keep what a payout account was verified by: the hash of the bank's document, or the row of a test payment."""

from django.db import migrations, models

from config.db.fixed import fixed

VERIFIED = ("verified_by", "verified_at", "approved_by", "follows_id", "evidence_sha256", "evidence_payment")


class Migration(migrations.Migration):
    dependencies = [("merchants", "0021_evidence")]
    operations = [
        migrations.AddField(
            model_name="payoutaccount",
            name="evidence_payment",
            field=models.CharField(db_default="", default="", max_length=60),
        ),
        migrations.RunSQL(
            "DROP TRIGGER merchants_payoutaccount_fixed_once ON merchants_payoutaccount", migrations.RunSQL.noop
        ),
        fixed("merchants_payoutaccount", *VERIFIED, once="OLD.verified_at IS NOT NULL"),
    ]
