"""Let what staff asks for be approved by a second person, and make the groups of those who do."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

GROUPS = ["Controller", "Auditor"]
# What was asked for stays as it was, and what was decided stays decided.
FORWARD = """
REVOKE UPDATE ON office_approvalrequest FROM tradeline_app;
GRANT UPDATE (state, decided_by, decided_at, reason) ON office_approvalrequest TO tradeline_app;
CREATE TRIGGER office_approvalrequest_decided BEFORE UPDATE OR DELETE ON office_approvalrequest
    FOR EACH ROW WHEN (OLD.state <> 'OPEN') EXECUTE FUNCTION office_refuse_change();
"""


def make_groups(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    for name in GROUPS:
        groups.get_or_create(name=name)


def drop_groups(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias).filter(name__in=GROUPS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("office", "0006_heartbeat"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApprovalRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("verb", models.CharField(max_length=120)),
                ("subject", models.CharField(max_length=80)),
                ("entered", models.JSONField()),
                ("digest", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("OPEN", "OPEN"),
                            ("APPROVED", "APPROVED"),
                            ("REJECTED", "REJECTED"),
                            ("WITHDRAWN", "WITHDRAWN"),
                        ],
                        default="OPEN",
                        max_length=9,
                    ),
                ),
                ("requested_by", models.CharField(max_length=40)),
                ("requested_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("decided_by", models.CharField(max_length=40, null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("reason", models.CharField(default="", max_length=500)),
            ],
            options={
                "verbose_name": "approval",
                "permissions": [
                    ("decide_approvalrequest", "Can approve or reject what others ask for"),
                    ("grant_role", "Can give roles to accounts"),
                    ("approve_role", "Can approve that a role is given"),
                ],
                "indexes": [
                    models.Index(condition=models.Q(("state", "OPEN")), fields=["subject"], name="office_request_open")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["OPEN", "APPROVED", "REJECTED", "WITHDRAWN"])),
                        name="office_approvalrequest_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at__isnull", True), ("decided_by__isnull", True), ("state", "OPEN")),
                            models.Q(
                                models.Q(("state", "OPEN"), _negated=True),
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="office_approvalrequest_decided_by_whom_and_when",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_by__isnull", True),
                            models.Q(("state", "WITHDRAWN"), ("decided_by", models.F("requested_by"))),
                            models.Q(
                                models.Q(("state", "WITHDRAWN"), _negated=True),
                                models.Q(("decided_by", models.F("requested_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="office_approvalrequest_four_eyes",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "OPEN")),
                        fields=("digest",),
                        name="office_approvalrequest_open_once",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, "DROP TRIGGER office_approvalrequest_decided ON office_approvalrequest"),
        migrations.RunPython(make_groups, drop_groups),
    ]
