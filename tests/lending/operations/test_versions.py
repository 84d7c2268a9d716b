"""A deployment that adds a characteristic and a rule, and one that takes the first versions away."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from lending.admin.words import UNPROVEN
from lending.domain.origination import rules
from lending.domain.origination.application import ApplicationRefusal, ApplicationState
from lending.domain.origination.decision import DecisionRefusal, NotDecidable
from lending.domain.origination.offer_round import RoundRefusal
from lending.domain.origination.review import ReviewRefusal
from lending.domain.origination.rules import RULES, Case, Ground
from lending.domain.origination.snapshot import parse_snapshot
from lending.models import Application, Decision, Offer
from lending.operations.applications import ApplicationNotReviewed, OfferNotAccepted
from lending.operations.offers import RoundNotStarted, start_round
from lending.queries.applications import replay_decision
from lending.queries.borrowing import assess_merchant
from lending.queries.facts import FactMissing, score_facts
from lending.queries.products import preview_product, product_of
from scoring.domain.checks import CheckName, CheckNote
from scoring.domain.features import sets
from scoring.domain.features.characteristics import Peers, characteristics
from scoring.domain.features.columns import Column, column
from scoring.domain.features.declarations import FEATURES, Feed
from scoring.domain.features.sets import FEATURE_SETS, FeatureSetGone
from scoring.domain.run import SingleRefusal
from scoring.models import RunCheck, Score
from scoring.operations.single import MerchantNotScored, score_merchant
from scoring.queries.explanations import characteristics_of, explain_score
from scoring.queries.replay import get_score, replay_score
from tests.conftest import NOW
from tests.lending.market import accept, make_round, next_run, publish, sell, verify_accounts
from tests.lending.office import staff
from tests.lending.operations.test_applications import REVIEWER, everything, referring, review
from tests.scoring.market import AS_OF, run_once

pytestmark = pytest.mark.django_db(transaction=True)
FLAGGED = 4_000


def derive(measured: Mapping[str, Column], peers: Peers) -> Mapping[str, Column]:
    """Derive what the first version does, flagged sales (a constant here), and one that no feed here carries."""
    flagged = column(np.full(len(measured["orders_90"]), FLAGGED))
    return {**characteristics(measured, peers), "flagged_share": flagged, "praise_90": measured["ratings_180"]}


def made_up(case: Case) -> bool:
    share = case.assessment.facts.score.flagged_share_bps
    assert share is not None, "a missing fact was read as none"
    return share >= FLAGGED


SECOND_SET = replace(
    sets.current_set(), version="made up", names=(*sets.DAY_ONE.names, "flagged_share", "praise_90"), derive=derive
)
SECOND_RULES = replace(
    rules.WARNINGS,
    version=4,
    reads=rules.DAY_ONE.reads | {"flagged_share"},
    application=((Ground.FLAGGED_SALES, made_up), *rules.WARNINGS.application),
    referring=rules.WARNINGS.referring - {Ground.FLAGGED_SALES},
)


def deploy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a version of each, as a deployment would."""
    praise = replace(FEATURES["rating_180"], name="praise_90", feeds=frozenset({Feed.REVIEW}))
    monkeypatch.setitem(cast("dict[str, Any]", FEATURES), "praise_90", praise)
    monkeypatch.setitem(FEATURE_SETS, SECOND_SET.version, SECOND_SET)
    monkeypatch.setitem(RULES, SECOND_RULES.version, SECOND_RULES)


def remove(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the versions before away."""
    for features in (sets.LESS_FLAGGED, sets.REVERSALS_WITH_THEIR_ORDER):  # in this order, to come back in theirs
        monkeypatch.delitem(FEATURE_SETS, features.version)
    for version in (rules.WARNINGS, rules.CALENDARS, rules.DAY_ONE):
        monkeypatch.delitem(RULES, version.version)


def lend() -> Application:
    """Publish, offer, and apply for what a person has to decide."""
    publish(16)
    sell(referring)
    verify_accounts()
    make_round()
    application = accept(Offer.objects.order_by("-limit_minor", "pk")[0])
    assert application.state == ApplicationState.REFERRED
    return application


def scores() -> list[Score]:
    """Read every fourth score of the live run, and the application's own."""
    pairs = Score.objects.exclude(run__calibration=None).order_by("-pk").values_list("merchant_id", "pk")[::4]
    return [get_score(merchant_id=merchant, score_id=score) for merchant, score in pairs]


def test_what_was_made_by_a_version_is_explained_and_replayed_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if a replay computes by today's set or rules, or lists what an older set's feeds could not lack."""
    lend()
    old = scores()
    said = [(characteristics_of(score), explain_score(score)) for score in old]
    decision = Decision.objects.get()
    deploy(monkeypatch)
    assert [(characteristics_of(score), explain_score(score)) for score in old] == said
    assert all(replay_score(score).equal for score in old)
    replayed = replay_decision(decision)
    assert replayed.equal
    assert replayed.facts.rules_version == rules.WARNINGS.version


def test_between_a_deployment_and_the_next_run_no_decision_reads_a_missing_fact(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Red if any of them went on with None for what the live run's set does not have."""
    application = lend()
    offer = Offer.objects.open().order_by("pk")[0]
    product = product_of(offer.product)
    assert preview_product(product, on=AS_OF).offers
    deploy(monkeypatch)
    before, made = everything(), Score.objects.count()
    with pytest.raises(OfferNotAccepted) as refused:
        accept(offer)
    assert refused.value.reason is ApplicationRefusal.SCORES_OUTDATED
    with pytest.raises(RoundNotStarted) as not_started:
        start_round(actor=REVIEWER, now=NOW)
    assert not_started.value.reason is RoundRefusal.SCORES_OUTDATED
    assert (everything(), Score.objects.count()) == (before, made), "the offers stand, nobody is scored in vain"
    assert assess_merchant(offer.merchant, offer.product) is None
    assert not preview_product(product, on=AS_OF).offers
    with pytest.raises(FactMissing, match="flagged_share"):
        score_facts(application.score, SECOND_RULES)

    single = score_merchant(merchant_id=offer.merchant_id, actor=REVIEWER, now=NOW)
    assert single.run.feature_set == sets.REVERSALS_WITH_THEIR_ORDER.version, "labelled by what computed it"
    assert replay_score(get_score(merchant_id=single.merchant_id, score_id=single.pk)).equal

    review(application)  # by the rules that referred it, whose facts its score has
    last = Decision.objects.order_by("pk").last()
    assert last is not None
    assert parse_snapshot(last.snapshot, last.snapshot_sha256).rules_version == rules.WARNINGS.version
    assert replay_decision(last).equal

    assert next_run().feature_set == "made up"
    note = RunCheck.objects.order_by("pk").filter(name=CheckName.NULL_RATES).last()
    assert note is not None
    assert (note.note, note.passed) == ("", True), "what both sets name is compared"
    make_round()
    declined = accept(Offer.objects.open().order_by("pk")[0], external_ref="under the new rules")
    found = Decision.objects.get(application=declined)
    assert (declined.state, found.ground) == (ApplicationState.DECLINED, Ground.FLAGGED_SALES)
    replayed = replay_decision(found)
    assert (replayed.equal, replayed.facts.rules_version) == (True, SECOND_RULES.version)
    assert replayed.facts.merchant.score.flagged_share_bps == FLAGGED
    assert replay_score(get_score(merchant_id=declined.merchant_id, score_id=declined.score_id)).equal


def test_a_version_that_is_gone_is_said_to_be_gone(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    """Red if a page blamed the row or the snapshot, or a value were read by another version's names."""
    application = lend()
    score = get_score(merchant_id=application.merchant_id, score_id=application.score_id)
    points = {part.name: part.points for part in explain_score(score).contributions}
    deploy(monkeypatch)
    remove(monkeypatch)

    with pytest.raises(FeatureSetGone):
        replay_score(score)
    with pytest.raises(FeatureSetGone):
        characteristics_of(score)
    explanation = explain_score(score)
    assert explanation.is_gone
    assert {part.name: part.points for part in explanation.contributions} == points
    assert not [part for part in explanation.contributions if part.value is not None or part.bin is not None]
    with pytest.raises(NotDecidable) as refused:
        replay_decision(Decision.objects.get())
    assert refused.value.reason is DecisionRefusal.RULES_GONE
    with pytest.raises(MerchantNotScored) as not_scored:
        score_merchant(merchant_id=application.merchant_id, actor=REVIEWER, now=NOW)
    assert not_scored.value.reason is SingleRefusal.FEATURE_SET_GONE
    with pytest.raises(ApplicationNotReviewed) as not_reviewed:
        review(application)
    assert not_reviewed.value.reason is ReviewRefusal.VERSION_GONE

    client.force_login(staff(Role.RISK_MANAGER))
    page = client.get(reverse("admin:merchants_merchant_replay", args=[application.merchant_id, score.pk]))
    assertContains(page, "longer installed")
    assertNotContains(page, "Someone changed")
    page = client.get(reverse("admin:lending_application_change", args=[application.pk]))
    assertContains(page, UNPROVEN[DecisionRefusal.RULES_GONE])
    page = client.get(reverse("admin:merchants_merchant_change", args=[application.merchant_id]))
    assertContains(page, "the values cannot be named")

    run_once()
    note = RunCheck.objects.order_by("pk").filter(name=CheckName.NULL_RATES).last()
    assert note is not None
    assert note.note == CheckNote.FEATURE_SET_GONE
