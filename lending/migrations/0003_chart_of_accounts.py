"""Enter the accounts."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

CHART = [
    ("PRINCIPAL", "Principal outstanding", "ASSET"),
    ("INTEREST_RECEIVABLE", "Interest receivable", "ASSET"),
    ("PENALTY_RECEIVABLE", "Penalty receivable", "ASSET"),
    ("FEE_RECEIVABLE", "Fees receivable", "ASSET"),
    ("COLLECTION_CLEARING", "Collection clearing", "ASSET"),
    ("PAYOUT_CLEARING", "Payout clearing", "ASSET"),
    ("MERCHANT_CREDIT", "Credit of merchants", "LIABILITY"),
    ("INTEREST_INCOME", "Interest income", "INCOME"),
    ("PENALTY_INCOME", "Penalty income", "INCOME"),
    ("FEE_INCOME", "Fee income", "INCOME"),
]


def enter(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    accounts = apps.get_model("lending", "LedgerAccount").objects.using(schema_editor.connection.alias)
    for place, (code, name, kind) in enumerate(CHART, start=1):
        accounts.get_or_create(code=code, defaults={"name": name, "kind": kind, "place": place})


class Migration(migrations.Migration):
    dependencies = [("lending", "0002_append_only")]
    operations = [migrations.RunPython(enter, migrations.RunPython.noop)]
