import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.canonical import canonical_json, sha256_of
from lending.domain.origination.application import ApplicationState
from lending.domain.origination.assessment import NoOffer, assess
from lending.domain.origination.decision import (
    DecisionFacts,
    DecisionRefusal,
    NotDecidable,
    canonical_decision,
    decide,
)
from lending.domain.origination.facts import Hold, MerchantFacts
from lending.domain.origination.granted_limit import GrantedLimit
from lending.domain.origination.limit import most_by_months
from lending.domain.origination.line import LineState
from lending.domain.origination.product import Band
from lending.domain.origination.review import ReviewRefusal, judge_review
from lending.domain.origination.rules import CALENDARS, DAY_ONE, RULES, WARNINGS, Ground, Outcome, current_rules
from lending.domain.origination.snapshot import SnapshotDefect, SnapshotMalformed, parse_snapshot, snapshot_of
from scoring.domain.calibration import Grade
from scoring.domain.policy import Gate, NotScored
from tests.lending.domain.borrowers import ON, YUAN, amounts, application, day_one, merchants, product, sound

BIG = {
    "sales_basis_minor": 400_000 * YUAN,
    "sales_365_minor": 5_000_000 * YUAN,
    "worst_month_minor": 300_000 * YUAN,
}
CASES: list[tuple[dict[str, Any], Outcome, Ground | None]] = [
    ({}, Outcome.APPROVE, None),
    ({"amount_minor": 25_000 * YUAN}, Outcome.APPROVE, None),
    ({"amount_minor": 1_000 * YUAN, "months": 1}, Outcome.APPROVE, None),
    ({"not_scored": NotScored.TOO_YOUNG, "needed": 9}, Outcome.DECLINE, Ground.NOT_SCORED),
    ({"as_of": ON - timedelta(8)}, Outcome.APPROVE, None),
    ({"as_of": ON - timedelta(9)}, Outcome.DECLINE, Ground.SCORE_TOO_OLD),
    ({"gates": (Gate.RECENCY,)}, Outcome.DECLINE, Ground.GATE_FAILED),
    ({"grade": Grade.C2}, Outcome.DECLINE, Ground.GRADE_TOO_LOW),
    ({"grade": None}, Outcome.DECLINE, Ground.GRADE_TOO_LOW),
    ({"currency": "EUR"}, Outcome.DECLINE, Ground.NOT_ELIGIBLE),
    ({"days_past_due": 1}, Outcome.DECLINE, Ground.PAST_DUE),
    ({"hold": Hold.FREEZE}, Outcome.REFER, Ground.DRAWS_HELD),
    ({"hold": Hold.NO_OFFER}, Outcome.REFER, Ground.CREDIT_HELD),
    ({"hold": Hold.FREEZE, "months": 10}, Outcome.DECLINE, Ground.MONTHS_OUT_OF_RANGE),
    ({"sales_basis_minor": 0}, Outcome.DECLINE, Ground.LIMIT_BELOW_MINIMUM),
    ({"line": GrantedLimit(limit_minor=0)}, Outcome.DECLINE, Ground.RAISE_PENDING),
    ({"line": GrantedLimit(limit_minor=1_000 * YUAN), "amount_minor": 1_000 * YUAN}, Outcome.APPROVE, None),
    ({"outstanding_minor": 24_000 * YUAN, "amount_minor": 1_000 * YUAN}, Outcome.APPROVE, None),
    ({"outstanding_minor": 24_000 * YUAN + 1, "amount_minor": 1_000 * YUAN}, Outcome.DECLINE, Ground.NO_ROOM_LEFT),
    ({"outstanding_minor": 25_000 * YUAN}, Outcome.DECLINE, Ground.NO_ROOM_LEFT),
    ({"months": 0}, Outcome.DECLINE, Ground.MONTHS_OUT_OF_RANGE),
    ({"months": 10}, Outcome.DECLINE, Ground.MONTHS_OUT_OF_RANGE),
    ({"amount_minor": 1_000 * YUAN - 1}, Outcome.DECLINE, Ground.AMOUNT_BELOW_MINIMUM),
    ({"amount_minor": 0}, Outcome.DECLINE, Ground.AMOUNT_BELOW_MINIMUM),
    ({"amount_minor": 25_000 * YUAN + 1}, Outcome.DECLINE, Ground.AMOUNT_ABOVE_LIMIT),
    ({"line": GrantedLimit(limit_minor=19_999 * YUAN)}, Outcome.DECLINE, Ground.AMOUNT_ABOVE_LIMIT),
    ({"owner_used_minor": 5_001 * YUAN}, Outcome.DECLINE, Ground.AMOUNT_ABOVE_LIMIT),
    ({"months": 1}, Outcome.DECLINE, Ground.DEBT_SERVICE),
    ({"amount_minor": 12_346_88, "months": 1}, Outcome.APPROVE, None),
    ({"amount_minor": 12_346_89, "months": 1}, Outcome.DECLINE, Ground.DEBT_SERVICE),
    ({"flagged_share_bps": 1_499}, Outcome.APPROVE, None),
    ({"flagged_share_bps": 1_500}, Outcome.REFER, Ground.FLAGGED_SALES),
    ({"flagged_share_bps": None}, Outcome.APPROVE, None),
    ({**BIG, "amount_minor": 100_000 * YUAN}, Outcome.APPROVE, None),
    ({**BIG, "amount_minor": 100_000 * YUAN + 1}, Outcome.REFER, Ground.LARGE_AMOUNT),
    ({"owner_days_past_due": 1}, Outcome.REFER, Ground.OWNER_PAST_DUE),
    ({"owner_days_past_due": 1, "months": 10}, Outcome.DECLINE, Ground.MONTHS_OUT_OF_RANGE),
]
facts_of_anybody = st.builds(
    DecisionFacts,
    product_sha256=st.just(day_one().sha256),
    rules_version=st.just(DAY_ONE.version),
    merchant=merchants,
    amount_minor=amounts,
    months=st.integers(0, 13),
)


@pytest.mark.parametrize(("changes", "outcome", "ground"), CASES)
def test_the_first_rule_that_fires_decides(changes: dict[str, Any], outcome: Outcome, ground: Ground | None) -> None:
    """Red if any threshold moves by one unit, or a rule is left out."""
    found = decide(application(day_one(), **changes), day_one())
    assert (found.outcome, found.ground) == (outcome, ground)
    assert [rule for rule, _ in found.evaluated] == list(Ground)
    fired = [rule for rule, fires in found.evaluated if fires]
    declining = [rule for rule in fired if rule not in current_rules().referring]
    assert found.ground is next(iter(declining or fired), None)


def test_every_rule_is_shown_to_fire_first() -> None:
    """Those of calendars in test_calendars.py: the first product has none."""
    of_calendars = {Ground.CALENDAR_ENDS, Ground.TERM_BEYOND_CALENDAR}
    assert {ground for _, _, ground in CASES if ground} == set(Ground) - of_calendars


def test_the_rules_are_those_of_the_offers_and_then_those_of_the_application() -> None:
    """Red if a version is edited instead of a new one added: an old snapshot must not be judged by other rules."""
    assert [ground.value for ground in Ground][: len(NoOffer)] == [reason.value for reason in NoOffer]
    assert [reason for reason, _ in WARNINGS.no_offer] == list(NoOffer)
    assert [ground for ground, _ in WARNINGS.application] == list(Ground)[len(NoOffer) :]
    of_warnings = (NoOffer.DRAWS_HELD, NoOffer.CREDIT_HELD)
    assert [rule for rule in WARNINGS.no_offer if rule[0] not in of_warnings] == list(CALENDARS.no_offer)
    assert WARNINGS.application == CALENDARS.application
    assert WARNINGS.referring == CALENDARS.referring | {Ground.DRAWS_HELD, Ground.CREDIT_HELD}
    of_calendars = (NoOffer.CALENDAR_ENDS, Ground.TERM_BEYOND_CALENDAR)
    assert [rule for rule in CALENDARS.no_offer if rule[0] not in of_calendars] == list(DAY_ONE.no_offer)
    assert [rule for rule in CALENDARS.application if rule[0] not in of_calendars] == list(DAY_ONE.application)
    assert set(DAY_ONE.referring) == set(CALENDARS.referring) == set(list(Ground)[-3:])
    assert (DAY_ONE.version, CALENDARS.version, WARNINGS.version, current_rules()) == (1, 2, 3, WARNINGS)
    assert all(rules.version == version for version, rules in RULES.items())


@given(facts_of_anybody)
def test_what_is_approved_is_what_was_on_offer(facts: DecisionFacts) -> None:
    """Red if a decline rule moves behind a refer rule, or the limit is not computed again."""
    found = decide(facts, day_one())
    case = assess(facts.merchant, day_one(), DAY_ONE.no_offer)
    assert (found.limit, found.free_minor) == (case.limit, case.free_minor)
    if found.outcome is Outcome.DECLINE:
        return
    grade = facts.merchant.score.grade
    assert grade is not None
    most = most_by_months(facts.merchant, day_one(), grade=grade, free_minor=case.free_minor)
    assert case.no_offer is None
    assert 1_000 * YUAN <= facts.amount_minor <= most[facts.months]
    assert (found.outcome is Outcome.REFER) is any(fired for _, fired in found.evaluated)


@given(sound, st.data())
def test_whatever_an_offer_promises_is_not_declined(facts: MerchantFacts, data: st.DataObject) -> None:
    """Red if the debt service gate is no cap of the limit."""
    case, grade = assess(facts, day_one(), DAY_ONE.no_offer), facts.score.grade
    if case.no_offer is not None or grade is None:
        return
    most = most_by_months(facts, day_one(), grade=grade, free_minor=case.free_minor)
    months = data.draw(st.sampled_from([months for months, amount in most.items() if amount]))
    amount = data.draw(st.integers(1_000 * YUAN, most[months]))
    asked = replace(application(day_one(), amount_minor=amount, months=months), merchant=facts)
    assert decide(asked, day_one()).outcome is not Outcome.DECLINE


def test_facts_are_not_decided_under_another_product_or_other_rules() -> None:
    facts = application(day_one())
    other = product(lambda data: data.update(version=9))
    with pytest.raises(NotDecidable) as refused:
        decide(facts, other)
    assert refused.value.reason is DecisionRefusal.OTHER_PRODUCT
    with pytest.raises(NotDecidable) as refused:
        decide(replace(facts, rules_version=99), day_one())
    assert refused.value.reason is DecisionRefusal.RULES_GONE


@given(facts_of_anybody)
def test_a_snapshot_is_read_as_it_was_written_and_decides_to_the_bit(facts: DecisionFacts) -> None:
    text, sha256 = snapshot_of(facts)
    read = parse_snapshot(text, sha256)
    assert read == facts
    assert snapshot_of(read) == (text, sha256)
    assert canonical_decision(decide(read, day_one())) == canonical_decision(decide(facts, day_one()))


def test_snapshots_and_results_of_the_first_version_stay_what_they_were_to_the_bit() -> None:
    """Red if a document that was stored under the first version would be read, written or decided otherwise."""
    first = product(lambda data: data.update(version=1) or data.pop("servicing"))  # before loans could be serviced
    rich = application(
        first,
        line=GrantedLimit(limit_minor=7, higher_since=ON, sustained_minor=3),
        dues_minor=(1, 2),
        gates=(Gate.TENURE,),
        not_scored=NotScored.TOO_YOUNG,
        grade=None,
        pd_ppm=None,
        region="",
        calibration_sha256=None,
        flagged_share_bps=1_600,
        owner_days_past_due=2,
    )
    judged = [replace(facts, rules_version=DAY_ONE.version) for facts in (application(first), rich)]
    found = [(snapshot_of(facts)[1], canonical_decision(decide(facts, first))[1]) for facts in judged]
    assert found == [
        (
            "6de0cbe635899b6d732e606be6f1c8475261b5c6893fd013f0799147f5826993",
            "014b0c46925f954a997496baf16883da0001452fdcab2af831f1eb0d5c9a6fa6",
        ),
        (
            "2336698fbfe40a0b5ea07b23475b7df3ac66c5e87b03496d5303d6041278aed8",
            "7cf7cbda2a7df36aa7323ffb757b8cd0610a146d111ab7cf57465cc26d64a6f9",
        ),
    ]


def test_a_snapshot_holds_every_fact() -> None:
    """Whatever is changed in a snapshot is another snapshot, or none."""
    facts = application(day_one(), line=GrantedLimit(limit_minor=1), dues_minor=(1,), gates=(Gate.TENURE,))
    data = json.loads(snapshot_of(facts)[0])

    def leaves(part: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401
        items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        return [leaf for key, value in items for leaf in leaves(value, (*path, key))] or [path]

    found = leaves(data)
    assert len(found) == 38
    for path in found:
        changed = json.loads(json.dumps(data))
        *parents, last = path
        part = changed
        for key in parents:
            part = part[key]
        del part[last]
        text = canonical_json(changed)
        try:
            assert parse_snapshot(text, sha256_of(text)) != facts, path
        except SnapshotMalformed as refused:
            assert refused.reason is SnapshotDefect.MALFORMED  # noqa: PT017


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"months":9', '"months": 9', SnapshotDefect.NOT_CANONICAL),
        ('"months":9', '"months":9,"months":9', SnapshotDefect.NOT_CANONICAL),
        ('"months":9', '"months":9.0', SnapshotDefect.MALFORMED),
        ('"months":9', '"months":true', SnapshotDefect.MALFORMED),
        ('"months":9', '"months":9,"x":1', SnapshotDefect.MALFORMED),
        ('"grade":"B1"', '"grade":"E"', SnapshotDefect.MALFORMED),
        ('"grade":"B1"', '"grade":5', SnapshotDefect.MALFORMED),
        ('"gates":[]', '"gates":["HEIGHT"]', SnapshotDefect.MALFORMED),
        ('"gates":[]', '"gates":{}', SnapshotDefect.MALFORMED),
        ('"dues_minor":[]', '"dues_minor":["1"]', SnapshotDefect.MALFORMED),
        ('"line":null', '"line":7', SnapshotDefect.MALFORMED),
        ('"region":"Zhejiang"', '"region":null', SnapshotDefect.MALFORMED),
        ('"region":"Zhejiang"', r'"region":"\ud800"', SnapshotDefect.MALFORMED),
        ('"on":"2026-03-02"', '"on":"2026-3-2"', SnapshotDefect.MALFORMED),
        ('"on":"2026-03-02"', '"on":"2026-02-30"', SnapshotDefect.MALFORMED),
        ('{"amount_minor"', '{{"amount_minor"', SnapshotDefect.MALFORMED),
    ],
)
def test_a_malformed_snapshot_is_refused(old: str, new: str, reason: SnapshotDefect) -> None:
    text, sha256 = snapshot_of(application(day_one()))
    changed = text.replace(old, new)
    assert changed != text
    with pytest.raises(SnapshotMalformed) as refused:
        parse_snapshot(changed, sha256_of(changed))
    assert refused.value.reason is reason
    with pytest.raises(SnapshotMalformed) as refused:
        parse_snapshot(changed, sha256)
    assert refused.value.reason is SnapshotDefect.HASH_DIFFERS


REVIEWS: list[tuple[dict[str, Any], ReviewRefusal | None]] = [
    ({}, None),
    ({"amount_minor": 200_000 * YUAN}, None),
    ({"amount_minor": 200_000 * YUAN + 1}, ReviewRefusal.ABOVE_BAND),
    ({"amount_minor": 10**12, "band": Band.RISK_MANAGER}, None),
    ({"band": None}, ReviewRefusal.NO_BAND),
    ({"same_person": True}, ReviewRefusal.SAME_PERSON),
    ({"same_person": True, "band": Band.RISK_MANAGER}, ReviewRefusal.SAME_PERSON),
    ({"reason": " \n"}, ReviewRefusal.REASON_MISSING),
    ({"reason": "", "amount_minor": 10**12}, ReviewRefusal.ABOVE_BAND),
    ({"state": ApplicationState.DECLINED}, ReviewRefusal.NOT_REFERRED),
    ({"state": ApplicationState.APPROVED, "same_person": True}, ReviewRefusal.NOT_REFERRED),
    ({"version_known": False, "same_person": True}, ReviewRefusal.VERSION_GONE),
    ({"is_verifier": True}, ReviewRefusal.VERIFIED_THE_ACCOUNT),
    ({"is_verifier": True, "outcome": Outcome.DECLINE}, ReviewRefusal.VERIFIED_THE_ACCOUNT),
    ({"payout_account_verified": False}, ReviewRefusal.PAYOUT_ACCOUNT_NOT_VERIFIED),
    ({"applicant_is_verifier": True}, ReviewRefusal.APPLICANT_VERIFIED_THE_ACCOUNT),
    ({"applicant_is_verifier": True, "outcome": Outcome.DECLINE}, None),
    ({"payout_account_verified": False, "outcome": Outcome.DECLINE}, None),
    ({"line_state": LineState.ACTIVE}, None),
    ({"line_state": LineState.FROZEN}, ReviewRefusal.LINE_NOT_ACTIVE),
    ({"line_state": LineState.CLOSED}, ReviewRefusal.LINE_NOT_ACTIVE),
    ({"line_state": LineState.CLOSED, "outcome": Outcome.DECLINE}, None),
    ({"has_line": True}, ReviewRefusal.LINE_OPEN),
    ({"has_line": True, "outcome": Outcome.DECLINE}, None),
]


@pytest.mark.parametrize(("changes", "refused"), REVIEWS)
def test_a_person_decides_within_its_band_never_its_own_and_with_a_reason(
    changes: dict[str, Any], refused: ReviewRefusal | None
) -> None:
    """Red if the band is left out, or whoever entered an application may approve it."""
    asked: dict[str, Any] = {
        "state": ApplicationState.REFERRED,
        "version_known": True,
        "outcome": Outcome.APPROVE,
        "amount_minor": 150_000 * YUAN,
        "band": Band.UNDERWRITER,
        "same_person": False,
        "reason": "Two shops, one season.",
        "payout_account_verified": True,
    }
    assert judge_review(day_one(), **{**asked, **changes}) is refused


def test_every_refusal_of_a_review_is_shown() -> None:
    assert {refused for _, refused in REVIEWS if refused} == set(ReviewRefusal)
