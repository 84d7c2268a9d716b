"""Keep the amount of a payout, of any transfer that was sent, and what a transfer that is done has moved."""

from django.db import migrations

from config.db.fixed import fixed

SENT = "OLD.kind = 'PAYOUT' OR OLD.state <> 'DUE'"


class Migration(migrations.Migration):
    dependencies = [("lending", "0030_bank_files_checked"), ("office", "0009_stamped_events")]
    operations = [
        fixed("lending_transfer", "amount_minor", "gateway", once=SENT),
    ]
