"""Find what is drawn on a line; let a merchant have one open offer of each kind, and its own lines alone."""

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models
from django.db.models import PROTECT, ForeignKey

OF_MERCHANT = """
ALTER TABLE {table} ADD CONSTRAINT {table}_line_of_merchant
    FOREIGN KEY (line_id, merchant_id) REFERENCES lending_line (id, merchant_id) DEFERRABLE INITIALLY DEFERRED NOT VALID
"""
UNIQUE = {
    "lending_offer_one_open_a_kind": "lending_offer (merchant_id, kind) WHERE state IN ('MADE', 'DELIVERED')",
    "lending_creditline_once_a_kind": "lending_creditline (merchant_id, kind)",
}


def of_merchant(table: str) -> list[migrations.RunSQL]:
    """Refer to the line with its merchant, so that nothing is under the line of another."""
    name = f"{table}_line_of_merchant"
    drop = f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}"
    return [
        migrations.RunSQL(f"{drop}; {OF_MERCHANT.format(table=table)}", drop),
        migrations.RunSQL(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}", migrations.RunSQL.noop),
    ]


def forget(index: str) -> migrations.RunSQL:
    """Drop what a broken attempt left of an index."""
    return migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {index}", migrations.RunSQL.noop)


def unique(name: str) -> list[migrations.RunSQL]:
    """Make a unique index while rows are written."""
    drop = f"DROP INDEX CONCURRENTLY IF EXISTS {name}"
    return [forget(name), migrations.RunSQL(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {UNIQUE[name]}", drop)]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("lending", "0020_lines")]
    operations = [
        migrations.RunSQL("SET lock_timeout = 0", "RESET lock_timeout"),
        ValidateConstraint("grantedlimit", "lending_creditline_kind_known"),
        ValidateConstraint("offer", "lending_offer_kind_known"),
        ValidateConstraint("productversion", "lending_productversion_kind_known"),
        migrations.SeparateDatabaseAndState(
            unique("lending_offer_one_open_a_kind"),
            [
                migrations.AddConstraint(
                    "offer",
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["MADE", "DELIVERED"])),
                        fields=("merchant", "kind"),
                        name="lending_offer_one_open_a_kind",
                    ),
                )
            ],
        ),
        migrations.RemoveConstraint("offer", "lending_offer_one_open"),
        migrations.SeparateDatabaseAndState(
            unique("lending_creditline_once_a_kind"),
            [
                migrations.AddConstraint(
                    "grantedlimit",
                    models.UniqueConstraint(fields=("merchant", "kind"), name="lending_creditline_once_a_kind"),
                )
            ],
        ),
        migrations.AlterField(
            "grantedlimit",
            "merchant",
            ForeignKey("merchants.merchant", on_delete=PROTECT, related_name="+", db_index=False),
        ),
        forget("lending_application_by_line"),
        AddIndexConcurrently(
            "application",
            models.Index(
                condition=models.Q(("line__isnull", False)), fields=["line", "-id"], name="lending_application_by_line"
            ),
        ),
        forget("lending_loan_by_line"),
        AddIndexConcurrently(
            "loan",
            models.Index(
                condition=models.Q(("line__isnull", False)), fields=["line", "-id"], name="lending_loan_by_line"
            ),
        ),
        *of_merchant("lending_application"),
        *of_merchant("lending_loan"),
        migrations.RunSQL("RESET lock_timeout", "SET lock_timeout = 0"),
    ]
