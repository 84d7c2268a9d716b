"""Match the lines of a bank's statements with orders, and say in which account each line has its other side."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from itertools import chain
from types import MappingProxyType
from typing import Final
from uuid import UUID

from config.kernel.money import Money
from config.kernel.refusals import first_of
from lending.domain.books.bank_messages import AnswerFacts, LineFacts, goes_out
from lending.domain.books.ledger import Account, Movement
from lending.domain.books.transfer import TransferKind, TransferState

IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{10,30}$")
MATCHED_WITHIN: Final = timedelta(days=5)
"""Judgement: a line without a reference is matched by amount and account with an order of so many days before."""


class LineReason(StrEnum):
    """Why a line is in suspense.

    NO_REFERENCE: the bank names no order, and amount and account fit none, or several. NO_ORDER: it names one that is
    not ours. OTHER_ACCOUNT: it names an order, and another IBAN than that has: the file may have been altered.
    AMOUNT_DIFFERS: another amount than was ordered. NOT_MOVED: of an order that moved nothing. REPEATED:
    another line has the same. BATCH_DIFFERS: the orders of the file add up to another amount. MISSING: the statement's
    balances moved by it, without a line.
    """

    NO_REFERENCE = "NO_REFERENCE"
    NO_ORDER = "NO_ORDER"
    OTHER_ACCOUNT = "OTHER_ACCOUNT"
    AMOUNT_DIFFERS = "AMOUNT_DIFFERS"
    NOT_MOVED = "NOT_MOVED"
    REPEATED = "REPEATED"
    BATCH_DIFFERS = "BATCH_DIFFERS"
    MISSING = "MISSING"


class Resolution(StrEnum):
    """What a line in suspense turns out to be.

    ORDER: a payout or collection of ours. ORDER_LESS_CHARGE: the same, with what the bank took for it. REPAYMENT: of a
    loan, which is booked by it. BOOKED: a repayment or refund that is booked on its loan already. PLATFORM: what a
    platform collected, and pays over. CHARGE: the bank's fee or interest. FUNDING: the lender's own money, put in or
    taken out.
    """

    ORDER = "ORDER"
    ORDER_LESS_CHARGE = "ORDER_LESS_CHARGE"
    REPAYMENT = "REPAYMENT"
    BOOKED = "BOOKED"
    PLATFORM = "PLATFORM"
    CHARGE = "CHARGE"
    FUNDING = "FUNDING"


class ResolutionRefusal(StrEnum):
    """Why a line is not resolved; the first that applies counts."""

    NOT_IN_SUSPENSE = "NOT_IN_SUSPENSE"
    ORDER_UNKNOWN = "ORDER_UNKNOWN"
    ORDER_NOT_MOVED = "ORDER_NOT_MOVED"
    ORDER_HAS_LINE = "ORDER_HAS_LINE"
    NO_CHARGE = "NO_CHARGE"
    AMOUNT_DIFFERS = "AMOUNT_DIFFERS"
    LOAN_UNKNOWN = "LOAN_UNKNOWN"
    NOT_A_CREDIT = "NOT_A_CREDIT"
    REASON_MISSING = "REASON_MISSING"


class ReopeningRefusal(StrEnum):
    """Why a line is not put back in suspense; the first that applies counts."""

    NOT_RESOLVED = "NOT_RESOLVED"
    ON_A_LOAN = "ON_A_LOAN"
    REASON_MISSING = "REASON_MISSING"


CONTRA: Final[Mapping[TransferKind, Account]] = MappingProxyType(
    {TransferKind.PAYOUT: Account.PAYOUT_CLEARING, TransferKind.COLLECTION: Account.COLLECTION_CLEARING}
)
"""Where the other side of an order's line is, there and back."""
CHARGE_AT_MOST: Final = 2
"""Judgement: what a bank takes for an order is no more than this part of it, a half."""
OF_AN_ORDER: Final = frozenset({Resolution.ORDER, Resolution.ORDER_LESS_CHARGE})
LOOKED_AT_AGAIN: Final = frozenset({LineReason.NOT_MOVED, LineReason.BATCH_DIFFERS})
"""Reasons that pass once the bank says what became of the orders."""
AGAIN_WITHIN: Final = timedelta(days=30)
"""Judgement: a bank that has not said by then what became of an order will not; a person says what the line is."""
_RESOLVED_TO: Final[Mapping[Resolution, Account]] = MappingProxyType(
    {
        Resolution.REPAYMENT: Account.COLLECTION_CLEARING,
        Resolution.PLATFORM: Account.COLLECTION_CLEARING,
        Resolution.CHARGE: Account.BANK_CHARGES,
        Resolution.FUNDING: Account.FUNDING,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """An order at a bank, as its statement lines see it. lines: whether there is one of what went out, and back."""

    id: int
    key: UUID
    kind: TransferKind
    state: TransferState
    on: date
    amount_minor: int
    moved_minor: int
    number: str
    has_out: bool
    has_back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A line's amount with where its other side is: of an order, or in suspense for a reason.

    back: the order's money came back by it. A line is split into as many matches as a batch has orders.
    """

    amount_minor: int
    contra: Account
    order_id: int | None = None
    back: bool = False
    reason: LineReason | None = None


def match_lines(
    lines: Sequence[LineFacts],
    *,
    by_key: Mapping[UUID, OrderFacts],
    by_batch: Mapping[str, Sequence[OrderFacts]],
    by_number: Mapping[str, Sequence[OrderFacts]],
) -> list[list[Match]]:
    """Match the lines of one statement: an order has one line of what went out, one of what came back.

    Those that name an order come before the others, each in the order of the statement.
    by_key: orders that lines name. by_batch: those of a file. by_number: those of an account that no other statement
    shows.
    """
    known = chain(by_key.values(), *by_batch.values(), *by_number.values())
    taken = {(order.id, back) for order in known for back in _had(order)}
    places = sorted(range(len(lines)), key=lambda place: lines[place].key is None)
    found = {
        place: _match(lines[place], taken, by_key=by_key, by_batch=by_batch, by_number=by_number) for place in places
    }
    return [found[place] for place in range(len(lines))]


def _match(
    line: LineFacts,
    taken: set[tuple[int, bool]],
    *,
    by_key: Mapping[UUID, OrderFacts],
    by_batch: Mapping[str, Sequence[OrderFacts]],
    by_number: Mapping[str, Sequence[OrderFacts]],
) -> list[Match]:
    if line.key is not None:
        order = by_key.get(line.key)
        return [_suspended(line, LineReason.NO_ORDER) if order is None else _match_order(line, order, taken)]
    if line.batch:
        return _match_batch(line, by_batch.get(line.batch, ()), taken)
    fits = [
        order
        for order in by_number.get(line.number, ())
        if line.number
        and _fault(line.amount_minor, order, taken, number=line.number) is None
        and timedelta() <= line.booked_on - order.on <= MATCHED_WITHIN
    ]
    return [_match_order(line, fits[0], taken) if len(fits) == 1 else _suspended(line, LineReason.NO_REFERENCE)]


def spread(answer: AnswerFacts, batches: Mapping[str, Sequence[OrderFacts]]) -> list[AnswerFacts]:
    """Return an answer about a whole file as one about each of its orders; any other as it is.

    An amount that is not the sum of those orders says nothing of them: the statement's line waits in suspense.
    """
    if answer.key is not None or not answer.batch:
        return [answer]
    orders = [one for one in batches.get(answer.batch, ()) if one.state is not TransferState.FAILED]
    if not orders and answer.amount is None:
        return [answer]
    if answer.amount is None:
        return [replace(answer, key=one.key) for one in orders]
    if sum(one.amount_minor for one in orders) != abs(answer.amount.minor):
        return []
    sign = -1 if answer.amount.minor < 0 else 1
    return [
        replace(answer, key=one.key, amount=Money(sign * one.amount_minor, answer.amount.currency)) for one in orders
    ]


def _match_order(line: LineFacts, order: OrderFacts, taken: set[tuple[int, bool]]) -> Match:
    fault = _fault(line.amount_minor, order, taken, number=line.number)
    return _suspended(line, fault) if fault is not None else _matched(order, line.amount_minor, taken)


def _match_batch(line: LineFacts, orders: Sequence[OrderFacts], taken: set[tuple[int, bool]]) -> list[Match]:
    """Split an amount that a bank booked for a file into its orders, less those that it rejected."""
    if not orders:
        return [_suspended(line, LineReason.NO_ORDER)]
    sign = -1 if line.amount_minor < 0 else 1
    faults = [_fault(sign * _due(one), one, taken) for one in orders]
    moved = [one for one, fault in zip(orders, faults, strict=True) if fault is None]
    if sum(map(_due, moved)) != abs(line.amount_minor):
        is_repeated = not moved and LineReason.REPEATED in faults
        return [_suspended(line, LineReason.REPEATED if is_repeated else LineReason.BATCH_DIFFERS)]
    return [_matched(one, sign * _due(one), taken) for one in moved]


def _fault(
    amount_minor: int, order: OrderFacts, taken: Collection[tuple[int, bool]], *, number: str = ""
) -> LineReason | None:
    back = not goes_out(order.kind, amount_minor)
    return first_of(
        {
            LineReason.NOT_MOVED: not _has_moved(order, back=back),
            LineReason.OTHER_ACCOUNT: bool(IBAN.match(number) and IBAN.match(order.number)) and number != order.number,
            LineReason.AMOUNT_DIFFERS: abs(amount_minor) != _due(order),
            LineReason.REPEATED: (order.id, back) in taken,
        }
    )


def _matched(order: OrderFacts, amount_minor: int, taken: set[tuple[int, bool]]) -> Match:
    back = not goes_out(order.kind, amount_minor)
    taken.add((order.id, back))
    return Match(amount_minor=amount_minor, contra=CONTRA[order.kind], order_id=order.id, back=back)


def _suspended(line: LineFacts, reason: LineReason) -> Match:
    return Match(amount_minor=line.amount_minor, contra=Account.SUSPENSE, reason=reason)


def _has_moved(order: OrderFacts, *, back: bool) -> bool:
    """Whether an order's money is known to have gone, or to have come back."""
    return order.state is TransferState.RETURNED or (order.state is TransferState.DONE and not back)


def _due(order: OrderFacts) -> int:
    return order.moved_minor or order.amount_minor


def _had(order: OrderFacts) -> list[bool]:
    return [back for back, has in ((False, order.has_out), (True, order.has_back)) if has]


def explained_movements(shares: Mapping[Account, int]) -> tuple[Movement, ...]:
    """Return the postings of lines whose amounts are at the bank already, and in suspense as missing."""
    return tuple(
        resolved_movement(minor, contra)
        for contra, minor in sorted(shares.items())
        if minor and contra is not Account.SUSPENSE
    )


def bank_movements(shares: Mapping[Account, int]) -> tuple[Movement, ...]:
    """Return the postings of lines by where their other side is: the bank is debited with what came in."""
    return tuple(
        Movement(Account.BANK, contra, minor) if minor > 0 else Movement(contra, Account.BANK, -minor)
        for contra, minor in sorted(shares.items())
        if minor
    )


def bank_balances(lines: Mapping[str, int], *, closed_minor: int) -> dict[Account, int]:
    """Return what statements make of the accounts of a currency, debits positive: what the proof holds them against.

    lines: the sums of booked lines by where their other side is. closed_minor: what all accounts at banks closed with.
    """
    return {Account.BANK: closed_minor, **{Account(contra): -int(minor) for contra, minor in lines.items()}}


def resolve(resolution: Resolution, amount_minor: int, order: OrderFacts | None) -> list[Match]:
    """Return what a line in suspense is split into. What is booked already was paid in, or refunded.

    order: that of an order's line, which `judge_resolution` allows.
    """
    if order is None:
        booked = Account.PAYOUT_CLEARING if amount_minor < 0 else Account.COLLECTION_CLEARING
        return [Match(amount_minor=amount_minor, contra=_RESOLVED_TO.get(resolution, booked))]
    charge = _charge(amount_minor, order) if resolution is Resolution.ORDER_LESS_CHARGE else 0
    found = [_matched(order, amount_minor + charge, set())]
    return [*found, Match(amount_minor=-charge, contra=Account.BANK_CHARGES)] if charge else found


def _charge(amount_minor: int, order: OrderFacts) -> int:
    """Return by how much a line is below what its order moved: what its bank took."""
    return (-_due(order) if amount_minor < 0 else _due(order)) - amount_minor


def resolved_movement(amount_minor: int, contra: Account) -> Movement:
    """Return the posting that moves a line's other side out of suspense."""
    if amount_minor > 0:
        return Movement(Account.SUSPENSE, contra, amount_minor)
    return Movement(contra, Account.SUSPENSE, -amount_minor)


def reopened_movement(amount_minor: int, contra: Account) -> Movement:
    """Return the posting that moves a line's other side back into suspense."""
    return resolved_movement(-amount_minor, contra)


def judge_resolution(
    resolution: Resolution,
    *,
    amount_minor: int,
    in_suspense: bool,
    order: OrderFacts | None,
    has_loan: bool,
    reason: str,
) -> ResolutionRefusal | None:
    """Decide whether a line in suspense is what a person says it is. order: where it is said to be one of ours."""
    back = order is not None and not goes_out(order.kind, amount_minor)
    return first_of(
        {
            ResolutionRefusal.NOT_IN_SUSPENSE: not in_suspense,
            ResolutionRefusal.ORDER_UNKNOWN: resolution in OF_AN_ORDER and order is None,
            ResolutionRefusal.ORDER_NOT_MOVED: order is not None and not _has_moved(order, back=back),
            ResolutionRefusal.ORDER_HAS_LINE: order is not None and (order.has_back if back else order.has_out),
            ResolutionRefusal.NO_CHARGE: order is not None
            and resolution is Resolution.ORDER_LESS_CHARGE
            and not 0 < CHARGE_AT_MOST * _charge(amount_minor, order) <= _due(order),
            ResolutionRefusal.AMOUNT_DIFFERS: order is not None
            and resolution is Resolution.ORDER
            and abs(amount_minor) != _due(order),
            ResolutionRefusal.LOAN_UNKNOWN: resolution is Resolution.REPAYMENT and not has_loan,
            ResolutionRefusal.NOT_A_CREDIT: resolution in {Resolution.REPAYMENT, Resolution.PLATFORM}
            and amount_minor < 0,
            ResolutionRefusal.REASON_MISSING: not reason.strip(),
        }
    )


def judge_reopening(resolution: Resolution | None, *, reason: str) -> ReopeningRefusal | None:
    """Decide whether a line is put back in suspense. resolution: what a person said it is, if one did.

    What is booked on a loan is reversed there: its money stays paid in, for whatever loan it belongs to.
    """
    return first_of(
        {
            ReopeningRefusal.NOT_RESOLVED: resolution is None,
            ReopeningRefusal.ON_A_LOAN: resolution is Resolution.REPAYMENT,
            ReopeningRefusal.REASON_MISSING: not reason.strip(),
        }
    )
