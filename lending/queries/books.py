"""Prove the books: the ledger against the loans' rows, and the rows against the events."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from django.db import connection
from django.db.models import Sum

from config.kernel.documents import load
from lending.domain.books.day_close import EXPOSURE, Balance
from lending.domain.books.ledger import POSITION_FIELDS, Account, Position, balances
from lending.domain.books.loan import LoanStatus
from lending.domain.books.plan import LoanHistory
from lending.domain.books.projection import project
from lending.domain.books.transfer import TransferKind, TransferState
from lending.domain.contract.refusal import LoanRefused
from lending.models import Instalment, Loan, Transfer
from lending.queries.loans import carry_of, contracts_of, position_of

CHUNK = 500
# One statement, so one moment: what is booked meanwhile is in both or in neither.
PROVE = f"""
WITH ledger AS (
    SELECT account, currency, sum(amount) AS minor FROM (
        SELECT debit_id AS account, currency, amount_minor AS amount FROM lending_posting
        UNION ALL SELECT credit_id, currency, -amount_minor FROM lending_posting
    ) postings GROUP BY account, currency
), loans AS (
    SELECT currency, {", ".join(f"sum({name}) AS {name}" for name in POSITION_FIELDS)}
    FROM lending_loan GROUP BY currency
)
SELECT currency, {", ".join(f"coalesce(loans.{name}, 0)" for name in POSITION_FIELDS)},
    (SELECT jsonb_object_agg(ledger.account, ledger.minor) FROM ledger WHERE ledger.currency = all_of.currency)
FROM (SELECT currency FROM ledger UNION SELECT currency FROM loans) all_of LEFT JOIN loans USING (currency)
ORDER BY currency
"""  # noqa: S608 - constants only
# What differs is added up without its sign, so that two wrong sums never cancel out.
EXPOSURES = """
WITH found AS (
    SELECT p.code, l.currency, l.category, l.status, count(*) AS loans,
        sum(CASE l.status WHEN 'APPROVED' THEN l.amount_minor ELSE l.principal_minor END) AS minor,
        sum(l.disbursed_minor) AS disbursed_minor, sum(l.repaid_minor) AS repaid_minor
    FROM lending_loan l JOIN lending_productversion p ON p.id = l.product_id
    GROUP BY p.code, l.currency, l.category, l.status
)
SELECT currency, sum(coalesce(k.minor, 0)), sum(abs(coalesce(k.loans, 0) - coalesce(found.loans, 0))
    + abs(coalesce(k.minor, 0) - coalesce(CASE WHEN status IN ('APPROVED', 'ACTIVE') THEN found.minor END, 0))
    + abs(coalesce(k.disbursed_minor, 0) - coalesce(found.disbursed_minor, 0))
    + abs(coalesce(k.repaid_minor, 0) - coalesce(found.repaid_minor, 0)))
FROM lending_productexposure k FULL JOIN found USING (code, currency, category, status)
GROUP BY currency ORDER BY currency
"""


def prove_accounts() -> list[Balance]:
    """Compare the loans with every account in every currency, and with the sums that are kept of them."""
    with connection.cursor() as cursor:
        cursor.execute(PROVE)
        accounts = cursor.fetchall()
        cursor.execute(EXPOSURES)
        exposures = cursor.fetchall()
    return [
        *(
            Balance(account=account, currency=currency, ledger_minor=booked, loans_minor=share)
            for currency, *sums, ledger in accounts
            for account, booked, share in _compared(sums, load(ledger or "{}"))
        ),
        *(
            Balance(account=EXPOSURE, currency=currency, ledger_minor=int(kept), loans_minor=int(kept + gap))
            for currency, kept, gap in exposures
        ),
    ]


def _compared(sums: Sequence[int], ledger: Mapping[str, int]) -> Iterator[tuple[Account, int, int]]:
    shares = balances(Position(**dict(zip(POSITION_FIELDS, map(int, sums), strict=True))))
    for account, share in shares.items():
        yield account, int(ledger.get(account, 0)), share


def drifted_loans(loans: Sequence[Loan]) -> list[int]:
    """List the loans whose rows are not what a replay of their events gives as of the date they are booked to.

    Compared are status, dates, position, what is due and late, the carry, what is left of each instalment, and that
    the payouts made are what was disbursed. A loan that cannot be replayed at all has drifted, too.
    """
    left, paid_out = _left(loans), _paid_out(loans)
    contracts = contracts_of(loans)
    return [
        loan.pk
        for loan in loans
        if loan.booked_to is not None
        and not _agrees(loan, contracts[loan.pk], left.get(loan.pk, ()), paid_out.get(loan.pk, 0), loan.booked_to)
    ]


def booked_loans(*, part: int, parts: int, after: int = 0) -> Iterator[list[Loan]]:
    """Yield the booked loans of a part, in order of keys, after the given one, some hundred at a time."""
    while True:
        later = Loan.objects.filter(booked_to__isnull=False, pk__gt=after).of_part(part, parts).order_by("pk")
        chunk = list(later[:CHUNK])
        if not chunk:
            return
        yield chunk
        after = chunk[-1].pk


def _agrees(loan: Loan, contract: LoanHistory, left: tuple[int, ...], paid_out: int, booked_to: date) -> bool:
    try:
        replayed = project(contract.replayed(), as_of=booked_to)
    except LoanRefused:
        return False
    row = replace(
        replayed,
        status=LoanStatus(loan.status),
        position=position_of(loan),
        due_minor=loan.due_minor,
        dpd=loan.dpd,
        next_due=loan.next_due,
        disbursed_on=loan.disbursed_on,
        closed_on=loan.closed_on,
        left_minor=left,
        carry=carry_of(loan),
    )
    return row == replayed and paid_out == replayed.position.disbursed_minor


def _left(loans: Sequence[Loan]) -> dict[int, tuple[int, ...]]:
    found = defaultdict[int, list[int]](list)
    rows = Instalment.objects.filter(loan__in=[loan.pk for loan in loans]).order_by("loan_id", "no")
    for loan_id, left_minor in rows.values_list("loan_id", "left_minor"):
        found[loan_id].append(left_minor)
    return {loan_id: tuple(left) for loan_id, left in found.items()}


def _paid_out(loans: Sequence[Loan]) -> dict[int, int]:
    payouts = Transfer.objects.filter(loan__in=[loan.pk for loan in loans], kind=TransferKind.PAYOUT)
    done = payouts.filter(state=TransferState.DONE).values_list("loan_id").annotate(moved=Sum("moved_minor"))
    return dict(done.order_by())
