"""Judge a loan book at its cut-over date: each loan against its own figures, the whole against its control totals.

The cut-over date is the first day that this office keeps: the history is of the days before, and the balances are
those of its morning, with the interest of the night before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final

from config.kernel.documents import Unfit, date_of, integer_of, load, require_fields, unfit, written
from config.kernel.money import BadAmount, format_minor, is_currency, parse_minor
from config.kernel.refusals import first_of
from lending.domain.books.book_rows import (
    BALANCE_NAMES,
    BALANCES,
    RARE_BALANCES,
    Balances,
    BookHead,
    BookLoan,
    BookRefusal,
    NotTaken,
)
from lending.domain.books.ledger import Position
from lending.domain.books.plan import LoanHistory
from lending.domain.books.projection import project
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.refusal import LoanRefused
from lending.domain.contract.replay import Replayed
from lending.domain.contract.terms import Terms, parse_terms

AT_CUT_OVER: Final = "difference at the cut-over"
"""The reason of an event that books what our interest or penalty differs from the book's."""
LARGEST_SUM: Final = 10**18
TOLERATED: Final = {"open_interest": EventType.WAIVE_INTEREST, "open_penalty": EventType.WAIVE_PENALTY}
"""What may differ a little, and what is booked where ours is higher; where it is lower, a charge is."""


class CutOverRefusal(StrEnum):
    """Why no book can be taken over at a date now; the first that applies counts."""

    NO_BUSINESS_DATE = "NO_BUSINESS_DATE"
    IN_THE_FUTURE = "IN_THE_FUTURE"
    CLOSE_UNDER_WAY = "CLOSE_UNDER_WAY"
    NOT_CLOSED_UP_TO = "NOT_CLOSED_UP_TO"


def judge_cut_over(
    cut_over: date, *, today: date | None, next_day: date | None, close_under_way: bool
) -> CutOverRefusal | None:
    """Decide whether loans can be booked as of a date. next_day: the day that is closed next, if one is behind."""
    return first_of(
        {
            CutOverRefusal.NO_BUSINESS_DATE: today is None,
            CutOverRefusal.IN_THE_FUTURE: today is not None and cut_over > today,
            CutOverRefusal.CLOSE_UNDER_WAY: close_under_way,
            CutOverRefusal.NOT_CLOSED_UP_TO: next_day is not None and next_day < cut_over,
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An event at the cut-over date that makes our books agree with the loan book, and where the loan stands then."""

    event: LoanEvent
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver:
    """A loan that is taken over.

    opening: where its history leaves it at the cut-over. differences: what is booked on top. history: its terms, and
    its events with these; replayed: that history.
    """

    loan: BookLoan
    opening: Position
    differences: tuple[Difference, ...]
    history: LoanHistory
    replayed: Replayed


def judge_loan(loan: BookLoan, *, standard: Mapping[str, Any], cut_over: date, tolerance_minor: int) -> TakenOver:
    """Replay a loan of a book, and compare it with the schedule and the balances that the book has.

    standard: the terms that loans of its product have in common, as JSON scalars. tolerance_minor: by how much
    interest and penalty together may differ. Raises NotTaken.
    """
    _require_dates(loan, cut_over)
    history = LoanHistory(terms=_terms_of(loan.head, standard), events=loan.events)
    replayed = _replayed(history)
    paid_out = replayed.standing[0].on
    if paid_out != loan.head.disbursed_on:
        message = f"on {loan.head.disbursed_on} by its row, on {paid_out} by its events"
        raise NotTaken(BookRefusal.DISBURSED_OTHERWISE, message)
    _require_schedule(loan, replayed)
    opening = project(replayed, as_of=cut_over).position
    gaps = _gaps(loan.head, Balances.of(opening), tolerance_minor)
    differences = list[Difference]()
    for name, gap in gaps.items():
        event = LoanEvent(
            id=str(len(history.events) + 1),
            on=cut_over,
            type=TOLERATED[name] if gap > 0 else EventType.CHARGE,
            amount_minor=abs(gap),
        )
        history = replace(history, events=(*history.events, event))
        replayed = _replayed(history)
        differences.append(Difference(event=event, position=project(replayed, as_of=cut_over).position))
    dpd = project(replayed, as_of=cut_over).dpd
    if dpd != loan.head.days_past_due:
        raise NotTaken(BookRefusal.DAYS_PAST_DUE_DIFFER, f"ours {dpd}, the book's {loan.head.days_past_due}")
    return TakenOver(loan=loan, opening=opening, differences=tuple(differences), history=history, replayed=replayed)


def _require_dates(loan: BookLoan, cut_over: date) -> None:
    late = next((event for event in loan.events if event.on >= cut_over), None)
    if late is not None:
        raise NotTaken(BookRefusal.NOT_BEFORE_CUT_OVER, f"event {late.id} is of {late.on}")


def _terms_of(head: BookHead, standard: Mapping[str, Any]) -> Terms:
    own: Any = written((head.rate, head.method, head.first_due))
    rate, method, first_due = own
    raw = {
        **standard,
        **head.terms,
        "principal_minor": head.principal_minor,
        "currency": head.currency,
        "rate": rate,
        "method": method,
        "periods": head.periods,
        "first_due": first_due,
    }
    try:
        return parse_terms(raw)
    except LoanRefused as error:
        raise NotTaken(BookRefusal.BAD_TERMS, str(error)) from error


def _replayed(history: LoanHistory) -> Replayed:
    try:
        replayed = history.replayed()
    except LoanRefused as error:
        raise NotTaken(BookRefusal.EVENTS_MAKE_NO_LOAN, f"{error.reason}: {error}") from error
    if not replayed.standing:
        raise NotTaken(BookRefusal.NOT_DISBURSED, "no event disburses it, or its payout came back")
    return replayed


def _require_schedule(loan: BookLoan, replayed: Replayed) -> None:
    """Compare row by row: what falls due when, and the interest that was quoted with it; a book lists no fees."""
    ours, theirs = replayed.schedule, loan.schedule
    for our, their in zip(ours, theirs, strict=False):
        if our == their:
            continue
        differs = [
            name for name, value in our._asdict().items() if value != getattr(their, name) and name != "fee_minor"
        ]
        if differs:
            said = ", ".join(f"{name} ours {getattr(our, name)}, the book's {getattr(their, name)}" for name in differs)
            raise NotTaken(BookRefusal.SCHEDULE_DIFFERS, f"row {our.no}: {said}")
    if len(ours) != len(theirs):
        raise NotTaken(BookRefusal.SCHEDULE_DIFFERS, f"ours has {len(ours)} rows, the book's {len(theirs)}")


def _gaps(head: BookHead, ours: Balances, tolerance_minor: int) -> dict[str, int]:
    """Return by how much our interest and penalty are higher, where they are not equal. Raises NotTaken."""
    gaps = {name: getattr(ours, name) - getattr(head.balances, name) for name in BALANCE_NAMES}
    found = {name: gap for name, gap in gaps.items() if gap}
    within = sum(map(abs, found.values())) <= tolerance_minor
    for name in found:
        if name not in TOLERATED or not within:
            our, their = (format_minor(getattr(one, name), head.currency) for one in (ours, head.balances))
            raise NotTaken(BookRefusal.BALANCE_DIFFERS, f"{name} ours {our}, the book's {their}")
    return found


@dataclass(slots=True, kw_only=True)
class Totals:
    """What loans come to: their number, and their balances by currency and name, in minor units."""

    loans: int = 0
    sums: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, currency: str, balances: Balances) -> None:
        """Count one loan more."""
        self.loans += 1
        sums = self.sums.setdefault(currency, dict.fromkeys(BALANCE_NAMES, 0))
        for name in BALANCE_NAMES:
            sums[name] += getattr(balances, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What the old system says its book comes to at the cut-over date."""

    cut_over: date
    totals: Totals


def read_control(text: str) -> Control:
    """Read `{"cut_over", "loans", "totals": {currency: {balance: amount}}}`. Raises Unfit."""
    try:
        raw = load(text)
    except ValueError as error:
        message = f"it is not JSON: {error}"
        raise Unfit(message) from error
    document = require_fields(raw, frozenset({"cut_over", "loans", "totals"}))
    by_currency = require_fields(document["totals"], frozenset(), None)
    sums = {}
    for currency, amounts in by_currency.items():
        if not is_currency(currency):
            raise unfit(currency, "totals", "a currency code")
        given = require_fields(amounts, frozenset(BALANCES), frozenset(RARE_BALANCES))
        sums[currency] = {name: _sum(given, name, currency) for name in BALANCE_NAMES}
    return Control(
        cut_over=date_of(document, "cut_over"), totals=Totals(loans=integer_of(document, "loans"), sums=sums)
    )


def _sum(given: Mapping[str, object], name: str, currency: str) -> int:
    value = given.get(name, "0")
    if not isinstance(value, str):
        raise unfit(value, name, f"an amount of {currency}")
    try:
        return parse_minor(value, currency, most=LARGEST_SUM)
    except BadAmount as error:
        raise unfit(value, name, f"an amount of {currency}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlLine:
    """One total of the book: what the control file says, and what the loans of the book add up to; minor units."""

    currency: str
    name: str
    control: int
    book: int

    @property
    def agrees(self) -> bool:
        """Whether they are equal."""
        return self.control == self.book


def compare(control: Totals, book: Totals) -> Sequence[ControlLine]:
    """Compare control totals with those of all loans of the book, taken over or not; their number has no currency."""
    lines = [ControlLine(currency="", name="loans", control=control.loans, book=book.loans)]
    for currency in sorted({*control.sums, *book.sums}):
        ours, theirs = book.sums.get(currency, {}), control.sums.get(currency, {})
        lines += [
            ControlLine(currency=currency, name=name, control=theirs.get(name, 0), book=ours.get(name, 0))
            for name in BALANCE_NAMES
        ]
    return lines
