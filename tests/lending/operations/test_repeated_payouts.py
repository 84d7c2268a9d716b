"""A loan's money leaves again only after the loan is decided afresh, by two people, and never beside itself."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from config.office.actors import SYSTEM, Actor, ActorKind
from config.office.approvals import NotApproved
from config.office.business_date import open_day
from config.office.models import OperationEvent
from lending.domain.books.loan import LoanStatus
from lending.domain.books.transfer import (
    CAME_BACK_AT_MOST,
    RETURNED_WITHIN,
    Moved,
    Nothing,
    ReturnRefusal,
    TransferState,
)
from lending.domain.origination.rules import Ground
from lending.models import Loan, Offer, Transfer
from lending.operations.payouts import PayoutNotReturned, cancel_loan, claim_payout, record_payout, return_payout
from lending.operations.repeated_payouts import PayoutNotRepeated, pay_out_again, repeat_act
from lending.queries.transfers import get_return_refusal
from merchants.models import PayoutAccount
from tests.approvals import SECOND, approved
from tests.conftest import CLERK, NOW
from tests.forge import forge
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, application_of, lent, proven, roll
from tests.lending.market import accept, make_round, publish, sell, verify_accounts
from tests.race import race
from tests.scoring.market import AS_OF

pytestmark = pytest.mark.django_db(transaction=True)


def failed(change: Callable[[dict[str, Any]], object] = lambda _: None) -> Loan:
    """Return a loan that was approved in full and whose payout failed."""
    publish(16)
    sell(change)
    verify_accounts()
    make_round()
    accept(Offer.objects.order_by("-limit_minor", "pk")[0])
    loan = Loan.objects.latest("pk")
    payout = Transfer.objects.get(loan=loan)
    claim_payout(transfer_id=payout.pk, now=NOW)
    record_payout(transfer_id=payout.pk, answer=Nothing("account closed"), now=NOW)
    return loan


def again(loan: Loan) -> Transfer:
    approval = approved(repeat_act(loan, reason="a new account"))
    return pay_out_again(loan_id=loan.pk, reason="a new account", actor=CLERK, now=NOW, approval=approval)


def test_a_loan_that_took_all_of_the_limit_is_paid_out_again() -> None:
    """Red if it were judged beside itself: nothing would be left of the limit, nor of the room."""
    loan = failed(lambda product: product["limits"].update(portfolio_room="1000000.00"))
    with pytest.raises(NotApproved, match="MISSING"):
        pay_out_again(loan_id=loan.pk, reason="a new account", actor=CLERK, now=NOW)
    transfer = again(loan)
    assert (transfer.state, transfer.amount_minor) == (TransferState.DUE, loan.amount_minor)
    event = OperationEvent.objects.get(name="lending.pay_out_again")
    assert (event.amount_minor, event.currency) == (loan.amount_minor, loan.currency)
    with pytest.raises(PayoutNotRepeated, match="PAYOUT_UNDER_WAY"):
        again(loan)


def test_whoever_would_be_declined_today_is_not_paid_out_again() -> None:
    """Red if the money left on the score of the day on which the loan was approved."""
    loan = failed()
    open_day(on=AS_OF + timedelta(days=200), actor=SYSTEM, now=NOW)  # it has sold nothing since
    with pytest.raises(PayoutNotRepeated) as refused:
        again(loan)
    assert refused.value.reason in set(Ground)
    assert Transfer.objects.filter(loan=loan).count() == 1
    assert not Transfer.objects.filter(loan=loan, state="DUE").exists()


def test_money_leaves_again_only_to_the_account_that_was_approved() -> None:
    """Red if the request did not name the account: it could be replaced once a second person has looked."""
    loan = failed()
    approval = approved(repeat_act(loan, reason="a new account"))
    old = PayoutAccount.objects.get(merchant=loan.merchant)
    forge(old, state="WITHDRAWN", closed_by="staff:9", closed_at=NOW)
    PayoutAccount.objects.enter(
        merchant=loan.merchant, number="DE89370400440532013000", holder=loan.merchant.name, state="VERIFIED",
        entered_by="partner:1", entered_at=NOW, verified_by="staff:7", verified_at=NOW,
    )  # fmt: skip
    with pytest.raises(NotApproved, match="OTHER_ACT"):
        pay_out_again(loan_id=loan.pk, reason="a new account", actor=CLERK, now=NOW, approval=approval)


@pytest.mark.parametrize("who", ["asks", "approves", "applied"])
def test_whoever_verified_the_account_has_nothing_to_do_with_it(who: str) -> None:
    """Red if one person could name the destination and have the money sent there."""
    loan = failed()
    person = {"asks": CLERK, "approves": SECOND, "applied": Actor(ActorKind.STAFF, 77)}[who]
    forge(application_of(loan), entered_by=f"{ActorKind.STAFF}:77")
    account = PayoutAccount.objects.get(merchant=loan.merchant)
    forge(account, entered_by="partner:1", verified_by=str(person))
    with pytest.raises(PayoutNotRepeated, match="VERIFIED_THE_ACCOUNT"):
        again(loan)


def test_of_two_that_send_it_again_one_does() -> None:
    loan = failed()
    approval = approved(repeat_act(loan, reason="a new account"))
    call = partial(pay_out_again, loan_id=loan.pk, reason="a new account", actor=CLERK, now=NOW, approval=approval)
    outcomes = race(call, call, held=Loan.objects.filter(pk=loan.pk))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["PayoutNotRepeated", "Transfer"]


def test_a_payout_is_taken_back_by_two_people() -> None:
    """Red if one person made a loan as if its money had never left."""
    loan = lent()
    payout = Transfer.objects.get(loan=loan, kind="PAYOUT")
    with pytest.raises(NotApproved, match="MISSING"):
        return_payout(transfer_id=payout.pk, on=OPENED, reason="came back", actor=CLERK, now=NOW)
    loan.refresh_from_db()
    assert loan.status == LoanStatus.ACTIVE


def test_money_that_came_back_twice_is_not_sent_a_third_time() -> None:
    """Red if two people could send a loan's money as often as they liked, by taking each payout back."""
    loan = failed()
    for _ in range(CAME_BACK_AT_MOST):
        transfer = again(loan)
        claim_payout(transfer_id=transfer.pk, now=NOW)
        record_payout(transfer_id=transfer.pk, answer=Moved(transfer.amount_minor), now=NOW)
        transfer.refresh_from_db()
        return_payout(transfer_id=transfer.pk, on=transfer.on, reason="came back", actor=SYSTEM, now=NOW)
    with pytest.raises(PayoutNotRepeated, match="CAME_BACK_OFTEN"):
        again(loan)
    assert cancel_loan(loan_id=loan.pk, reason="it never arrives", actor=CLERK, now=NOW).status == LoanStatus.CANCELLED


def test_a_payout_is_not_taken_back_long_after_it_was_sent() -> None:
    loan = lent()
    open_day(on=OPENED + RETURNED_WITHIN, actor=SYSTEM, now=NOW)
    assert get_return_refusal(loan) is None
    open_day(on=OPENED + RETURNED_WITHIN + timedelta(days=1), actor=SYSTEM, now=NOW)
    assert get_return_refusal(loan) is ReturnRefusal.TOO_LATE


def test_a_loan_that_was_late_is_not_made_new() -> None:
    """Red if a payout taken back hid how late the loan has been: it would start again at 0 days past due."""
    loan = lent(terms=EVERY_FIVE_DAYS)
    roll(OPENED + timedelta(days=8))
    payout = Transfer.objects.get(loan=loan, kind="PAYOUT")
    with pytest.raises(PayoutNotReturned) as refused:
        return_payout(transfer_id=payout.pk, on=OPENED + timedelta(days=8), reason="came back", actor=SYSTEM, now=NOW)
    assert refused.value.reason is ReturnRefusal.HAS_BEEN_LATE
    assert proven()
