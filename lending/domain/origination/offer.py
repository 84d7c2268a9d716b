"""The states of an offer, and whether one may be accepted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from config.kernel.canonical import is_sha256
from config.kernel.refusals import first_of
from lending.domain.origination.product import Months, Product


class OfferState(StrEnum):
    """The states of an offer."""

    MADE = "MADE"
    DELIVERED = "DELIVERED"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"
    REPLACED = "REPLACED"
    WITHDRAWN = "WITHDRAWN"


_CLOSED: Final = frozenset(OfferState) - {OfferState.MADE, OfferState.DELIVERED}
TRANSITIONS: Final = {
    OfferState.MADE: _CLOSED | {OfferState.DELIVERED},
    OfferState.DELIVERED: _CLOSED,
    **dict.fromkeys(_CLOSED, frozenset[OfferState]()),
}


class AcceptanceRefusal(StrEnum):
    """Why an offer is not accepted; of several reasons, the first counts."""

    NOT_OPEN = "NOT_OPEN"
    EXPIRED = "EXPIRED"
    MONTHS_OUT_OF_RANGE = "MONTHS_OUT_OF_RANGE"
    AMOUNT_BELOW_MINIMUM = "AMOUNT_BELOW_MINIMUM"
    AMOUNT_ABOVE_LIMIT = "AMOUNT_ABOVE_LIMIT"
    INSTALMENTS_TOO_LARGE = "INSTALMENTS_TOO_LARGE"
    EVIDENCE_MISSING = "EVIDENCE_MISSING"
    EVIDENCE_MALFORMED = "EVIDENCE_MALFORMED"
    PAYOUT_ACCOUNT_NOT_VERIFIED = "PAYOUT_ACCOUNT_NOT_VERIFIED"
    VERIFIED_THE_ACCOUNT = "VERIFIED_THE_ACCOUNT"
    LINE_OPEN = "LINE_OPEN"


class MoveRefusal(StrEnum):
    """Why an offer is not marked as delivered or declined."""

    NOT_OPEN = "NOT_OPEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What is on offer, in minor units.

    expires_on: the first day on which it can no longer be accepted. most_by_months: for each term that may be
    chosen, the most that can be lent for it (`limit.most_by_months`); its only key is None where none is chosen.
    """

    state: OfferState
    expires_on: date
    minimum_minor: int
    most_by_months: Mapping[Months, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTerms:
    """The evidence that the terms were signed: who, when, which document, from which address."""

    signatory: str
    signed_at: datetime
    document_sha256: str
    address: str

    @property
    def is_whole(self) -> bool:
        """Whether it says who signed, where, and which document."""
        return bool(self.signatory and self.address and is_sha256(self.document_sha256))


def write_choices(most_by_months: Mapping[Months, int]) -> dict[str, int]:
    """Write what each term allows by the term as text; "" where the term is not chosen."""
    return {"" if months is None else str(months): most for months, most in most_by_months.items()}


def read_choices(raw: Mapping[str, int]) -> dict[Months, int]:
    """Read what `write_choices` wrote, the shortest term first."""
    by_months = {int(months) if months else None: most for months, most in raw.items()}
    return dict(sorted(by_months.items(), key=lambda pair: pair[0] or 0))


def is_signed_in_time(signed_at: datetime, *, made_at: datetime, now: datetime) -> bool:
    """Check whether terms were signed on the day of the offer or later, and not after today."""
    return made_at.date() <= signed_at.date() <= now.date()


def may_become(before: OfferState, after: OfferState) -> bool:
    """Check whether an offer may pass from one state to the other."""
    return after in TRANSITIONS[before]


def judge_move(before: OfferState, after: OfferState) -> MoveRefusal | None:
    """Decide whether an offer may pass from one state to the other."""
    return None if may_become(before, after) else MoveRefusal.NOT_OPEN


def state_after_night(*, expires_on: date, on: date, anew: bool, same: bool) -> OfferState | None:
    """Return what becomes of an open offer when its merchant is assessed again; None: it stands.

    anew: the merchant is offered something, same: that is what the open offer promises.
    """
    if on >= expires_on:
        return OfferState.EXPIRED
    if not anew:
        return OfferState.WITHDRAWN
    return None if same else OfferState.REPLACED


def expires_on(product: Product, *, made_on: date) -> date:
    """Return the first day on which an offer of the product can no longer be accepted."""
    return made_on + timedelta(days=product.origination.offer_days)


def judge_acceptance(
    offered: Offered,
    *,
    on: date,
    amount_minor: int,
    months: Months,
    evidence: SignedTerms | None,
    payout_account_verified: bool,
    is_verifier: bool = False,
    has_line: bool = False,
) -> AcceptanceRefusal | None:
    """Decide whether an offer may be accepted on a business date; of several refusals, the first of the enum counts.

    is_verifier: whoever applies verified the payout account, or approved that. has_line: the merchant has an open
    line of the kind that is offered.
    """
    most = max(offered.most_by_months.values())
    holds = {
        AcceptanceRefusal.NOT_OPEN: not may_become(offered.state, OfferState.ACCEPTED),
        AcceptanceRefusal.EXPIRED: on >= offered.expires_on,
        AcceptanceRefusal.MONTHS_OUT_OF_RANGE: months not in offered.most_by_months,
        AcceptanceRefusal.AMOUNT_BELOW_MINIMUM: amount_minor < offered.minimum_minor,
        AcceptanceRefusal.AMOUNT_ABOVE_LIMIT: amount_minor > most,
        AcceptanceRefusal.INSTALMENTS_TOO_LARGE: amount_minor > offered.most_by_months.get(months, most),
        AcceptanceRefusal.EVIDENCE_MISSING: evidence is None,
        AcceptanceRefusal.EVIDENCE_MALFORMED: evidence is not None and not evidence.is_whole,
        AcceptanceRefusal.PAYOUT_ACCOUNT_NOT_VERIFIED: not payout_account_verified,
        AcceptanceRefusal.VERIFIED_THE_ACCOUNT: is_verifier,
        AcceptanceRefusal.LINE_OPEN: has_line,
    }
    return first_of(holds)
