"""Let the application delete what is meant to be forgotten: sessions, memberships, tokens."""

from django.db import migrations

TABLES = (
    "auth_user_groups, auth_user_user_permissions, auth_group_permissions, django_session, "
    "oauth2_provider_accesstoken, oauth2_provider_refreshtoken, oauth2_provider_grant, oauth2_provider_idtoken"
)


class Migration(migrations.Migration):
    dependencies = [
        ("office", "0004_roles"),
        ("sessions", "0001_initial"),
        ("oauth2_provider", "0001_initial"),
        ("oauth2_provider", "0004_auto_20200902_2022"),
    ]
    operations = [
        migrations.RunSQL(
            f"GRANT DELETE ON {TABLES} TO tradeline_app",
            f"REVOKE DELETE ON {TABLES} FROM tradeline_app",
        )
    ]
