import pytest
from django.db import transaction

from config.db.transactions import NoTransaction, operation
from config.office.actors import SYSTEM, Actor, ActorKind
from config.office.events import record_event
from config.office.models import OperationEvent
from merchants.models import Partner
from tests.conftest import NOW
from tests.markets import make_partner

pytestmark = pytest.mark.django_db(transaction=True)


def record(partner: Partner, actor: Actor = SYSTEM) -> None:
    record_event(
        name="merchants.rename_partner",
        subject=partner,
        actor=actor,
        before={"name": "Old"},
        after={"name": "New", "parts": 3, "live": True, "run": None},
        now=NOW,
    )


def test_an_event_says_what_was_done_to_what_by_whom_and_when() -> None:
    partner = make_partner()
    with operation():
        record(partner, Actor(ActorKind.PARTNER, 7))
    event = OperationEvent.objects.get(name="merchants.rename_partner")
    assert (event.subject, event.actor, event.booked_at) == (f"merchants.partner:{partner.pk}", "partner:7", NOW)
    assert (event.before, event.after) == ({"name": "Old"}, {"name": "New", "parts": 3, "live": True, "run": None})


def test_an_event_needs_the_deeds_transaction_and_shares_its_fate() -> None:
    """Red without require_transaction: an event could stay of a deed that was rolled back."""
    partner = make_partner()
    before = list(OperationEvent.objects.values())
    with pytest.raises(NoTransaction):
        record(partner)
    with operation():
        record(partner)
        transaction.set_rollback(True)
    assert list(OperationEvent.objects.values()) == before
