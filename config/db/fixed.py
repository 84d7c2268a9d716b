"""Keep what was agreed or proven as it was, in migrations: by trigger against the application's role.

The owner may still mend a row in a migration. A trigger, not a grant by column: a column that is added later can be
written without another grant.
"""

from django.db.migrations import RunSQL

APPLICATION = "current_user = 'tradeline_app'"


def fixed(table: str, *columns: str, once: str | None = None) -> RunSQL:
    """Refuse to change these columns, always or once a condition on the row (OLD) holds.

    A statement that does not name them costs nothing.
    """
    before, after = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    changed = f"ROW({before}) IS DISTINCT FROM ROW({after})"
    return _refuse(
        f"{table}_fixed" if once is None else f"{table}_fixed_once",
        f"BEFORE UPDATE OF {', '.join(columns)} ON {table}",
        changed if once is None else f"({once}) AND {changed}",
        table,
    )


def final(table: str, condition: str) -> RunSQL:
    """Refuse to change a row at all once a condition on it (OLD) holds."""
    return _refuse(f"{table}_final", f"BEFORE UPDATE ON {table}", condition, table)


def undeletable(table: str, condition: str) -> RunSQL:
    """Refuse to delete a row while a condition on it (OLD) holds."""
    return _refuse(f"{table}_undeletable", f"BEFORE DELETE ON {table}", condition, table)


def _refuse(name: str, when: str, condition: str, table: str) -> RunSQL:
    return RunSQL(
        f"CREATE TRIGGER {name} {when} FOR EACH ROW WHEN ({APPLICATION} AND ({condition}))\n"
        "    EXECUTE FUNCTION office_refuse_fixed()",
        f"DROP TRIGGER {name} ON {table}",
    )
