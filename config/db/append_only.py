"""Make tables append-only, in migrations: by trigger against UPDATE and DELETE, by grant against TRUNCATE."""

from django.db.migrations import RunSQL


def append_only(table: str) -> RunSQL:
    """Refuse UPDATE and DELETE of the table to everyone, and revoke these rights from the application's role."""
    return RunSQL(
        f"""
        CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION office_refuse_change();
        REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM tradeline_app;
        """,
        f"""
        DROP TRIGGER {table}_append_only ON {table};
        GRANT UPDATE ON {table} TO tradeline_app;
        """,
    )
