"""Keep what was agreed or proven as it was, in migrations: by trigger against the application's role.

The owner may still mend a row in a migration. A trigger, not a grant by column: a column that is added later can be
written without another grant.
"""

from django.db.migrations import RunSQL

APPLICATION = "current_user = 'tradeline_app'"


def fixed(table: str, *columns: str) -> RunSQL:
    """Refuse to change these columns; a statement that does not name them costs nothing."""
    before, after = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    return _refuse(
        f"{table}_fixed",
        f"BEFORE UPDATE OF {', '.join(columns)} ON {table}",
        f"ROW({before}) IS DISTINCT FROM ROW({after})",
        table,
    )


def final(table: str, condition: str) -> RunSQL:
    """Refuse to change a row at all once a condition on it (OLD) holds."""
    return _refuse(f"{table}_final", f"BEFORE UPDATE ON {table}", condition, table)


def _refuse(name: str, when: str, condition: str, table: str) -> RunSQL:
    return RunSQL(
        f"CREATE TRIGGER {name} {when} FOR EACH ROW WHEN ({APPLICATION} AND ({condition}))\n"
        "    EXECUTE FUNCTION office_refuse_fixed()",
        f"DROP TRIGGER {name} ON {table}",
    )
