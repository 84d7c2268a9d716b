"""A loan as its page has it, in few statements: the same as asked one by one."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from lending.domain.contract.events import REVERSIBLE, EventType
from lending.models import Entry, Loan, LoanEvent
from lending.queries.loans import has_reversible
from lending.queries.servicing import events_after, get_servicing
from tests.conftest import CLERK, NOW
from tests.lending.bookings import charge_fee, reverse_event, take_repayment
from tests.lending.loans import OPENED, lent

pytestmark = pytest.mark.django_db(transaction=True)
BOOKED: dict[str, Any] = {"on": OPENED, "reason": "agreed", "actor": CLERK, "now": NOW}


def with_a_reversal() -> Loan:
    """Return a loan with two payments, the first of them reversed, and a fee."""
    loan = lent()
    take_repayment(loan_id=loan.pk, amount_minor=5_000, **BOOKED)
    take_repayment(loan_id=loan.pk, amount_minor=7_000, **BOOKED)
    reverse_event(loan_id=loan.pk, seq=2, **BOOKED)
    charge_fee(loan_id=loan.pk, amount_minor=300, **BOOKED)
    return Loan.objects.get(pk=loan.pk)


def test_what_may_be_reversed_is_the_same_of_rows_and_of_a_replay() -> None:
    """Red if a verb were offered on the page of a loan and not on its own, or for what a reversal removed."""
    loan, read = with_a_reversal(), with_a_reversal()
    reverse_event(loan_id=loan.pk, seq=3, **BOOKED)
    reverse_event(loan_id=read.pk, seq=3, **BOOKED)
    get_servicing(read)
    told = {kind: has_reversible(loan, {kind}) for kind in REVERSIBLE}
    with CaptureQueriesContext(connection) as queries:
        assert {kind: has_reversible(read, {kind}) for kind in REVERSIBLE} == told
    assert not queries.captured_queries
    assert {kind for kind, stands in told.items() if stands} == {EventType.CHARGE}


def test_the_latest_events_and_entries_come_with_what_belongs_to_them() -> None:
    """Red if an event lost what reversed it or what it reversed, or a posting its entry, where few are read."""
    loan = with_a_reversal()
    whole, some = get_servicing(loan), get_servicing(loan, most=2)
    assert [one.event.seq for one in whole.events] == [5, 4, 3, 2, 1]
    assert [one.event.seq for one in some.events] == [5, 4]
    reversal = some.events[1].event
    assert reversal.of is not None
    assert (reversal.of.seq, whole.events[3].reversed_by) == (2, LoanEvent.objects.get(pk=reversal.pk))
    allocated = {one.event.seq: one.allocation and one.allocation.principal_minor for one in whole.events}
    assert allocated == {5: None, 4: None, 3: 7_000, 2: None, 1: None}
    assert whole.booked == some.booked == 5
    latest = list(Entry.objects.filter(loan=loan).order_by("-pk")[:2])
    assert [posting.entry for posting in some.postings] == [
        entry for entry in latest for _ in range(entry.postings.count())
    ]
    assert [posting.pk for posting in whole.postings][: len(some.postings)] == [one.pk for one in some.postings]
    assert sum(whole.repaid.values()) == 7_000
    assert [one.event.seq for one in events_after(loan, 1, most=2)] == [2, 3]
