"""Tasks: made for a day, closed once, given to another, by whom they concern."""

from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office.actors import SYSTEM, actor_of
from config.office.business_date import open_day
from config.office.models import OperationEvent, Task, TaskReassignment
from config.office.models.task import LONGEST_TASK, TaskState
from config.office.note_words import TASK_REFUSALS, TASK_STATES
from config.office.own_work import mentions_url, own_mentions, own_tasks, tasks_url
from config.office.staff_tasks import (
    TaskRefusal,
    TaskRefused,
    add_task,
    close_task,
    is_overdue,
    judge_closing,
    judge_reassigning,
    judge_task,
    reassign_task,
)
from merchants.models import Merchant
from tests.config.office.notes import TODAY, Named, colleague, make_note, make_task
from tests.conftest import CLERK, NOW
from tests.lending.arrears import make_case
from tests.lending.loans import lent
from tests.markets import make_merchants, make_partner
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
LIST = "admin:office_task_changelist"
MANAGERS = {Role.ADMINISTRATOR, Role.CONTROLLER, Role.RISK_MANAGER}


@pytest.fixture
def merchant() -> Merchant:
    make_merchants(make_partner(), "kiln")
    open_day(on=TODAY, actor=SYSTEM, now=NOW)
    return Merchant.objects.get()


def page_of(row: Any, page: str = "change") -> str:  # noqa: ANN401 - of any model
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk])


NEW: dict[str, Any] = {"text": "x", "due_on": TODAY, "today": TODAY, "assignee_may": True, "is_repeated": False}
CLOSING: dict[str, Any] = {"is_theirs": True, "outcome": "paid"}
MOVING: dict[str, Any] = {"is_theirs": True, "is_same": False, "assignee_may": True, "reason": "on leave"}


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({}, None),
        ({"text": "x" * LONGEST_TASK}, None),
        ({"text": ""}, TaskRefusal.EMPTY),
        ({"text": "x" * (LONGEST_TASK + 1)}, TaskRefusal.TOO_LONG),
        ({"due_on": TODAY - DAY}, TaskRefusal.DUE_BEFORE),
        ({"assignee_may": False}, TaskRefusal.ASSIGNEE_MAY_NOT),
        ({"is_repeated": True}, TaskRefusal.MADE_ALREADY),
    ],
)
def test_which_tasks_are_made(change: dict[str, Any], refusal: TaskRefusal | None) -> None:
    assert judge_task(**NEW | change) is refusal


@pytest.mark.parametrize("state", list(TaskState))
def test_only_an_open_task_is_closed_or_given_away(state: TaskState) -> None:
    expected = None if state is TaskState.OPEN else TaskRefusal.NOT_OPEN
    assert judge_closing(state, **CLOSING) is expected
    assert judge_reassigning(state, **MOVING) is expected


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"is_theirs": False}, TaskRefusal.OF_OTHERS),
        ({"is_same": True}, TaskRefusal.SAME_ASSIGNEE),
        ({"assignee_may": False}, TaskRefusal.ASSIGNEE_MAY_NOT),
        ({"reason": ""}, TaskRefusal.REASON_MISSING),
    ],
)
def test_what_keeps_a_task_with_whom_it_is(change: dict[str, Any], refusal: TaskRefusal) -> None:
    assert judge_reassigning(TaskState.OPEN, **MOVING | change) is refusal


def test_what_keeps_a_task_open() -> None:
    assert judge_closing(TaskState.OPEN, is_theirs=False, outcome="x") is TaskRefusal.OF_OTHERS
    assert judge_closing(TaskState.OPEN, is_theirs=True, outcome="") is TaskRefusal.OUTCOME_MISSING


@pytest.mark.parametrize(("late", "expected"), [(-1, False), (0, False), (1, True)])
def test_a_task_is_overdue_the_day_after(late: int, expected: bool) -> None:  # noqa: FBT001 - a case
    for state in TaskState:
        assert is_overdue(state, TODAY, today=TODAY + late * DAY) is (expected and state is TaskState.OPEN)


def test_every_refusal_and_state_has_its_words() -> None:
    assert set(TASK_REFUSALS) == set(TaskRefusal)
    assert set(TASK_STATES) == set(TaskState)


def test_a_task_goes_from_its_page_to_its_end(client: Client, merchant: Merchant) -> None:
    """Red if the trail kept what people typed, or the task went to somebody else than was chosen."""
    lena, ben = colleague("lena"), colleague("ben")
    client.force_login(lena)
    added = client.post(page_of(merchant, "add_task"), {"text": "<i>Call</i> them", "due_on": f"{TODAY}"}, follow=True)
    assert added.redirect_chain[-1][0] == page_of(merchant)
    assertContains(added, "&lt;i&gt;Call&lt;/i&gt; them")
    assertContains(added, f"for lena, due on {TODAY}")
    task = Task.objects.get()
    assert (task.assignee, task.made_by, task.open_due_on) == (str(actor_of(lena)), str(actor_of(lena)), TODAY)
    moved = client.post(page_of(task, "reassign"), {"assignee": ben.pk, "reason": "on leave"}, follow=True)
    assertContains(moved, "on leave")
    client.force_login(ben)
    closed = client.post(page_of(task, "done"), {"outcome": "They pay on Friday."}, follow=True)
    assertContains(closed, "They pay on Friday.")
    task.refresh_from_db()
    assert (task.state, task.closed_by, task.open_due_on) == ("DONE", str(actor_of(ben)), None)
    events = {event.name: event for event in OperationEvent.objects.filter(name__contains="_task")}
    assert events["office.add_task"].after["assignee"] == str(actor_of(lena))
    assert events["office.reassign_task"].after == {"assignee": str(actor_of(ben))}
    assert (events["office.close_task"].before, events["office.close_task"].after) == (
        {"state": "OPEN"},
        {"state": "DONE"},
    )
    kept = str(list(OperationEvent.objects.values("before", "after")))
    assert not any(text in kept for text in ("Call", "on leave", "Friday"))


def test_a_second_click_adds_no_second_task(client: Client, merchant: Merchant) -> None:
    """Red if it were there twice; what differs in whom, when or what is another task."""
    ben = colleague("ben")
    client.force_login(colleague("lena"))
    sent: dict[str, Any] = {"text": "Call them.", "due_on": f"{TODAY}"}
    client.post(page_of(merchant, "add_task"), sent)
    assertContains(client.post(page_of(merchant, "add_task"), sent), "You added exactly this task a moment ago")
    assert Task.objects.count() == 1
    for other in ({"text": "Write to them."}, {"due_on": f"{TODAY + DAY}"}, {"assignee": ben.pk}):
        client.post(page_of(merchant, "add_task"), sent | other)
    assert Task.objects.count() == 4


def test_two_clicks_at_once_add_one_task_and_another_minute_another(merchant: Merchant) -> None:
    """Red without the lock."""
    lena = colleague("lena")
    call = partial(
        add_task, subject=merchant, text="Call them.", due_on=TODAY, assignee_id=lena.pk, actor=CLERK, now=NOW
    )
    held = Named(("office.add_task", f"merchants.merchant:{merchant.pk}", str(CLERK)))
    assert {type(one) for one in race(call, call, held=held)} == {Task, TaskRefused}  # type: ignore[arg-type] # which locks, too
    call(now=NOW + timedelta(minutes=1))
    assert Task.objects.count() == 2


def test_two_people_close_a_task_once(merchant: Merchant) -> None:
    """Red without the lock: the second would write over what the first said."""
    task = make_task(merchant, user=colleague("lena"))
    calls = [
        partial(close_task, task_id=task.pk, state=state, outcome=state, manages=True, actor=CLERK, now=NOW)
        for state in (TaskState.DONE, TaskState.CANCELLED)
    ]
    outcomes = race(*calls, held=Task.objects.all())
    [closed] = [one for one in outcomes if isinstance(one, Task)]
    [refused] = [one for one in outcomes if isinstance(one, TaskRefused)]
    assert refused.reason is TaskRefusal.NOT_OPEN
    assert Task.objects.get().outcome == closed.state
    assert OperationEvent.objects.filter(name="office.close_task").count() == 1


@pytest.mark.parametrize("who", ["has it", "made it", *sorted(MANAGERS)])
def test_whom_it_concerns_closes_a_task_and_nobody_else(client: Client, merchant: Merchant, who: str) -> None:
    lena, ben = colleague("lena"), colleague("ben")
    task = make_task(merchant, user=lena)
    client.force_login(ben)
    refused = client.post(page_of(task, "done"), {"outcome": "x"}, follow=True)
    assertContains(refused, "Only the assignee, whoever created the task, or a manager of tasks")
    assertContains(client.get(page_of(task, "reassign")), "Only the assignee")
    assert Task.objects.get().state == "OPEN"
    if who == "made it":
        Task.objects.all().update(assignee=str(actor_of(ben)))
        close_task(task_id=task.pk, state=TaskState.DONE, outcome="x", manages=False, actor=CLERK, now=NOW)
    else:
        client.force_login(lena if who == "has it" else colleague("carla", Role(who)))
        client.post(page_of(task, "done"), {"outcome": "x"})
    assert Task.objects.get().state == "DONE"


@pytest.mark.parametrize("lost", ["left", "another role", "no role"])
def test_a_task_whose_assignee_can_no_longer_do_it_is_for_everybody_who_sees_it(client: Client, lost: str) -> None:
    """Red if it were stuck for ever: an administrator does not see arrears cases, and nobody else may close it."""
    case = make_case(lent())
    lena, ben, cora = colleague("lena"), colleague("ben"), colleague("cora", Role.COLLECTOR)
    tasks = [make_task(case, text, due_on=date(2099, 1, 1), user=lena) for text in ("Call them.", "Visit them.")]
    with pytest.raises(TaskRefused, match="OF_OTHERS"):
        close_task(task_id=tasks[0].pk, state=TaskState.DONE, outcome="x", manages=False, actor=actor_of(cora), now=NOW)
    if lost == "left":
        User.objects.filter(pk=lena.pk).update(is_active=False)
    else:
        lena.groups.set([] if lost == "no role" else colleague("fin", Role.FINANCE).groups.all())
    client.force_login(colleague("vera", Role.AUDITOR))
    assert client.post(page_of(tasks[0], "done"), {"outcome": "x"}).status_code == 403
    client.force_login(cora)
    moved = client.post(page_of(tasks[0], "reassign"), {"assignee": ben.pk, "reason": "lena left"}, follow=True)
    assertContains(moved, "lena left")
    client.post(page_of(tasks[1], "cancel"), {"outcome": "settled"})
    assert [(task.state, task.assignee) for task in Task.objects.order_by("pk")] == [
        ("OPEN", str(actor_of(ben))),
        ("CANCELLED", str(actor_of(lena))),
    ]
    with pytest.raises(TaskRefused, match="OF_OTHERS"):
        close_task(task_id=tasks[0].pk, state=TaskState.DONE, outcome="x", manages=False, actor=actor_of(cora), now=NOW)


def test_a_task_is_for_who_may_view_its_page_and_work_on_it(client: Client) -> None:
    """Red if an account without the right were on offer, or taken when its number is sent."""
    case = make_case(lent())
    lena, fin, vera = colleague("lena"), colleague("fin", Role.FINANCE), colleague("vera", Role.AUDITOR)
    client.force_login(lena)
    form = client.get(page_of(case, "add_task")).context["step"].form
    assert [name for _pk, name in form.fields["assignee"].choices] == ["Me", "lena"]
    for user in (fin, vera):
        sent = {"text": "x", "due_on": "2099-01-01", "assignee": user.pk}
        assertContains(client.post(page_of(case, "add_task"), sent), "Select a valid choice")
        with pytest.raises(TaskRefused, match="ASSIGNEE_MAY_NOT"):
            make_task(case, due_on=date(2099, 1, 1), user=user)
    task = make_task(case, due_on=date(2099, 1, 1), user=lena)
    with pytest.raises(TaskRefused, match="ASSIGNEE_MAY_NOT"):
        reassign_task(task_id=task.pk, assignee_id=fin.pk, reason="x", manages=True, actor=CLERK, now=NOW)
    with pytest.raises(TaskRefused, match="SAME_ASSIGNEE"):
        reassign_task(task_id=task.pk, assignee_id=lena.pk, reason="x", manages=True, actor=CLERK, now=NOW)
    User.objects.filter(pk=lena.pk).update(is_active=False)
    with pytest.raises(TaskRefused, match="ASSIGNEE_MAY_NOT"):
        make_task(case, due_on=date(2099, 1, 1), user=lena)


def test_what_is_due_before_the_business_date_is_refused_with_what_was_typed(
    client: Client, merchant: Merchant
) -> None:
    client.force_login(colleague("lena"))
    sent = {"text": "Look at the feed", "due_on": f"{TODAY - DAY}"}
    page = client.post(page_of(merchant, "add_task"), sent)
    assertContains(page, "before the business date")
    assertContains(page, "Look at the feed</textarea>")
    assert not Task.objects.exists()


def test_the_list_has_the_open_tasks_first_by_their_day_and_is_narrowed(client: Client, merchant: Merchant) -> None:
    lena, ben = colleague("lena"), colleague("ben")
    for text, days, user in (("third", 9, lena), ("first", 0, lena), ("second", 4, ben), ("closed", 0, ben)):
        make_task(merchant, text, due_on=TODAY + days * DAY, user=user)
    closed = Task.objects.get(text="closed")
    close_task(task_id=closed.pk, state=TaskState.DONE, outcome="x", manages=True, actor=CLERK, now=NOW)
    open_day(on=TODAY + 2 * DAY, actor=SYSTEM, now=NOW)
    client.force_login(lena)

    def texts(**asked: str) -> list[str]:
        return [task.text for task in client.get(reverse(LIST), asked).context["listing"].rows]

    assert texts() == ["first", "second", "third", "closed"]
    assert texts(overdue="yes") == ["first"]
    assert texts(state="DONE") == ["closed"]
    assert texts(assignee=str(actor_of(ben))) == ["second", "closed"]
    assert texts(about=f"merchants.merchant:{merchant.pk}", state="OPEN") == ["first", "second", "third"]
    assert texts(about="merchants.merchant:0") == []
    page = client.get(reverse(LIST))
    assertContains(page, 'tl-chip tl-bad">Overdue', count=1)
    [mine, mentions, _export] = page.context["buttons"]
    assert [row.text for row in client.get(mine.url).context["listing"].rows] == ["first", "third"]
    assert client.get(mentions.url).context["listing"].rows == []


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_needs_as_many_queries_for_three_rows_as_for_one(
    client: Client, merchant: Merchant, rows: int
) -> None:
    for number in range(rows):
        make_task(merchant, user=colleague(f"lena{number}"))
    client.force_login(colleague("lena0"))
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse(LIST))
    assert len(queries) == 12


def test_own_work_is_what_its_lists_show(client: Client, merchant: Merchant) -> None:
    """Red if a page that one may no longer view were counted, or a figure differed from its list."""
    lena = colleague("lena")
    case = make_case(lent())
    for number in range(3):
        make_task(merchant, due_on=TODAY + number * DAY, user=lena)
    make_task(case, user=lena)
    make_task(merchant, user=colleague("ben"))
    for row in (merchant, case):
        make_note(row, "@lena, look")
    lena.groups.set([])
    lena = User.objects.get(pk=lena.pk)
    assert (own_tasks(lena).count(), own_mentions(lena).count()) == (0, 0)
    lena.groups.set(colleague("fin", Role.FINANCE).groups.all())
    lena = User.objects.get(pk=lena.pk)
    tasks, mine = own_tasks(lena), str(actor_of(lena))
    assert (tasks.count(), tasks.overdue(TODAY + 2 * DAY).count(), own_mentions(lena).count()) == (3, 2, 1)
    open_day(on=TODAY + 2 * DAY, actor=SYSTEM, now=NOW)
    client.force_login(lena)
    listed = {
        url: len(client.get(url).context["listing"].rows)
        for url in (tasks_url(mine), f"{tasks_url(mine)}&overdue=yes", mentions_url(mine))
    }
    assert list(listed.values()) == [3, 2, 1]
    assertNotContains(client.get(tasks_url(mine)), "Arrears case")


def test_what_was_asked_for_stays(merchant: Merchant) -> None:
    """Red without the triggers of the migration."""
    task = make_task(merchant, user=colleague("lena"))
    for change in ({"text": "Another"}, {"made_by": "staff:9"}, {"due_on": TODAY + DAY}, {"about": "a.b:1"}):
        with pytest.raises(IntegrityError, match="this stays as it is"), transaction.atomic():
            Task.objects.update(**change)
    reassign_task(task_id=task.pk, assignee_id=colleague("ben").pk, reason="x", manages=True, actor=CLERK, now=NOW)
    with pytest.raises(IntegrityError, match="this stays as it is"), transaction.atomic():
        TaskReassignment.objects.update(reason="Another")
    close_task(task_id=task.pk, state=TaskState.DONE, outcome="x", manages=True, actor=CLERK, now=NOW)
    with pytest.raises(IntegrityError, match="this stays as it is"), transaction.atomic():
        Task.objects.update(outcome="Another")
