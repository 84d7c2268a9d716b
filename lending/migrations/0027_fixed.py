"""Keep what was applied for, agreed, decided and proven as it was."""

from django.db import migrations

from config.db.fixed import final, fixed

AGREED = (
    "application_id", "merchant_id", "product_id", "line_id", "currency", "category", "amount_minor", "terms",
    "approved_at", "imported_on",
)  # fmt: skip
ASKED = (
    "merchant_id", "partner_id", "offer_id", "line_id", "product_id", "score_id", "currency", "amount_minor", "months",
    "external_ref", "signed_by", "signed_at", "document_sha256", "signed_from", "applied_on", "entered_by", "entered_at",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("lending", "0026_calendars_and_fees"), ("office", "0008_fixed")]
    operations = [
        fixed("lending_loan", *AGREED),
        fixed("lending_application", *ASKED),
        final("lending_application", "OLD.state <> 'REFERRED'"),
        fixed("lending_transfer", "loan_id", "kind", "key", "made_at"),
        final("lending_dayclose", "OLD.state = 'PROVEN'"),
    ]
