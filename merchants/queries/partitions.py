"""Read how transactions are partitioned."""

from django.db import connection

from merchants.models.transaction import PARTITIONS


def get_partition(*, merchant_id: int) -> int:
    """Tell which partition holds a merchant's transactions: only the database knows its hash."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT shard FROM generate_series(0, %(partitions)s - 1) AS shard WHERE satisfies_hash_partition("
            "'merchants_transaction'::regclass, %(partitions)s, shard, %(merchant)s::bigint)",
            {"partitions": PARTITIONS, "merchant": merchant_id},
        )
        return int(cursor.fetchone()[0])
