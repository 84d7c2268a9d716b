"""Read which cases agencies collect, and what an agency needs to know of one."""

from datetime import date

from lending.domain.arrears.handover import Borrower, OwedLoan, Tried, handover_file
from lending.domain.arrears.letter import LetterState
from lending.domain.books.loan import LoanStatus
from lending.models import ArrearsCase, CaseHandover
from lending.queries.arrears import contacts_of, debt_of, loans_of
from lending.queries.letters import letters_of
from merchants.queries.contact_details import details_of

MOST_TRIED = 200


def handover_of(case: ArrearsCase) -> CaseHandover | None:
    """Get the hand-over of a case to the agency that collects it; None if none does."""
    return CaseHandover.objects.open().filter(case=case).first()


def handovers_of(case: ArrearsCase) -> list[CaseHandover]:
    """List the hand-overs of a case, the latest first, without their files."""
    return list(case.handovers.defer("sealed_content").order_by("-pk"))


def file_of(case: ArrearsCase, *, agency: str, on: date) -> str:
    """Write the file of a case for an agency, as of a morning. Raises KeyMissing, TextUnreadable."""
    merchant = case.merchant
    tried = [Tried(on=one.on, how=one.channel, result=one.result) for one in contacts_of(case, most=MOST_TRIED)]
    tried += [
        Tried(on=one.sent_on, how="EMAIL", result=one.step)
        for one in letters_of(case, most=MOST_TRIED)
        if one.state == LetterState.SENT and one.sent_on is not None
    ]
    return handover_file(
        case=str(case),
        agency=agency,
        on=on,
        currency=case.currency,
        borrower=Borrower(
            name=merchant.name,
            partner=merchant.partner.name,
            reference=merchant.external_id,
            details=[(one.kind, one.text, one.language) for one in details_of(merchant.pk)],
        ),
        debt=debt_of(merchant.pk),
        loans=[
            OwedLoan(
                number=str(one.loan),
                status=LoanStatus(one.loan.status),
                paid_out_on=one.loan.disbursed_on,
                amount_minor=one.loan.amount_minor,
                late_since=one.loan.late_since,
                standing=one.standing,
            )
            for one in loans_of(merchant.pk)
        ],
        tried=sorted(tried, key=lambda one: one.on, reverse=True),
    )
