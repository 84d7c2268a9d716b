"""How transactions are partitioned: which partition holds whose, and how parts of all merchants read them."""

from collections.abc import Sequence

from django.db import connection

from merchants.models.transaction import PARTITIONS


def get_partition(*, merchant_id: int) -> int:
    """Tell which partition holds a merchant's transactions."""
    with connection.cursor() as cursor:
        found = partition_sql("%(merchant)s::bigint", range(PARTITIONS))
        cursor.execute(f"SELECT {found}", {"merchant": merchant_id})
        return int(cursor.fetchone()[0])


def partition_sql(merchant: str, partitions: Sequence[int]) -> str:
    """Give SQL for the one of some partitions that holds a merchant's transactions, or null.

    Only the database knows its hash. As a CASE: joined with a list of partitions, every merchant would be a loop.
    """
    cases = " ".join(
        f"WHEN satisfies_hash_partition('merchants_transaction'::regclass, {PARTITIONS}, {one}, {merchant}) THEN {one}"
        for one in partitions
    )
    return f"CASE {cases} END"


def partitions_of_part(part: int, parts: int) -> list[int]:
    """List the partitions that one of so many parts of all merchants reads: of 32 parts, part k reads partition k."""
    return list(range(part, PARTITIONS, parts))


def table_sql(partitions: Sequence[int]) -> str:
    """Give SQL for the rows of some partitions, to stand where a table may.

    They are named, since a join prunes none: of 32 parts, each would look into all of them.
    """
    if len(partitions) == PARTITIONS:
        return "merchants_transaction"
    if len(partitions) == 1:
        return f"merchants_transaction_p{partitions[0]:02}"
    return f"({' UNION ALL '.join(f'TABLE merchants_transaction_p{one:02}' for one in partitions)})"
