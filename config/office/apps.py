"""The office, on which the interfaces of all apps are built."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin
from django.db.models.signals import post_migrate

from config.celery import app


class OfficeConfig(AppConfig):
    name = "config.office"
    default = True

    def ready(self) -> None:
        """Fill the task registry now: by itself only a worker does, and web processes enqueue. Listen to migrations."""
        from config.db import lookups  # noqa: F401, PLC0415 - registers them
        from config.office import checks  # noqa: F401, PLC0415 - registers them
        from config.office.signatures import enter_keys_after_migration  # noqa: PLC0415 - settings are ready by now

        post_migrate.connect(enter_keys_after_migration, sender=self)
        app.autodiscover_tasks(force=True)


class OfficeAdminConfig(admin.AdminConfig):
    """Django's admin, with the office's site."""

    default = False  # of this module
    default_site = "config.office.site.OfficeSite"
