"""Let loans rest between two turns: their rows say since when they are late, and what their accrual is computed from.

Processes of the version before must be stopped, and a close that works be finished: they write every loan every night.
"""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

ROUND = """
CREATE FUNCTION half_even(numerator bigint, denominator bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (2 * numerator + denominator) / (2 * denominator)
        - CASE WHEN (2 * numerator + denominator) % (2 * denominator) = 0
            AND (2 * numerator + denominator) / (2 * denominator) % 2 = 1 THEN 1 ELSE 0 END
$$;
CREATE FUNCTION half_even(numerator numeric, denominator numeric) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT div(2 * numerator + denominator, 2 * denominator)
        - CASE WHEN mod(2 * numerator + denominator, 2 * denominator) = 0
            AND mod(div(2 * numerator + denominator, 2 * denominator), 2) = 1 THEN 1 ELSE 0 END
$$;
"""
FORGET = "DROP FUNCTION half_even(bigint, bigint); DROP FUNCTION half_even(numeric, numeric);"
# Until the first night, which replays every loan: what accrues is computed in numeric, and nothing is late anew.
FILL = """
UPDATE lending_loan SET late_since = CASE WHEN dpd > 0 THEN booked_to - dpd END,
    day_count = terms->>'day_count', turns_on = booked_to,
    denominator = 10::numeric ^ rate_decimals
        * CASE terms->>'day_count' WHEN 'ACT/365F' THEN 365 WHEN 'ACT/ACT' THEN 365 * 366 ELSE 360 END,
    extra = (terms->>'penalty_multiple_extra')::numeric
        * 10::numeric ^ scale(trim_scale((terms->>'penalty_multiple_extra')::numeric)),
    extra_scale = 10::numeric ^ scale(trim_scale((terms->>'penalty_multiple_extra')::numeric)),
    fits_to = -1000000000,
    place = CASE terms->>'day_count'
        WHEN '30E/360' THEN 30 * (12 * (extract(year FROM booked_to) - 1970) + extract(month FROM booked_to) - 1)
            + least(extract(day FROM booked_to), 30)
        WHEN 'ACT/ACT' THEN (extract(year FROM booked_to) - 1970) * 133590 + (extract(doy FROM booked_to) - 1)
            * (133590 / extract(doy FROM make_date(extract(year FROM booked_to)::int, 12, 31))::int)
        ELSE booked_to - DATE '1970-01-01' END
WHERE booked_to IS NOT NULL
"""
UNFILL = "UPDATE lending_loan SET dpd = greatest(0, booked_to - late_since) WHERE late_since IS NOT NULL"
CLOSES = """
UPDATE lending_dayclose SET accrued_loans = 9223372036854775807,
    last_event = (SELECT coalesce(max(id), 0) FROM lending_loanevent)
WHERE state <> 'WORKING'
"""
# A close under way, and days that wait to be closed, would go on with rows that stand otherwise than they expect.
UNFINISHED = """
SELECT count(*) FROM lending_dayclose WHERE state = 'WORKING'
UNION ALL
SELECT count(*) FROM lending_loan l, office_businessdate today
WHERE l.status = 'ACTIVE'
    AND coalesce((SELECT max(day) FROM lending_dayclose), l.disbursed_on - 1) < today.current - 1
"""


def require_closed(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(UNFINISHED)
        if any(number for (number,) in cursor.fetchall()):
            message = "With the version before: close every day before the open one, then migrate."
            raise RuntimeError(message)


class Migration(migrations.Migration):
    dependencies = [("lending", "0013_indexes"), ("office", "0006_heartbeat")]
    operations = [
        migrations.RunPython(require_closed, migrations.RunPython.noop),
        migrations.RunSQL(ROUND, FORGET),
        migrations.RemoveIndex("loan", name="lending_loan_to_close"),
        migrations.RemoveIndex("loan", name="lending_loan_by_dpd"),
        migrations.RenameField("loan", old_name="replay_on", new_name="turns_on"),
        migrations.AddField("loan", "late_since", models.DateField(null=True)),
        migrations.AddField("loan", "day_count", models.CharField(max_length=8, null=True)),
        migrations.AddField("loan", "place", models.BigIntegerField(default=0)),
        migrations.AddField("loan", "denominator", models.BigIntegerField(default=1)),
        migrations.AddField("loan", "extra", models.BigIntegerField(default=0)),
        migrations.AddField("loan", "extra_scale", models.BigIntegerField(default=1)),
        migrations.AddField("loan", "fits_to", models.BigIntegerField(default=0)),
        migrations.AddField("dayclose", "last_loan", models.BigIntegerField(db_default=0)),
        migrations.AddField("dayclose", "accrued_loans", models.BigIntegerField(db_default=0)),
        migrations.AddField("dayclose", "last_event", models.BigIntegerField(db_default=0)),
        migrations.RunSQL(FILL, UNFILL),
        migrations.RunSQL(CLOSES, migrations.RunSQL.noop),
    ]
