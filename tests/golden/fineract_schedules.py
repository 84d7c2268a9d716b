"""Apache Fineract's repayment schedules, as the product's own terms."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from config.kernel.calendar import add_months
from config.kernel.daycount import DayCount
from lending.domain.contract.fees import Fee, FeeBase, FeeDue
from lending.domain.contract.fields import MOST_DECIMALS
from lending.domain.contract.terms import (
    AccrualRule,
    InterestMethod,
    Method,
    MonthEnd,
    PeriodUnit,
    Recalculation,
    Remainder,
    Terms,
)
from tests.golden.outcome import Case, Waits, require_equal
from tests.golden.quotes import disbursed, minor, terms_of

Loan = dict[str, Any]
UNITS: Final = {"DAYS": PeriodUnit.DAY, "WEEKS": PeriodUnit.WEEK, "MONTHS": PeriodUnit.MONTH}
BY_DAYS: Final = {
    "DAYS360": DayCount.ACT_360,
    "DAYS364": DayCount.ACT_364,
    "DAYS365": DayCount.ACT_365F,
    "ACTUAL": DayCount.ACT_ACT_END,
}
MONTH_ENDS: Final = {"LAST_DAY_OF_MONTH": MonthEnd.LAST_DAY, "FIRST_DAY_OF_NEXT_MONTH": MonthEnd.NEXT_DAY}


def check_schedule(case: Case) -> None:
    """Compare due dates, principal and interest of every row, and the totals."""
    terms, tranches = terms_of_case(case), tranches_of(case)
    as_of = date.fromisoformat(case["as_of"]) if terms.recalculation is Recalculation.KEEP_INSTALMENT else None
    drawn = disbursed(terms, tranches, as_of=as_of)
    wanted = case["expected_rows"]
    require_equal([row.due.isoformat() for row in drawn], [row["due_date"] for row in wanted], "due dates")
    for name, found in (
        ("principal", [row.principal_minor for row in drawn]),
        ("interest", [row.interest_minor for row in drawn]),
        ("fees", [row.fee_minor for row in drawn]),
        ("total", [row.total_minor for row in drawn]),
    ):
        require_equal(found, [minor(row[name]) for row in wanted], name)
        require_equal(sum(found), minor(case["expected_totals"][name]), f"total {name}")
    left = sum(amount for _, amount in tranches)
    for row, row_wanted in zip(drawn, wanted, strict=True):
        left -= row.principal_minor
        out_later = sum(amount for on, amount in tranches if on >= row.due > tranches[0][0])
        require_equal(left - out_later, minor(row_wanted["balance"]), f"balance after {row.no}")


def is_recalculated(case: Case) -> bool:
    """Tell whether the case shows a loan with interest that was disbursed, and of which instalments are overdue."""
    is_out = all(event.get("actual") for event in case["events"])
    is_overdue = is_out and "overdue_view" in case["kinds"]
    return is_overdue and case["product"]["interest_recalculation"] and rate_of(case) > 0


def tranches_of(case: Case) -> list[tuple[date, int]]:
    """Return when how much is paid out; flat interest is on the sum of all, whenever they are."""
    if case["loan"]["interest_method"] == "FLAT":
        return [(disbursed_on(case), sum(minor(event["amount"]) for event in case["events"]))]
    on = [date.fromisoformat(event["date"]) for event in case["events"]]
    return [
        (day, sum(minor(event["amount"]) for event in case["events"] if event["date"] == day.isoformat()))
        for day in sorted(set(on))
    ]


def disbursed_on(case: Case) -> date:
    return min(date.fromisoformat(event["date"]) for event in case["events"])


def rate_of(case: Case) -> Decimal:
    """Return the yearly rate."""
    loan = case["loan"]
    rate: Decimal = Decimal(loan["interest_rate_percent"]) / 100
    frequency = case["product"]["interest_rate_frequency"]
    if frequency == "WHOLE_TERM":
        rate = round(rate * 12 / int(loan["number_of_repayments"] * loan["repay_every"]), MOST_DECIMALS)
    return rate * 12 if frequency == "MONTH" else rate


def terms_of_case(case: Case) -> Terms:
    """Translate a loan."""
    loan = case["loan"]
    principal = sum(minor(event["amount"]) for event in case["events"])
    return terms_of(
        principal_minor=principal,
        rate=rate_of(case),
        day_count=day_count_of(case),
        **kinds_of(case),
        periods=loan["number_of_repayments"],
        every=loan["repay_every"],
        unit=UNITS[loan["repay_unit"]],
        last_due=last_due_of(case),
        month_end=MONTH_ENDS[loan.get("month_end_due_date", "LAST_DAY_OF_MONTH")],
        down_payment=Decimal(down_payment_of(case)) / 100,
        principal_grace=loan["grace_on_principal_periods"],
        interest_grace=loan["grace_on_interest_payment_periods"],
        interest_free=loan["interest_free_periods"],
        remainder=Remainder.LAST,
        fees=fees_of(case),
        recalculation=Recalculation.KEEP_INSTALMENT if is_recalculated(case) else Recalculation.NONE,
    )


def fees_of(case: Case) -> tuple[Fee, ...]:
    """Return the fee that was agreed, which only the rows show: an amount, or whole per cent of interest."""
    rows = [(minor(row["fees"]), minor(row["interest"])) for row in case.get("expected_rows", ())]
    amounts = {fee for fee, _ in rows}
    if len(rows) > 1 and rows[0][0] and not any(fee for fee, _ in rows[1:]):
        return (Fee(due=FeeDue.FIRST_DUE, amount_minor=rows[0][0]),)
    if len(amounts) <= 1:
        return tuple(Fee(due=FeeDue.EVERY_DUE, amount_minor=fee) for fee in amounts if fee)
    shares = (Fee(due=FeeDue.EVERY_DUE, share=Decimal(n) / 100, base=FeeBase.INTEREST) for n in range(1, 101))
    fitting = next((fee for fee in shares if all(fee.of(interest) == amount for amount, interest in rows)), None)
    if fitting is None:
        message = "a fee with each instalment that is neither an amount nor a share of its interest"
        raise Waits(message)
    return (fitting,)


def kinds_of(case: Case) -> Loan:
    """Return method, interest and how they are rounded.

    The peer's older (CUMULATIVE) schedules spread flat interest as a whole, its newer ones charge each period.
    Principal and interest are equal parts apart; only where the instalment has a multiple, or the days of its period
    count, is it made level.
    """
    product, loan = case["product"], case["loan"]
    multiple = minor(product["installment_multiple"] or "0.01")
    is_flat = loan["interest_method"] == "FLAT"
    is_whole = is_flat and product["schedule_type"] == "CUMULATIVE"
    is_level = multiple > 1 or (loan["interest_calculation_period"] == "DAILY" and not is_whole)
    if loan["amortization"] == "EQUAL_PRINCIPAL_PAYMENTS" or (is_flat and not is_level):
        method: Loan = {"method": Method.EQUAL_PRINCIPAL}  # whose parts know no multiple
    else:
        method = {"method": Method.EQUAL_INSTALMENTS, "instalment_multiple_minor": multiple}
    return {
        **method,
        "interest": InterestMethod.FLAT if is_flat else InterestMethod.DECLINING,
        "accrual": AccrualRule.CUMULATIVE if is_whole else AccrualRule.PER_PERIOD,
    }


def day_count_of(case: Case) -> DayCount:
    """Return the day count: whole periods of months are twelfths, unless the days of each are counted."""
    product, loan = case["product"], case["loan"]
    counts_days = loan["interest_calculation_period"] == "DAILY" and product["days_in_month"] == "ACTUAL"
    if loan["repay_unit"] == "MONTHS" and not counts_days:
        return DayCount.MONTHS_12
    if product.get("days_in_year_custom") == "FEB_29_PERIOD_ONLY":
        return DayCount.ACT_365_ACTUAL
    if product["days_in_year"] == "ACTUAL" and product.get("interest_recognition_on_disbursement_date"):
        return DayCount.ACT_ACT  # which counts the first day of a period, and not its last
    return BY_DAYS[product["days_in_year"]]


def down_payment_of(case: Case) -> str:
    """Return the per cent of the down payment: the product's, or the loan's own ("with auto downpayment 15% and")."""
    own = case["loan"].get("creation_variant", "").partition("auto downpayment ")[2].partition("%")[0]
    return str(own or case["product"].get("down_payment_percent") or 0)


def last_due_of(case: Case) -> date | None:
    """Return where the term ends ("with fixed length 40 and"), if the loan says so."""
    length = case["loan"].get("creation_variant", "").partition("fixed length ")[2].partition(" ")[0]
    if not length:
        return None
    on, unit = disbursed_on(case), case["loan"]["repay_unit"]
    return (
        add_months(on, int(length)) if unit == "MONTHS" else on + timedelta(int(length) * {"DAYS": 1, "WEEKS": 7}[unit])
    )
