import pytest

from config.office.models import OperationEvent
from merchants.domain.transaction import Settlement
from merchants.models import Partner
from merchants.operations.partners import PartnerNotEntered, PartnerRefusal, enter_partner
from tests.conftest import CLERK, NOW

pytestmark = pytest.mark.django_db(transaction=True)


def enter(settlement: Settlement = Settlement.ESCROW, name: str = "Bazaar") -> Partner:
    return enter_partner(code="bazaar", name=name, settlement=settlement, actor=CLERK, now=NOW)


def test_a_partner_is_entered_once() -> None:
    assert enter() == enter(name="Another name") == Partner.objects.get()
    assert Partner.objects.get().name == "Bazaar"
    event = OperationEvent.objects.get()
    assert (event.name, event.actor) == ("merchants.enter_partner", str(CLERK))
    assert (event.before, event.after) == ({}, {"code": "bazaar", "settlement": "ESCROW"})


def test_another_settlement_is_refused_and_nothing_happens() -> None:
    """Red without the comparison: every score already made would mean something else."""
    enter()
    before = (list(Partner.objects.values()), list(OperationEvent.objects.values()))
    with pytest.raises(PartnerNotEntered) as refused:
        enter(Settlement.IMMEDIATE)
    assert refused.value.reason is PartnerRefusal.SETTLEMENT_DIFFERS
    assert (list(Partner.objects.values()), list(OperationEvent.objects.values())) == before
