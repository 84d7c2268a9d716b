"""Whether PostgreSQL plans a statement for any values, once, or each time for its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from config.db.transactions import require_transaction


def plan_once() -> None:
    """Let what this transaction executes be planned once a connection, for any parameters. Raises NoTransaction.

    For short statements over indexes, which take longer to plan than to execute. Their conditions are literals where an
    index is partial: a plan for any parameter cannot use it.
    """
    require_transaction()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('plan_cache_mode', 'force_generic_plan', true)")


def plan_anew() -> None:
    """Let whatever this connection executes next be planned for the tables as they are by now.

    For a transaction that fills a table: a plan from when it had a page goes through all of it, for each foreign key
    that the commit checks, too.
    """
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")


@contextmanager
def planned_for_its_values() -> Iterator[None]:
    """Plan each statement of the block for its own values.

    A plan that is kept serves any values: it looks for a state that no row has as it does for one that half of them
    have, row by row through the table.
    """
    connection.ensure_connection()
    driver = connection.connection
    threshold, driver.prepare_threshold = driver.prepare_threshold, None
    try:
        yield
    finally:
        driver.prepare_threshold = threshold
