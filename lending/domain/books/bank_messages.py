"""What a bank's message says of orders and of the account, and what becomes of an order by it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final
from uuid import UUID

from config.kernel.money import Money
from config.kernel.refusals import first_of
from lending.domain.books.transfer import AWAITED_TRANSFERS, TransferKind, TransferState

LONGEST_ID: Final = 35
"""Characters of a reference, by the standard."""


class Outcome(StrEnum):
    """What a bank says of an order.

    REJECTED: nothing moves. BOOKED: money moved on the account, which way its sign says. RETURNED: money that had moved
    comes back.
    """

    REJECTED = "REJECTED"
    BOOKED = "BOOKED"
    RETURNED = "RETURNED"


class AnswerState(StrEnum):
    """The states of an answer: not acted on yet, acted on, or left to a person, until one has dealt with it."""

    NEW = "NEW"
    APPLIED = "APPLIED"
    HELD = "HELD"
    DEALT_WITH = "DEALT_WITH"


class AnswerHold(StrEnum):
    """Why a bank's answer is left to a person.

    NO_ORDER: it is about no order of ours. EARLY: about money that came back before the bank said that it went; it is
    looked at again. CONTRADICTS: about an order that ended otherwise. AMOUNT_DIFFERS: another amount moved than was
    ordered. NOT_BOOKED: the loan does not take it, for the reason that is noted.
    """

    NO_ORDER = "NO_ORDER"
    EARLY = "EARLY"
    CONTRADICTS = "CONTRADICTS"
    AMOUNT_DIFFERS = "AMOUNT_DIFFERS"
    NOT_BOOKED = "NOT_BOOKED"


class Effect(StrEnum):
    """What an answer does to its order: nothing more, or its money moved, did not move, or came back."""

    NONE = "NONE"
    MOVED = "MOVED"
    NOT_MOVED = "NOT_MOVED"
    CAME_BACK = "CAME_BACK"


DUPLICATES: Final = frozenset({"DUPL", "AM05", "DU01", "DU02", "DU03", "DU04", "DU05"})
"""The reason codes of what the bank has already: a rejection for one of them says nothing of the first copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFacts:
    """What a bank says of one order, or of all in a file.

    key: the order's. batch: of the file that the bank speaks of, where it names no order. amount: debits of the account
    are negative; None where the message has none. on: when it was booked, or takes effect. code: of the reason.
    """

    outcome: Outcome
    key: UUID | None = None
    batch: str = ""
    amount: Money | None = None
    on: date | None = None
    code: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFacts:
    """One amount on a statement; debits are negative, and minor units are of the statement's currency.

    key: of the order that the bank names. batch: of the file that it booked as one amount. number, name: of the other
    side. code: why money came back.
    """

    amount_minor: int
    booked_on: date
    value_on: date
    key: UUID | None = None
    batch: str = ""
    reference: str = ""
    bank_reference: str = ""
    number: str = ""
    name: str = ""
    code: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementFacts:
    """The statement of an account over a period: how it opened and closed, and what was booked between."""

    account: str
    statement_id: str
    number: int | None
    currency: str
    opening_minor: int
    closing_minor: int
    closed_on: date
    lines: Sequence[LineFacts]

    def repeats(self, *, opening_minor: int, closing_minor: int, lines_minor: int | None) -> bool:
        """Whether one that is known under this name says the same. lines_minor: None once its lines are booked."""
        same = (opening_minor, closing_minor) == (self.opening_minor, self.closing_minor)
        return same and lines_minor in {None, sum(line.amount_minor for line in self.lines)}


@dataclass(frozen=True, slots=True, kw_only=True)
class BankMessage:
    """A message of a bank, read."""

    kind: str
    answers: Sequence[AnswerFacts] = ()
    statements: Sequence[StatementFacts] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an answer does to its order, or why it is left to a person."""

    effect: Effect = Effect.NONE
    hold: AnswerHold | None = None


def fault_of(message: BankMessage, *, account: str, currency: str) -> str:
    """Return why a message about an account is set aside whole, or ""."""
    if len({one.statement_id for one in message.statements}) < len(message.statements):
        return "it has a statement twice"
    for statement in message.statements:
        if len(statement.statement_id) > LONGEST_ID:
            return "a statement's name is longer than the standard allows"
        if statement.account != account or statement.currency != currency:
            return f"statement {statement.statement_id} is of another account, or in another currency"
    return ""


def said_by(line: LineFacts, *, currency: str) -> AnswerFacts:
    """Return what a line says of an order, or of those of a file."""
    return AnswerFacts(
        outcome=Outcome.BOOKED,
        key=line.key,
        batch=line.batch,
        amount=Money(line.amount_minor, currency),
        on=line.value_on,
        code=line.code,
        words=line.words,
    )


def goes_out(kind: TransferKind, amount_minor: int) -> bool:
    """Whether an amount on the account is what was ordered, not what came back: payouts debit it."""
    return (amount_minor < 0) is (kind is TransferKind.PAYOUT)


def is_lost(answer: AnswerFacts) -> bool:
    """Whether an answer about no order of ours has to be looked at: what is booked is on the statement, too."""
    return answer.outcome in {Outcome.REJECTED, Outcome.RETURNED} and answer.code not in DUPLICATES


def judge_answer(
    answer: AnswerFacts, *, kind: TransferKind, state: TransferState, ordered: Money, moved_minor: int
) -> Verdict:
    """Decide what an answer does to an order that is in a state.

    The same is said up to three times, by a status report, a notification and a statement, in any order: what is known
    changes nothing. What contradicts it never moves money by itself.
    """
    if answer.outcome is Outcome.REJECTED:
        return Verdict() if answer.code in DUPLICATES else _judge_rejection(state)
    back = answer.outcome is Outcome.RETURNED or (answer.amount is not None and not goes_out(kind, answer.amount.minor))
    expected = moved_minor or ordered.minor
    differs = answer.amount is not None and (
        abs(answer.amount.minor) != expected or answer.amount.currency != ordered.currency
    )
    if back:
        return _judge_return(state, differs=differs)
    hold = first_of(
        {
            AnswerHold.CONTRADICTS: state in {TransferState.FAILED, TransferState.DUE},
            AnswerHold.AMOUNT_DIFFERS: differs,
        }
    )
    return Verdict(effect=Effect.MOVED if hold is None and state in AWAITED_TRANSFERS else Effect.NONE, hold=hold)


def _judge_rejection(state: TransferState) -> Verdict:
    if state in AWAITED_TRANSFERS:
        return Verdict(effect=Effect.NOT_MOVED)
    return Verdict(hold=None if state is TransferState.FAILED else AnswerHold.CONTRADICTS)


def _judge_return(state: TransferState, *, differs: bool) -> Verdict:
    """Judge money that came back: what was not said to have moved waits for that, as files overtake each other."""
    if state in AWAITED_TRANSFERS:
        return Verdict(hold=AnswerHold.EARLY)
    if state is not TransferState.DONE:
        return Verdict()
    return Verdict(hold=AnswerHold.AMOUNT_DIFFERS) if differs else Verdict(effect=Effect.CAME_BACK)
