"""Change what the application may not, as the owner of the tables would, in the transaction of a test."""

from collections.abc import Mapping

from django.db import connection
from django.db.models import Model
from psycopg.sql import SQL, Identifier, Literal

LENIENT = """
CREATE OR REPLACE FUNCTION office_clock_tolerance() RETURNS interval LANGUAGE sql STABLE AS 'SELECT interval ''100 y''';
CREATE OR REPLACE FUNCTION office_may_act(actor text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true';
"""
"""Tests have a clock of their own, and staff without accounts."""
FORGE = """
CREATE FUNCTION tests_forge(statement text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN EXECUTE statement; END $$
"""
"""In the test database alone; made by its owner, as whom the statement runs."""


def as_owner(statement: str) -> None:
    """Execute a statement as the owner of the tables."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tests_forge(%s)", [statement])


def tamper(table: str, statement: str) -> None:
    """Execute a statement as an owner who takes the triggers of a table away for it."""
    as_owner(f"ALTER TABLE {table} DISABLE TRIGGER USER; {statement}; ALTER TABLE {table} ENABLE TRIGGER USER")


def forge(row: Model, **values: object) -> None:
    """Set columns of a row, whatever column rights protect them."""
    as_owner(_update(row, values))


def forge_fact(row: Model, **values: object) -> None:
    """Set columns of a row of an append-only table."""
    tamper(row._meta.db_table, _update(row, values))


def _update(row: Model, values: Mapping[str, object]) -> str:
    fields = {row._meta.get_field(name): value for name, value in values.items()}
    changes = [
        SQL("{} = {}").format(Identifier(field.column), Literal(field.get_db_prep_save(value, connection)))  # type: ignore[union-attr,arg-type]
        for field, value in fields.items()
    ]
    statement = SQL("UPDATE {} SET {} WHERE id = {}").format(
        Identifier(row._meta.db_table), SQL(", ").join(changes), Literal(row.pk)
    )
    return statement.as_string(connection.connection)
