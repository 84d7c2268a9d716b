"""Let merchants draw under lines: lines, what happens to them, and the kind of what is sold, offered and granted.

What a merchant may owe in all was called its line; it is what it is granted, in the table of before.
"""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import PROTECT

from config.db.append_only import append_only

EVENTS = ("OPENED", "DRAWN", "RAISED", "CUT", "FROZEN", "UNFROZEN", "CLOSED")


def kind() -> "models.CharField[str, str]":
    """Make the column for a kind of product."""
    return models.CharField(choices=[("TERM", "TERM"), ("LINE", "LINE")], db_default="TERM", max_length=11)


def reference(to: str, related: str, *, null: bool = False) -> "models.ForeignKey[models.Model, models.Model]":
    """Make a foreign key without an index of its own."""
    return models.ForeignKey(to, on_delete=PROTECT, related_name=related, db_index=False, null=null)


def key() -> "models.BigAutoField[int, int]":
    """Make the primary key."""
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    dependencies = [
        ("lending", "0017_servicing_checked"),
        ("merchants", "0014_fewer_indexes"),
        ("scoring", "0011_behaviour_corrected"),
    ]

    operations = [
        migrations.AlterModelTable("creditline", "lending_creditline"),
        migrations.RenameModel("CreditLine", "GrantedLimit"),
        migrations.AddField("grantedlimit", "kind", kind()),
        migrations.AddField("offer", "kind", kind()),
        migrations.AddField("productversion", "kind", kind()),
        AddConstraintNotValid(
            "grantedlimit",
            models.CheckConstraint(
                condition=models.Q(("kind__in", ["TERM", "LINE"])), name="lending_creditline_kind_known"
            ),
        ),
        AddConstraintNotValid(
            "offer",
            models.CheckConstraint(condition=models.Q(("kind__in", ["TERM", "LINE"])), name="lending_offer_kind_known"),
        ),
        AddConstraintNotValid(
            "productversion",
            models.CheckConstraint(
                condition=models.Q(("kind__in", ["TERM", "LINE"])), name="lending_productversion_kind_known"
            ),
        ),
        migrations.AlterField("application", "months", models.SmallIntegerField(null=True)),
        migrations.CreateModel(
            name="Line",
            fields=[
                ("id", key()),
                (
                    "state",
                    models.CharField(choices=[(one, one) for one in ("ACTIVE", "FROZEN", "CLOSED")], max_length=6),
                ),
                ("frozen_for", models.CharField(blank=True, max_length=40)),
                ("currency", models.CharField(max_length=3)),
                ("grade", models.CharField(max_length=2)),
                ("daily_rate", models.DecimalField(decimal_places=10, max_digits=12)),
                ("limit_minor", models.BigIntegerField()),
                ("higher_since", models.DateField(null=True)),
                ("sustained_minor", models.BigIntegerField(null=True)),
                ("opened_on", models.DateField()),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "application",
                    models.OneToOneField("lending.application", on_delete=PROTECT, related_name="opened_line"),
                ),
                ("merchant", reference("merchants.merchant", "+")),
                ("product", reference("lending.productversion", "+")),
                ("reviewed_in", reference("lending.offerround", "+", null=True)),
            ],
            options={
                "verbose_name": "credit line",
                "permissions": [
                    ("draw_line", "Can draw for a merchant"),
                    ("freeze_line", "Can freeze a line"),
                    ("unfreeze_line", "Can unfreeze a line"),
                    ("close_line", "Can close a line"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["ACTIVE", "FROZEN", "CLOSED"])),
                        name="lending_line_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("currency__regex", "^[A-Z]{3}$")), name="lending_line_currency_code"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("daily_rate__gte", 0), ("limit_minor__gte", 0)),
                        name="lending_line_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("higher_since__isnull", True), ("sustained_minor__isnull", True)),
                            models.Q(
                                ("higher_since__isnull", False),
                                ("sustained_minor__gt", models.F("limit_minor")),
                                ("sustained_minor__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="lending_line_higher_since_when",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("frozen_for", ""), ("state", "FROZEN"), _connector="OR"),
                        name="lending_line_frozen_for_when",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at__isnull", False), ("state", "CLOSED")),
                            models.Q(models.Q(("state", "CLOSED"), _negated=True), ("closed_at__isnull", True)),
                            _connector="OR",
                        ),
                        name="lending_line_closed_when",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["ACTIVE", "FROZEN"])),
                        fields=("merchant",),
                        name="lending_line_one_open",
                    ),
                    models.UniqueConstraint(fields=("id", "merchant"), name="lending_line_of_merchant"),
                ],
                "indexes": [
                    models.Index(fields=["merchant", "-id"], name="lending_line_by_merchant"),
                    models.Index(fields=["state", "-id"], name="lending_line_by_state"),
                ],
            },
        ),
        migrations.CreateModel(
            name="LineEvent",
            fields=[
                ("id", key()),
                ("type", models.CharField(choices=[(one, one) for one in EVENTS], max_length=8)),
                ("on", models.DateField()),
                ("amount_minor", models.BigIntegerField(null=True)),
                ("reason", models.TextField()),
                ("actor", models.CharField(max_length=40)),
                ("booked_at", models.DateTimeField()),
                ("line", reference("lending.line", "events")),
                ("loan", models.OneToOneField("lending.loan", null=True, on_delete=PROTECT, related_name="draw")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("type__in", ["OPENED", "DRAWN", "RAISED", "CUT", "FROZEN", "UNFROZEN", "CLOSED"])
                        ),
                        name="lending_lineevent_type_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("amount_minor__gte", 0),
                                ("amount_minor__isnull", False),
                                ("type__in", ["OPENED", "DRAWN", "RAISED", "CUT"]),
                            ),
                            models.Q(
                                models.Q(("type__in", ["OPENED", "DRAWN", "RAISED", "CUT"]), _negated=True),
                                ("amount_minor__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="lending_lineevent_amount_when",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("loan__isnull", False), ("type", "DRAWN")),
                            models.Q(models.Q(("type", "DRAWN"), _negated=True), ("loan__isnull", True)),
                            _connector="OR",
                        ),
                        name="lending_lineevent_loan_when",
                    ),
                ],
                "indexes": [models.Index(fields=["line", "-id"], name="lending_lineevent_by_line")],
            },
        ),
        append_only("lending_lineevent"),
        migrations.AddField("application", "line", reference("lending.line", "draws", null=True)),
        migrations.AddField("loan", "line", reference("lending.line", "loans", null=True)),
    ]
