"""Transfers: what has to be sent, what waits for an answer."""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from itertools import zip_longest
from operator import attrgetter

from django.db.models import Exists, OuterRef, Q

from config.office.actors import ActorKind
from config.office.business_date import get_business_date
from lending.domain.books.day_close import ids_of_part
from lending.domain.books.loan import LoanStatus
from lending.domain.books.transfer import (
    AWAITED_TRANSFERS,
    OPEN_TRANSFERS,
    SILENCES,
    PayoutHold,
    PayoutRetryRefusal,
    ReturnRefusal,
    TransferKind,
    TransferState,
    WordRefusal,
    judge_payout,
    judge_payout_retry,
    judge_return,
    judge_word,
)
from lending.domain.contract.terms import parse_terms
from lending.domain.origination.calendars import knows_dues
from lending.domain.origination.line import LineState
from lending.models import DayClose, Loan, Transfer
from lending.models.transfer import SENDABLE
from lending.queries.closes import booked_to, books_are_broken, latest_close
from lending.queries.gateways import get_gateways
from lending.queries.loans import standing_of
from lending.queries.products import product_of
from merchants.domain.payout_account import PayoutAccountState, is_named
from merchants.queries.payout_accounts import verified_account_of, verifiers_of

AT_ONCE = 500


def transfers_to_send(*, gateway: str, now: datetime) -> list[Transfer]:
    """List in turns the transfers never sent through a gateway and those to be asked for again, each in order of time.

    In turns, so that none of them waits for all others.
    """
    waiting = Transfer.objects.sendable(now).filter(gateway=gateway).order_by("next_attempt_at", "pk")
    never_sent = waiting.filter(state=TransferState.DUE)
    turns = zip_longest(
        never_sent.filter(kind=TransferKind.PAYOUT)[:AT_ONCE],
        never_sent.filter(kind=TransferKind.COLLECTION)[:AT_ONCE],
        waiting.exclude(state=TransferState.DUE)[:AT_ONCE],
    )
    return [transfer for turn in turns for transfer in turn if transfer is not None]


def is_gateway_down(gateway: str) -> bool:
    """Check whether none of the last orders had an answer; those under way do not count."""
    sent = Transfer.objects.filter(gateway=gateway, sent_at__isnull=False).exclude(state=TransferState.SENT)
    states = list(sent.order_by("-sent_at").values_list("state", flat=True)[:SILENCES])
    return states == [TransferState.UNKNOWN] * SILENCES


def get_payout_hold(loan: Loan) -> PayoutHold | None:
    """Decide whether the loan's money may be sent now, through a gateway that takes orders."""
    return _hold(loan, today=get_business_date(), books_broken=books_are_broken(), has_gateway=True, is_silent=False)


def payout_holds(transfers: Iterable[Transfer]) -> dict[int, PayoutHold]:
    """Return what holds back the payouts never sent among some transfers, by id."""
    waiting = [one for one in transfers if one.state == TransferState.DUE and one.kind == TransferKind.PAYOUT]
    if not waiting:
        return {}
    loans = Loan.objects.select_related("merchant", "payout_account", "application", "product")
    found = loans.in_bulk([transfer.loan_id for transfer in waiting])
    gateways, today, broken = get_gateways(), get_business_date(), books_are_broken()
    silent = {name for name in {one.gateway for one in waiting} if is_gateway_down(name)}
    holds = {
        transfer.pk: _hold(
            found[transfer.loan_id],
            today=today,
            books_broken=broken,
            has_gateway=transfer.gateway in gateways,
            is_silent=transfer.gateway in silent,
        )
        for transfer in waiting
    }
    return {pk: hold for pk, hold in holds.items() if hold is not None}


def _hold(
    loan: Loan, *, today: date | None, books_broken: bool, has_gateway: bool, is_silent: bool
) -> PayoutHold | None:
    rules = product_of(loan.product).origination
    return judge_payout(
        today=today,
        status=LoanStatus(loan.status),
        account_verified=is_account_verified(loan),
        holder_matches=is_holder_the_merchant(loan),
        account_changed_on=_account_changed_on(loan),
        account_wait_days=rules.account_wait_days,
        applied_on=applied_on(loan),
        cooling_off_days=rules.cooling_off_days,
        dues_known=today is None or "calendar" not in loan.terms or knows_dues(parse_terms(loan.terms), on=today),
        books_broken=books_broken,
        has_gateway=has_gateway,
        gateway_silent=is_silent,
    )


def get_word_refusal(order: Transfer | None, *, on: date | None = None, reason: str) -> WordRefusal | None:
    """Decide whether a person may say what became of an order, on a day; None: on any that may be."""
    if order is None:
        return WordRefusal.NOT_PENDING
    today = get_business_date()
    return judge_word(
        state=TransferState(order.state), on=on or today or order.on, ordered_on=order.on, today=today, reason=reason
    )


def is_account_verified(loan: Loan) -> bool:
    """Check whether money can be sent to the loan's account, which an imported loan may lack."""
    return loan.payout_account is not None and loan.payout_account.state == PayoutAccountState.VERIFIED


def is_holder_the_merchant(loan: Loan) -> bool:
    """Check whether the loan's account is in the name that its merchant has now."""
    return loan.payout_account is None or is_named(loan.payout_account.holder, loan.merchant.name)


def may_be_paid_to(loan: Loan) -> bool:
    """Check whether money that was claimed for the loan's account may still go there."""
    return is_account_verified(loan) and is_holder_the_merchant(loan)


def _account_changed_on(loan: Loan) -> date | None:
    account = loan.payout_account
    if account is None or account.follows_id is None or account.verified_at is None:
        return None
    return account.verified_at.date()


def applied_on(loan: Loan) -> date:
    """Return the day on which the merchant applied for a loan; of an imported one, the day on which it was approved."""
    return loan.approved_at.date() if loan.application is None else loan.application.applied_on


def get_retry_refusal(loan: Loan, *, reason: str, by: Iterable[str] = ()) -> PayoutRetryRefusal | None:
    """Decide whether a loan may be paid out again: not while a payout waits or is under way.

    by: the staff who have to do with it, beside whoever applied.
    """
    under_way = bool(_transfers(loan, TransferKind.PAYOUT, OPEN_TRANSFERS))
    line_is_active = loan.line is None or LineState(loan.line.state) is LineState.ACTIVE
    people = {*by, *(() if loan.application is None else (loan.application.entered_by,))}
    verifiers = verifiers_of(verified_account_of(merchant_id=loan.merchant_id))
    return judge_payout_retry(
        status=LoanStatus(loan.status),
        under_way=under_way,
        reason=reason,
        line_is_active=line_is_active,
        came_back=payouts_back(loan),
        by_verifier=any(actor.startswith(f"{ActorKind.STAFF}:") for actor in people & verifiers),
    )


def payouts_back(loan: Loan) -> int:
    """Count the payouts of a loan whose money came back."""
    return len(_transfers(loan, TransferKind.PAYOUT, {TransferState.RETURNED}))


def get_cancel_refusal(loan: Loan, *, reason: str) -> PayoutRetryRefusal | None:
    """Decide whether a loan may be cancelled: not once its money may have left."""
    under_way = bool(_transfers(loan, TransferKind.PAYOUT, AWAITED_TRANSFERS))
    return judge_payout_retry(status=LoanStatus(loan.status), under_way=under_way, reason=reason)


def last_payout(loan: Loan) -> Transfer | None:
    """Get the payout that disbursed the loan, unless it came back."""
    return max(_transfers(loan, TransferKind.PAYOUT, {TransferState.DONE}), key=attrgetter("pk"), default=None)


def pending_order(loan: Loan) -> Transfer | None:
    """Get the order of a loan that a bank or a platform has and has said nothing of: its payout before a collection."""
    kinds = (TransferKind.PAYOUT, TransferKind.COLLECTION)
    return next((one for kind in kinds for one in _transfers(loan, kind, {TransferState.PENDING})), None)


def _transfers(loan: Loan, kind: TransferKind, states: Collection[TransferState]) -> list[Transfer]:
    """List a loan's transfers of a kind that are in some state; out of memory where the loan's were read before."""
    return [one for one in loan.transfers.all() if one.kind == kind and one.state in states]


def get_return_refusal(
    loan: Loan,
    *,
    payout: Transfer | None = None,
    on: date | None = None,
    reason: str = "to be given",
    seen: int | None = None,
    by_bank: bool = False,
) -> ReturnRefusal | None:
    """Decide whether a payout may be taken back as of a date; by default the last one that stands, as of today."""
    payout, today = payout or last_payout(loan), get_business_date()
    if payout is None:
        return ReturnRefusal.NOT_PAID_OUT
    return judge_return(
        kind=TransferKind(payout.kind),
        state=TransferState(payout.state),
        collecting=bool(_transfers(loan, TransferKind.COLLECTION, AWAITED_TRANSFERS)),
        today=today,
        on=on or today or payout.on,
        sent_on=payout.on,
        worst_dpd=standing_of(loan, on=booked_to(loan, latest_close())).worst_dpd,
        reason=reason,
        seen=seen,
        events=None if seen is None else loan.events.count(),
        by_bank=by_bank,
    )


def loans_due(*, close_id: int, part: int) -> list[int]:
    """List the loans of a close's part on which something may be due on its day; the claim decides exactly.

    Also those whose last collection has an unknown outcome, whether or not they owe anything since: last, as their
    bank may be silent again. What a bank has waits for its report, and keeps the loan's later dues waiting.
    """
    close = DayClose.objects.get(pk=close_id)
    owing = Loan.objects.active().owing(close.day).values("pk")
    unsettled = Exists(Transfer.objects.filter(kind=TransferKind.COLLECTION, state__in=SENDABLE, loan=OuterRef("pk")))
    ids = ids_of_part(part, parts=close.parts, last=close.last_loan)
    loans = Loan.objects.within(ids).annotate(is_unsettled=unsettled)
    asked = loans.filter(Q(pk__in=owing) | Q(is_unsettled=True)).order_by("is_unsettled", "pk")
    return list(asked.values_list("pk", flat=True))
