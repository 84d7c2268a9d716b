"""Take over loans of a loan book, some hundred a transaction."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

from config.db.locking import lock_name
from config.db.transactions import operation
from config.jobs import wake
from config.kernel.calendar import midnight
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.events import record_events
from lending.domain.books.loan_book import CutOverRefusal
from lending.domain.contract.terms import write_terms
from lending.models import ImportedLoan, Loan
from lending.operations.bookings import LoanWithHistory, lock_books, open_loans
from lending.operations.portfolio_rows import take_grades
from lending.queries.loan_book import Prepared, get_cut_over_refusal

LOCK: Final = "lending.loan_book"


class BookNotTaken(Refused[CutOverRefusal]):
    """No loan can be booked as of this date now."""


def import_loans(loans: Sequence[Prepared], *, cut_over: date, actor: Actor, now: datetime) -> int:
    """Book loans that were judged; return how many. What another import booked meanwhile is not booked again.

    Raises BookNotTaken, Contended.
    """
    with operation():
        lock_name(LOCK)
        lock_books(exclusive=False)
        refusal = get_cut_over_refusal(cut_over)
        if refusal is not None:
            raise BookNotTaken(refusal)
        numbers = [one.taken.loan.head.loan for one in loans]
        known = set(ImportedLoan.objects.filter(number__in=numbers).values_list("number", flat=True))
        new = [(one, _loan(one, cut_over)) for one in loans if one.taken.loan.head.loan not in known]
        with_history = [LoanWithHistory(loan=loan, cut_over=cut_over, taken=one.taken) for one, loan in new]
        open_loans(with_history, actor=actor, now=now)
        ImportedLoan.objects.bulk_create(
            ImportedLoan(
                loan=loan,
                number=one.taken.loan.head.loan,
                grade=one.taken.loan.head.grade,
                disbursed_minor=one.taken.opening.disbursed_minor,
                content_sha256=one.digest,
                booked_at=now,
            )
            for one, loan in new
        )
        take_grades([loan for _, loan in new])
        record_events(
            name="lending.import_loan",
            changes=[
                (loan, {}, {"number": one.taken.loan.head.loan, "cut_over": str(cut_over), "status": loan.status})
                for one, loan in new
            ],
            actor=actor,
            now=now,
        )
        wake()
        return len(new)


def _loan(one: Prepared, cut_over: date) -> Loan:
    head = one.taken.loan.head
    return Loan(
        merchant=one.merchant,
        product=one.product,
        payout_account_id=one.payout_account,
        imported_on=cut_over,
        category=one.merchant.category,
        currency=head.currency,
        amount_minor=head.principal_minor,
        terms=write_terms(one.taken.history.terms),
        approved_at=midnight(head.disbursed_on, UTC),  # when it was, no book says
    )
