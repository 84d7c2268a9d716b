"""Lists that are longer than a statement may have parameters."""

from time import perf_counter

import pytest
from django.db import connection

from lending.models import Loan
from lending.operations.collection_rounds import with_accounts
from lending.queries.gateways import collection_routes
from merchants.models import Merchant
from merchants.operations.merchants import enter_merchants
from tests.conftest import CLERK, NOW, owner_connection
from tests.lending.loans import lent
from tests.markets import make_partner

pytestmark = pytest.mark.django_db(transaction=True)
MORE_THAN_PARAMETERS = 66_000


def test_a_list_of_any_length_is_looked_up() -> None:
    """Red with `__in`, which sends a parameter for each value: PostgreSQL takes 65,535."""
    loan = lent()
    ids = range(loan.pk, loan.pk + MORE_THAN_PARAMETERS)
    assert list(Loan.objects.filter(pk__any_of=ids)) == [loan]
    assert list(Merchant.objects.filter(external_id__any_of=[loan.merchant.external_id, "%", "it's"])) == [
        loan.merchant
    ]
    assert not Loan.objects.filter(pk__any_of=[]).exists()
    assert list(Loan.objects.exclude(pk__any_of=[None])) == [loan]
    Merchant.objects.update(external_id="x" * 100)
    assert not Merchant.objects.filter(external_id__any_of=["x" * 100 + "y"]).exists(), "it is not cut to the column"


def test_as_many_loans_may_be_due_at_once() -> None:
    loan = lent()
    absent = range(loan.pk + 1, loan.pk + MORE_THAN_PARAMETERS)
    assert collection_routes([loan.pk]) == {"loopback": [loan.pk]}
    assert list(with_accounts([loan.pk, *absent])) == [loan.pk, *absent]


def test_a_market_of_more_merchants_than_parameters_is_entered() -> None:
    """Red if a file of so many merchants ended in an error of the driver."""
    partner = make_partner()
    rows = [
        {"external_id": f"m{number}", "name": "Shop", "currency": "EUR", "owner_ref": f"o{number}"}
        for number in range(MORE_THAN_PARAMETERS)
    ]
    assert enter_merchants(partner_id=partner.pk, rows=rows, actor=CLERK, now=NOW).created == MORE_THAN_PARAMETERS


def test_a_market_is_entered_after_a_few_merchants() -> None:
    """Red if plans were kept from when the table had a page: each owner was compared with each, at the commit too."""
    partner = make_partner()

    def enter(*names: str) -> float:
        rows = [{"external_id": name, "name": "Shop", "currency": "EUR", "owner_ref": name} for name in names]
        began = perf_counter()
        enter_merchants(partner_id=partner.pk, rows=rows, actor=CLERK, now=NOW)
        return perf_counter() - began

    connection.close()  # what follows keeps plans of its own
    enter("few")
    with owner_connection() as owner:
        owner.execute("ANALYZE merchants_owner")
    for number in range(12):
        enter(f"few {number}")
    found = enter(*(f"a{number}" for number in range(20_000)))
    connection.close()
    assert found < 3 * enter(*(f"b{number}" for number in range(20_000)))
