"""Fill the categories of loans, some at a time, then sum what they take of rooms.

Processes of the version before must be stopped: they do not move the sums.
"""

from django.db import migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

AT_ONCE = 10_000
FILL = """
UPDATE lending_loan l SET category = m.category FROM merchants_merchant m
WHERE m.id = l.merchant_id AND l.category = '' AND m.category <> '' AND l.id >= %s AND l.id < %s
"""
SUM = """
INSERT INTO lending_productexposure (code, currency, category, minor)
SELECT p.code, l.currency, l.category, sum(CASE l.status WHEN 'APPROVED' THEN l.amount_minor ELSE l.principal_minor END)
FROM lending_loan l JOIN lending_productversion p ON p.id = l.product_id -- those that ended owe nothing
GROUP BY p.code, l.currency, l.category
ON CONFLICT (code, currency, category) DO UPDATE SET minor = excluded.minor
"""


def fill(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM lending_loan")
        for first in range(0, cursor.fetchone()[0] + 1, AT_ONCE):
            cursor.execute(FILL, [first, first + AT_ONCE])
        with transaction.atomic(using=schema_editor.connection.alias):
            cursor.execute("LOCK TABLE lending_loan IN SHARE ROW EXCLUSIVE MODE")
            cursor.execute("UPDATE lending_productexposure SET minor = 0")  # of a broken attempt
            cursor.execute(SUM)


class Migration(migrations.Migration):
    atomic = False  # each step is short, and may be done again

    dependencies = [("lending", "0009_exposures")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
