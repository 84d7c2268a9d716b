"""What lending tells scoring about repayment, through real closes and applications."""

from dataclasses import replace
from datetime import date

import pytest

from config.office.actors import SYSTEM
from config.office.business_date import open_day
from lending.models import DayClose, Loan, Offer
from lending.operations.loans import book_repayment
from lending.queries.behaviour import behaviours, behaviours_of_part
from merchants.models import Batch, Merchant
from merchants.queries.batches import Watermark
from scoring.domain.behaviour import Behaviour
from scoring.models import BehaviourFact, Score
from scoring.operations.single import score_merchant
from scoring.queries.references import members_of_run
from scoring.queries.replay import replay_score
from scoring.queries.scores import card_of, compute_scores, get_run, known_to, pins_of
from tests.conftest import CLERK, NOW
from tests.lending.bookings import reverse_event
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, close, lent, make_merchant, roll
from tests.lending.market import accept, make_round, publish, sell, verify_accounts

pytestmark = pytest.mark.django_db(transaction=True)


def pay(loan: Loan, amount: int, *, on: date) -> None:
    book_repayment(loan_id=loan.pk, amount_minor=amount, on=on, external_ref="", actor=CLERK, now=NOW)


def march(day: int) -> date:
    return date(2026, 3, day)


def told(merchant: Merchant) -> list[tuple[object, ...]]:
    rows = BehaviourFact.objects.filter(merchant=merchant).order_by("business_date")
    return [(row.business_date.day, row.dpd, row.scheduled_minor, row.repaid_minor, row.loans_repaid) for row in rows]


def now_of(merchant: Merchant, *, day: date) -> Behaviour:
    [found] = behaviours(merchants=[merchant.pk], day=day)
    return found


def test_a_close_tells_what_changed_and_a_day_without_a_change_nothing() -> None:
    loan = lent(amount_minor=600_000, months=6, terms={**EVERY_FIVE_DAYS, "method": "EQUAL_PRINCIPAL"})
    rows = list(loan.instalments.order_by("no"))
    assert [row.due.day for row in rows[:2]] == [6, 11]
    roll(march(8))
    due = rows[0].principal_minor + rows[0].interest_minor
    pay(loan, due, on=march(8))
    roll(march(11))
    assert told(loan.merchant) == [
        (6, 1, 100_000, 0, 0),
        (7, 2, 100_000, 0, 0),
        (8, 0, 100_000, 100_000, 0),
    ]
    pay(loan, 1_000_000, on=march(11))
    roll(march(13))
    assert told(loan.merchant)[3:] == [(11, 0, 0, 0, 1)]


def test_a_payment_dated_back_corrects_past_days_and_each_score_stays_as_it_was_known() -> None:
    """Red if what was reported of a day stood for ever, or were changed: facts are added, by a later batch."""
    publish()
    verify_accounts()
    merchant = Merchant.objects.order_by("pk")[0]
    loan = lent(merchant=merchant, amount_minor=600_000, months=6, terms=EVERY_FIVE_DAYS)
    roll(march(14))
    late = score_merchant(merchant_id=merchant.pk, actor=CLERK, now=NOW)
    [(day, dpd, *_), *_] = told(merchant)
    assert (day, dpd) == (6, 1)
    paid = book_repayment(loan_id=loan.pk, amount_minor=300_000, on=march(6), external_ref="", actor=CLERK, now=NOW)
    roll(march(15))
    assert [known_of(merchant)[day] for day in (6, 7, 10, 11, 14)] == [0, 0, 0, 1, 4], "late with later interest only"
    healed = score_merchant(merchant_id=merchant.pk, actor=CLERK, now=NOW)
    assert (late.repayment_level, healed.repayment_level) == (2, 6)
    assert replay_score(Score.objects.select_related("run__scorecard").get(pk=late.pk)).equal
    reverse_event(loan_id=loan.pk, seq=paid.seq, on=march(15), reason="the cheque bounced", actor=CLERK, now=NOW)
    roll(march(16))
    assert [known_of(merchant)[day] for day in (6, 7, 15)] == [1, 2, 10], "and a reversal brings them back"
    assert replay_score(Score.objects.select_related("run__scorecard").get(pk=healed.pk)).equal


def known_of(merchant: Merchant) -> dict[int, int]:
    """Give the days past due by day of the month, as the last batch has them."""
    rows = BehaviourFact.objects.filter(merchant=merchant).order_by("business_date", "batch_id")
    return {row.business_date.day: row.dpd for row in rows}


def test_a_day_is_told_alike_before_its_close_after_it_and_after_later_payments() -> None:
    """Red if a row that the close has not reached, or a payment of the next day has passed, is read as it is."""
    loans = [lent(terms=EVERY_FIVE_DAYS)]
    merchant = loans[0].merchant
    loans += [lent(terms=EVERY_FIVE_DAYS, merchant=merchant) for _ in range(2)]
    roll(march(9))
    pay(loans[1], 100_000, on=march(9))
    open_day(on=march(10), actor=SYSTEM, now=NOW)
    before = now_of(merchant, day=march(9))
    assert (before.dpd, before.loans_repaid) == (4, 0)
    pay(loans[0], 2_000_000, on=march(10))  # advances the loan past the day that is not closed yet
    assert now_of(merchant, day=march(9)) == before
    close()
    assert now_of(merchant, day=march(9)) == before
    fact = BehaviourFact.objects.get(merchant=merchant, business_date=march(9))
    assert {name: getattr(fact, name) for name in Behaviour._fields} == {
        name: getattr(before, name) for name in Behaviour._fields
    }
    roll(march(11))
    assert BehaviourFact.objects.get(merchant=merchant, business_date=march(10)).loans_repaid == 1


def test_a_merchant_with_loans_in_several_parts_is_told_whole_by_each() -> None:
    first = lent(terms=EVERY_FIVE_DAYS)
    merchant = first.merchant
    lent(terms=EVERY_FIVE_DAYS, merchant=merchant)
    other = lent(terms=EVERY_FIVE_DAYS, merchant=make_merchant(merchant.partner, "other"))
    roll(march(8))
    day_close = DayClose.objects.get(day=march(7))
    parts = [
        [one for _, told in behaviours_of_part(day_close, range(pk, pk + 1)) for one in told]
        for pk in Loan.objects.values_list("pk", flat=True)
    ]
    everyone = [now_of(merchant, day=march(7)), now_of(merchant, day=march(7)), now_of(other.merchant, day=march(7))]
    assert sorted((one for part in parts for one in part), key=lambda one: one.merchant_id) == everyone
    assert everyone[0].scheduled_minor == 2 * everyone[2].scheduled_minor > 0


def test_nobody_who_never_borrowed_is_told_and_no_number_is_taken_without_a_change() -> None:
    lent()
    roll(march(5))
    assert not BehaviourFact.objects.exists()
    assert not Batch.objects.exists()


def scored(merchant: Merchant) -> tuple[int, int]:
    """Score afresh; give the points of the repayment row, and what all facts of behaviour move the score by."""
    score = score_merchant(merchant_id=merchant.pk, actor=CLERK, now=NOW)
    run = get_run(run_id=score.run_id)
    card, known = card_of(run.scorecard), known_to(run)
    first = BehaviourFact.objects.order_by("batch_id").values_list("batch_id", flat=True)[0]
    members = members_of_run(run_id=run.pk, partitions=None)
    [unseen] = compute_scores(
        members=members, known=replace(known, watermark=Watermark(first, ())), pins=pins_of(run, members)
    )
    assert replay_score(Score.objects.select_related("run__scorecard").get(pk=score.pk)).equal
    names = [row.name for row in card.rows]
    return score.points[names.index("repayment")], score.score - unseen.score


def test_a_loan_repaid_late_or_on_time_moves_the_score_as_the_card_says() -> None:
    publish()
    verify_accounts()
    late, timely, slow = Merchant.objects.order_by("pk")[:3]
    loans = [lent(merchant=merchant, terms=EVERY_FIVE_DAYS) for merchant in (late, timely, slow)]
    roll(march(5))
    pay(loans[1], 2_000_000, on=march(5))
    roll(march(8))
    assert scored(late) == (-25, -25), "two days late, and nothing of the first instalment is repaid"
    assert scored(timely) == (15, 15)
    pay(loans[2], 2_000_000, on=march(8))
    roll(march(13))
    assert scored(late) == (-40, -40), "seven days late, and behind"
    assert scored(slow) == (15, 15), "two days late at worst"
    pay(loans[0], 2_000_000, on=march(13))
    roll(march(14))
    assert scored(late) == (-15, -15), "repaid, but late"
    again = lent(merchant=timely, terms=EVERY_FIVE_DAYS)
    pay(again, 2_000_000, on=march(14))
    roll(march(15))
    assert scored(timely) == (35, 35)


def test_an_application_records_first_and_is_scored_with_it() -> None:
    publish()
    sell()
    verify_accounts()
    make_round()
    offer = Offer.objects.order_by("-limit_minor")[0]
    loan = lent(merchant=offer.merchant, terms=EVERY_FIVE_DAYS)
    roll(march(4))
    pay(loan, 2_000_000, on=march(3))  # back-dated into the day that is closed
    assert not BehaviourFact.objects.exists()
    application = accept(offer, external_ref="applied")
    assert told(offer.merchant) == [(3, 0, 0, 0, 1)]
    assert application.score.repayment_level == 8
    assert application.score.run.as_of == march(4)


def test_before_its_close_a_day_is_not_told_by_an_application() -> None:
    """Red if the day before the open one is told: what its close will collect would count as late."""
    publish()
    sell()
    verify_accounts()
    make_round()
    offer = Offer.objects.order_by("-limit_minor")[0]
    lent(merchant=offer.merchant, terms=EVERY_FIVE_DAYS)
    roll(march(6))
    open_day(on=march(7), actor=SYSTEM, now=NOW)
    accept(offer, external_ref="applied")
    assert not BehaviourFact.objects.exists()
    close()
    assert [row[:2] for row in told(offer.merchant)] == [(6, 1)]
    assert march(1) == OPENED
