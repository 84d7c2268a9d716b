"""Keep when the scheduler was last heard of."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("office", "0005_delete_grants")]
    operations = [
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
                "constraints": [models.CheckConstraint(condition=models.Q(("pk", 1)), name="office_heartbeat_one_row")],
            },
        ),
    ]
