"""Read how far borrowers are behind, and their cases."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import F, QuerySet

from config.db.planning import planned_for_its_values
from config.kernel.daycount import DAILY
from lending.domain.arrears.case import OPENED_FROM, Debt
from lending.domain.arrears.promise import AWAITED_FOR, JUDGED_AGAIN_FOR, PromiseState
from lending.domain.books.loan import LoanStatus
from lending.models import ArrearsCase, CaseContact, CaseHandover, Loan, PaymentPromise
from lending.queries.at_rest import fees_at, interest_at, penalty_at, places_on
from lending.queries.closes import StandingLoan, closed_to, with_standings

PLACE: Final = "greatest(l.place, c.place)"
LOST: Final = " + ".join(f"l.{name}_written_off_minor" for name in ("principal", "interest", "penalty", "fees"))
CLAIM: Final = f"{LOST} - l.waived_minor - l.recovered_minor"
PRINCIPAL: Final = f"l.principal_minor + least(l.principal_written_off_minor, {CLAIM})"
OWING: Final = (LoanStatus.ACTIVE, LoanStatus.WRITTEN_OFF)
DUE: Final = f"""l.due_minor + {penalty_at(PLACE)} - l.penalty_minor
    + CASE WHEN l.next_due IS NULL THEN {interest_at(PLACE)} - l.interest_minor ELSE 0 END"""
EARNED: Final = " + ".join(
    f"{sum_} - l.{name}_paid_minor - l.{name}_written_off_minor"
    for name, sum_ in (("interest", interest_at(PLACE)), ("penalty", penalty_at(PLACE)), ("fees", fees_at("%(on)s")))
)
# As `RestingLoan.as_of` and `Position.owed_minor` have it of one loan.
DEBTS: Final = f"""
SELECT merchant_id, min(late_since) FILTER (WHERE active AND late_since < %(on)s),
    coalesce(max(%(on)s - late_since) FILTER (WHERE active AND late_since < %(on)s), 0),
    coalesce(sum(due) FILTER (WHERE active), 0)::bigint, coalesce(sum(due) FILTER (WHERE NOT active), 0)::bigint,
    sum(owed)::bigint, sum(principal)::bigint
FROM (
    SELECT l.merchant_id, l.status = 'ACTIVE' AS active, l.late_since, {DUE} AS due,
        l.principal_minor + {EARNED} + {CLAIM} + l.receivable_minor AS owed,
        {PRINCIPAL} AS principal
    FROM lending_loan l
    LEFT JOIN unnest(%(day_counts)s::text[], %(places)s::bigint[]) c (day_count, place) ON c.day_count = l.day_count
    WHERE l.merchant_id = ANY(%(merchants)s::bigint[]) AND l.status IN ('ACTIVE', 'WRITTEN_OFF')
) loans GROUP BY merchant_id
"""  # noqa: S608 - constants only
# Borrowers whom a night opens or closes a case for, unless the rule decides otherwise.
LATE: Final = """
SELECT DISTINCT l.merchant_id FROM lending_loan l
WHERE l.status = 'ACTIVE' AND l.late_since <= %(late)s
    AND NOT EXISTS (SELECT FROM lending_arrearscase c WHERE c.merchant_id = l.merchant_id AND c.state = 'OPEN')
"""
NO_LONGER: Final = """
SELECT c.merchant_id FROM lending_arrearscase c
WHERE c.state = 'OPEN' AND NOT EXISTS (SELECT FROM lending_loan l WHERE l.merchant_id = c.merchant_id
    AND (l.status = 'WRITTEN_OFF' OR (l.status = 'ACTIVE' AND l.late_since < %(on)s)))
"""
# Of the repayments that stand: what a reversal or a bounce names has none.
PAID: Final = """
SELECT p.id, coalesce(sum(e.amount_minor), 0)
FROM lending_paymentpromise p JOIN lending_arrearscase c ON c.id = p.case_id
JOIN lending_loan l ON l.merchant_id = c.merchant_id
JOIN lending_loanevent e ON e.loan_id = l.id AND e.type IN ('repayment', 'settlement') AND e.booked_at >= p.made_at
    AND e.on BETWEEN p.made_on AND p.due_on + %(awaited)s
    AND NOT EXISTS (SELECT FROM lending_loanevent r WHERE r.loan_id = e.loan_id AND r.of_id = e.id)
WHERE p.id = ANY(%(promises)s)
GROUP BY p.id
"""


def borrowers_to_review(*, on: date) -> list[int]:
    """List the borrowers for whom a night may open a case, and those whose case it may close."""
    asked = {"on": on, "late": on - timedelta(days=OPENED_FROM)}
    with planned_for_its_values(), connection.cursor() as cursor:
        cursor.execute(f"{LATE} UNION ALL {NO_LONGER} ORDER BY 1", asked)
        return [merchant for (merchant,) in cursor.fetchall()]


def debts_of(merchants: Collection[int], *, on: date | None) -> dict[int, Debt]:
    """Return what merchants owe on a morning that follows a close, and how late they are; each of them has an entry.

    None: before the first close.
    """
    if on is None:
        return dict.fromkeys(merchants, Debt())
    asked: dict[str, Any] = {"merchants": list(merchants), "day_counts": list(DAILY), "places": places_on(on), "on": on}
    with planned_for_its_values(), connection.cursor() as cursor:
        cursor.execute(DEBTS, asked)
        found = {
            merchant: Debt(
                late_since=since, dpd=dpd, due_minor=due, claim_minor=claim, owed_minor=owed, principal_minor=principal
            )
            for merchant, since, dpd, due, claim, owed, principal in cursor.fetchall()
        }
    return {merchant: found.get(merchant, Debt()) for merchant in merchants}


def debt_of(merchant_id: int) -> Debt:
    """Return what a merchant owes after the nights that are closed."""
    return debts_of([merchant_id], on=closed_to())[merchant_id]


def owners_of_cases() -> list[str]:
    """List the actors who work on open cases."""
    return sorted(ArrearsCase.objects.open().exclude(owner="").values_list("owner", flat=True).distinct())


def loans_of(merchant_id: int) -> list[StandingLoan]:
    """List the loans on which a merchant owes something, the latest past due last, each with how it stands."""
    loans = Loan.objects.filter(merchant=merchant_id, status__in=OWING)
    return with_standings(loans.order_by(F("late_since").asc(nulls_last=True), "pk"))


def contacts_of(case: ArrearsCase, *, most: int) -> list[CaseContact]:
    """List the contacts of a case, the latest first."""
    return list(case.contacts.order_by("-pk")[:most])


def promises_of(case: ArrearsCase, *, most: int) -> list[PaymentPromise]:
    """List the promises of a case, the latest first."""
    return list(case.promises.order_by("-pk")[:most])


def case_of(merchant_id: int) -> ArrearsCase | None:
    """Get the open case of a merchant."""
    return ArrearsCase.objects.open().filter(merchant=merchant_id).first()


def handed_over(cases: Collection[int]) -> frozenset[int]:
    """Return those of the cases that an agency collects."""
    among = ArrearsCase.objects.filter(pk__any_of=cases)
    return frozenset(CaseHandover.objects.open().filter(case__in=among).values_list("case_id", flat=True))


def due_cases(*, on: date) -> QuerySet[ArrearsCase]:
    """Return the cases whose next action is due."""
    return ArrearsCase.objects.open().filter(next_on__lte=on)


def open_promise(case: ArrearsCase) -> PaymentPromise | None:
    """Get the promise that a case waits for."""
    return PaymentPromise.objects.open().filter(case=case).first()


def promises_to_judge(*, on: date) -> Sequence[int]:
    """List the promises that a night judges: those that are open, and those that a payment may still change."""
    recent = PaymentPromise.objects.filter(due_on__gte=on - JUDGED_AGAIN_FOR).exclude(state=PromiseState.WITHDRAWN)
    waiting = PaymentPromise.objects.open()
    return sorted({*recent.values_list("pk", flat=True), *waiting.values_list("pk", flat=True)})


def paid_on(promises: Collection[int]) -> Mapping[int, int]:
    """Sum what was paid since each promise was made, dated while it was awaited; minor units, none for nothing."""
    with planned_for_its_values(), connection.cursor() as cursor:
        cursor.execute(PAID, {"promises": list(promises), "awaited": AWAITED_FOR.days})
        return {promise: int(minor) for promise, minor in cursor.fetchall()}
