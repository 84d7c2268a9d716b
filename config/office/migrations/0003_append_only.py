"""Refuse UPDATE and DELETE of operation events.

Plain SQL, because what can be switched off from Python (pgtrigger.ignore) is no proof. One function for
every append-only table. TRUNCATE is refused by grant, so that tests may empty the table as its owner.
"""

from django.db import migrations

from config.db.append_only import append_only

FORWARD = """
CREATE FUNCTION office_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % refused: append-only', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""
BACKWARD = "DROP FUNCTION office_refuse_change();"


class Migration(migrations.Migration):
    dependencies = [("office", "0002_tables")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD), append_only("office_operationevent")]
