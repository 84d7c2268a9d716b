"""Send a loan's money again, after its payout failed or came back: decided afresh, and by two people."""

from dataclasses import replace
from datetime import datetime

from config.db.transactions import operation
from config.kernel.money import Money
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.approvals import Act, Approval, require_approval
from config.office.business_date import get_business_date
from config.office.events import record_event
from lending.domain.books.transfer import PayoutRetryRefusal, TransferKind
from lending.domain.origination.rules import Ground, Outcome, current_rules
from lending.models import Loan, Transfer
from lending.operations.approvals import judge, lock_exposure, rescore
from lending.operations.payouts import make_payout
from lending.operations.transfers import lock_loan
from lending.queries.applications import get_application
from lending.queries.line_usage import facts_of_line
from lending.queries.loans import get_loan
from lending.queries.products import product_of
from lending.queries.transfers import get_retry_refusal
from merchants.queries.payout_accounts import verified_account_of
from scoring.domain.calibration import Grade
from scoring.models import Score


class PayoutNotRepeated(Refused[PayoutRetryRefusal | Ground]):
    """The loan is not paid out again: something is in the way, or it would be declined today."""


def repeat_act(loan: Loan, *, reason: str) -> Act:
    """Return what a second person has to approve before money leaves again: to this account, after so many payouts."""
    account = verified_account_of(merchant_id=loan.merchant_id)
    arguments = {
        "account": None if account is None else account.pk,
        "payouts": loan.transfers.filter(kind=TransferKind.PAYOUT).count(),
        "reason": reason,
    }
    return Act(operation="lending.pay_out_again", subject=loan, arguments=arguments)


def pay_out_again(
    *, loan_id: int, reason: str, actor: Actor, now: datetime, approval: Approval | None = None
) -> Transfer:
    """Pay out a loan again, to its merchant's verified account, if it would not be declined today.

    The merchant is scored afresh and judged as if it applied for the same now, without this loan.
    Raises PayoutNotRepeated, MerchantNotScored, NotApproved, Contended, Loan.DoesNotExist.
    """
    unlocked = get_loan(loan_id=loan_id)
    refusal = get_retry_refusal(unlocked, reason=reason)
    if refusal is not None:
        raise PayoutNotRepeated(refusal)
    score = rescore(unlocked.merchant_id, actor=actor, now=now)
    with operation():
        lock_exposure(unlocked.merchant, product_of(unlocked.product))
        loan = lock_loan(loan_id)
        by = [str(actor)] if approval is None else [str(actor), str(approval.by)]
        ground = get_retry_refusal(loan, reason=reason, by=by) or _judge_again(loan, score)
        if ground is not None:
            raise PayoutNotRepeated(ground)
        require_approval(repeat_act(loan, reason=reason), approval, actor=actor, now=now)
        verified = verified_account_of(merchant_id=loan.merchant_id)
        if verified is not None:  # perhaps another than before; without one the payout is held
            Loan.objects.filter(pk=loan.pk).update(payout_account=verified)
        transfer = make_payout(loan, now=now)
        record_event(
            name="lending.pay_out_again",
            subject=loan,
            actor=actor,
            before={"status": loan.status},
            after={"transfer": transfer.pk, "score": score.pk, "reason": reason.strip()},
            now=now,
            amount=Money(transfer.amount_minor, loan.currency),
        )
        return transfer


def _judge_again(loan: Loan, score: Score) -> Ground | None:
    """Return why the loan would be declined today; None if it would be approved, or left to a person as this is."""
    if loan.application is None:
        return Ground.NOT_ELIGIBLE  # taken over with its book: its money left elsewhere
    application = get_application(application_id=loan.application.pk)
    line = None if application.line is None else facts_of_line(application.line)
    _facts, verdict = judge(
        score,
        product_of(application.product),
        current_rules(),
        on=get_business_date() or application.applied_on,
        amount_minor=loan.amount_minor,
        months=application.months,
        offered=Grade(application.offer.grade),
        line=None if line is None else replace(line, used_minor=line.used_minor - loan.amount_minor),
        without=loan.pk,
    )
    return verdict.ground if verdict.outcome is Outcome.DECLINE else None
