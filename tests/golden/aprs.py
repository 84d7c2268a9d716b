"""Yearly rates that regulators publish, by the rule of each."""

import re
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from config.kernel.timevalue import Flow, effective_rate
from lending.domain.contract.apr import UnitPeriod, nominal_rate, unit_periods_between, years_between
from tests.golden.outcome import Case, require_equal, require_near

JULIAN_YEAR = Fraction(1461, 4)
GIVEN = 1e-6
"""To this the files give fractions of unit-periods."""
NEAR = 5e-6
"""The Commission's own X differ from the roots of their flows by some units of the sixth decimal of a per cent."""


def check_apr(case: Case) -> None:
    rate = 100 * (us_rate(case) if "unit_period" in case else effective_rate(flows_of(case)))
    wanted = Decimal(case["expected_apr_percent"])
    if "tolerance_percent" in case:
        require_near(float(rate), float(wanted), float(case["tolerance_percent"]), "apr")
    else:
        require_equal(rate.quantize(wanted, ROUND_HALF_UP), wanted, "apr")
    if "expected_x_percent" in case:
        wanted = Decimal(case["expected_x_percent"])
        require_near(float(rate), float(wanted), NEAR, "X")


def flows_of(case: Case) -> list[Flow]:
    found: list[Flow] = []
    for flow in case["flows"]:
        amount = Decimal(str(flow["amount"]))
        if "date" in flow:
            dates = [date.fromisoformat(text) for text in (case["flows"][0]["date"], flow["date"])]
            found.append((years_between(*dates), amount))
        elif "day" in flow:
            above, _, below = str(flow["day"]).partition("/")
            found.append((Fraction(above) / Fraction(below or 1) / JULIAN_YEAR, amount))
        else:
            odd = Fraction(flow["days"], flow["days_in_year"])
            months = range(flow["first_month"], flow["first_month"] + flow["count"] * flow["step"], flow["step"])
            found += [(Fraction(month, 12) + odd, amount) for month in months]
    return found


def us_rate(case: Case) -> Decimal:
    """Compute the rate, and demand that the time to the first payment is counted as the case counts it."""
    unit = unit_of(case["unit_period"])
    payments = case["payments"]
    start, end = (date.fromisoformat(place["date"]) for place in (case["advance"], payments["first"]))
    whole, odd = unit_periods_between(start, end, unit)
    given = case["full_periods_to_first_payment"] + Fraction(str(case["fraction_to_first_payment"]))
    require_near(float(whole + odd), float(given), GIVEN, "first period")
    regular = [payments["regular_amount"]] * (payments["count"] - 2)
    amounts = [payments["first"]["amount"], *regular, payments["last"]["amount"]][-payments["count"] :]
    timed = [((whole + number, odd), Decimal(str(amount))) for number, amount in enumerate(amounts)]
    return nominal_rate(Decimal(str(case["advance"]["amount"])), timed, unit)


def unit_of(text: str) -> UnitPeriod:
    """Read a unit-period: "half month", "day", "4 week(s)", "3 month(s)"."""
    if text == "half month":
        return UnitPeriod(half_months=1)
    found = re.fullmatch(r"(?:(\d+) )?(month|week|day)(?:\(s\))?", text)
    if found is None:
        message = f"unit-period: {text}"
        raise AssertionError(message)
    count, name = int(found[1] or 1), found[2]
    return (
        UnitPeriod(half_months=2 * count) if name == "month" else UnitPeriod(days=count * {"week": 7, "day": 1}[name])
    )
