"""Keep who verified a payout account, and which requests of partners were done, as they were written."""

from django.db import migrations

from config.db.fixed import fixed, undeletable

VERIFIED = ("verified_by", "verified_at", "approved_by", "follows_id")


class Migration(migrations.Migration):
    dependencies = [("merchants", "0017_withholding"), ("office", "0009_stamped_events")]
    operations = [
        fixed("merchants_payoutaccount", *VERIFIED, once="OLD.verified_at IS NOT NULL"),
        migrations.RunSQL(
            "REVOKE UPDATE ON merchants_keptrequest FROM tradeline_app",
            "GRANT UPDATE ON merchants_keptrequest TO tradeline_app",
        ),
        # As long as they are kept (KEPT_FOR), by a clock that may differ from the application's.
        undeletable(
            "merchants_keptrequest", "OLD.kept_at > clock_timestamp() - interval '90 days' + office_clock_tolerance()"
        ),
    ]
