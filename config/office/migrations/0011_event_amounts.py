"""Keep with an event the money that it is about, and where the request came from."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("office", "0010_audit_seals")]
    operations = [
        migrations.AddField("operationevent", "amount_minor", models.BigIntegerField(null=True)),
        migrations.AddField("operationevent", "currency", models.CharField(max_length=3, null=True)),
        migrations.AddField("operationevent", "address", models.GenericIPAddressField(null=True)),
    ]
