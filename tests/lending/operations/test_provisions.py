"""Provisions at the end of months: what is written, what is booked, and that neither happens twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError
from django.utils import timezone

from config.office.actors import SYSTEM
from config.office.business_date import open_day
from config.office.models import JobRun
from lending.domain.books.day_close import LAST_ID, CloseState
from lending.domain.books.ledger import Account
from lending.domain.books.provision import Cause, Left, Stage, provide
from lending.domain.books.provision_movement import Line as Row
from lending.domain.contract.events import EventType
from lending.models import DayClose, Entry, Loan, LoanProvision, Posting, ProvisionMonth
from lending.operations import provisions as operations
from lending.operations.day_close import CLOSE, close_day
from lending.operations.policies import PolicyNotEntered
from lending.queries import provision_exposures
from lending.queries.books import prove_accounts
from lending.queries.ledger import balances
from lending.queries.provision_exposures import Pins, loans_to_provide, pins_of
from lending.queries.provision_proof import months_apart, provisions_apart
from lending.queries.provisions import movements_of, policy_of, stored_exposure
from merchants.models import Merchant, Owner
from merchants.operations.merchants import enter_merchants
from scoring.models import LiveRun, Score
from tests.beginnings import begin
from tests.conftest import CLERK, NOW
from tests.forge import forge, forge_fact
from tests.lending.bookings import book, take_repayment
from tests.lending.lines import make_line
from tests.lending.loans import OPENED, application_of, checked, close, lent, make_loan, roll
from tests.lending.provisions import APRIL, APRIL_END, DAY, MARCH_END, end_month, provide_by
from tests.stages import attempt_job, do_job

pytestmark = pytest.mark.django_db(transaction=True)
DAILY = {"unit": "DAY", "every": 1}
SLOW = {"unit": "DAY", "every": 70}
CALM = {"unscored_pd_ppm": 20_000}
"""The PD of a loan's origination in tests: no risk has risen."""


def rows(month: ProvisionMonth) -> dict[int | None, LoanProvision]:
    return {row.loan_id: row for row in month.provisions.all()}


def account(name: str = Account.PROVISION) -> int:
    return balances().get(("CNY", Account(name)), 0)


@pytest.fixture
def march() -> list[Loan]:
    """Lend twice in CNY, once in JPY, and live to the last day of March; there is no policy yet."""
    begin("loans of March", lend)
    return list(Loan.objects.order_by("pk"))


def lend() -> None:
    lent(), lent(), lent(currency="JPY", amount_minor=1_234_567)
    roll(MARCH_END)


def test_the_account_is_the_sum_of_the_provisions_month_by_month() -> None:
    """Red if a month booked its whole provisions, a loan that left kept its own, or an entry fell on another day."""
    provide_by(**CALM)
    sound, late, repaid, off = lent(), lent(terms=DAILY), lent(amount_minor=90_000), lent()
    march = end_month(MARCH_END)
    found = rows(march)
    assert {loan: row.stage for loan, row in found.items()} == {sound.pk: 1, late.pk: 2, repaid.pk: 1, off.pk: 1}
    assert account() == -sum(row.provision_minor for row in found.values()) < 0
    assert account(Account.PROVISION_EXPENSE) == -account()
    [entry] = Entry.objects.filter(code="PROVISION")
    assert (entry.effective_date, entry.close, entry.product_id) == (MARCH_END, march.close, late.product_id)
    assert march.close.state == CloseState.PROVEN
    take_repayment(loan_id=repaid.pk, amount_minor=200_000, on=MARCH_END + DAY, reason="x", actor=CLERK, now=NOW)
    book(EventType.WRITE_OFF, loan_id=off.pk, on=MARCH_END + DAY)
    new = lent()
    april = end_month(APRIL_END)
    later = rows(april)
    assert later.keys() == {sound.pk, late.pk, repaid.pk, off.pk, new.pk}
    assert (later[repaid.pk].left, later[off.pk].left, later[new.pk].before_stage) == ("REPAID", "WRITTEN_OFF", None)
    assert account() == -sum(row.provision_minor for row in later.values())
    assert sum(row.before_minor for row in later.values()) == sum(row.provision_minor for row in found.values())
    [table] = movements_of(april)
    assert sum(table.of(Row.CLOSING)) == -account()
    assert table.of(Row.WRITTEN_OFF) == [-found[off.pk].provision_minor, 0, 0]
    assert table.of(Row.REPAID) == [-found[repaid.pk].provision_minor, 0, 0]
    assert table.of(Row.TO_STAGE_2) == [-found[sound.pk].provision_minor, found[sound.pk].provision_minor, 0]
    found_now = checked()
    assert found_now["proven"], found_now
    may = end_month(date(2026, 5, 31))
    assert rows(may).keys() == {sound.pk, late.pk, new.pk}, "what left is no longer told of"
    assert rows(may)[late.pk].stage == Stage.THREE


@pytest.mark.usefixtures("march")
def test_no_month_is_provided_for_before_there_is_a_policy_nor_before_it_ends() -> None:
    assert not ProvisionMonth.objects.exists()
    roll(MARCH_END + DAY)
    assert not ProvisionMonth.objects.exists()
    provide_by()
    assert end_month(APRIL_END).provisions.count() == 3


@pytest.mark.usefixtures("march")
def test_a_policy_counts_from_the_month_end_after_it() -> None:
    first = provide_by()
    assert provide_by() == first, "entered once"
    march = end_month(MARCH_END)
    second = provide_by(version=3, basis="MINIMUM")
    with pytest.raises(PolicyNotEntered):
        provide_by(basis="MINIMUM")
    april = end_month(APRIL_END)
    assert (march.policy, april.policy) == (first, second)
    assert all(row.provision_minor == row.minimum_minor for row in april.provisions.all())
    assert checked()["proven"]


def test_what_happens_after_the_month_does_not_count(march: list[Loan]) -> None:
    """Red if a row were read as it stands, and not as of the month's end: the open day is always ahead of its close."""
    provide_by(**CALM)
    (loan, gone, other), drawn_late = march, make_loan()
    open_day(on=MARCH_END + DAY, actor=SYSTEM, now=NOW)
    take_repayment(loan_id=loan.pk, amount_minor=500_000, on=MARCH_END + DAY, reason="x", actor=CLERK, now=NOW)
    book(EventType.WRITE_OFF, loan_id=gone.pk, on=MARCH_END + DAY)
    assert drawn_late.disbursed_on is None
    close()
    found = rows(ProvisionMonth.objects.get())
    assert found.keys() == {loan.pk, gone.pk, other.pk}
    same = ("ead_minor", "periods", "dpd", "stage", "provision_minor")
    assert [getattr(found[loan.pk], name) for name in same] == [getattr(found[gone.pk], name) for name in same]
    assert found[loan.pk].ead_minor > 1_200_000


def test_a_row_at_rest_says_what_its_replay_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if arithmetic from the row and the schedule, and a replay of the events, came to different exposures."""
    loans = [lent(), lent(terms=DAILY), lent(terms={"unit": "DAY", "every": 7}), lent(months=12)]
    roll(OPENED + 20 * DAY)
    take_repayment(loan_id=loans[2].pk, amount_minor=300_000, on=OPENED + 20 * DAY, reason="x", actor=CLERK, now=NOW)
    book(EventType.CHARGE, loan_id=loans[3].pk, amount_minor=700, on=OPENED + 15 * DAY)
    book(EventType.RE_AGE, loan_id=loans[1].pk, periods=4, on=OPENED + 20 * DAY)
    provide_by()
    march = end_month(MARCH_END)
    pins = pins_of(march)
    march.pk = LAST_ID  # so that no loan has its row yet
    unwritten = Pins(month=march, before=None, policy=pins.policy, lgd_bps=pins.lgd_bps)
    [told] = loans_to_provide(unwritten, range(LAST_ID))
    monkeypatch.setattr(provision_exposures, "_tells", lambda _loan, _basis: False)
    [replayed] = loans_to_provide(unwritten, range(LAST_ID))
    assert [one.exposure for one in told] == [one.exposure for one in replayed]
    assert [one.row.pk for one in told] == [loan.pk for loan in loans]
    assert rows(ProvisionMonth.objects.get())[loans[1].pk].cause == Cause.RE_AGED


@pytest.mark.usefixtures("march")
def test_whoever_goes_on_writes_and_books_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if rows were written anew by whoever takes over, or entries were booked apart from the end of their part."""
    provide_by()
    open_day(on=MARCH_END + DAY, actor=SYSTEM, now=NOW)
    found = close_day(actor=SYSTEM, now=NOW)
    place = CLOSE.names.index("lending.provide_loans")
    for stage in CLOSE.names[:place]:
        do_job(CLOSE, JobRun.objects.get(name=stage, subject_id=found.pk))
    monkeypatch.setattr(provision_exposures, "AT_ONCE", 1)
    fails_once(monkeypatch, "provide", call=3, stage=CLOSE.names[place])
    written = list(LoanProvision.objects.order_by("pk").values())
    assert len(written) == 2
    do_again(CLOSE.names[place])
    assert list(LoanProvision.objects.order_by("pk").values()[:2]) == written
    assert LoanProvision.objects.count() == 3
    fails_once(monkeypatch, "post", call=2, stage=CLOSE.names[place + 1])
    assert not Entry.objects.filter(code="PROVISION").exists()
    assert ProvisionMonth.objects.get().booked_at is None
    do_again(CLOSE.names[place + 1])
    do_again(CLOSE.names[place + 2])
    assert Entry.objects.filter(code="PROVISION").count() == 2
    assert DayClose.objects.get(pk=found.pk).state == CloseState.PROVEN
    assert checked()["proven"]


def fails_once(monkeypatch: pytest.MonkeyPatch, name: str, *, call: int, stage: str) -> None:
    """Let a stage break down in a function that it calls, at the given call."""
    original, spared = getattr(operations, name), iter(range(1, call))

    def breaks(*args: Any, **named: Any) -> object:  # noqa: ANN401
        if next(spared, None) is None:
            raise BreakdownError
        return original(*args, **named)

    with monkeypatch.context() as patched:
        patched.setattr(operations, name, breaks)
        attempt_job(CLOSE, job_of(stage))
    assert "BreakdownError" in job_of(stage).error


def do_again(stage: str) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        do_job(CLOSE, job_of(stage))


class BreakdownError(Exception):
    """A worker breaks down."""


def job_of(stage: str) -> JobRun:
    return JobRun.objects.filter(name=stage).latest("pk")


def provide_twice() -> None:
    provide_by(**CALM)
    lent()
    roll(APRIL_END + DAY)


def provision_posting() -> Posting:
    return Posting.objects.filter(entry__code="PROVISION").latest("pk")


def first_row() -> LoanProvision:
    return LoanProvision.objects.earliest("pk")


def last_row() -> LoanProvision:
    return LoanProvision.objects.latest("pk")


def post_more() -> None:
    """Release a provision by a balanced entry, as whoever has the application's password can insert it."""
    entry = provision_posting().entry
    entry.pk, entry.effective_date = None, MARCH_END
    entry.save(force_insert=True)
    Posting.objects.create(
        entry=entry, debit_id="PROVISION", credit_id="PROVISION_EXPENSE", currency="CNY", amount_minor=100
    )


FORGERIES: dict[str, tuple[Callable[[], None], bool]] = {
    "a posting": (lambda: forge_fact(provision_posting(), amount_minor=provision_posting().amount_minor + 1), True),
    "an entry more": (post_more, True),
    "a row of the last month": (lambda: forge_fact(last_row(), provision_minor=last_row().provision_minor - 1), True),
    "what a row rests on": (lambda: forge_fact(last_row(), rate_ppm=900_000), False),
    "an expected loss": (lambda: forge_fact(last_row(), ecl_minor=last_row().ecl_minor - 1), False),
    "a row of an earlier month": (
        lambda: forge_fact(first_row(), provision_minor=first_row().provision_minor - 1),
        False,
    ),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_a_forged_provision_is_found(what: str) -> None:
    """Red if the proof took the account, or the rows, for what the other says."""
    begin("two months of provisions", provide_twice)
    assert checked()["proven"]
    forgery, stops_the_close = FORGERIES[what]
    forgery()
    wrong = {balance.account for balance in prove_accounts() if not balance.holds}
    assert wrong == ({Account.PROVISION, Account.PROVISION_EXPENSE} if stops_the_close else set())
    if what == "a row of an earlier month":
        assert months_apart() == [MARCH_END]
    elif not stops_the_close:
        assert provisions_apart() == [last_row().pk]
    with pytest.raises(CommandError):
        checked()
    open_day(on=APRIL_END + 2 * DAY, actor=SYSTEM, now=NOW)
    assert (close().state == CloseState.BROKEN) is stops_the_close


def owned_by(owner: Owner, *loans: Loan) -> None:
    Merchant.objects.filter(pk__in=[loan.merchant_id for loan in loans]).update(owner=owner)


def test_whoever_is_in_default_with_one_loan_is_so_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if a loan followed another's borrower, or only where both were read together, or one repaid still counted."""
    monkeypatch.setattr(provision_exposures, "AT_ONCE", 1)
    provide_by(**CALM, default_dpd=28, late_dpd=27)
    bad, sound, alone, friend = lent(terms=DAILY), lent(terms=SLOW), lent(terms=SLOW), lent(terms=SLOW)
    owner = Owner.objects.create(partner=bad.merchant.partner, external_ref="o")
    owned_by(owner, bad, sound)
    line = make_line(sound)
    march = end_month(MARCH_END)
    assert {row.loan_id or "line": (row.stage, row.cause) for row in march.provisions.all()} == {
        bad.pk: (3, Cause.DEFAULTED),
        sound.pk: (3, Cause.CROSS_DEFAULT),
        alone.pk: (1, Cause.SOUND),
        friend.pk: (1, Cause.SOUND),
        "line": (3, Cause.CROSS_DEFAULT),
    }
    assert rows(march)[sound.pk].category == "SUBSTANDARD"
    assert checked()["proven"]
    take_repayment(loan_id=bad.pk, amount_minor=2_000_000, on=MARCH_END + DAY, reason="x", actor=CLERK, now=NOW)
    book(EventType.WRITE_OFF, loan_id=friend.pk, on=MARCH_END + DAY)
    owned_by(owner, alone)
    Merchant.objects.filter(pk=alone.merchant_id).update(
        owner=Owner.objects.create(partner=owner.partner, external_ref="p")
    )
    owned_by(Owner.objects.get(external_ref="p"), friend)
    april = rows(end_month(APRIL_END))
    assert (april[sound.pk].stage, april[sound.pk].cause) == (3, Cause.CURING)
    assert (april[alone.pk].stage, april[alone.pk].cause) == (3, Cause.CROSS_DEFAULT), "one is written off"
    assert line.pk in {row.line_id for row in ProvisionMonth.objects.get(month=APRIL).provisions.all()}
    assert checked()["proven"]


def test_a_partner_does_not_switch_a_borrowers_default_off() -> None:
    """Red if the owner were read as the partner sends it now: renamed in time, the other loan is sound."""
    provide_by(**CALM, default_dpd=28, late_dpd=27)
    bad, sound = lent(terms=DAILY), lent(terms=SLOW)
    partner = bad.merchant.partner
    owned_by(Owner.objects.create(partner=partner, external_ref="o"), bad, sound)
    row = {"external_id": bad.merchant.external_id, "name": bad.merchant.name, "currency": "CNY", "owner_ref": "p"}
    assert enter_merchants(partner_id=partner.pk, rows=[row], actor=CLERK, now=NOW).changed == 1
    found = rows(end_month(MARCH_END))
    assert (found[sound.pk].stage, found[sound.pk].cause) == (3, Cause.CROSS_DEFAULT)


def test_a_row_that_is_spared_a_cross_default_is_found() -> None:
    """Red if each row vouched for itself: a fault in finding borrowers would book wrong provisions that prove."""
    provide_by(**CALM, default_dpd=28, late_dpd=27)
    bad = lent(terms=DAILY)
    sound = lent(terms=SLOW)
    forge(sound, merchant=bad.merchant_id)
    month = end_month(MARCH_END)
    row = rows(month)[sound.pk]
    assert (row.cause, provisions_apart()) == (Cause.CROSS_DEFAULT, [])
    alone = provide(
        policy_of(month.policy), replace(stored_exposure(row, on=MARCH_END), borrower_defaulted=False), None
    )
    names = ("cause", "category", "pd_ppm", "ecl_minor", "minimum_minor", "provision_minor")
    forge_fact(row, stage=int(alone.stage), **{name: getattr(alone, name) for name in names})
    assert provisions_apart() == [row.pk]


def test_where_each_loan_is_in_default_for_itself_none_follows() -> None:
    provide_by(**CALM, default_dpd=28, late_dpd=27, default_level="LOAN")
    bad, sound = lent(terms=DAILY), lent()
    owned_by(Owner.objects.create(partner=bad.merchant.partner, external_ref="o"), bad, sound)
    found = rows(end_month(MARCH_END))
    assert (found[bad.pk].stage, found[sound.pk].stage) == (3, 1)


def test_what_is_undrawn_of_a_line_is_provided_for() -> None:
    """Red if a line were sound beside a late draw, a frozen one counted, or a closed one kept its provision."""
    provide_by(**CALM)
    calm, late, frozen = lent(), lent(terms=DAILY), lent()
    lines = [make_line(loan, opened_on=OPENED) for loan in (calm, late, frozen)]
    type(lines[2]).objects.filter(pk=lines[2].pk).update(state="FROZEN")
    march = end_month(MARCH_END)
    found = {row.line_id: row for row in march.provisions.filter(loan=None)}
    assert found.keys() == {lines[0].pk, lines[1].pk}
    of_loan = rows(march)[calm.pk]
    assert found[lines[0].pk].ead_minor == (2_400_000 - of_loan.ead_minor) // 2
    assert [found[line.pk].stage for line in lines[:2]] == [1, 2]
    assert found[lines[1].pk].cause == Cause.LATE
    assert checked()["proven"]
    type(lines[0]).objects.filter(pk=lines[0].pk).update(state="CLOSED", closed_at=NOW)
    april = end_month(APRIL_END)
    later = {row.line_id: row for row in april.provisions.filter(loan=None)}
    assert (later[lines[0].pk].left, later[lines[0].pk].provision_minor) == (Left.REPAID, 0)
    assert checked()["proven"]


def test_the_scores_of_the_month_end_and_of_the_decision_count(march: list[Loan]) -> None:
    """Red if the PD at origination were read from another score, or the live run's were not read at all."""
    provide_by()
    loan, other, _ = march
    score = application_of(loan).score
    open_day(on=MARCH_END + DAY, actor=SYSTEM, now=NOW)
    publish_score(score, pd_ppm=45_000)
    close()
    found = rows(ProvisionMonth.objects.get())
    assert (found[loan.pk].origination_pd_ppm, found[loan.pk].score_pd_ppm) == (20_000, 45_000)
    assert (found[loan.pk].cause, found[other.pk].score_pd_ppm) == (Cause.PD_RISEN, None)
    assert found[other.pk].pd_ppm == 100_000


def publish_score(score: Score, *, pd_ppm: int) -> None:
    """Make a run live in which the merchant of a score has another PD."""
    run = score.run
    run.pk = None
    run.save(force_insert=True)
    score.pk, score.run, score.pd_ppm = None, run, pd_ppm
    score.save(force_insert=True)
    LiveRun.objects.create(pk=1, run=run, published_at=NOW)
