import pytest

from lending.domain.application import ApplicationState
from lending.domain.decision import Outcome
from lending.domain.loan import LoanStatus
from lending.domain.offer import OfferState
from lending.models import Application, Decision, Loan, Offer, Transfer
from lending.queries.applications import replay_decision
from tests.conftest import Enqueued
from tests.lending.market import accept, make_round, publish, sell, verify_accounts

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_accepted_offer_becomes_a_loan_whose_money_is_sent_for(enqueued: Enqueued) -> None:
    publish()
    sell()
    verify_accounts()
    make_round()
    offer = Offer.objects.order_by("-limit_minor")[0]
    enqueued()
    application = accept(offer)
    assert application.state == ApplicationState.APPROVED
    loan = Loan.objects.get(application=application)
    assert (loan.status, loan.amount_minor) == (LoanStatus.APPROVED, application.amount_minor)
    transfer = Transfer.objects.get(loan=loan)
    assert ("lending.pay_out", {"transfer_id": transfer.pk}) in enqueued()
    offer.refresh_from_db()
    assert offer.state == OfferState.ACCEPTED
    decision = Decision.objects.get(application=application)
    assert decision.outcome == Outcome.APPROVE
    assert replay_decision(decision).equal
    assert Application.objects.count() == 1
