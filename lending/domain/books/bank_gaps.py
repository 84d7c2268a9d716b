"""Statements that follow each other, and those that are missing between."""

from datetime import date
from enum import StrEnum

from config.kernel.refusals import first_of
from lending.domain.books.bank_lines import LineReason, Match
from lending.domain.books.ledger import Account


class GapRefusal(StrEnum):
    """Why a statement is not booked without those before it; the first that applies counts."""

    BOOKED = "BOOKED"
    NOT_YET = "NOT_YET"
    FOLLOWS = "FOLLOWS"
    OLDER = "OLDER"
    REASON_MISSING = "REASON_MISSING"


def moved_before(opening_minor: int, *, last_closing_minor: int | None) -> Match | None:
    """Return what an account had before a statement, and no statement shows; None if that is nothing.

    What the first one opens with is the lender's own money. last_closing_minor: of the one booked before, if any.
    """
    if last_closing_minor is None:
        return _match_of(opening_minor, Account.FUNDING)
    return _match_of(opening_minor - last_closing_minor, Account.SUSPENSE, LineReason.MISSING)


def moved_within(opening_minor: int, closing_minor: int, *, lines_minor: int) -> Match | None:
    """Return what the balances of a statement moved by without a line; None if that is nothing."""
    return _match_of(closing_minor - opening_minor - lines_minor, Account.SUSPENSE, LineReason.MISSING)


def _match_of(amount_minor: int, contra: Account, reason: LineReason | None = None) -> Match | None:
    return Match(amount_minor=amount_minor, contra=contra, reason=reason) if amount_minor else None


def explains(
    *, opening_minor: int, closed_on: date, next_opening_minor: int, next_closed_on: date, missing_minor: int
) -> bool:
    """Whether a statement that came late is the next of those that another was booked without.

    missing_minor: by how much that one still opens above the last that is known before it.
    """
    return opening_minor == next_opening_minor - missing_minor and closed_on <= next_closed_on


def skips(number: int | None, *, after: int | None) -> bool:
    """Whether the bank's numbers tell that statements are missing between two: numbers begin again with each year."""
    return number is not None and after is not None and number > after + 1


def judge_gap(
    *,
    booked: bool,
    closed_on: date,
    today: date | None,
    last_closed_on: date | None,
    gap_minor: int,
    skips_some: bool,
    reason: str,
) -> GapRefusal | None:
    """Decide whether a statement may be booked though those before it are missing.

    last_closed_on: of the last statement that is booked; None if this is the first, which follows on nothing.
    skips_some: the bank's numbers tell that some are missing, even if the balances do not.
    """
    return first_of(
        {
            GapRefusal.BOOKED: booked,
            GapRefusal.NOT_YET: today is None or closed_on > today,
            GapRefusal.FOLLOWS: last_closed_on is None or (gap_minor == 0 and not skips_some),
            GapRefusal.OLDER: last_closed_on is not None and closed_on < last_closed_on,
            GapRefusal.REASON_MISSING: not reason.strip(),
        }
    )
