from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from merchants.models import Merchant, Partner
from tests.markets import make_merchants, make_partner

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_locked_row_may_still_be_referred_to() -> None:
    """Red without `no_key=True`: the foreign key of the new row waits until lock_timeout."""
    partner = make_partner()

    def refer() -> Merchant:
        try:
            return Merchant.objects.create(partner=partner, external_id="kiln", name="Kiln", currency="EUR")
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        list(Partner.objects.lock())
        assert pool.submit(refer).result().partner == partner


def test_what_a_locked_row_is_joined_to_stays_free() -> None:
    """Red without `of=("self",)`: locking a merchant would lock its partner, and with it every other merchant."""
    make_merchants(make_partner(), "kiln")

    def rename() -> int:
        try:
            return Partner.objects.update(name="Renamed")
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        list(Merchant.objects.select_related("partner").lock())
        assert pool.submit(rename).result() == 1


def test_rows_are_locked_in_the_order_of_their_keys() -> None:
    """Red without order_by: two transactions that lock the same rows could wait for each other."""
    make_merchants(make_partner(), "zinc", "kiln", "barn")
    with transaction.atomic():
        locked = [merchant.pk for merchant in Merchant.objects.order_by("name").lock()]
    assert locked == sorted(locked)
    assert len(locked) == 3
