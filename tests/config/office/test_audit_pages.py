"""The list of the audit trail, by what people ask of it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from config.declarations import Role
from tests.conftest import NOW
from tests.events import make_event
from tests.lending.office import publish_market, staff

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_audit_trail_is_searched_by_subject_and_name(client: Client) -> None:
    publish_market()
    client.force_login(staff(Role.RISK_MANAGER))
    address = reverse("admin:office_operationevent_changelist")
    runs = client.get(address, {"q": "scoring.start"})
    assert {event.name for event in runs.context["listing"].rows} == {"scoring.start_run"}
    partner = client.get(address, {"q": "merchants.partner:"})
    assert {event.subject.split(":")[0] for event in partner.context["listing"].rows} == {"merchants.partner"}


def test_the_audit_trail_is_narrowed_to_a_person_a_day_and_a_loan(client: Client) -> None:
    """Red if a filter kept all rows, a day lost its first or last second, or loan 33 found loan 133 as well."""
    midnight = NOW.replace(hour=0, minute=0)
    finance, risk = staff(Role.FINANCE), staff(Role.RISK_MANAGER)
    first, second = [
        make_event(name="lending.book_charge", subject=f"lending.loan:{loan}", actor=f"staff:{user.pk}", booked_at=at)
        for loan, user, at in ((33, finance, midnight - timedelta(seconds=1)), (133, risk, midnight))
    ]
    client.force_login(staff(Role.AUDITOR))
    address = reverse("admin:office_operationevent_changelist")
    today, yesterday = f"{midnight:%Y-%m-%d}", f"{midnight - timedelta(days=1):%Y-%m-%d}"
    for query, found in (
        ({}, [second, first]),
        ({"who": "finance"}, [first]),
        ({"who": f"staff:{risk.pk}"}, [second]),
        ({"since": today}, [second]),
        ({"since": yesterday}, [second, first]),
        ({"until": yesterday}, [first]),
        ({"until": today}, [second, first]),
        ({"q": "loan_33"}, [first]),
        ({"q": "lending.loan:133"}, [second]),
        ({"who": "finance", "since": today}, []),
    ):
        assert list(client.get(address, query).context["listing"].rows) == found, query
