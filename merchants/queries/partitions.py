"""Partitions of transactions: which one holds a merchant's, and which ones each part of all merchants reads."""

from collections.abc import Sequence

from merchants.models.transaction import PARTITIONS


def partition_sql(merchant: str, partitions: Sequence[int]) -> str:
    """Return SQL for the one of these partitions that holds a merchant's transactions, or null.

    Only the database knows its hash. A CASE, since a join with a list of partitions would loop over every merchant.
    """
    cases = " ".join(
        f"WHEN satisfies_hash_partition('merchants_transaction'::regclass, {PARTITIONS}, {one}, {merchant}) THEN {one}"
        for one in partitions
    )
    return f"CASE {cases} END"


def partitions_of_part(part: int, parts: int) -> list[int]:
    """List the partitions that one of `parts` parts of all merchants reads: of 32 parts, part k reads partition k."""
    return list(range(part, PARTITIONS, parts))


def table_sql(partitions: Sequence[int]) -> str:
    """Return SQL for the rows of some partitions, to be used in place of a table.

    They are named, since a join prunes none: each of 32 parts would look into all of them.
    """
    if len(partitions) == PARTITIONS:
        return "merchants_transaction"
    if len(partitions) == 1:
        return f"merchants_transaction_p{partitions[0]:02}"
    return f"({' UNION ALL '.join(f'TABLE merchants_transaction_p{one:02}' for one in partitions)})"
