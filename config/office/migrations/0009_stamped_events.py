"""Let the database say when an event was recorded, and refuse one with another's id, an old date or unknown staff."""

from django.db import migrations, models

# What tests with a clock and with staff of their own replace, and nothing else.
CLOCK_TOLERANCE = """
CREATE OR REPLACE FUNCTION office_clock_tolerance() RETURNS interval LANGUAGE sql STABLE AS $$ SELECT interval '1 day' $$
"""
MAY_ACT = """
CREATE OR REPLACE FUNCTION office_may_act(actor text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT starts_with(actor, 'staff:') OR EXISTS (
        SELECT FROM public.auth_user u WHERE 'staff:' || u.id = actor AND u.id = substr(actor, 7)::bigint AND u.is_staff
    )
$$
"""
# A transaction gets its number before the event's id is drawn: so that once all transactions of a moment have ended,
# no event with an id that was drawn before it can still appear.
STAMPED = """
CREATE FUNCTION office_number_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_current_xact_id();
    RETURN NULL;
END $$;
CREATE TRIGGER office_operationevent_numbered BEFORE INSERT ON office_operationevent
    FOR EACH STATEMENT EXECUTE FUNCTION office_number_transaction();
CREATE FUNCTION office_stamp_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.recorded_at := clock_timestamp();
    IF NEW.id IS DISTINCT FROM currval('public.office_operationevent_id_seq') THEN
        RAISE EXCEPTION 'event refused: its id was not drawn for it' USING ERRCODE = 'restrict_violation';
    ELSIF NEW.booked_at NOT BETWEEN NEW.recorded_at - public.office_clock_tolerance()
            AND NEW.recorded_at + public.office_clock_tolerance() THEN
        RAISE EXCEPTION 'event refused: it is dated %, and it is %', NEW.booked_at, NEW.recorded_at
            USING ERRCODE = 'restrict_violation';
    ELSIF NOT public.office_may_act(NEW.actor) THEN
        RAISE EXCEPTION 'event refused: nobody of the staff is %', NEW.actor USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER office_operationevent_stamped BEFORE INSERT ON office_operationevent
    FOR EACH ROW WHEN (current_user = 'tradeline_app') EXECUTE FUNCTION office_stamp_event();
ALTER TABLE office_operationevent ALTER COLUMN recorded_at SET DEFAULT clock_timestamp();
"""
UNSTAMPED = """
DROP TRIGGER office_operationevent_stamped ON office_operationevent;
DROP TRIGGER office_operationevent_numbered ON office_operationevent;
DROP FUNCTION office_stamp_event();
DROP FUNCTION office_number_transaction();
"""


class Migration(migrations.Migration):
    dependencies = [("office", "0008_fixed"), ("auth", "0012_alter_user_first_name_max_length")]
    operations = [
        migrations.AddField("operationevent", "recorded_at", models.DateTimeField(null=True)),
        migrations.RunSQL(CLOCK_TOLERANCE, "DROP FUNCTION office_clock_tolerance()"),
        migrations.RunSQL(MAY_ACT, "DROP FUNCTION office_may_act(text)"),
        migrations.RunSQL(STAMPED, UNSTAMPED),
    ]
