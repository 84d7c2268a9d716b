import pytest
from celery import current_app
from celery.exceptions import NotRegistered
from django.db import transaction

from config.db.transactions import NoTransaction, operation
from config.jobs import enqueue
from merchants.models import Partner
from tests.conftest import Enqueued

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "merchants.fill_batch"


def test_a_task_leaves_after_commit(enqueued: Enqueued) -> None:
    """Red if it were sent at once: a worker could look for a row that nobody sees yet."""
    with operation():
        enqueue(NAME, job_id=1)
        assert enqueued() == []
    assert enqueued() == [(NAME, {"job_id": 1})]


def test_a_task_of_what_was_rolled_back_never_leaves(enqueued: Enqueued) -> None:
    with operation():
        enqueue(NAME, job_id=1)
        transaction.set_rollback(True)
    assert enqueued() == []


def test_an_unknown_name_fails_before_commit() -> None:
    def deed() -> None:
        with operation():
            Partner.objects.create(code="bazaar", name="Bazaar", settlement="ESCROW")
            enqueue("merchants.no_such_task")

    with pytest.raises(NotRegistered):
        deed()
    assert not Partner.objects.exists()


def test_nothing_is_enqueued_outside_an_operation(enqueued: Enqueued) -> None:
    with pytest.raises(NoTransaction):
        enqueue(NAME, job_id=1)
    assert enqueued() == []


def test_a_dead_broker_neither_fails_nor_holds_up_a_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red without `robust=True`: the operation would raise after its commit, and its caller do it again.

    Red without `max_retries` 0: each message would wait six seconds for the broker.
    """
    monkeypatch.setitem(current_app.conf, "broker_url", "redis+socket:///nowhere/valkey.sock?virtual_host=0")
    monkeypatch.setattr(current_app.amqp, "_producer_pool", None)  # it holds a connection to the living one
    waits: list[float] = []
    monkeypatch.setattr("kombu.utils.functional.sleep", waits.append)
    with operation():
        Partner.objects.create(code="bazaar", name="Bazaar", settlement="ESCROW")
        for job in range(5):
            enqueue(NAME, job_id=job)
    assert Partner.objects.count() == 1
    assert waits == []
