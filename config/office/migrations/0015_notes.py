"""Make the tables of notes, mentions, tasks and documents; what was written, asked for or kept stays as it was."""

import django.db.models.deletion
from django.db import migrations, models

from config.db.fixed import final, fixed


class Migration(migrations.Migration):
    dependencies = [
        ("office", "0014_collector"),
    ]

    operations = [
        migrations.CreateModel(
            name="Document",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("about", models.CharField(max_length=80)),
                ("name", models.CharField(max_length=120)),
                ("kind", models.CharField(choices=[("PDF", "PDF"), ("PNG", "PNG"), ("JPEG", "JPEG")], max_length=4)),
                ("size", models.IntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("sealed_content", models.BinaryField()),
                ("content_key", models.CharField(max_length=20)),
                ("added_by", models.CharField(max_length=40)),
                ("added_at", models.DateTimeField()),
                ("withdrawn_by", models.CharField(default="", max_length=40)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                ("withdrawn_why", models.CharField(default="", max_length=500)),
            ],
            options={
                "verbose_name": "document",
                "permissions": [("view_withdrawn_document", "Can open documents that were withdrawn")],
                "indexes": [models.Index(fields=["about", "id"], name="office_document_by_subject")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["PDF", "PNG", "JPEG"])), name="office_document_kind_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="office_document_sha256"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("size__gt", 0), ("size__lte", 10485760)), name="office_document_size"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("withdrawn_at__isnull", True), ("withdrawn_by", ""), ("withdrawn_why", "")),
                            models.Q(
                                ("withdrawn_at__isnull", False),
                                models.Q(("withdrawn_by", ""), _negated=True),
                                models.Q(("withdrawn_why", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="office_document_withdrawn_by_whom_and_why",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("withdrawn_at__isnull", True)),
                        fields=("about", "sha256"),
                        name="office_document_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("about", models.CharField(max_length=80)),
                ("text", models.CharField(max_length=4000)),
                ("written_by", models.CharField(max_length=40)),
                ("written_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "note",
                "indexes": [models.Index(fields=["about", "id"], name="office_note_by_subject")],
            },
        ),
        migrations.CreateModel(
            name="Task",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("about", models.CharField(max_length=80)),
                ("text", models.CharField(max_length=500)),
                ("due_on", models.DateField()),
                ("open_due_on", models.DateField(null=True)),
                ("assignee", models.CharField(max_length=40)),
                (
                    "state",
                    models.CharField(
                        choices=[("OPEN", "OPEN"), ("DONE", "DONE"), ("CANCELLED", "CANCELLED")],
                        default="OPEN",
                        max_length=9,
                    ),
                ),
                ("made_by", models.CharField(max_length=40)),
                ("made_at", models.DateTimeField()),
                ("closed_by", models.CharField(max_length=40, null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("outcome", models.CharField(default="", max_length=500)),
            ],
            options={
                "verbose_name": "task",
                "permissions": [
                    ("manage_task", "Can close and reassign the tasks of others, and withdraw their documents")
                ],
                "indexes": [
                    models.Index(fields=["about", "id"], name="office_task_by_subject"),
                    models.Index(fields=["open_due_on", "id"], name="office_task_by_due_day"),
                    models.Index(
                        condition=models.Q(("state", "OPEN")), fields=["assignee", "due_on"], name="office_task_of_whom"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["OPEN", "DONE", "CANCELLED"])), name="office_task_state_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("open_due_on", models.F("due_on")), ("open_due_on__isnull", False), ("state", "OPEN")
                            ),
                            models.Q(models.Q(("state", "OPEN"), _negated=True), ("open_due_on__isnull", True)),
                            _connector="OR",
                        ),
                        name="office_task_due_while_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("closed_at__isnull", True),
                                ("closed_by__isnull", True),
                                ("outcome", ""),
                                ("state", "OPEN"),
                            ),
                            models.Q(
                                models.Q(("state", "OPEN"), _negated=True),
                                ("closed_at__isnull", False),
                                ("closed_by__isnull", False),
                                models.Q(("outcome", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="office_task_closed_by_whom_and_when",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Mention",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("colleague", models.CharField(max_length=40)),
                ("made_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField(null=True)),
                (
                    "note",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mentions",
                        to="office.note",
                    ),
                ),
            ],
            options={
                "verbose_name": "mention",
                "indexes": [
                    models.Index(
                        condition=models.Q(("seen_at__isnull", True)),
                        fields=["colleague", "made_at"],
                        name="office_mention_unseen",
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("note", "colleague"), name="office_mention_once")],
            },
        ),
        migrations.CreateModel(
            name="TaskReassignment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("before", models.CharField(max_length=40)),
                ("after", models.CharField(max_length=40)),
                ("reason", models.CharField(max_length=500)),
                ("made_by", models.CharField(max_length=40)),
                ("made_at", models.DateTimeField()),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="reassignments", to="office.task"
                    ),
                ),
            ],
            options={
                "verbose_name": "reassignment",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("before", models.F("after")), _negated=True),
                        name="office_taskreassignment_to_another",
                    )
                ],
            },
        ),
        # These bind the application, which deletes from none of them; the owner erases what a person asks to have erased.
        fixed("office_note", "about", "text", "written_by", "written_at"),
        fixed("office_taskreassignment", "task_id", "before", "after", "reason", "made_by", "made_at"),
        fixed("office_mention", "note_id", "colleague", "made_at"),
        final("office_mention", "OLD.seen_at IS NOT NULL"),
        fixed("office_task", "about", "text", "due_on", "made_by", "made_at"),
        final("office_task", "OLD.state <> 'OPEN'"),
        fixed(
            "office_document",
            *("about", "name", "kind", "size", "sha256", "sealed_content", "content_key", "added_by", "added_at"),
        ),
        final("office_document", "OLD.withdrawn_at IS NOT NULL"),
        # What is encrypted cannot be made shorter: to try takes longer than to store it.
        migrations.RunSQL(
            "ALTER TABLE office_document ALTER COLUMN sealed_content SET STORAGE EXTERNAL", migrations.RunSQL.noop
        ),
    ]
