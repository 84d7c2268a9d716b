"""Keep the seals of the audit trail, and how far sealing is."""

from django.db import migrations, models

from config.db.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("office", "0009_stamped_events"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditProgress",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("upto", models.BigIntegerField()),
                ("begun_before", models.BigIntegerField()),
                ("bounded_at", models.DateTimeField()),
                ("written", models.BigIntegerField(default=0)),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("pk", 1)), name="office_auditprogress_one_row")
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("after_event", models.BigIntegerField()),
                ("last_event", models.BigIntegerField()),
                ("events", models.BigIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("bounded_at", models.DateTimeField(null=True)),
                ("sealed_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "audit seal",
                "constraints": [
                    models.UniqueConstraint(fields=("after_event",), name="office_auditseal_follows_once"),
                    models.CheckConstraint(
                        condition=models.Q(("after_event__gte", 0), ("last_event__gt", models.F("after_event"))),
                        name="office_auditseal_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("events__gte", 0)), name="office_auditseal_events_counted"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("digest__regex", "^[0-9a-f]{64}$")), name="office_auditseal_digest"
                    ),
                ],
            },
        ),
        append_only("office_auditseal"),
    ]
