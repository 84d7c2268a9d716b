"""Record that a merchant was nobody's, too, until it became an owner's."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0023_contact_details"),
    ]

    operations = [
        migrations.AlterField(
            model_name="formerownership",
            name="owner",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="former_ownerships",
                to="merchants.owner",
            ),
        ),
    ]
