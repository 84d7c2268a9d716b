"""Open, draw on, repay, freeze and close credit lines, in a market with offers of both kinds."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.office.actors import SYSTEM, Actor, ActorKind
from config.office.business_date import get_business_date, open_day
from config.office.models import OperationEvent
from lending.domain.books.loan import LoanStatus
from lending.domain.contract.terms import Method, parse_terms
from lending.domain.origination.application import ApplicationRefusal, ApplicationState
from lending.domain.origination.line import DrawRefusal, LineRefusal
from lending.domain.origination.offer import AcceptanceRefusal
from lending.domain.origination.product import Band, ProductKind
from lending.domain.origination.review import ReviewRefusal
from lending.domain.origination.rules import Ground, Outcome, current_rules
from lending.models import Application, Decision, GrantedLimit, Line, LineEvent, Loan, Offer, ProductExposure, Transfer
from lending.operations.applications import ApplicationNotReviewed, OfferNotAccepted, review_application
from lending.operations.lines import LineNotMoved, NotDrawn, close_line, freeze_line, unfreeze_line
from lending.operations.payouts import cancel_loan
from lending.queries.applications import replay_decision
from lending.queries.books import prove_accounts
from lending.queries.facts import facts_of
from lending.queries.line_usage import undrawn_of, used_of
from lending.queries.products import product_of
from merchants.domain.feed import FeedSignal
from merchants.domain.idempotency import RequestKey
from merchants.models import Merchant, Owner, Partner, PayoutAccount
from merchants.operations.idempotency import RequestNotTaken
from scoring.models import Score
from tests.conftest import CLERK, NOW, Enqueued
from tests.lending.api.calls import everything
from tests.lending.lines import draw, make_offers_of_both_kinds, offered_lines, open_line, paid_out, repay, sell_lines
from tests.lending.loans import application_of
from tests.lending.market import accept, make_round, publish, verify_accounts
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)
REVIEWER = Actor(ActorKind.STAFF, 2)


@pytest.fixture
def line() -> Line:
    """Make a market that sells both kinds, and open its largest line."""
    make_offers_of_both_kinds()
    return open_line(offered_lines()[0])


def loan_of(application: Application) -> Loan:
    return Loan.objects.get(application=application)


def history(line: Line) -> list[str]:
    return list(LineEvent.objects.filter(line=line).order_by("pk").values_list("type", flat=True))


def test_a_merchant_is_offered_both_kinds_and_a_line_moves_no_money(line: Line, enqueued: Enqueued) -> None:
    """Red if a line were a loan of its limit, or took the room of the other offer before anything is drawn."""
    offer = line.application.offer
    assert Offer.objects.open().get(merchant=line.merchant).kind == ProductKind.TERM
    assert (line.limit_minor, line.daily_rate, line.grade) == (offer.limit_minor, offer.daily_rate, offer.grade)
    assert (line.application.state, line.application.months) == (ApplicationState.APPROVED, None)
    assert not Loan.objects.exists()
    assert not Transfer.objects.exists()
    assert "lending.pay_out" not in [name for name, _ in enqueued()]
    assert history(line) == ["OPENED"]
    assert replay_decision(Decision.objects.get(application=line.application)).equal
    assert accept(Offer.objects.open().get(merchant=line.merchant)).state == ApplicationState.APPROVED


def test_whoever_has_a_line_is_offered_no_other(line: Line) -> None:
    """Red if a second line were opened beside the first, by an offer of before or of the next round."""
    offer = line.application.offer
    Offer.objects.filter(pk=offer.pk).update(state="MADE", closed_at=None)
    with pytest.raises(OfferNotAccepted) as refused:
        open_line(offer, external_ref="again")
    assert refused.value.reason is AcceptanceRefusal.LINE_OPEN
    assert Line.objects.count() == 1


def test_a_draw_is_decided_and_paid_out_as_an_accepted_offer_is(line: Line, enqueued: Enqueued) -> None:
    enqueued()
    scores = Score.objects.count()
    application = draw(line, 500)
    loan = loan_of(application)
    assert (application.state, application.line, application.offer) == ("APPROVED", line, line.application.offer)
    assert (loan.line, loan.merchant, loan.amount_minor) == (line, line.merchant, 500)
    terms = parse_terms(loan.terms)
    assert (terms.method, terms.rate) == (Method.MINIMUM_PAYMENT, line.daily_rate * 365)
    assert ("lending.pay_out", {"transfer_id": Transfer.objects.get(loan=loan).pk}) in enqueued()
    assert Score.objects.count() == scores + 1, "scored afresh"
    assert replay_decision(Decision.objects.get(application=application)).equal
    assert history(line) == ["OPENED", "DRAWN"]
    event = OperationEvent.objects.get(name="lending.draw_on_line")
    assert (event.amount_minor, event.currency) == (500, line.currency)
    assert ProductExposure.objects.get(code="line").minor == 500
    assert parse_terms(loan_of(draw(line, 300, months=3)).terms).method is Method.EQUAL_INSTALMENTS


def test_what_is_repaid_may_be_drawn_again_at_once(line: Line) -> None:
    """Red if an approved draw took nothing yet, or a repayment freed its room only after a night."""
    first = draw(line, line.limit_minor)
    with pytest.raises(NotDrawn) as refused:
        draw(line, 100)
    assert refused.value.reason is DrawRefusal.NOTHING_LEFT
    paid_out(first)
    assert used_of([line.pk]) == {line.pk: line.limit_minor}
    repay(first, 400)
    assert used_of([line.pk]) == {line.pk: line.limit_minor - 400}
    with pytest.raises(NotDrawn) as refused:
        draw(line, 401)
    assert refused.value.reason is DrawRefusal.AMOUNT_ABOVE_FREE
    again = draw(line, 400)
    assert again.state == ApplicationState.APPROVED
    cancel_loan(loan_id=loan_of(again).pk, reason="withdrawn", actor=CLERK, now=NOW)
    assert draw(line, 400).state == ApplicationState.APPROVED, "what was never paid out takes nothing"
    assert all(balance.holds for balance in prove_accounts())


REFUSED: dict[DrawRefusal | ApplicationRefusal, dict[str, Any]] = {
    DrawRefusal.MONTHS_NOT_OFFERED: {"months": 2},
    DrawRefusal.AMOUNT_BELOW_MINIMUM: {"amount_minor": 99},
    DrawRefusal.AMOUNT_ABOVE_FREE: {"amount_minor": 10**9},
    ApplicationRefusal.REFERENCE_USED: {"external_ref": "known"},
}


def test_what_is_refused_leaves_nothing(line: Line) -> None:
    """Red if somebody were scored for what is hopeless."""
    draw(line, 100, external_ref="known")
    before, scores = everything(), Score.objects.count()
    for reason, fields in REFUSED.items():
        with pytest.raises(NotDrawn) as refused:
            draw(line, **{"amount_minor": 100, **fields})
        assert refused.value.reason is reason
    Partner.objects.update(feed_signal=FeedSignal.SILENT)
    with pytest.raises(NotDrawn) as refused:
        draw(line, 100)
    assert refused.value.reason is ApplicationRefusal.FEED_RED
    Partner.objects.update(feed_signal="")
    assert (everything(), Score.objects.count()) == (before, scores)
    PayoutAccount.objects.update(state="WITHDRAWN", closed_by="staff:1", closed_at=NOW)
    with pytest.raises(NotDrawn) as refused:
        draw(line, 100)
    assert refused.value.reason is DrawRefusal.PAYOUT_ACCOUNT_NOT_VERIFIED


def test_nobody_draws_while_a_loan_is_late(line: Line) -> None:
    first = paid_out(draw(line, 200))
    Loan.objects.filter(pk=first.pk).update(late_since=line.opened_on - timedelta(days=3))
    declined = draw(line, 100)
    assert declined.state == ApplicationState.DECLINED
    assert Decision.objects.get(application=declined).ground == Ground.PAST_DUE
    assert history(line) == ["OPENED", "DRAWN"]


def test_the_same_request_twice_is_one_draw(line: Line) -> None:
    key = RequestKey(partner_id=line.merchant.partner_id, key="k1", digest="a" * 64)
    first = draw(line, 200, external_ref="r1", key=key)
    before, scores = everything(), Score.objects.count()
    assert draw(line, 200, external_ref="r1", key=key) == first
    assert (everything(), Score.objects.count()) == (before, scores)
    with pytest.raises(RequestNotTaken):
        draw(line, 200, external_ref="r1", key=RequestKey(partner_id=key.partner_id, key="k1", digest="b" * 64))


@pytest.mark.parametrize("draws", [2, 16, 64])
def test_of_many_draws_at_once_none_exceeds_the_limit(line: Line, draws: int) -> None:
    """Red without the exposure's lock: each would see the whole line free."""
    part = line.limit_minor * 2 // (draws + 1)
    calls = [partial(draw, line, part, external_ref=f"r{number}") for number in range(draws)]
    outcomes = race(*calls, held=Merchant.objects.filter(pk=line.merchant_id))
    drawn = [one for one in outcomes if isinstance(one, Application)]
    refusals = {one.reason for one in outcomes if isinstance(one, NotDrawn)}
    assert len(drawn) + len([one for one in outcomes if isinstance(one, NotDrawn)]) == draws
    assert refusals <= {DrawRefusal.AMOUNT_ABOVE_FREE, DrawRefusal.NOTHING_LEFT}
    assert len(drawn) == line.limit_minor // part == Loan.objects.count() == Transfer.objects.count()
    assert used_of([line.pk])[line.pk] <= line.limit_minor
    assert len(history(line)) == 1 + len(drawn)


def test_a_reference_is_drawn_under_once(line: Line) -> None:
    """Red without the lock on the partner's own reference."""
    calls = [partial(draw, line, 100, external_ref="one") for _ in range(6)]
    outcomes = race(*calls, held=Merchant.objects.filter(pk=line.merchant_id))
    assert sorted(type(one).__name__ for one in outcomes) == ["Application", *["NotDrawn"] * 5]
    assert {one.reason for one in outcomes if isinstance(one, NotDrawn)} == {ApplicationRefusal.REFERENCE_USED}
    assert Loan.objects.count() == 1


def test_a_draw_and_an_acceptance_at_once_see_each_other(line: Line) -> None:
    """Red if a line took what a merchant may owe in all beside a term loan that takes the same."""
    offer = Offer.objects.open().get(merchant=line.merchant)
    calls = [partial(draw, line, line.limit_minor), partial(accept, offer)]
    outcomes = race(*calls, held=Merchant.objects.filter(pk=line.merchant_id))
    assert [type(one).__name__ for one in outcomes] == ["Application"] * 2
    assert sorted(one.state for one in outcomes) == ["APPROVED", "DECLINED"]  # type: ignore[attr-defined]
    granted = max(GrantedLimit.objects.filter(merchant=line.merchant).values_list("limit_minor", flat=True))
    assert sum(Loan.objects.values_list("amount_minor", flat=True)) <= granted


def test_merchants_of_one_owner_share_one_limit(line: Line) -> None:
    """Red if the lock were the merchant's alone, or if what another may still draw counted for nothing."""
    other = open_line(next(offer for offer in offered_lines() if offer.merchant_id != line.merchant_id))
    owner = Owner.objects.create(partner=line.merchant.partner, external_ref="o1")
    Merchant.objects.filter(pk__in=[line.merchant_id, other.merchant_id]).update(owner=owner)
    calls = [partial(draw, one, one.limit_minor) for one in (line, other)]
    outcomes = race(*calls, held=Owner.objects.all())
    assert [type(one).__name__ for one in outcomes] == ["Application"] * 2
    assert Loan.objects.count() <= 1
    [(merchant, left)] = undrawn_of([line.merchant_id])
    assert (merchant, left) == (line.merchant_id, line.limit_minor - used_of([line.pk]).get(line.pk, 0))


def test_a_draw_is_judged_by_the_product_as_it_was_entered_last_at_the_price_that_was_agreed(line: Line) -> None:
    """Red if rooms, eligibility and referral of the day a line was opened held for ever; or if its price moved."""
    agreed = line.product

    def entered(version: int, **changes: object) -> Application:
        def change(document: dict[str, Any]) -> None:
            for name, figures in changes.items():
                document[name] |= figures
            document["version"] = version
            for row in document["grades"].values():
                row["daily_rate"] = "0.0009"

        sell_lines(change)
        return draw(line, 300)

    assert entered(7, limits={"portfolio_room": "1"}).state == ApplicationState.DECLINED
    assert entered(8, eligibility={"regions": ["Nowhere"]}).state == ApplicationState.DECLINED
    referred = entered(9, origination={"refer_above": "1"})
    assert referred.state == ApplicationState.REFERRED
    assert replay_decision(Decision.objects.get(application=referred)).equal
    loan = loan_of(entered(10))
    assert loan.product == agreed
    assert Decimal(loan.terms["rate"]) == line.daily_rate * 365


def test_what_is_drawn_in_small_amounts_is_referred_as_one_large_amount(line: Line) -> None:
    """Red if the draws of a line were each judged alone; or if what a person approved had to be approved again."""
    sell_lines(lambda document: document.update(version=7) or document["origination"].update(refer_above="10"))
    states = [draw(line, 600).state for _ in range(2)]
    assert states == [ApplicationState.APPROVED, ApplicationState.REFERRED]
    Decision.objects.create(
        application=line.application, outcome=Outcome.APPROVE, ground="", snapshot="{}", snapshot_sha256="a" * 64,
        result="{}", actor=str(REVIEWER), reason="known for years", booked_at=NOW,
    )  # fmt: skip
    assert draw(line, 600).state == ApplicationState.APPROVED


def test_draws_under_one_room_see_each_other() -> None:
    """Red without the room's lock: each would fit."""
    publish(16)
    sell_lines(lambda document: document["limits"].update(portfolio_room="30"))
    verify_accounts()
    make_round()
    first, second = (open_line(offer) for offer in offered_lines()[:2])
    outcomes = race(partial(draw, first, 2_000), partial(draw, second, 2_000), held=Merchant.objects.all())
    assert [type(one).__name__ for one in outcomes] == ["Application"] * 2
    assert sorted(Application.objects.filter(line__isnull=False).values_list("state", flat=True)) == [
        "APPROVED",
        "DECLINED",
    ]
    assert ProductExposure.objects.get(code="line").minor == 2_000


def test_a_draw_asks_the_database_as_few_questions_as_an_acceptance(line: Line) -> None:
    """Red if a query is made in a loop, or something is read twice again."""
    draw(line, 100)  # what a process keeps is kept
    with CaptureQueriesContext(connection) as asked:
        assert draw(line, 100).state == ApplicationState.APPROVED
    assert len(asked) <= 48, "\n".join(query["sql"][:100] for query in asked.captured_queries)


def test_a_line_counts_on_the_ladder_once_it_was_used_and_repaid(line: Line) -> None:
    """Red if a small draw that is repaid were the largest loan repaid, or if many of them, or of an hour, added up."""
    whole = paid_out(draw(line, line.limit_minor - 100))
    repay(application_of(whole), line.limit_minor - 100)
    assert ladder_of(line) == 0, "repaid on the day it was paid out"
    for _ in range(2):
        small = paid_out(draw(line, 100))
        rest = paid_out(draw(line, line.limit_minor - 100))
        open_day(on=(get_business_date() or line.opened_on) + timedelta(days=1), actor=SYSTEM, now=NOW)
        for one in (small, rest):
            repay(application_of(one), one.amount_minor + 1_000)
        assert ladder_of(line) == line.limit_minor


def ladder_of(line: Line) -> int:
    product, rules = product_of(line.product), current_rules()
    score = (
        Score.objects.select_related("run__scorecard", "run__calibration")
        .filter(merchant=line.merchant_id)
        .latest("pk")
    )
    facts = facts_of(scores=[score], on=line.opened_on, product=product, rules=rules)[line.merchant_id]
    return facts.exposure.largest_repaid_minor


def test_a_draw_meets_the_closing_of_its_line(line: Line) -> None:
    """Red if a line were closed while a draw on it is decided, or drawn on after it was closed."""
    close = partial(close_line, line_id=line.pk, reason="asked for", actor=CLERK, now=NOW)
    outcomes = race(partial(draw, line, 100), close, held=Line.objects.all())
    line.refresh_from_db()
    assert (line.state == "CLOSED") is not Loan.objects.exists()
    assert sum(isinstance(one, Exception) for one in outcomes) == 1


def test_staff_freeze_unfreeze_and_close_a_line(line: Line) -> None:
    who: dict[str, Any] = {"line_id": line.pk, "actor": CLERK, "now": NOW}
    assert freeze_line(reason="a call", **who).state == "FROZEN"
    with pytest.raises(NotDrawn) as refused:
        draw(line, 100)
    assert refused.value.reason is DrawRefusal.LINE_FROZEN
    assert unfreeze_line(reason="settled", **who).state == "ACTIVE"
    application = draw(line, 100)
    with pytest.raises(LineNotMoved) as unmoved:
        close_line(reason="asked for", **who)
    assert unmoved.value.reason is LineRefusal.STILL_DRAWN
    loan = paid_out(application)
    repay(application, 100)
    loan.refresh_from_db()
    assert loan.status == LoanStatus.CLOSED
    closed = close_line(reason="asked for", **who)
    assert (closed.state, closed.closed_at) == ("CLOSED", NOW)
    with pytest.raises(NotDrawn) as refused:
        draw(line, 100)
    assert refused.value.reason is DrawRefusal.LINE_CLOSED
    assert history(line) == ["OPENED", "FROZEN", "UNFROZEN", "DRAWN", "CLOSED"]


def referring(document: dict[str, Any]) -> None:
    """Leave every amount above 3 to a person."""
    document["origination"]["refer_above"] = "3"
    document["version"] = 9


def test_a_large_line_is_opened_by_a_person_and_drawn_on_without_another() -> None:
    """Red if a line were open before it is approved, or if each draw of what was approved waited again."""
    publish(16)
    sell_lines(referring)
    verify_accounts()
    make_round()
    referred = accept(offered_lines()[0])
    assert referred.state == ApplicationState.REFERRED
    assert not Line.objects.exists()
    review(referred)
    line = Line.objects.get(application=referred)
    assert draw(line, line.limit_minor - 100).state == ApplicationState.APPROVED


def test_a_large_draw_waits_for_a_person_and_for_its_line(line: Line) -> None:
    """Red if a person could approve a draw on a line that was frozen since, or above what is left of it."""
    sell_lines(referring)
    waiting = draw(line, line.limit_minor - 100)
    assert (waiting.state, Loan.objects.count()) == (ApplicationState.REFERRED, 0)
    with pytest.raises(LineNotMoved) as unmoved:
        close_line(line_id=line.pk, reason="r", actor=CLERK, now=NOW)
    assert unmoved.value.reason is LineRefusal.DRAW_WAITS
    freeze_line(line_id=line.pk, reason="r", actor=CLERK, now=NOW)
    with pytest.raises(ApplicationNotReviewed) as refused:
        review(waiting)
    assert refused.value.reason is ReviewRefusal.LINE_NOT_ACTIVE
    unfreeze_line(line_id=line.pk, reason="r", actor=CLERK, now=NOW)
    draw(line, 300)
    with pytest.raises(ApplicationNotReviewed) as refused:
        review(waiting)
    assert refused.value.reason is Ground.AMOUNT_ABOVE_LIMIT
    cancel_loan(loan_id=Loan.objects.get().pk, reason="r", actor=CLERK, now=NOW)
    assert review(waiting).state == ApplicationState.APPROVED
    assert history(line)[-1] == "DRAWN"


def review(application: Application) -> Application:
    return review_application(
        application_id=application.pk,
        outcome=Outcome.APPROVE,
        reason="known for years",
        band=Band.RISK_MANAGER,
        actor=REVIEWER,
        now=NOW,
    )
