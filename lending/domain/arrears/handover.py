"""A case that an agency outside collects: when it is handed over and taken back, and the file that goes with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from config.kernel.canonical import canonical_json
from config.kernel.money import format_minor
from config.kernel.refusals import first_of
from lending.domain.arrears.case import CaseState, Debt
from lending.domain.books.at_rest import Standing
from lending.domain.books.loan import LoanStatus

FORMAT: Final = "tradeline-handover-1"


class HandoverRefusal(StrEnum):
    """Why a case is neither handed over nor taken back; the first that applies counts."""

    CASE_CLOSED = "CASE_CLOSED"
    HANDED_OVER_ALREADY = "HANDED_OVER_ALREADY"
    NOTHING_TO_COLLECT = "NOTHING_TO_COLLECT"
    NOT_HANDED_OVER = "NOT_HANDED_OVER"
    AGENCY_MISSING = "AGENCY_MISSING"
    REASON_MISSING = "REASON_MISSING"


def judge_handing_over(
    case: CaseState, *, is_handed_over: bool, debt: Debt, agency: str, reason: str
) -> HandoverRefusal | None:
    """Decide whether a case is handed over: one with something that is past due, or written off and still owed."""
    return first_of(
        {
            HandoverRefusal.CASE_CLOSED: case is CaseState.CLOSED,
            HandoverRefusal.HANDED_OVER_ALREADY: is_handed_over,
            HandoverRefusal.NOTHING_TO_COLLECT: debt.due_minor + debt.claim_minor <= 0,
            HandoverRefusal.AGENCY_MISSING: not agency.strip(),
            HandoverRefusal.REASON_MISSING: not reason.strip(),
        }
    )


def judge_taking_back(*, is_handed_over: bool, reason: str) -> HandoverRefusal | None:
    """Decide whether a case is taken back from an agency."""
    return first_of(
        {HandoverRefusal.NOT_HANDED_OVER: not is_handed_over, HandoverRefusal.REASON_MISSING: not reason.strip()}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Borrower:
    """Whom an agency collects from. details: the kind, the text and the language of each contact detail."""

    name: str
    partner: str
    reference: str
    details: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedLoan:
    """A loan on which something is owed; minor units. standing: after the nights that are closed."""

    number: str
    status: LoanStatus
    paid_out_on: date | None
    amount_minor: int
    late_since: date | None
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What was tried: on which day, how, what came of it; without what was said."""

    on: date
    how: str
    result: str


def handover_file(
    *,
    case: str,
    agency: str,
    on: date,
    currency: str,
    borrower: Borrower,
    debt: Debt,
    loans: Sequence[OwedLoan],
    tried: Sequence[Tried],
) -> str:
    """Write what an agency needs to collect a case, as of a morning: canonical JSON, amounts as text in major units."""

    def amount(minor: int) -> str:
        return format_minor(minor, currency)

    def loan_of(loan: OwedLoan) -> Mapping[str, object]:
        position = loan.standing.position
        return {
            "loan": loan.number,
            "status": loan.status,
            "paid_out_on": _day(loan.paid_out_on),
            "amount": amount(loan.amount_minor),
            "past_due_since": _day(loan.late_since) if loan.standing.dpd else None,
            "days_past_due": loan.standing.dpd,
            "due": amount(loan.standing.due_minor),
            "principal": amount(position.principal_minor),
            "interest": amount(position.interest_open_minor),
            "penalty": amount(position.penalty_open_minor),
            "fees": amount(position.fees_open_minor),
            "owed": amount(position.owed_minor),
        }

    return canonical_json(
        {
            "format": FORMAT,
            "case": case,
            "agency": agency,
            "as_of": _day(on),
            "currency": currency,
            "borrower": {
                "name": borrower.name,
                "partner": borrower.partner,
                "reference": borrower.reference,
                "contact_details": [
                    {"kind": kind, "text": text, "language": language} for kind, text, language in borrower.details
                ],
            },
            "past_due_since": _day(debt.late_since),
            "days_past_due": debt.dpd,
            "due": amount(debt.due_minor),
            "written_off_and_owed": amount(debt.claim_minor),
            "owed": amount(debt.owed_minor),
            "loans": [loan_of(loan) for loan in loans],
            "tried": [{"on": _day(one.on), "how": one.how, "result": one.result} for one in tried],
        }
    )


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
