import json
from datetime import timedelta

import pytest

from config.office.actors import SYSTEM
from config.office.business_date import open_day
from config.office.models import BusinessDate, JobRun, OperationEvent
from lending.domain.origination.facts import Hold, strongest_hold
from lending.domain.watch.policy import DAY_ONE_WATCH, Effect, Signal
from lending.domain.watch.warning import WarningRefusal
from lending.domain.watch.watch_run import WatchRefusal, WatchState
from lending.models import EarlyWarning, Line, LineEvent, Loan, Offer, PeerCell, WatchRun
from lending.operations.policies import enter_watch_policy
from lending.operations.warnings import WarningNotMoved, confirm_warning, lift_warning
from lending.operations.watch import WATCH, WatchNotStarted, start_night_watch, start_rows_watch
from lending.queries.warning_evidence import repeat_buyers, rows_behind, weeks_before
from lending.queries.warnings import standing_warnings
from merchants.models import Merchant, Partner
from tests.conftest import CLERK, NOW
from tests.forge import forge
from tests.lending.lines import make_line
from tests.lending.loans import OPENED, lent, roll
from tests.lending.market import make_offers
from tests.lending.watch import judge_night, judge_rows, trade
from tests.markets import make_merchants
from tests.race import race
from tests.stages import attempt_job, do_stages

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


def silent_borrower(*, days: int = 9) -> Loan:
    """Lend to a merchant that has sold daily until some days ago."""
    loan = lent()
    trade(loan.merchant, last=days)
    return loan


def standing(loan: Loan) -> dict[str, EarlyWarning]:
    return {one.signal: one for one in EarlyWarning.objects.standing().filter(merchant=loan.merchant)}


def held(loan: Loan) -> Hold:
    return strongest_hold(effect for one in standing_warnings(loan.merchant_id) for effect in one.effects)


def set_policy(*, peers_least: int = 20, **signals: dict[str, object]) -> None:
    """Watch only these signals, each with the figures of day one but for what is given."""
    document = {**json.loads(DAY_ONE_WATCH.read_text()), "peers_least": peers_least}
    document["signals"] = {name: {**document["signals"][name], **changes} for name, changes in signals.items()}
    enter_watch_policy(text=json.dumps({**document, "version": 2}), actor=SYSTEM, now=NOW)


def test_a_night_raises_a_warning_with_its_figures_and_records_it() -> None:
    loan = silent_borrower()
    run = judge_night()
    assert (run.state, run.judged) == (WatchState.DONE, 1)
    warning = standing(loan)[Signal.SILENT]
    assert (warning.observed, warning.expected, warning.share_bps) == (9, 1, 90_000)
    assert (warning.raised_on, warning.fired_on, warning.threshold_bps) == (OPENED, OPENED, 30_000)
    assert set(warning.effects) == {Effect.REVIEW, Effect.FREEZE, Effect.RESCORE}
    event = OperationEvent.objects.get(name="lending.raise_warning", subject=f"lending.earlywarning:{warning.pk}")
    assert event.after["signal"] == "SILENT"
    assert PeerCell.objects.filter(run=run).exists()


def test_a_merchant_that_trades_as_usual_is_not_warned_of() -> None:
    loan = lent()
    trade(loan.merchant)
    judge_night()
    assert standing(loan) == {}


def test_whoever_has_neither_limit_nor_loan_is_not_judged() -> None:
    loan = silent_borrower()
    Loan.objects.filter(pk=loan.pk).update(status="CLOSED", closed_on=OPENED)
    assert judge_night().judged == 0
    assert not EarlyWarning.objects.exists()


def test_a_red_feed_raises_and_lifts_nothing() -> None:
    loan = silent_borrower()
    Partner.objects.update(feed_signal="SILENT")
    assert judge_night().judged == 0
    assert standing(loan) == {}


def test_it_is_judged_once_a_night_and_after_the_close() -> None:
    silent_borrower()
    judge_night()
    with pytest.raises(WatchNotStarted) as refused:
        start_night_watch(now=NOW)
    assert refused.value.reason is WatchRefusal.DONE_ALREADY


def test_two_that_start_at_once_judge_once() -> None:
    silent_borrower()
    outcomes = race(*[lambda: start_night_watch(now=NOW)] * 4, held=BusinessDate.objects.all())
    assert sum(isinstance(one, WatchRun) for one in outcomes) == 1
    assert WatchRun.objects.count() == 1


def test_a_part_that_is_done_again_raises_no_second_warning() -> None:
    """A worker died after its commit, and its job is claimed again."""
    loan = silent_borrower()
    run = start_night_watch(now=NOW)
    do_stages(WATCH, run.pk)
    job = JobRun.objects.get(name="lending.judge_signals", subject_id=run.pk)
    JobRun.objects.filter(pk=job.pk).update(state="WAITING", finished_at=None, lease_until=None)
    WatchRun.objects.filter(pk=run.pk).update(state="WORKING", finished_at=None)
    job.refresh_from_db()
    attempt_job(WATCH, job)
    assert EarlyWarning.objects.filter(merchant=loan.merchant, signal=Signal.SILENT).count() == 1


def test_it_is_renewed_while_it_fires_and_lifted_when_it_has_not_for_a_while() -> None:
    set_policy(SILENT={})
    loan = silent_borrower()
    judge_night()
    roll(OPENED + DAY)
    judge_night()
    warning = standing(loan)[Signal.SILENT]
    assert (warning.raised_on, warning.fired_on) == (OPENED, OPENED + DAY)
    trade(loan.merchant, first=9, tag="again", on=OPENED + DAY)
    roll(OPENED + 2 * DAY)
    judge_night()
    warning.refresh_from_db()
    assert warning.ceased_on == OPENED + 2 * DAY
    EarlyWarning.objects.update(ceased_on=OPENED - 11 * DAY)
    roll(OPENED + 3 * DAY)
    judge_night()
    warning.refresh_from_db()
    assert (warning.state, warning.decided_by, warning.lifted_on) == ("LIFTED", str(SYSTEM), OPENED + 3 * DAY)


def test_it_stands_while_nobody_can_read_it() -> None:
    loan = silent_borrower()
    judge_night()
    EarlyWarning.objects.update(ceased_on=OPENED - 40 * DAY)
    Partner.objects.update(feed_signal="SILENT")
    roll(OPENED + DAY)
    judge_night()
    assert Signal.SILENT in standing(loan)


def test_one_that_cannot_be_scored_stops_no_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    loan = silent_borrower()

    def fails(**_asked: object) -> None:
        raise ValueError

    monkeypatch.setattr("lending.operations.watch.score_merchant", fails)
    assert judge_night().state == WatchState.DONE
    assert standing(loan)[Signal.SILENT].fresh_score is None


def test_rows_of_the_day_that_came_before_the_night_are_read_after_it() -> None:
    loan = lent()
    trade(loan.merchant)
    judge_night()
    trade(loan.merchant, first=1, a_day=12, kind="REFUND", on=OPENED + 2 * DAY)
    open_day(on=OPENED + DAY, actor=SYSTEM, now=NOW)
    judge_night()
    assert standing(loan) == {}
    judge_rows()
    assert Signal.REFUNDS in standing(loan)


def test_it_freezes_the_line_at_once_and_holds_back_new_credit() -> None:
    loan = silent_borrower()
    line = make_line(loan)
    judge_night()
    line.refresh_from_db()
    assert (line.state, line.frozen_for) == ("FROZEN", "DRAWS_HELD")
    assert LineEvent.objects.filter(line=line, type="FROZEN", reason="DRAWS_HELD").count() == 1
    assert held(loan) is Hold.FREEZE
    warning = standing(loan)[Signal.SILENT]
    lift_warning(warning_id=warning.pk, reason="On holiday", actor=CLERK, now=NOW)
    EarlyWarning.objects.standing().update(state="LIFTED", lifted_on=OPENED, decided_by=str(SYSTEM))
    assert held(loan) is Hold.NONE
    assert Line.objects.get(pk=line.pk).state == "FROZEN"  # until the next review, which ends what a review began


def test_a_line_that_a_person_froze_stays_as_that_person_left_it() -> None:
    loan = silent_borrower()
    line = make_line(loan, state="FROZEN")
    judge_night()
    line.refresh_from_db()
    assert (line.state, line.frozen_for) == ("FROZEN", "")


def test_a_person_lifts_it_and_its_signal_is_quiet_for_a_while() -> None:
    set_policy(SILENT={})
    loan = silent_borrower()
    judge_night()
    warning = standing(loan)[Signal.SILENT]
    lift_warning(warning_id=warning.pk, reason=" On holiday ", actor=CLERK, now=NOW)
    warning.refresh_from_db()
    assert (warning.state, warning.reason, warning.decided_by) == ("LIFTED", "On holiday", str(CLERK))
    roll(OPENED + DAY)
    judge_night()
    assert standing(loan) == {}
    roll(OPENED + 28 * DAY)
    judge_night()
    assert set(standing(loan)) == {Signal.SILENT}


def test_confirmed_it_waits_for_nobody_and_stands() -> None:
    loan = silent_borrower()
    judge_night()
    warning = standing(loan)[Signal.SILENT]
    confirm_warning(warning_id=warning.pk, reason="Shop is shut", actor=CLERK, now=NOW)
    assert held(loan) is Hold.FREEZE
    with pytest.raises(WarningNotMoved) as refused:
        confirm_warning(warning_id=warning.pk, reason="Again", actor=CLERK, now=NOW)
    assert refused.value.reason is WarningRefusal.CONFIRMED
    lift_warning(warning_id=warning.pk, reason="Open again", actor=CLERK, now=NOW)
    for operation in (confirm_warning, lift_warning):
        with pytest.raises(WarningNotMoved) as refused:
            operation(warning_id=warning.pk, reason="Too late", actor=CLERK, now=NOW)
        assert refused.value.reason is WarningRefusal.LIFTED


@pytest.mark.parametrize("operation", [confirm_warning, lift_warning])
def test_nobody_judges_it_without_a_reason(operation: object) -> None:
    loan = silent_borrower()
    judge_night()
    with pytest.raises(WarningNotMoved) as refused:
        operation(warning_id=standing(loan)[Signal.SILENT].pk, reason=" ", actor=CLERK, now=NOW)  # type: ignore[operator]
    assert refused.value.reason is WarningRefusal.REASON_MISSING


def test_raced_one_lifts_it() -> None:
    loan = silent_borrower()
    judge_night()
    pk = standing(loan)[Signal.SILENT].pk
    held = EarlyWarning.objects.filter(pk=pk)
    outcomes = race(*[lambda: lift_warning(warning_id=pk, reason="Seen", actor=CLERK, now=NOW)] * 4, held=held)
    assert sum(isinstance(one, EarlyWarning) for one in outcomes) == 1
    assert OperationEvent.objects.filter(name="lending.lift_warning").count() == 1


def test_rows_that_come_in_between_raise_what_rows_raise_at_once() -> None:
    loan = lent()
    trade(loan.merchant)
    judge_night()
    assert judge_rows() is None
    trade(loan.merchant, first=3, last=0, a_day=4, kind="REFUND", on=OPENED + DAY)
    run = judge_rows()
    assert run is not None
    assert (run.kind, run.merchants, run.as_of) == ("ROWS", [loan.merchant_id], OPENED + DAY)
    warning = standing(loan)[Signal.REFUNDS]
    assert (warning.observed, warning.raised_on) == (12, OPENED)
    assert judge_rows() is None  # it was looked up to there


def test_rows_of_nobody_who_borrows_start_nothing() -> None:
    loan = lent()
    trade(loan.merchant)
    judge_night()
    trade(loan.merchant, first=3, kind="SALE", tag="more")
    assert judge_rows() is None


def test_between_nights_nothing_is_lifted() -> None:
    loan = silent_borrower()
    judge_night()
    EarlyWarning.objects.update(fired_on=OPENED - 40 * DAY)
    trade(loan.merchant, first=3, last=0, kind="REFUND", on=OPENED + DAY)
    judge_rows()
    assert Signal.SILENT in standing(loan)


def test_rows_wait_for_the_night_of_the_business_date() -> None:
    silent_borrower()
    with pytest.raises(WatchNotStarted) as refused:
        start_rows_watch(now=NOW)
    assert refused.value.reason is WatchRefusal.NIGHT_MISSING


def test_a_warning_rests_on_as_many_rows_as_it_counted() -> None:
    loan = lent()
    trade(loan.merchant)
    trade(loan.merchant, first=5, a_day=3, kind="REFUND")
    judge_night()
    warning = standing(loan)[Signal.REFUNDS]
    found = rows_behind(warning, most=4)
    assert (found.number, len(found.rows), warning.observed) == (15, 4, 15)
    assert {row.kind for row in found.rows} == {"REFUND"}
    trade(loan.merchant, first=5, a_day=3, kind="REFUND", tag="later")
    assert rows_behind(warning, most=4).number == 15  # as it was known then
    weeks = weeks_before(warning)
    assert (len(weeks), weeks[-1].sales, weeks[-1].sold_minor) == (26, 14, 14_000)


def test_repeat_buyers_who_left_are_named_and_add_up() -> None:
    set_policy(peers_least=1, DIVERSION={})
    loan = lent()
    make_merchants(loan.merchant.partner, "peer", currency="CNY")
    trade(loan.merchant, last=29)
    trade(Merchant.objects.get(external_id="peer"))
    forge(loan, disbursed_on=OPENED - 30 * DAY)
    judge_night()
    warning = standing(loan)[Signal.DIVERSION]
    assert (warning.drawn_on, warning.observed, warning.expected) == (OPENED - 30 * DAY, 0, 56)
    found = repeat_buyers(warning, most=3)
    assert found is not None
    assert (len(found.buyers), found.number, found.before, found.after) == (3, 9, 56, 0)
    assert found.buyers[0].before >= found.buyers[1].before


def test_it_scores_afresh_whom_a_warning_asks_for() -> None:
    make_offers()
    offer = Offer.objects.open().order_by("pk")[0]
    trade(offer.merchant, first=40, last=0, kind="CHARGEBACK", a_day=2)
    judge_night()
    warning = EarlyWarning.objects.get(merchant=offer.merchant, signal=Signal.DISPUTES)
    assert warning.fresh_score is None  # the policy of day one does not ask
    set_policy(DISPUTES={"effects": ["RESCORE"]})
    EarlyWarning.objects.standing().update(state="LIFTED", decided_by=str(SYSTEM), lifted_on=warning.raised_on)
    open_day(on=OPENED + DAY, actor=SYSTEM, now=NOW)
    judge_night()
    again = EarlyWarning.objects.standing().get(merchant=offer.merchant)
    assert again.fresh_score is not None
    assert again.fresh_score.merchant_id == offer.merchant_id
