"""Check the entries that are there against the constraints of the migration before; find what is in bank files."""

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("lending", "0029_bank_files")]
    operations = [
        ValidateConstraint("entry", name="lending_entry_code_known"),
        ValidateConstraint("entry", name="lending_entry_of_one_subject"),
        ValidateConstraint("entry", name="lending_entry_of_event"),
        AddIndexConcurrently(
            model_name="transfer",
            index=models.Index(
                condition=models.Q(("file__isnull", False)), fields=["file"], name="lending_transfer_in_file"
            ),
        ),
        AddIndexConcurrently(
            model_name="transfer",
            index=models.Index(
                condition=models.Q(("file__isnull", True), ("state", "PENDING")),
                fields=["gateway"],
                name="lending_transfer_to_file",
            ),
        ),
        AddIndexConcurrently(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("statement__isnull", False)),
                fields=["statement"],
                name="lending_entry_of_statement",
            ),
        ),
    ]
