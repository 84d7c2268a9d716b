"""What a merchant owes together with those it shares an owner with."""

import pytest

from lending.domain.origination.rules import current_rules
from lending.models import Loan
from lending.queries.facts import facts_of
from lending.queries.products import product_of
from merchants.models import Merchant, Owner
from tests.lending.loans import OPENED, lent, make_score

pytestmark = pytest.mark.django_db


def test_siblings_share_the_room_of_their_currency_and_each_other_s_lateness() -> None:
    """Red if reals and yuan are added up, as if there were a rate between them."""
    mine, same, other = lent(), lent(amount_minor=300_000), lent(amount_minor=500_000)
    owner = Owner.objects.create(partner=mine.merchant.partner, external_ref="family")
    Merchant.objects.filter(pk__in=[loan.merchant_id for loan in (mine, same, other)]).update(owner=owner)
    Merchant.objects.filter(pk=other.merchant_id).update(currency="BRL")
    Loan.objects.filter(pk=other.pk).update(dpd=3)
    score = make_score(mine.merchant)
    product = product_of(mine.application.product)
    facts = facts_of(scores=[score], on=OPENED, product=product, rules=current_rules())[mine.merchant_id]
    assert facts.exposure.outstanding_minor == 1_200_000
    assert facts.exposure.owner_used_minor == 300_000
    assert facts.exposure.owner_days_past_due == 3
