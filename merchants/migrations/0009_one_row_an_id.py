"""Let an external id name one row of a merchant for good, superseded ones included.

Partition by partition and concurrently, so that ingestion goes on; the table's own index then takes up the parts.
"""

from django.db import migrations, models

OLD = "merchants_transaction_external_id_once"
NEW = "merchants_transaction_id_once"
PARTITIONS = [f"{number:02}" for number in range(32)]


def build(name: str, condition: str) -> list[str]:
    """Return the statements that build a unique index on every partition, and on the table from these."""
    return [
        *(
            f"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {name}_p{part}"
            f" ON merchants_transaction_p{part} (merchant_id, external_id) {condition}"
            for part in PARTITIONS
        ),
        f"CREATE UNIQUE INDEX {name} ON merchants_transaction (merchant_id, external_id) {condition}",
    ]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("merchants", "0008_corrections")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    [*build(NEW, ""), f"DROP INDEX {OLD}"],
                    [*build(OLD, "WHERE superseded_in IS NULL"), f"DROP INDEX {NEW}"],
                )
            ],
            state_operations=[
                migrations.RemoveConstraint(model_name="transaction", name=OLD),
                migrations.AddConstraint(
                    model_name="transaction",
                    constraint=models.UniqueConstraint(fields=("merchant", "external_id"), name=NEW),
                ),
            ],
        )
    ]
