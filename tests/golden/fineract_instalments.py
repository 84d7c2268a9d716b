"""Apache Fineract's instalment calculator, period by period, as the product's own quote and replay."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from config.kernel.daycount import YEAR_UNITS, DayCount
from lending.domain.contract.due_dates import due_dates
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.periods import period_units
from lending.domain.contract.replay import replay
from lending.domain.contract.schedule import Instalment
from lending.domain.contract.terms import AccrualRule, Method, PeriodUnit, Recalculation, Terms
from tests.golden.outcome import Case, Waits, require_equal, require_near
from tests.golden.quotes import disbursed, minor, terms_of

Event = dict[str, Any]
UNITS: Final = {"DAYS": PeriodUnit.DAY, "WEEKS": PeriodUnit.WEEK, "MONTHS": PeriodUnit.MONTH}
BY_DAYS: Final = {
    "DAYS_360": DayCount.ACT_360,
    "DAYS_364": DayCount.ACT_364,
    "DAYS_365": DayCount.ACT_365F,
    "ACTUAL": DayCount.ACT_ACT_END,
    "FEB_29_PERIOD_ONLY": DayCount.ACT_365_ACTUAL,
}
DIGITS: Final = 1e-11
"""To this the peer computes rate factors, with twelve digits."""
NEEDS: Final = {
    "interest_rate_change": "instalments solved again after a change of rate: ours are drawn once",
    "pay_interest": "interest of one period paid by itself: repayments go down the waterfall",
    "pay_principal": "principal of one period paid by itself: repayments go down the waterfall",
    "credit_principal": "an event that adds to the principal",
    "credit_interest": "an event that adds to the interest",
    "balance_correction": "an event that corrects the balance",
}


def check_instalments(case: Case) -> None:
    """Compare each expectation until something happens that the engine does not have."""
    paid_out, *timeline = case["timeline"]
    terms, on = terms_of_case(case, paid_out), date.fromisoformat(paid_out["date"])
    tranches, pauses = [(on, minor(paid_out["amount"]))], list[tuple[date, date]]()
    for event in timeline:
        if event["type"] == "disbursement":
            tranches.append((date.fromisoformat(event["date"]), minor(event["amount"])))
        elif event["type"] == "interest_pause":
            pauses.append((date.fromisoformat(event["start"]), date.fromisoformat(event["end"])))
        elif event["type"] == "expect":
            is_plain = len(tranches) == 1 and not pauses and terms.counted_from is None
            factors = factors_of(terms, on) if is_plain else []
            drawn = paused(terms, tranches, pauses) if pauses else disbursed(terms, tranches)
            compare(drawn, event["rows"], factors, tranches)
        elif event["type"] == "expect_daily_interest":
            compare_day(terms, on, event)
        else:
            raise Waits(NEEDS.get(event["type"], f"an event {event['type']}"))


def paused(
    terms: Terms, tranches: Sequence[tuple[date, int]], pauses: Sequence[tuple[date, date]]
) -> Sequence[Instalment]:
    """Return the rows of a loan that keeps its instalment, is paid as it falls due, and is charged nothing at times.

    The peer counts a day at its end: what it calls the first day of a pause is our day before.
    """
    together = sum(amount for _, amount in tranches)
    kept = replace(
        terms,
        principal_minor=together,
        tranches=len(tranches),
        recalculation=Recalculation.KEEP_INSTALMENT,
    )
    events = [
        LoanEvent(id=f"out{number}", on=on, type=EventType.DISBURSEMENT, amount_minor=amount)
        for number, (on, amount) in enumerate(tranches)
    ]
    for number, (start, end) in enumerate(pauses):
        begins = max(start - timedelta(days=1), tranches[0][0])
        events.append(LoanEvent(id=f"pause{number}", on=begins, type=EventType.RATE_CHANGE, rate=Decimal(0)))
        events.append(LoanEvent(id=f"end{number}", on=end, type=EventType.RATE_CHANGE, rate=terms.rate))
    for due in due_dates(kept, tranches[0][0]):
        amount = replay(kept, events).state(due).due_minor
        if amount:
            paid = LoanEvent(id=f"paid{due}", on=due, type=EventType.REPAYMENT, amount_minor=amount)
            events.append(paid)
    return replay(kept, events).schedule


def terms_of_case(case: Case, paid_out: Event) -> Terms:
    product = case["product"]
    is_whole = product["repay_unit"] == "MONTHS" and product["days_in_month"] == "DAYS_30"
    return terms_of(
        principal_minor=minor(paid_out["amount"]),
        rate=Decimal(product["annual_rate_percent"]) / 100,
        day_count=DayCount.MONTHS_12 if is_whole else BY_DAYS[product["year_rule"] or product["days_in_year"]],
        method=Method.EQUAL_INSTALMENTS,
        periods=len(case["periods"]),
        every=every_of(case),
        unit=UNITS[product["repay_unit"]],
        principal_grace=product["grace_on_principal"] or 0,
        interest_grace=product["grace_on_interest"] or 0,
        accrual=AccrualRule.PER_PERIOD,
        counted_from=counted_from(case, paid_out),
    )


def counted_from(case: Case, paid_out: Event) -> date | None:
    """Return when the first period began, if that was before the disbursement."""
    start = case["periods"][0][0]
    return date.fromisoformat(start) if start < paid_out["date"] else None


def every_of(case: Case) -> int:
    """Return how many units a period has; the peer's tests of two months say one, and list the periods."""
    start, end = map(date.fromisoformat, case["periods"][0])
    months = 12 * (end.year - start.year) + end.month - start.month
    return months if case["product"]["repay_unit"] == "MONTHS" else int(case["product"]["repay_every"])


def factors_of(terms: Terms, on: date) -> list[float]:
    """Return the rate times the length of each period."""
    year = YEAR_UNITS[terms.day_count]
    return [float(Fraction(terms.rate) * units / year) for units in period_units(terms, on, due_dates(terms, on))]


def compare(
    drawn: Sequence[Instalment], rows: Sequence[Event], factors: Sequence[float], tranches: Sequence[tuple[date, int]]
) -> None:
    paid = 0
    require_equal(len(drawn), len(rows), "rows")
    for row, wanted in zip(drawn, rows, strict=True):
        paid += row.principal_minor
        left = sum(amount for on, amount in tranches if on <= row.due) - paid
        found = (row.total_minor, row.interest_minor, row.principal_minor, left)
        named = tuple(minor(wanted[name]) for name in ("emi", "interest", "principal", "balance"))
        require_equal(found, named, f"instalment, interest, principal, balance of {row.no}")
        if wanted.get("interest_parts") and factors:
            parts = sum(float(part["rate_factor"]) for part in wanted["interest_parts"])
            require_near(factors[row.no - 1], parts, DIGITS, f"rate factor of {row.no}")


def compare_day(terms: Terms, on: date, wanted: Event) -> None:
    """Compare interest to the end of a day of the first period, and what that day adds."""
    events = [LoanEvent(id="out", on=on, type=EventType.DISBURSEMENT, amount_minor=terms.principal_minor)]
    loan, begun = replay(terms, events), date.fromisoformat(wanted["interest_start"])
    before, after = (
        loan.state(begun + timedelta(days)).interest_to_date_minor for days in (wanted["day"] - 1, wanted["day"])
    )
    require_equal(after, minor(wanted["interest_to_date"]), f"interest to day {wanted['day']}")
    require_equal(after - before, minor(wanted["interest_of_day"]), f"interest of day {wanted['day']}")
