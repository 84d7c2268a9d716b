"""Whether PostgreSQL plans a statement for any values, once, or each time for its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


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
