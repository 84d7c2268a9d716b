from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from config.db.transactions import Contended, NoTransaction, StaleRow, operation, require_one, require_transaction
from merchants.models import Merchant, Partner
from tests.markets import make_merchants, make_partner

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_operation_is_never_nested() -> None:
    """Red without `durable=True`: the inner one would hang, unseen, on the outer's commit."""
    with operation(), pytest.raises(RuntimeError, match="durable"), operation():
        pass


def test_an_operation_that_fails_leaves_nothing() -> None:
    def fail() -> None:
        with operation():
            make = Partner.objects.create(code="bazaar", name="Bazaar", settlement="ESCROW")
            raise ZeroDivisionError(make.pk)

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not Partner.objects.exists()


@pytest.mark.parametrize("changed", [0, 2])
def test_a_stale_row_is_not_passed_over(changed: int) -> None:
    with pytest.raises(StaleRow):
        require_one(changed)
    require_one(1)


def test_writing_needs_a_transaction() -> None:
    with pytest.raises(NoTransaction):
        require_transaction()
    with operation():
        require_transaction()


def test_a_lock_that_does_not_come_is_a_typed_error() -> None:
    make_merchants(make_partner(), "kiln")

    def rename() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '50ms'")
            with operation():
                list(Merchant.objects.lock())
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        list(Merchant.objects.lock())
        with pytest.raises(Contended):
            pool.submit(rename).result()


def test_of_two_that_wait_for_each_other_one_is_contended() -> None:
    """Red without DeadlockDetected among what may be retried."""
    names, both_hold_one = {make_partner(code).pk: code for code in ("one", "other")}, Barrier(2)

    def rename(order: list[int]) -> str:
        try:
            with operation():
                Partner.objects.filter(pk=order[0]).update(name="New")
                both_hold_one.wait(timeout=60)
                Partner.objects.filter(pk=order[1]).update(name="New")
        except Contended:
            return "contended"
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        outcomes = [pool.submit(rename, order) for order in (sorted(names), sorted(names, reverse=True))]
    assert sorted(outcome.result() for outcome in outcomes) == ["contended", "done"]
    assert Partner.objects.filter(name="New").count() == 2


def test_what_no_retry_mends_stays_what_it_is() -> None:
    with pytest.raises(IntegrityError), operation():
        Partner.objects.create(code="bazaar", name="Bazaar", settlement="BARTER")
    slow = "SET LOCAL statement_timeout = '10ms'; SELECT pg_sleep(5)"
    with pytest.raises(OperationalError) as raised, operation(), connection.cursor() as cursor:
        cursor.execute(slow)
    assert not isinstance(raised.value, Contended)
