"""How merchants repay, as of the end of a day: what lending reports to scoring."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db.models import Exists, F, OuterRef, Q, Sum

from config.kernel.calendar import day_number
from lending.domain.books.booking import BACK_DATED_AT_MOST
from lending.domain.books.loan import LoanStatus
from lending.domain.contract.state import read_state
from lending.models import Instalment, Loan, LoanEvent
from lending.queries.loans import contracts_of
from scoring.domain.behaviour import Behaviour

MERCHANTS_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    closed: bool
    principal_minor: int
    dpd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEnd:
    """How merchants stood at the end of a day, in their order, and which loans were later than ever before.

    later_than_ever: their days past due, by loan.
    """

    behaviours: list[Behaviour]
    later_than_ever: dict[int, int]


def day_ends_of_part(*, day: date, part: int, parts: int) -> Iterator[DayEnd]:
    """Yield the merchants of a part of all loans, each over all its loans, some at a time.

    Includes loans closed as far back as a payment may be dated, and loans whose payout came back.
    """
    happened = Exists(LoanEvent.objects.filter(loan=OuterRef("pk")))
    loans = Loan.objects.of_part(part, parts).exclude(closed_on__lt=day - BACK_DATED_AT_MOST).filter(happened)
    merchants = sorted(set(loans.values_list("merchant_id", flat=True)))
    for start in range(0, len(merchants), MERCHANTS_AT_ONCE):
        yield day_end(merchants=merchants[start : start + MERCHANTS_AT_ONCE], day=day)


def day_end(*, merchants: Sequence[int], day: date) -> DayEnd:
    """Return how merchants stood with their loans at the end of a day, from what is booked by now, in their order.

    Whether the close of the day has reached a loan, or a later payment has, makes no difference.
    """
    drawn = Q(status__in=[LoanStatus.ACTIVE, LoanStatus.CLOSED], disbursed_on__lte=day)
    loans = list(Loan.objects.filter(drawn, merchant__in=merchants).defer("terms"))
    ends = _ends(loans, day=day)
    dues = _dues([loan.pk for loan in loans], day=day)
    found, later_than_ever = {merchant: defaultdict[str, int](int) for merchant in merchants}, dict[int, int]()
    for loan in loans:
        end = ends.get(loan.pk)
        if end is None:  # its payout came back meanwhile
            continue
        sums = found[loan.merchant_id]
        sums["dpd"] = max(sums["dpd"], end.dpd)
        if end.dpd > loan.worst_dpd:
            later_than_ever[loan.pk] = end.dpd
        if end.closed:
            sums["loans_repaid"] += 1
        else:
            sums["scheduled_minor"] += dues.get(loan.pk, 0)
            sums["repaid_minor"] += loan.disbursed_minor - end.principal_minor
    behaviours = [Behaviour(merchant_id=merchant, **sums) for merchant, sums in found.items()]
    return DayEnd(behaviours=behaviours, later_than_ever=later_than_ever)


def _ends(loans: Sequence[Loan], *, day: date) -> dict[int, _End]:
    """Read how loans stood at the end of a day from their rows, where these are as of then; replay the others."""
    night = day + timedelta(days=1)
    later = set(
        LoanEvent.objects.filter(loan__in=[loan.pk for loan in loans], on__gt=day).values_list("loan_id", flat=True)
    )
    ends = {}
    for loan in loans:
        closed = loan.status == LoanStatus.CLOSED
        if loan.pk not in later and (closed or loan.booked_to == night):
            ends[loan.pk] = _End(closed=closed, principal_minor=loan.principal_minor, dpd=loan.dpd)
    others = Loan.objects.filter(pk__in=[loan.pk for loan in loans if loan.pk not in ends])
    for pk, contract in contracts_of(list(others)).items():
        # After the events of the day, with its interest, before any event of the next.
        account = contract.replayed().account(day)
        if account is None:
            continue
        account.turn_to(day_number(night))
        state = read_state(account)
        ends[pk] = _End(closed=state.closed, principal_minor=state.principal_minor, dpd=state.dpd)
    return ends


def _dues(loans: Sequence[int], *, day: date) -> dict[int, int]:
    """Sum by loan the principal that was scheduled to a day."""
    open_then = Q(loan__closed_on__isnull=True) | Q(due__lte=F("loan__closed_on"))
    rows = Instalment.objects.filter(open_then, loan__in=loans, due__lte=day).values_list("loan_id")
    return dict(rows.annotate(scheduled=Sum("principal_minor")).order_by())
