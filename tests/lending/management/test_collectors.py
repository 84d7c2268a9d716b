from collections import Counter
from datetime import timedelta

import pytest

from config.declarations import Role
from config.office.business_date import get_business_date
from config.office.models import Note
from config.office.own_work import own_mentions, own_tasks
from lending.domain.arrears.case import ContactResult
from lending.management import collectors
from lending.management.collectors import Call, Outcome, call_of, collect, paid_of
from lending.models import ArrearsCase, CaseContact, PaymentPromise
from tests.conftest import make_user
from tests.lending.letters import late_borrower
from tests.lending.loans import proven, roll
from tests.lending.office import staff


def test_half_of_the_calls_end_with_a_promise() -> None:
    calls = [call_of(number) for number in range(6 * 4)]
    assert Counter(call.result for call in calls) == {
        ContactResult.REACHED: 12,
        ContactResult.NO_ANSWER: 8,
        ContactResult.HARDSHIP: 4,
    }
    assert {call.promised_in for call in calls if call.result is ContactResult.REACHED} == {1, 2, 3, 4}
    assert all(call.promised_in is None for call in calls if call.result is not ContactResult.REACHED)


def test_what_is_paid_of_a_promise() -> None:
    assert [paid_of(outcome, 101) for outcome in Outcome] == [101, 50, 0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("outcome", Outcome)
def test_a_demo_s_collector_takes_a_promise_and_the_close_judges_it(
    outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red if the demo showed promises that nobody keeps or breaks, or called twice where it was interrupted."""
    late_borrower()
    on, collector = get_business_date(), staff(Role.COLLECTOR)
    assert on is not None
    monkeypatch.setattr(collectors, "WORKED_ON", 100)
    monkeypatch.setattr(collectors, "OUTCOMES", (outcome,))
    monkeypatch.setattr(collectors, "call_of", lambda _number: Call(ContactResult.REACHED, 1))
    ArrearsCase.objects.update(next_on=on)
    assert collect(on=on, collector=collector) == 1
    assert collect(on=on, collector=collector) == 0
    assert CaseContact.objects.count() == 1
    roll(on + timedelta(days=1))
    collect(on=on + timedelta(days=1), collector=collector)
    roll(on + timedelta(days=5))
    assert PaymentPromise.objects.earliest("pk").state == outcome
    assert ArrearsCase.objects.earliest("pk").owner == f"staff:{collector.pk}"
    assert proven()


@pytest.mark.django_db(transaction=True)
def test_a_borrower_in_hardship_is_told_to_the_risk_manager_once(monkeypatch: pytest.MonkeyPatch) -> None:
    late_borrower()
    on, collector = get_business_date(), staff(Role.COLLECTOR)
    risk = make_user(collectors.RISK, Role.RISK_MANAGER)
    assert on is not None
    monkeypatch.setattr(collectors, "WORKED_ON", 100)
    monkeypatch.setattr(collectors, "call_of", lambda _number: Call(ContactResult.HARDSHIP, None))
    for _ in range(2):
        ArrearsCase.objects.update(next_on=on)
        assert collect(on=on, collector=collector) == 1
    assert own_mentions(risk).count() == Note.objects.count() == 1
    assert own_tasks(collector).count() == 1
