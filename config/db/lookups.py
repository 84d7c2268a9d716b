"""A lookup for long lists: PostgreSQL takes 65,535 parameters in a statement, and `__in` sends one for each value."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Lookup
from django.db.models.sql.compiler import SQLCompiler


@Field.register_lookup
class AnyOf(Lookup):
    """Is one of a list, of whatever length, which is sent as one array: `pk__any_of=ids`. Of plain columns alone."""

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        """Write the condition."""
        field = self.lhs.output_field
        left, parameters = self.process_lhs(compiler, connection)
        values = [field.get_db_prep_value(value, connection) for value in self.rhs if value is not None]
        return f"{left} = ANY(%s::{_type_of(field, connection)}[])", (*parameters, values)


def _type_of(field: Any, connection: BaseDatabaseWrapper) -> str:  # noqa: ANN401 - of whatever model
    """Return the type of a field's values; of a text without its length, to which PostgreSQL would cut it."""
    return str(field.cast_db_type(connection)).partition("(")[0]
