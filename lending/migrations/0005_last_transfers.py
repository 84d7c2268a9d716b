"""Find the orders that were sent last: whether a gateway answered them says whether it is down."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index that is made while transfers go on

    dependencies = [
        ("lending", "0004_worst_dpd_of_closes"),
    ]

    operations = [
        # Other transactions are waited for, however long they last; what a broken attempt left is not in the way.
        migrations.RunSQL("SET lock_timeout = 0", "RESET lock_timeout"),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS lending_transfer_last", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="transfer",
            index=models.Index(
                condition=models.Q(("sent_at__isnull", False)), fields=["-sent_at"], name="lending_transfer_last"
            ),
        ),
        migrations.RunSQL("RESET lock_timeout", "SET lock_timeout = 0"),
    ]
