"""Decide who may decide an application that the rules refer to a person."""

from enum import StrEnum

from config.kernel.refusals import first_of
from lending.domain.origination.application import ApplicationState
from lending.domain.origination.line import LineState
from lending.domain.origination.product import Band, Product
from lending.domain.origination.rules import Outcome


class ReviewRefusal(StrEnum):
    """Why somebody may not decide; of several reasons, the first counts.

    VERSION_GONE: the program no longer has the rules by which it was referred, or what made its score.
    """

    NOT_REFERRED = "NOT_REFERRED"
    VERSION_GONE = "VERSION_GONE"
    SAME_PERSON = "SAME_PERSON"
    VERIFIED_THE_ACCOUNT = "VERIFIED_THE_ACCOUNT"
    NO_BAND = "NO_BAND"
    ABOVE_BAND = "ABOVE_BAND"
    REASON_MISSING = "REASON_MISSING"
    PAYOUT_ACCOUNT_NOT_VERIFIED = "PAYOUT_ACCOUNT_NOT_VERIFIED"
    APPLICANT_VERIFIED_THE_ACCOUNT = "APPLICANT_VERIFIED_THE_ACCOUNT"
    LINE_NOT_ACTIVE = "LINE_NOT_ACTIVE"
    LINE_OPEN = "LINE_OPEN"


def most_of(product: Product, band: Band | None) -> int | None:
    """Return the most that a band decides on, in minor units; 0 without a band, None where it has no bound."""
    return 0 if band is None else product.origination.bands[band]


def judge_review(
    product: Product,
    *,
    state: ApplicationState,
    version_known: bool,
    outcome: Outcome,
    amount_minor: int,
    band: Band | None,
    same_person: bool,
    reason: str,
    payout_account_verified: bool,
    is_verifier: bool = False,
    applicant_is_verifier: bool = False,
    line_state: LineState | None = None,
    has_line: bool = False,
) -> ReviewRefusal | None:
    """Decide whether a person may decide an application this way; of several refusals, the first of the enum counts.

    band: the widest of the person's roles, None without one. same_person: it entered the application itself.
    is_verifier, applicant_is_verifier: who decides, or who entered it, verified the payout account, or approved that.
    reason: in its own words; a person's decision always has one. Only approving needs an account to pay to.
    line_state: of the line that is drawn on. has_line: the merchant has a line of this kind already.
    """
    most = most_of(product, band)
    approves = outcome is Outcome.APPROVE
    holds = {
        ReviewRefusal.NOT_REFERRED: state is not ApplicationState.REFERRED,
        ReviewRefusal.VERSION_GONE: not version_known,
        ReviewRefusal.SAME_PERSON: same_person,
        ReviewRefusal.VERIFIED_THE_ACCOUNT: is_verifier,
        ReviewRefusal.NO_BAND: band is None,
        ReviewRefusal.ABOVE_BAND: most is not None and amount_minor > most,
        ReviewRefusal.REASON_MISSING: not reason.strip(),
        ReviewRefusal.PAYOUT_ACCOUNT_NOT_VERIFIED: approves and not payout_account_verified,
        ReviewRefusal.APPLICANT_VERIFIED_THE_ACCOUNT: approves and applicant_is_verifier,
        ReviewRefusal.LINE_NOT_ACTIVE: approves and line_state in {LineState.FROZEN, LineState.CLOSED},
        ReviewRefusal.LINE_OPEN: approves and has_line,
    }
    return first_of(holds)
