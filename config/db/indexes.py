"""Drop, in migrations, the index that Django makes of a foreign key, where another serves as well or nothing asks."""

from django.db.migrations import AlterField, RunSQL
from django.db.models import PROTECT, ForeignKey


def drop_key_index(name: str) -> RunSQL:
    """Drop it while rows are written: `<table>_<field>_id_<hash>`, or the second of a text, with `_like` behind.

    By its name: for an index of the column, as Django drops it, a unique index of some rows would be taken too. May be
    done again.
    """
    key, like = name.removesuffix("_like"), name.endswith("_like")
    app, model, column = key.rpartition("_")[0].split("_", 2)
    drop = f"DROP INDEX CONCURRENTLY IF EXISTS {name}"
    make = f"CREATE INDEX CONCURRENTLY {name} ON {app}_{model} ({column}{' varchar_pattern_ops' if like else ''})"
    return RunSQL(drop, [drop, make])  # what a broken attempt left is not valid, and would pass for made


def unindexed(model: str, name: str, to: str, related: str, *, null: bool = False) -> AlterField:
    """State that a foreign key has no index of its own; the database is told by `drop_key_index`."""
    return AlterField(model, name, ForeignKey(to, on_delete=PROTECT, related_name=related, db_index=False, null=null))
