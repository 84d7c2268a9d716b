"""What the tests of Frappe Lending assert, as the product's own quote and replay.

A case asserts a few figures of a kind of its own: `CHECKS` has them by what is expected.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from config.kernel.calendar import add_months
from config.kernel.daycount import DayCount
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.fields import MOST_DECIMALS
from lending.domain.contract.replay import Replayed, replay
from lending.domain.contract.schedule import broken_interest
from lending.domain.contract.terms import (
    AccrualRule,
    BrokenPeriod,
    InstalmentRounding,
    InterestMethod,
    Method,
    PenaltyOn,
    PeriodUnit,
    Recalculation,
    Remainder,
    Terms,
)
from tests.golden.outcome import Case, Waits, require_equal
from tests.golden.quotes import minor, quoted, terms_of

ANY_DAY: Final = date(2024, 1, 1)
WHOLE: Final = 100
LONGEST: Final = 360
METHODS: Final = {"EQUAL_PRINCIPAL": Method.EQUAL_PRINCIPAL, None: Method.EQUAL_INSTALMENTS}
NEEDS: Final = {
    "checks": "classification by ranges of days past due",
}


def check_figures(case: Case) -> None:
    for name, reason in NEEDS.items():
        if name in case["expected"]:
            raise Waits(reason)
    if case["product"].get("limit"):
        message = "a line of credit"
        raise Waits(message)
    for name, check in CHECKS.items():
        if name in case["expected"]:
            check(case)
            return
    message = f"figures of another kind: {', '.join(case['expected'])}"
    raise Waits(message)


def terms_of_case(case: Case, **said: Any) -> Terms:  # noqa: ANN401
    """Translate a loan: equal instalments up to a whole unit, unless more is said."""
    product = case["product"]
    by_days = "day_count" in product
    method = METHODS[product.get("amortization")] if product.get("amortization") != "FIXED_AMOUNT" else None
    usual: dict[str, Any] = {
        "currency": "INR",
        "principal_minor": minor(product.get("principal") or case["events"][0]["amount"]),
        "rate": Decimal(product["annual_rate_percent"]) / 100,
        "day_count": DayCount.ACT_365F if by_days else DayCount.MONTHS_12,
        "accrual": AccrualRule.PER_PERIOD,
        "interest": InterestMethod.FLAT if product.get("interest") == "FLAT" else InterestMethod.DECLINING,
        "method": method or Method.EQUAL_INSTALMENTS,
        "periods": product.get("periods", 1),
        "every": 1,
        "unit": PeriodUnit.MONTH,
        "first_due": date.fromisoformat(product["first_due_date"]) if "first_due_date" in product else None,
    }
    if method is Method.EQUAL_INSTALMENTS:
        usual |= {"instalment_multiple_minor": WHOLE, "instalment_rounding": InstalmentRounding.UP}
    if product.get("broken_period_recovery") == "AMORTIZED_OVER_TENURE":
        usual |= {"broken_period": BrokenPeriod.SPREAD, "remainder": Remainder.LAST}
    return terms_of(**{**usual, **said})


def replayed(case: Case, terms: Terms) -> Replayed:
    """Replay the disbursement and what was paid."""
    events = []
    for number, event in enumerate(case["events"]):
        kind = EventType.DISBURSEMENT if event["type"] == "disbursement" else EventType.REPAYMENT
        on = date.fromisoformat(event["date"])
        events.append(LoanEvent(id=str(number), on=on, type=kind, amount_minor=minor(event["amount"])))
    return replay(terms, events)


def check_number_of_periods(case: Case) -> None:
    agreed = minor(case["product"]["fixed_installment"])
    drawn = quoted(terms_of_case(case, instalment_minor=agreed, periods=LONGEST), on=ANY_DAY)
    require_equal(len(drawn), int(case["expected"]["number_of_periods"]), "periods")
    require_whole(sum(row.interest_minor for row in drawn), case["expected"]["total_interest"], "interest")
    require_whole(sum(row.total_minor for row in drawn), case["expected"]["total_payment"], "payment")


def require_whole(found: int, wanted: str, what: str) -> None:
    require_equal(round(Decimal(found) / WHOLE), int(wanted), what)


def check_totals(case: Case) -> None:
    """Compare a quote whose amounts are whole units: one without decimals."""
    principal = int(case["product"]["principal"])
    terms = terms_of_case(case, currency="JPY", principal_minor=principal, instalment_multiple_minor=1)
    drawn = quoted(terms, on=ANY_DAY)
    require_equal(drawn[0].total_minor, int(case["expected"]["installment"]), "instalment")
    require_equal(sum(row.interest_minor for row in drawn), int(case["expected"]["total_interest"]), "interest")
    require_equal(sum(row.total_minor for row in drawn), int(case["expected"]["total_payment"]), "payment")


def check_first(case: Case) -> None:
    first, *_ = quoted(terms_of_case(case), on=ANY_DAY)
    require_equal(first.interest_minor, minor(case["expected"]["first_interest_paid"]), "interest")
    require_equal(first.principal_minor, minor(case["expected"]["first_principal_paid"]), "principal")


def check_last_payment(case: Case) -> None:
    last = replayed(case, terms_of_case(case)).allocations[-1]
    require_equal(last.interest_minor, minor(case["expected"]["interest_paid"]), "interest")
    require_equal(last.principal_minor, minor(case["expected"]["principal_paid"]), "principal")


def check_first_interest(case: Case) -> None:
    on = date.fromisoformat(case["product"]["disbursement_date"])
    drawn = quoted(terms_of_case(case), on=on)
    wanted = {row.no: case["expected"].get(f"interest_{row.no}") for row in drawn}
    for row in drawn:
        if wanted[row.no] is not None:
            require_equal(row.interest_minor, minor(wanted[row.no]), f"interest {row.no}")


def check_rows(case: Case) -> None:
    drawn = quoted(terms_of_case(case), on=date.fromisoformat(case["events"][0]["date"]))
    found = [(row.due.isoformat(), row.principal_minor, row.interest_minor, row.total_minor) for row in drawn]
    wanted = [
        (row["due_date"], *(minor(row[name]) for name in ("principal", "interest", "total")))
        for row in case["expected"]["rows"]
    ]
    require_equal(found, wanted, "rows")


def check_days_past_due(case: Case) -> None:
    loan = replayed(case, terms_of_case(case, tolerance_minor=WHOLE))
    found = {day: loan.state(date.fromisoformat(day)).dpd for day in case["expected"]["days_past_due"]}
    require_equal(found, case["expected"]["days_past_due"], "days past due")


def check_due_dates(case: Case) -> None:
    """Compare due dates counted from the day, from the first of the next month and from the last of the month."""
    start = date.fromisoformat(case["product"]["start"])
    next_month = add_months(start, 1, day=1)
    firsts = {
        "SAME_DAY": start,
        "START_OF_NEXT_MONTH": next_month,
        "END_OF_CURRENT_MONTH": next_month - timedelta(days=1),
    }
    case["product"].setdefault("annual_rate_percent", "0")
    for name, first in firsts.items():
        dues = [row.due for row in quoted(terms_of_case(case, first_due=first), on=start - timedelta(days=1))]
        wanted = [date.fromisoformat(case["expected"][name][which]) for which in ("first", "second", "last")]
        require_equal([dues[0], dues[1], dues[-1]], wanted, name)


def check_shortfall(case: Case) -> None:
    """Compare the interest to the payment, and what it leaves; the product leaves it due until it is written off."""
    terms = terms_of_case(
        case, method=Method.BULLET, instalment_multiple_minor=1, instalment_rounding=InstalmentRounding.NEAREST
    )
    loan = replayed(case, terms)
    state = loan.state(date.fromisoformat(case["events"][-1]["date"]))
    require_equal(state.interest_to_date_minor, minor(case["expected"]["accrued_interest"]), "interest")
    require_equal(state.payoff_minor, minor(case["expected"]["shortfall_written_off"]), "shortfall")


def check_prepaid_bullet(case: Case) -> None:
    paid_out, prepaid = case["events"]
    due = date.fromisoformat(paid_out["due"])
    plain = {"instalment_multiple_minor": 1, "instalment_rounding": InstalmentRounding.NEAREST}
    loan = replayed(case, terms_of_case(case, method=Method.BULLET, first_due=due, **plain))
    before = loan.state(date.fromisoformat(prepaid["date"]))
    require_equal(before.interest_to_date_minor, minor(case["expected"]["interest_to_prepayment"]), "interest")
    require_equal(loan.allocations[0].principal_minor, minor(case["expected"]["principal_paid"]), "principal")
    rest = loan.state(due).interest_to_date_minor - before.interest_to_date_minor
    require_equal(rest, minor(case["expected"]["interest_of_the_last_3_days"]), "interest of the last days")


def penalty_multiple(case: Case) -> Decimal:
    """Return the rate of the penalty as a multiple of the loan's own."""
    rates = [Decimal(case["product"][name]) for name in ("penalty_rate_percent", "annual_rate_percent")]
    if not rates[1]:
        message = "a penalty of a loan without interest"
        raise Waits(message)
    return round(rates[0] / rates[1], MOST_DECIMALS)


def check_penalty(case: Case) -> None:
    """Compare the instalment, and the penalty on those that were never paid; the peer counts the day itself."""
    paid_out, as_of = case["events"]
    regular = {**case["product"]}
    del regular["first_due_date"], regular["day_count"]
    drawn = quoted(terms_of_case({**case, "product": regular}), on=ANY_DAY)
    require_equal(drawn[0].total_minor, minor(case["expected"]["installment"]), "instalment")
    terms = terms_of_case(
        case,
        instalment_minor=drawn[0].total_minor,
        instalment_multiple_minor=1,
        instalment_rounding=InstalmentRounding.NEAREST,
        periods=LONGEST,
        recalculation=Recalculation.KEEP_INSTALMENT,
        penalty_on=PenaltyOn.INSTALMENT,
        penalty_multiple_extra=penalty_multiple(case),
    )
    loan = replayed({**case, "events": [paid_out]}, terms)
    state = loan.state(date.fromisoformat(as_of["date"]) + timedelta(days=1))
    require_equal(state.penalty_to_date_minor, minor(case["expected"]["penalty_amount"]), "penalty")


def check_broken_interest(case: Case) -> None:
    """Compare the interest of the days that break the first period; the peer deducts it from the payout."""
    on = date.fromisoformat(case["product"]["disbursement_date"])
    terms = terms_of_case(case, broken_period=BrokenPeriod.SPREAD)
    require_equal(broken_interest(terms, on), minor(case["expected"]["upfront_interest"]), "interest")


def check_demand_loan(case: Case) -> None:
    """Compare the interest to a payment, whose day the peer counts, too, and the penalty since the last month's end."""
    paid_out, repaid = case["events"]
    later = date.fromisoformat(repaid["date"]) + timedelta(days=1)
    terms = terms_of_case(
        case,
        method=Method.BULLET,
        instalment_multiple_minor=1,
        instalment_rounding=InstalmentRounding.NEAREST,
        first_due=date.fromisoformat(repaid["date"]).replace(day=1) - timedelta(days=1),
        grace_days=case["product"]["grace_days"],
        penalty_multiple_extra=penalty_multiple(case),
    )
    loan = replayed({**case, "events": [paid_out, {**repaid, "date": later.isoformat()}]}, terms)
    found, *_ = loan.allocations
    require_equal(found.interest_minor, minor(case["expected"]["interest_paid"]), "interest")
    require_equal(found.penalty_minor, minor(case["expected"]["penalty"]), "penalty")


CHECKS: Final[Mapping[str, Callable[[Case], None]]] = MappingProxyType(
    {
        "number_of_periods": check_number_of_periods,
        "penalty_amount": check_penalty,
        "upfront_interest": check_broken_interest,
        "penalty": check_demand_loan,
        "total_interest": check_totals,
        "first_interest_paid": check_first,
        "interest_to_prepayment": check_prepaid_bullet,
        "interest_paid": check_last_payment,
        "interest_1": check_first_interest,
        "rows": check_rows,
        "days_past_due": check_days_past_due,
        "SAME_DAY": check_due_dates,
        "shortfall_written_off": check_shortfall,
    }
)
