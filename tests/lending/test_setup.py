"""The first day of an office: every step from nothing to offers, as its first page asks for it."""

import re
from datetime import timedelta

import pytest
from celery import current_app
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.jobs import START_DUE_WORK
from config.office.business_date import get_business_date
from config.office.heartbeat import record_heartbeat
from config.office.words import Words
from lending.admin.setup import STATES, STEPS
from lending.domain.origination.setup import SetupStep, StepState
from lending.models import ProductVersion
from merchants.domain.transaction import Settlement
from merchants.models import Batch
from scoring.domain.run import RunState
from scoring.models import CalibrationVersion, LiveRun, ScorecardVersion, ScoreRun
from tests.approvals import approve_open
from tests.conftest import Enqueued
from tests.lending.office import staff
from tests.markets import make_merchants, make_partner, receive
from tests.scoring.market import AS_OF, market_rows, work_through

pytestmark = pytest.mark.django_db(transaction=True)
SURELY = {"step": "confirm", "sure": "1"}
LINK = re.compile(r'<a href="([^"]+)">\s*([^<]+?)\s*</a>')


@pytest.fixture
def manager(client: Client) -> Client:
    cache.clear()
    record_heartbeat(now=timezone.now())
    client.force_login(staff(Role.RISK_MANAGER))
    return client


def import_history() -> None:
    partner = make_partner(settlement=Settlement.IMMEDIATE)
    make_merchants(partner, *[f"shop-{shop}" for shop in range(40)], category="tea", region="north")
    receive(partner, market_rows(40))


def step_to(client: Client, label: Words) -> str:
    """Find where the first page leads for a step."""
    page = client.get(reverse("admin:overview")).content.decode()
    return next(str(address) for address, words in LINK.findall(page) if words == str(label))


def test_an_office_is_set_up_from_its_first_page(manager: Client, enqueued: Enqueued) -> None:
    """Red if a step had no way on from the page, or if what it needs were asked for after it."""
    finance = Client()
    finance.force_login(staff(Role.FINANCE))
    finance.post(step_to(finance, STEPS[SetupStep.BUSINESS_DATE].button), {"on": AS_OF.isoformat()} | SURELY)
    assert get_business_date() == AS_OF
    manager.post(step_to(manager, STEPS[SetupStep.SCORECARD].button))
    assert ScorecardVersion.objects.count() == 1
    assertNotContains(manager.get(reverse("admin:overview")), STEPS[SetupStep.REFERENCE_RUN].button)
    import_history()
    enqueued()
    start = step_to(manager, STEPS[SetupStep.REFERENCE_RUN].button)
    manager.post(start)
    reference = ScoreRun.objects.get()
    assertContains(manager.get(reverse("admin:overview")), "See how far it is")
    work_through(reference)
    assert not LiveRun.objects.exists()
    enqueued()
    calibrate = step_to(manager, STEPS[SetupStep.CALIBRATION].button)
    shown = manager.post(calibrate, {"target": "5", "step": "preview"})
    assertContains(shown, "Merchants then")
    assertNotContains(manager.post(calibrate, {"target": "5", "step": "change"}), "Merchants then")
    assert not CalibrationVersion.objects.exists()
    manager.post(calibrate, {"target": "5", "step": "confirm"})
    assert CalibrationVersion.objects.get().run == reference
    assert (START_DUE_WORK, {}) in enqueued()
    again = reverse("admin:scoring_scorerun_calibrate", args=[reference.pk])
    assertContains(manager.post(again, {"target": "5", "step": "confirm"}, follow=True), "Calibration ")
    manager.post(again, {"target": "5.01", "step": "confirm"})
    assertContains(manager.post(again, {"target": "5", "step": "confirm"}), "entered before")
    assert CalibrationVersion.objects.count() == 2
    enter = step_to(manager, STEPS[SetupStep.PRODUCT].button)
    assertContains(manager.post(enter, {"product": "TERM:EUR", "step": "preview"}), "Rate a day")
    manager.post(enter, {"product": "TERM:EUR", "step": "confirm"})
    approve_open()
    assert (ProductVersion.objects.get().currency, ProductVersion.objects.get().kind) == ("EUR", "TERM")
    manager.post(step_to(manager, STEPS[SetupStep.PUBLISHED_RUN].button))
    run = work_through(ScoreRun.objects.latest("pk"))
    assert run.state == RunState.PUBLISHED
    assert (START_DUE_WORK, {}) in enqueued()
    assertContains(manager.get(reverse("admin:overview")), "Median score")


def test_a_calibration_that_cannot_go_live_is_not_entered(manager: Client, enqueued: Enqueued) -> None:
    """Red if the page stored what it could not show, or answered with a traceback."""
    finance = Client()
    finance.force_login(staff(Role.FINANCE))
    finance.post(reverse("admin:lending_dayclose_first"), {"on": AS_OF.isoformat()} | SURELY)
    manager.post(reverse("admin:scoring_scorecardversion_enter"))
    import_history()
    manager.post(reverse("admin:scoring_scorerun_start"))
    run = ScoreRun.objects.get()
    address = reverse("admin:scoring_scorerun_calibrate", args=[run.pk])
    assertContains(manager.get(address), "Only a finished run")
    work_through(run)
    for target, said in (("99.99", "enter another mean PD"), ("0", "greater than or equal"), ("5,0", "Enter a number")):
        assertContains(manager.post(address, {"target": target, "step": "confirm"}), said)
    assert not CalibrationVersion.objects.exists()
    enqueued()


def test_the_first_day_is_opened_once() -> None:
    """Red if a stale page of the first day moved an office on that has begun."""
    finance = Client()
    finance.force_login(staff(Role.FINANCE))
    address = reverse("admin:lending_dayclose_first")
    assertContains(finance.post(address, {"on": "2206-03-01"} | SURELY), "more than ten years away")
    assertContains(finance.post(address, {"on": AS_OF.isoformat(), "step": "confirm"}), "no way back")
    assert get_business_date() is None
    finance.post(address, {"on": AS_OF.isoformat()} | SURELY)
    late = finance.post(address, {"on": (AS_OF + timedelta(days=400)).isoformat()} | SURELY)
    assertContains(late, "open already")
    assert get_business_date() == AS_OF
    assertNotContains(finance.get(reverse("admin:lending_dayclose_changelist")), address)


def test_by_the_calendar_a_first_run_waits_until_the_history_is_in(
    settings: Settings, manager: Client, enqueued: Enqueued
) -> None:
    """Red if the first run took the beginning of an import for the whole history, or never began."""
    settings.BUSINESS_CLOCK = "wall"
    current_app.tasks["office.roll_business_date"].apply(throw=True)
    assert get_business_date() is not None
    manager.post(reverse("admin:scoring_scorecardversion_enter"))
    import_history()
    current_app.tasks["scoring.start_due_run"].apply(throw=True)
    assert not ScoreRun.objects.exists()
    Batch.objects.update(sealed_at=timezone.now() - timedelta(minutes=2))
    for _twice in range(2):
        current_app.tasks["scoring.start_due_run"].apply(throw=True)
    assert ScoreRun.objects.count() == 1
    enqueued()


def test_due_work_is_looked_for_in_every_app(enqueued: Enqueued) -> None:
    current_app.tasks[START_DUE_WORK].apply(throw=True)
    names = [name for name, _ in enqueued()]
    assert names == [
        "office.roll_business_date",
        "scoring.start_due_run",
        "lending.close_due_day",
        "lending.start_due_watch",
        "lending.start_due_round",
        "lending.send_due_letters",
    ]


def test_every_step_and_state_has_its_words() -> None:
    assert set(STEPS) == set(SetupStep)
    assert set(STATES) == set(StepState)
