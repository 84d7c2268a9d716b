from django.db import migrations, models
from django.db.models import Q

NAME = "scoring_behaviourfact_not_negative"


def not_negative(*names: str) -> models.CheckConstraint:
    return models.CheckConstraint(name=NAME, condition=Q(**{f"{name}__gte": 0 for name in names}))


class Migration(migrations.Migration):
    dependencies = [("scoring", "0004_behaviour")]

    operations = [
        migrations.RemoveConstraint(model_name="behaviourfact", name=NAME),
        # A default first: so the column can come back in a table that has rows.
        migrations.AlterField(
            model_name="behaviourfact", name="due_90_minor", field=models.BigIntegerField(db_default=0)
        ),
        migrations.RemoveField(model_name="behaviourfact", name="due_90_minor"),
        migrations.AddConstraint(
            model_name="behaviourfact",
            constraint=not_negative("dpd", "scheduled_minor", "repaid_minor", "loans_repaid"),
        ),
    ]
