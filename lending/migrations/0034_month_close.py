"""Close months: nothing is booked with a date in one, not even by a program that forgets to ask.

By statement, for an entry and for a posting that is added to an entry of before; while no month is closed nothing is read.
Tables go by their schema: whoever makes a temporary one of the same name changes nothing.
"""

from django.db import migrations, models

from config.db.append_only import append_only

REFUSE = """
CREATE FUNCTION lending_refuse_closed_month() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    opens date := (SELECT max(month) + interval '1 month' FROM public.lending_monthclose);
    closed boolean := false;
BEGIN
    IF opens IS NOT NULL THEN
        IF TG_TABLE_NAME = 'lending_entry' THEN
            closed := EXISTS (SELECT FROM added WHERE effective_date < opens);
        ELSE
            closed := EXISTS (
                SELECT FROM added JOIN public.lending_entry e ON e.id = added.entry_id WHERE e.effective_date < opens
            );
        END IF;
    END IF;
    IF closed THEN
        RAISE EXCEPTION '% of % refused: the month is closed', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
"""
TRIGGER = """
CREATE TRIGGER {table}_closed_month AFTER INSERT ON {table} REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION lending_refuse_closed_month()
"""


class Migration(migrations.Migration):
    dependencies = [
        ("lending", "0033_provisions_checked"),
    ]

    operations = [
        migrations.CreateModel(
            name="MonthClose",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(unique=True)),
                ("content", models.TextField()),
                ("sha256", models.CharField(max_length=64)),
                ("closed_by", models.CharField(max_length=40)),
                ("approved_by", models.CharField(blank=True, max_length=40)),
                ("closed_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "closed month",
                "permissions": [("approve_monthclose", "Can approve that a month is closed")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("month__day", 1)), name="lending_monthclose_first"),
                    models.CheckConstraint(
                        condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="lending_monthclose_sha256"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("closed_by", models.F("approved_by")), _negated=True),
                        name="lending_monthclose_four_eyes",
                    ),
                ],
            },
        ),
        append_only("lending_monthclose"),
        migrations.RunSQL(REFUSE, "DROP FUNCTION lending_refuse_closed_month()"),
        *(
            migrations.RunSQL(TRIGGER.format(table=table), f"DROP TRIGGER {table}_closed_month ON {table}")
            for table in ("lending_entry", "lending_posting")
        ),
    ]
