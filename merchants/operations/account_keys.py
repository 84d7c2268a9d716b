"""Encrypt account numbers, and what holds them, anew, as the owner of the tables: the application's role may not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.apps import apps
from django.db import connections, transaction
from django.db.models import Model
from psycopg.sql import SQL, Composed, Identifier

from config.db.encryption import Encrypted, TextUnreadable
from config.db.transactions import operation
from config.declarations import Sealed
from config.office.actors import Actor
from config.office.events import record_event
from merchants.models.payout_account import account_keys

OWNER: Final = "owner"
"""The alias of the connection."""
READ: Final = """
SELECT id, {key}, {sealed}, {owner} FROM {table} WHERE id > %s AND {key} NOT IN (%s, '') ORDER BY id LIMIT %s
"""
"""Without a lock: nobody else writes these columns, and a rotation beside this one writes as good ones."""
WRITE: Final = """
UPDATE {table} t SET {key} = %s, {sealed} = n.sealed{index}
FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[]) n (id, sealed, index) WHERE n.id = t.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What became of a batch: its last row, how many were encrypted anew, and which cannot be read."""

    last: int
    rows: int
    unreadable: Sequence[int]


def rotate_batch(part: Sealed, *, after: int, actor: Actor, now: datetime) -> Rotated | None:
    """Encrypt some of what is under another key with the first one; None if none is left behind `after`.

    What is done stays done, whatever ends the rotation. Raises KeyMissing.
    """
    keys, model = account_keys(), model_of(part)
    with transaction.atomic(using=OWNER), connections[OWNER].cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_written(READ, part), [after, keys.current, part.at_once])
        rows = cursor.fetchall()
        if not rows:
            return None
        kept, unreadable = dict[int, Encrypted](), list[int]()
        for pk, key, sealed, owner in rows:
            try:
                kept[pk] = keys.encrypt_again(key, bytes(sealed), owner=owner, is_indexed=part.index is not None)
            except TextUnreadable:
                unreadable.append(pk)
        sealed, indexes = [one.sealed for one in kept.values()], [one.index for one in kept.values()]
        cursor.execute(_written(WRITE, part), [keys.current, list(kept), sealed, indexes])
    last = rows[-1][0]
    with operation():
        record_event(
            name="merchants.rotate_account_keys",
            subject=model(pk=last),
            actor=actor,
            before={"keys": ", ".join(sorted({key for _, key, _, _ in rows}))},
            after={"keys": keys.current, "first": rows[0][0], "rows": len(kept)},
            now=now,
        )
    return Rotated(last=last, rows=len(kept), unreadable=unreadable)


def rows_by_key(part: Sealed) -> dict[str, int]:
    """Count what is encrypted under each key."""
    statement = "SELECT {key}, count(*) FROM {table} WHERE {key} <> '' GROUP BY {key} ORDER BY {key}"
    with transaction.atomic(using=OWNER), connections[OWNER].cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_written(statement, part))
        return dict(cursor.fetchall())


def model_of(part: Sealed) -> type[Model]:
    """Return the model whose columns these are."""
    return apps.get_model(part.model)


def _written(statement: str, part: Sealed) -> Any:  # noqa: ANN401 - what psycopg takes and Django does not know
    index = SQL("") if part.index is None else SQL(", {} = n.index").format(Identifier(part.index))
    composed: Composed = SQL(statement).format(
        table=Identifier(model_of(part)._meta.db_table),
        key=Identifier(part.key),
        sealed=Identifier(part.sealed),
        owner=SQL(part.owner),
        index=index,
    )
    return composed
