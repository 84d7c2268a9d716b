import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office.actors import SYSTEM
from config.office.models import JobRun, OperationEvent
from config.office.models.job_run import JobState
from config.office.verbs import ASKED
from merchants.models import Partner
from scoring.admin.words import ABANDON_REFUSALS, PUBLISH_REFUSALS, START_REFUSALS
from scoring.domain.checks import CheckName, CheckNote
from scoring.domain.features.characteristics import CHARACTERISTIC_NAMES
from scoring.domain.features.declarations import FEATURES
from scoring.domain.policy import Gate, NotScored
from scoring.domain.run import AbandonRefusal, PublishRefusal, RunState, StartRefusal
from scoring.models import LiveRun, RunCheck, ScoreRun
from scoring.operations.runs import start_run
from scoring.queries import labels
from scoring.queries.scores import get_live_run
from tests.approvals import approve_open
from tests.conftest import NOW, Enqueued
from tests.lending.office import publish_market, staff
from tests.markets import receive, sale
from tests.scoring.market import GATHER, make_market, run_once

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "admin:scoring_scorerun_changelist"


def url(run: ScoreRun, page: str) -> str:
    return reverse(f"admin:scoring_scorerun_{page}", args=[run.pk])


def hold(run: ScoreRun) -> ScoreRun:
    """Hold back a second run, as a failed check would."""
    newest = run_once()
    ScoreRun.objects.filter(pk=newest.pk).update(state=RunState.HELD)
    LiveRun.objects.update(run=run)
    return ScoreRun.objects.get(pk=newest.pk)


def everything() -> tuple[list[object], ...]:
    return tuple(list(model.objects.order_by("pk").values()) for model in (ScoreRun, LiveRun, JobRun, OperationEvent))


def test_a_run_is_started(client: Client, enqueued: Enqueued) -> None:
    make_market(2)
    enqueued()
    client.force_login(staff(Role.RISK_MANAGER))
    assertContains(client.get(reverse(LIST)), reverse("admin:scoring_scorerun_start"))
    assertContains(client.get(reverse("admin:scoring_scorerun_start")), "Every merchant is scored")
    done = client.post(reverse("admin:scoring_scorerun_start"), follow=True)
    run = ScoreRun.objects.get()
    assert done.redirect_chain == [(url(run, "change"), 302)]
    assertContains(done, "The run has started")
    assert [name for name, _ in enqueued()] == [GATHER]


def test_a_run_is_not_started_twice_and_the_page_says_why(client: Client) -> None:
    make_market(2)
    start_run(actor=SYSTEM, now=NOW)
    client.force_login(staff(Role.RISK_MANAGER))
    assertContains(client.get(reverse(LIST)), "Another run is in progress")
    before = everything()
    assertContains(client.post(reverse("admin:scoring_scorerun_start"), follow=True), "Another run is in progress")
    assert everything() == before


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CREDIT_ANALYST, Role.ADMINISTRATOR])
def test_verbs_are_other_rights_than_to_see_and_nothing_happens(client: Client, role: Role, enqueued: Enqueued) -> None:
    run = publish_market()
    held = hold(run)
    client.force_login(staff(role))
    enqueued()
    before = everything()
    assertContains(client.get(url(held, "change")), "Your role may not do this")
    for address in (reverse("admin:scoring_scorerun_start"), url(held, "publish"), url(held, "abandon")):
        assert client.get(address).status_code == client.post(address, {"reason": "Fine."}).status_code == 403
    assert everything() == before
    assert enqueued() == []


def test_a_held_run_is_published_with_a_reason(client: Client) -> None:
    run = publish_market()
    held = hold(run)
    client.force_login(staff(Role.RISK_MANAGER))
    preview = client.get(url(held, "publish"))
    assertContains(preview, "Live now")
    assert get_live_run() == run

    refused = client.post(url(held, "publish"), {"reason": " "}, follow=True)
    assertContains(refused, "Please give a reason")
    assert get_live_run() == run

    sent = {"reason": "The refunds are real.", "step": "confirm"}
    assertContains(client.post(url(held, "publish"), sent, follow=True), ASKED)
    assert get_live_run() == run
    approve_open()
    assertContains(client.get(url(held, "change")), "The refunds are real.")
    assert get_live_run() == held


def test_a_published_run_is_not_published_again(client: Client) -> None:
    run = publish_market()
    client.force_login(staff(Role.RISK_MANAGER))
    assertContains(client.get(url(run, "change")), "Only a run that its checks hold back")
    before = everything()
    assertContains(client.post(url(run, "publish"), {"reason": "Again."}, follow=True), "Only a run that")
    assert everything() == before


def test_a_run_in_work_is_given_up(client: Client) -> None:
    make_market(2)
    run = start_run(actor=SYSTEM, now=NOW)
    client.force_login(staff(Role.RISK_MANAGER))
    assertContains(client.get(url(run, "change")), url(run, "abandon"))
    assertContains(client.post(url(run, "abandon"), {"reason": "The disk is full."}, follow=True), "is abandoned")
    run.refresh_from_db()
    assert run.state == RunState.ABANDONED


def test_progress_is_polled_while_the_run_is_in_work(client: Client) -> None:
    make_market(2)
    run = start_run(actor=SYSTEM, now=NOW)
    job = JobRun.objects.of(GATHER, run.pk).earliest("pk")
    JobRun.objects.filter(pk=job.pk).update(state=JobState.PARKED, error="<b>boom</b>")
    client.force_login(staff(Role.VIEWER))
    part = client.get(url(run, "progress"))
    assertContains(part, 'hx-trigger="every 2s"')
    assertContains(part, "&lt;b&gt;boom&lt;/b&gt;")
    assert "HX-Refresh" not in part
    ScoreRun.objects.filter(pk=run.pk).update(state=RunState.UNPUBLISHED, finished_at=NOW)
    done = client.get(url(run, "progress"))
    assertNotContains(done, "hx-trigger")
    assert done["HX-Refresh"] == "true"


def test_checks_are_said_in_words_and_units(client: Client) -> None:
    run = publish_market()
    client.force_login(staff(Role.VIEWER))
    assertContains(client.get(url(run, "change")), "First run: nothing to compare with.")
    page = client.get(url(run_once(), "change"))
    assertContains(page, "0 merchants off")
    assertNotContains(page, "ROW_COUNT")


@pytest.mark.parametrize("rows", [1, 3])
def test_list_needs_as_many_queries_for_three_rows_as_for_one(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, rows: int
) -> None:
    make_market(1)
    for _ in range(rows):
        run_once()
    client.force_login(staff(Role.VIEWER))
    with django_assert_num_queries(9):
        assertContains(client.get(reverse(LIST)), "5 passed", count=rows)


def test_a_run_shows_what_in_a_feed_does_not_add_up(client: Client) -> None:
    make_market(2)
    receive(Partner.objects.get(), [sale("back", "shop-0", kind="REFUND", order_ref="gone", amount="1.00")])
    run = run_once()
    client.force_login(staff(Role.VIEWER))
    page = client.get(url(run, "change"))
    [card] = [card for card in page.context["page"].cards if "add up" in str(card.title)]
    assert [row[-2:] for row in card.parts[0].rows] == [[1, 0]]
    assertContains(page, "chargebacks, cancellations, reviews, dispatches, payouts")


def test_cards_and_calibrations_are_tables(client: Client) -> None:
    run = publish_market()
    client.force_login(staff(Role.VIEWER))
    card = client.get(reverse("admin:scoring_scorecardversion_change", args=[run.scorecard_id]))
    assertContains(card, run.scorecard.sha256)
    assertContains(card, "a risk owner signs them off")
    assertContains(card, "12 months to below 24 months")
    calibration = client.get(reverse("admin:scoring_calibrationversion_change", args=[run.calibration_id]))
    assertContains(calibration, "0.700000")
    assert calibration.content.decode().count("tl-grade-") == 7


def test_every_refusal_state_check_and_characteristic_has_its_words() -> None:
    assert set(START_REFUSALS) == set(StartRefusal)
    assert set(PUBLISH_REFUSALS) == set(PublishRefusal)
    assert set(ABANDON_REFUSALS) == set(AbandonRefusal)
    assert set(labels.RUN_STATES) == set(RunState)
    assert set(labels.CHECKS) == set(CheckName)
    assert set(labels.NOTES) == set(CheckNote)
    assert set(labels.NOT_SCORED) == set(NotScored)
    assert set(labels.GATES) == set(Gate)
    assert set(labels.CHARACTERISTICS) == set(FEATURES) >= set(CHARACTERISTIC_NAMES)
    assert all(labels.not_scored_words(reason, 2) for reason in NotScored)
    assert RunCheck.objects.count() == 0
