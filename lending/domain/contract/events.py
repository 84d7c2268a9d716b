"""The events of a loan, and how they are parsed from JSON scalars."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple, Self

from config.kernel.documents import Unfit, choice_of, date_of, decimal_of, integer_of, require_fields, text_of
from config.kernel.money import MAX_MINOR
from lending.domain.contract.fields import refusing, require_range, require_rate
from lending.domain.contract.refusal import LoanRefusal
from lending.domain.contract.terms import LONGEST, Prepayment


class EventType(StrEnum):
    """What may happen to a loan."""

    DISBURSEMENT = "disbursement"
    REPAYMENT = "repayment"
    CHARGE = "charge"  # a fee, due at once, or on a later date
    RATE_CHANGE = "rate_change"
    REVERSAL = "reversal"
    BOUNCE = "bounce"  # the bank took a payment back
    APPLY_CREDIT = "apply_credit"
    REFUND_CREDIT = "refund_credit"
    PAUSE = "pause"
    EXTEND = "extend"
    RE_AMORTISE = "re_amortise"
    RE_AGE = "re_age"
    WAIVE_INTEREST = "waive_interest"
    WAIVE_PENALTY = "waive_penalty"
    WAIVE_FEE = "waive_fee"
    SETTLEMENT = "settlement"  # a payment that settles the debt for less
    WRITE_OFF = "write_off"


REMOVING: Final = frozenset({EventType.REVERSAL, EventType.BOUNCE})
"""Events that remove another as if it had never been."""
REVERSIBLE: Final = frozenset(EventType) - REMOVING - {EventType.DISBURSEMENT}
"""Events that are reversed by hand: a payout is taken back instead."""
RESTRUCTURING: Final = frozenset({EventType.PAUSE, EventType.EXTEND, EventType.RE_AMORTISE, EventType.RE_AGE})
"""Events that draw anew what falls due after them; each carries a number of periods."""
WAIVING: Final = frozenset({EventType.WAIVE_INTEREST, EventType.WAIVE_PENALTY, EventType.WAIVE_FEE})
FIGURES: Final[Mapping[EventType, str]] = {
    EventType.RATE_CHANGE: "rate",
    **dict.fromkeys(REMOVING, "of"),
    **dict.fromkeys(RESTRUCTURING, "periods"),
    EventType.WRITE_OFF: "",
}
"""The one figure an event of this type carries, "" for none; all others carry `amount_minor`."""


class _Fields(NamedTuple):
    id: str
    on: date
    type: EventType
    amount_minor: int | None
    rate: Decimal | None
    of: str | None
    periods: int | None
    due: date | None
    prepayment: Prepayment | None


class LoanEvent(_Fields):
    """One event of a loan. Raises LoanRefused (BAD_EVENT) unless it carries the figure of its type alone.

    on: the business date at whose start it takes effect. amount_minor: minor units; whether it is positive is
    judged with the events before it. rate: yearly. of: the id of the event that a reversal or bounce removes. periods:
    by how many of the terms' periods payments are paused or the loan is extended; over how many rows it is spread. due:
    the later date on which a charge falls due, known from `on` and payable before. prepayment: the rule for what a
    repayment pays in advance, where it is not that of the terms.
    A tuple, as loans have thousands. `_make` and `_replace` check nothing: the first is for rows, which the constraints
    of their table have checked.
    """

    __slots__ = ()

    def __new__(
        cls,
        *,
        id: str,  # noqa: A002 - its name in files
        on: date,
        type: EventType,  # noqa: A002 - the same
        amount_minor: int | None = None,
        rate: Decimal | None = None,
        of: str | None = None,
        periods: int | None = None,
        due: date | None = None,
        prepayment: Prepayment | None = None,
    ) -> Self:
        """Check the fields: they may come from files and forms."""
        with refusing(LoanRefusal.BAD_EVENT, id):
            carried = {"amount_minor": amount_minor, "rate": rate, "of": of, "periods": periods}
            needed = FIGURES.get(type, "amount_minor")
            if [name for name, value in carried.items() if value is not None] != ([needed] if needed else []):
                message = f"a {type} carries {needed or 'no figure'}, and no other figure"
                raise Unfit(message)
            if amount_minor is not None:
                require_range("amount_minor", amount_minor, -MAX_MINOR, MAX_MINOR)
            if rate is not None:
                require_rate("rate", rate)
            if periods is not None:
                require_range("periods", periods, 1, LONGEST)
            if due is not None and (type is not EventType.CHARGE or due <= on):
                message = f"due: it is of a charge, and a day after {on}"
                raise Unfit(message)
            if prepayment is not None and type is not EventType.REPAYMENT:
                message = "prepayment: it is the rule of a repayment"
                raise Unfit(message)
        return super().__new__(cls, id, on, type, amount_minor, rate, of, periods, due, prepayment)


_COMMON: Final = frozenset({"id", "on", "type"})
_OPTIONAL: Final = frozenset({"amount_minor", "rate", "of", "periods", "due", "prepayment"})


def parse_event(raw: object) -> LoanEvent:
    """Parse one event from JSON scalars. Raises LoanRefused (BAD_EVENT)."""
    identity = raw.get("id") if isinstance(raw, Mapping) else None
    with refusing(LoanRefusal.BAD_EVENT, identity if isinstance(identity, str) else "an event"):
        fields = require_fields(raw, _COMMON, _OPTIONAL)
        return LoanEvent(
            id=text_of(fields, "id"),
            on=date_of(fields, "on"),
            type=choice_of(fields, "type", EventType),
            amount_minor=integer_of(fields, "amount_minor") if "amount_minor" in fields else None,
            rate=decimal_of(fields, "rate") if "rate" in fields else None,
            of=text_of(fields, "of") if "of" in fields else None,
            periods=integer_of(fields, "periods") if "periods" in fields else None,
            due=date_of(fields, "due") if "due" in fields else None,
            prepayment=choice_of(fields, "prepayment", Prepayment) if "prepayment" in fields else None,
        )
