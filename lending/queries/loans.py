"""Loans: their terms, events and position, as the contract engine takes them."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from django.db import connection
from django.db.models import QuerySet

from config.db.rows import select
from config.kernel.daycount import DayCount
from config.kernel.documents import load
from lending.domain.books.at_rest import RestingLoan, Standing
from lending.domain.books.ledger import POSITION_FIELDS, Position
from lending.domain.books.loan import LoanStatus, Share
from lending.domain.books.plan import LoanHistory
from lending.domain.books.projection import AccrualCarry, Projection, project
from lending.domain.contract.effective_events import PAYMENTS
from lending.domain.contract.events import REVERSIBLE, EventType, LoanEvent
from lending.domain.contract.replay import last_rate
from lending.domain.contract.terms import Terms, parse_terms
from lending.models import Application, Loan, ProductVersion
from lending.models import LoanEvent as EventRow
from merchants.models import Merchant, Partner, PayoutAccount

LOAN: Final = """
SELECT {l}, {m}, {p}, {v}, {a}, {o} FROM lending_loan l
JOIN merchants_merchant m ON m.id = l.merchant_id JOIN merchants_partner p ON p.id = m.partner_id
JOIN lending_productversion v ON v.id = l.product_id LEFT JOIN lending_application a ON a.id = l.application_id
LEFT JOIN merchants_payoutaccount o ON o.id = l.payout_account_id
WHERE l.id = %(loan)s
"""
EVENTS: Final = """
SELECT e.loan_id, e.seq::text, e."on", e.type, e.amount_minor, e.rate,
    CASE WHEN e.of_id IS NOT NULL THEN (SELECT r.seq::text FROM lending_loanevent r WHERE r.id = e.of_id) END, e.periods
FROM lending_loanevent e WHERE e.loan_id = ANY(%s::bigint[]) ORDER BY e.loan_id, e.seq
"""
_READ_POSITION: Final = attrgetter(*POSITION_FIELDS)
EVENT_TYPES: Final = {kind.value: kind for kind in EventType}
LAST: Final = "SELECT loan_id, max(seq) FROM lending_loanevent WHERE loan_id = ANY(%s::bigint[]) GROUP BY loan_id"


def get_loan(*, loan_id: int) -> Loan:
    """Get a loan with the rows that its page names. Raises Loan.DoesNotExist."""
    for loan, merchant, partner, product, application, account in select(
        LOAN, {"loan": loan_id}, l=Loan, m=Merchant, p=Partner, v=ProductVersion, a=Application, o=PayoutAccount
    ):
        merchant.partner = partner
        loan.merchant, loan.product, loan.application, loan.payout_account = merchant, product, application, account
        return loan  # type: ignore[no-any-return]
    raise Loan.DoesNotExist


def get_loan_of_partner(*, partner_id: int, loan_id: int) -> Loan:
    """Get a loan to one of a partner's merchants. Raises Loan.DoesNotExist."""
    return Loan.objects.select_related("merchant").get(pk=loan_id, merchant__partner=partner_id)


def loans_of_partner(*, partner_id: int, merchant_id: int | None, after: int, limit: int) -> list[Loan]:
    """List the loans to a partner's merchants, or to one of them, in order of ids, after the given one."""
    loans = Loan.objects.filter(merchant__partner=partner_id, pk__gt=after)
    if merchant_id is not None:
        loans = loans.filter(merchant=merchant_id)
    return list(loans.select_related("merchant").order_by("pk")[:limit])


def contract_of(loan: Loan) -> LoanHistory:
    """Load a loan's terms and events; an event's id is its place in the order of booking."""
    return contracts_of([loan])[loan.pk]


def contracts_of(loans: Sequence[Loan]) -> dict[int, LoanHistory]:
    """Load the terms and events of many loans in one statement, by loan."""
    events = defaultdict[int, list[LoanEvent]](list)
    with connection.cursor() as cursor:
        cursor.execute(EVENTS, [[loan.pk for loan in loans]])
        for loan_id, seq, on, kind, amount_minor, rate, of, periods in cursor.fetchall():
            fields = (seq, on, EVENT_TYPES[kind], amount_minor, rate, of, periods, None, None)
            events[loan_id].append(LoanEvent._make(fields))
    return {loan.pk: LoanHistory(terms=parse_kept_terms(loan.terms), events=tuple(events[loan.pk])) for loan in loans}


def share_of(loan: Loan) -> Share:
    """Return what a loan adds to the sums that are kept."""
    return Share.of(position_of(loan), status=LoanStatus(loan.status), amount_minor=loan.amount_minor)


def next_event_id(loan: Loan) -> str:
    """Return the id of the loan's next event: its place in the order of booking."""
    return next_event_ids([loan.pk])[loan.pk]


def return_event(loan: Loan, *, on: date) -> LoanEvent:
    """Return the event that takes the loan's payout back; of several disbursements, all but the last are reversed."""
    disbursement = EventRow.objects.filter(loan=loan, type=EventType.DISBURSEMENT).latest("seq")
    return LoanEvent(id=next_event_id(loan), on=on, type=EventType.REVERSAL, of=str(disbursement.seq))


def next_event_ids(loans: Collection[int]) -> dict[int, str]:
    """Return the ids of the next events of loans, by loan."""
    with connection.cursor() as cursor:
        cursor.execute(LAST, [list(loans)])
        found = dict(cursor.fetchall())
    return {loan: str(found.get(loan, 0) + 1) for loan in loans}


def reversible_events(loan: Loan) -> QuerySet[EventRow]:
    """Return the events that may be reversed by hand, latest first: neither reversed nor a payout or reversal."""
    reversed_ones = EventRow.objects.filter(loan=loan, of__isnull=False).values("of")
    events = EventRow.objects.filter(loan=loan, type__in=REVERSIBLE)
    return events.exclude(pk__in=reversed_ones).select_related("loan").order_by("-seq")


def payments_of(loan: Loan) -> QuerySet[EventRow]:
    """Return the payments that stand, latest first."""
    return reversible_events(loan).filter(type__in=PAYMENTS)


def has_reversible(loan: Loan, kinds: Collection[EventType]) -> bool:
    """Tell whether an event of one of these types may be reversed; out of memory where the loan's page replayed it."""
    if loan.standing_types is not None:
        return not loan.standing_types.isdisjoint(kinds)
    return reversible_events(loan).filter(type__in=kinds).exists()


def write_offs_of(loan: Loan) -> QuerySet[EventRow]:
    """Return the write-offs that stand, latest first."""
    return reversible_events(loan).filter(type=EventType.WRITE_OFF)


def instalments_ahead(loan: Loan) -> int:
    """Count the instalments that fall due after the date the loan is booked to."""
    return 0 if loan.booked_to is None else loan.instalments.filter(due__gt=loan.booked_to).count()


def rate_of(loan: Loan) -> Decimal:
    """Return the yearly rate in force on the last known date."""
    contract = contract_of(loan)
    return last_rate(contract.terms, contract.replayed().standing)


def position_of(loan: Loan) -> Position:
    """Return the loan's position in the books."""
    return Position._make(_READ_POSITION(loan))


def get_collectable(loan: Loan, *, on: date) -> int:
    """Compute what an active loan owed on a date and still owes, in minor units.

    Whatever was booked since counts: behind the open day, what was paid on it is not collected again.
    """
    return 0 if loan.status != LoanStatus.ACTIVE else due_of(loan, contract_of(loan), on=on)


def due_of(loan: Loan, contract: LoanHistory, *, on: date) -> int:
    """Return what a loan that was paid out owed on a date and still owes, in minor units."""
    replayed = contract.replayed()
    dates = {on, on if loan.booked_to is None else max(on, loan.booked_to)}
    return min(project(replayed, as_of=day).due_minor for day in dates)


def resting_of(loan: Loan) -> RestingLoan | None:
    """Return the loan as its row has it; None for one that was never paid out, or whose payout came back."""
    if loan.booked_to is None:
        return None
    return RestingLoan(
        booked_to=loan.booked_to,
        position=position_of(loan),
        carry=carry_of(loan),
        due_minor=loan.due_minor,
        late_since=loan.late_since,
        worst_dpd=loan.worst_dpd,
        next_due=loan.next_due,
        turns_on=loan.turns_on,
        turn_fee_minor=loan.turn_fee_minor,
    )


def standing_of(loan: Loan, *, on: date | None) -> Standing:
    """Return how the loan stands on a date, or on the date it is booked to if that is later or none is given.

    What falls due or turns late in nights that are not closed is not counted: see `closed_to`.
    """
    resting = resting_of(loan)
    if resting is None:
        return Standing(as_of=None, position=position_of(loan), due_minor=0, dpd=0, worst_dpd=0)
    return resting.as_of(on or resting.booked_to)


def carry_of(loan: Loan) -> AccrualCarry:
    """Return what carries the loan to a later date without a replay."""
    return AccrualCarry(
        day_count=None if loan.day_count is None else DayCount(loan.day_count),
        place=loan.place,
        overdue_minor=loan.overdue_minor,
        rate_numerator=loan.rate_numerator,
        interest_numerator=int(loan.interest_numerator),
        penalty_numerator=int(loan.penalty_numerator),
        denominator=loan.denominator,
        extra=loan.extra,
        extra_scale=loan.extra_scale,
        fits_to=loan.fits_to,
    )


def projection_of(loan: Loan, *, as_of: date) -> Projection:
    """Replay a loan from its events as of a date."""
    return project(contract_of(loan).replayed(), as_of=as_of)


def parse_kept_terms(raw: Mapping[str, Any]) -> Terms:
    """Parse a loan's terms; what loans of a product have in common is parsed once."""
    common = {name: value for name, value in raw.items() if name != "principal_minor"}
    return _common_terms(json.dumps(common)).of_principal(raw["principal_minor"])


@lru_cache(maxsize=4_096)
def _common_terms(text: str) -> Terms:
    return parse_terms({**load(text), "principal_minor": 1})
