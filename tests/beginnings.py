"""Beginnings that many tests share: made once by each worker, then copied into the emptied tables."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection
from psycopg import Cursor

from tests.conftest import EMBEDDED, SEEDED, emptier, filled_tables

SIGNED_IN = frozenset({"auth_user", "auth_user_groups", "django_session"})
"""Tables that no beginning writes: who signed in first is no hindrance."""

ADVANCED = """
SELECT quote_ident(sequencename), last_value FROM pg_sequences
WHERE schemaname = 'public' AND last_value IS NOT NULL AND NOT replace(sequencename, '_id_seq', '') = ANY(%s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """The rows of each table, in PostgreSQL's binary form, and where the sequences stood."""

    rows: dict[str, bytes]
    sequences: list[tuple[str, int]]


_kept: dict[str, Beginning] = {}


def begin(name: str, make: Callable[[], object]) -> None:
    """Make a beginning, or copy it where this worker made it before.

    It is made anew inside a transaction that will be rolled back, where there are rows already, on a server of the
    test's own, and where no superuser is at hand, for whom neither triggers nor foreign keys stand in the way.
    """
    may_copy = EMBEDDED and not connection.in_atomic_block and _is_read() and SIGNED_IN.issuperset(filled_tables())
    if may_copy and name in _kept:
        _write(_kept[name])
        return
    make()
    if may_copy:
        _kept[name] = _read()


def _is_read() -> bool:
    """Whether what the tests write is where beginnings are read."""
    at, asked = emptier().info, connection.settings_dict
    return (at.host, str(at.port), at.dbname) == (asked["HOST"], str(asked["PORT"]), asked["NAME"])


def _read() -> Beginning:
    with emptier().cursor() as cursor:
        rows = {table: _copied(cursor, table) for table in filled_tables() if table not in SIGNED_IN}
        cursor.execute(ADVANCED, [[*SEEDED, *SIGNED_IN]])
        return Beginning(rows=rows, sequences=cursor.fetchall())


def _copied(cursor: Cursor, table: str) -> bytes:
    with cursor.copy(f"COPY {table} TO STDOUT (FORMAT binary)") as copy:
        return b"".join(map(bytes, copy))


def _write(beginning: Beginning) -> None:
    with emptier().transaction(), emptier().cursor() as cursor:
        for table, rows in beginning.rows.items():
            with cursor.copy(f"COPY {table} FROM STDIN (FORMAT binary)") as copy:
                copy.write(rows)
        # The database said when they were recorded: when they were made, which for the seals may be long ago.
        cursor.execute("UPDATE office_operationevent SET recorded_at = clock_timestamp()")
        cursor.execute(
            "SELECT setval(name::regclass, last) FROM unnest(%s::text[], %s::bigint[]) AS advanced (name, last)",
            [list(part) for part in zip(*beginning.sequences, strict=True)],
        )
