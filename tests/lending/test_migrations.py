from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from config.office.actors import SYSTEM
from config.office.business_date import open_day
from tests.conftest import NOW
from tests.lending.loans import OPENED, close, lent

pytestmark = pytest.mark.django_db(transaction=True)
rest = import_module("lending.migrations.0014_loans_at_rest")


def migrate() -> None:
    with connection.schema_editor() as editor:
        rest.require_closed(apps, editor)


def test_loans_are_laid_to_rest_only_when_every_day_is_closed() -> None:
    """Red if a row that is booked ahead of a day's close were taken for one that the close has reached."""
    lent()
    migrate()
    open_day(on=OPENED.replace(day=2), actor=SYSTEM, now=NOW)
    with pytest.raises(RuntimeError, match="close every day"):
        migrate()
    close()
    migrate()
