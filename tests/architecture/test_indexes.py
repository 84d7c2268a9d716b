"""Every index is paid for with each row that is written: none is the beginning of another."""

import pytest
from django.db import connection

DOUBLED = """
SELECT small.relname, large.relname
FROM pg_index a JOIN pg_index b ON b.indrelid = a.indrelid AND b.indexrelid <> a.indexrelid
JOIN pg_class small ON small.oid = a.indexrelid JOIN pg_class large ON large.oid = b.indexrelid
JOIN pg_class held ON held.oid = a.indrelid
WHERE held.relnamespace = 'public'::regnamespace AND NOT held.relispartition
    AND held.relname ~ '^(office|merchants|scoring|lending)_'
    AND NOT a.indisunique AND a.indexprs IS NULL AND b.indexprs IS NULL AND small.relam = large.relam
    AND pg_get_expr(a.indpred, a.indrelid) IS NOT DISTINCT FROM pg_get_expr(b.indpred, b.indrelid)
    AND a.indnkeyatts <= b.indnkeyatts
    AND (a.indkey::int2[])[0:a.indnkeyatts - 1] = (b.indkey::int2[])[0:a.indnkeyatts - 1]
    AND (a.indclass::oid[])[0:a.indnkeyatts - 1] = (b.indclass::oid[])[0:a.indnkeyatts - 1]
    AND (a.indkey::int2[])[a.indnkeyatts:] <@ b.indkey::int2[]  -- what it carries beside, the other has too
"""


@pytest.mark.django_db
def test_no_index_is_the_beginning_of_another() -> None:
    """Red for a foreign key whose own index stands beside one that begins with it."""
    with connection.cursor() as cursor:
        cursor.execute(DOUBLED)
        assert cursor.fetchall() == []
