"""Sum all loans anew, by status.

Processes of the version before must be stopped: they move no sum of these.
"""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

SUM = """
INSERT INTO lending_productexposure (code, currency, category, status, loans, minor, disbursed_minor, repaid_minor)
SELECT p.code, l.currency, l.category, l.status, count(*),
    sum(CASE l.status WHEN 'APPROVED' THEN l.amount_minor WHEN 'ACTIVE' THEN l.principal_minor ELSE 0 END),
    sum(l.disbursed_minor), sum(l.repaid_minor)
FROM lending_loan l JOIN lending_productversion p ON p.id = l.product_id
GROUP BY p.code, l.currency, l.category, l.status
ON CONFLICT (code, currency, category, status) DO UPDATE SET loans = excluded.loans, minor = excluded.minor,
    disbursed_minor = excluded.disbursed_minor, repaid_minor = excluded.repaid_minor
"""


def fill(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("LOCK TABLE lending_loan IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("UPDATE lending_productexposure SET loans = 0, minor = 0, disbursed_minor = 0, repaid_minor = 0")
        cursor.execute(SUM)


def unite(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Leave what they take of rooms, in one row a category."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("LOCK TABLE lending_loan IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(
            "WITH old AS (DELETE FROM lending_productexposure RETURNING *)"
            " INSERT INTO lending_productexposure (code, currency, category, minor)"
            " SELECT code, currency, category, sum(minor) FROM old GROUP BY code, currency, category"
        )


class Migration(migrations.Migration):
    dependencies = [("lending", "0011_sums_by_status")]
    operations = [migrations.RunPython(fill, unite)]
