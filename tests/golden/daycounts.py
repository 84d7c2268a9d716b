"""Day counts of peers: the kernel's, under the names that QuantLib and Strata give them."""

from datetime import date
from fractions import Fraction
from typing import Final

from config.kernel.daycount import YEAR_UNITS, DayCount, units_between
from tests.golden.outcome import Case, Waits, require_equal, require_near

NAMES: Final = {
    "30/365": DayCount.ISDA_30E_365,
    "30/360 ISDA (bond basis)": DayCount.BOND_30_360,
    "THIRTY_360_ISDA": DayCount.BOND_30_360,
    "30E/360 (eurobond)": DayCount.E30_360,
    "THIRTY_E_360": DayCount.E30_360,
    "30U/360 (US, end-of-February rule)": DayCount.US_30_360,
    "THIRTY_U_360": DayCount.US_30_360,
    "30E/360 ISDA": DayCount.ISDA_30E_360,
    "THIRTY_E_360_ISDA": DayCount.ISDA_30E_360,
    "THIRTY_EPLUS_360": DayCount.PLUS_30E_360,
    "THIRTY_E_365": DayCount.ISDA_30E_365,
    "ACT/ACT ISDA": DayCount.ACT_ACT,
    "ACT_ACT_ISDA": DayCount.ACT_ACT,
    "ACT_ACT_AFB": DayCount.ACT_ACT_AFB,
    "ACT_ACT_YEAR": DayCount.ACT_ACT_YEAR,
    "ACT_365_ACTUAL": DayCount.ACT_365_ACTUAL,
    "ACT_360": DayCount.ACT_360,
    "ACT_364": DayCount.ACT_364,
    "ACT_365F": DayCount.ACT_365F,
    "ACT_365_25": DayCount.ACT_365_25,
    "NL_360": DayCount.NL_360,
    "NL_365": DayCount.NL_365,
    # of spreadsheets
    "30/360 SIA": DayCount.US_30_360,
    "act/360": DayCount.ACT_360,
    "act/365F": DayCount.ACT_365F,
    "act/act ISDA": DayCount.ACT_ACT,
}
DIGITS: Final = 12


def known_day_count(name: str) -> DayCount:
    """Return the day count of a peer's name. Raises Waits for one that the kernel does not have."""
    if name not in NAMES:
        message = f"the day count {name}"
        raise Waits(message)
    return NAMES[name]


def years_between(start: date, end: date, convention: str) -> Fraction:
    """Measure a time in years, by the peer's name of a day count."""
    day_count = known_day_count(convention)
    return Fraction(units_between(start, end, day_count), YEAR_UNITS[day_count])


def check_day_count(case: Case) -> None:
    """Compare days, or the year fraction to twelve digits."""
    start, end = (date.fromisoformat(case[name]) for name in ("start", "end"))
    maturity = date.fromisoformat(case["termination_date"]) if case.get("termination_date") else None
    day_count = known_day_count(case["convention"])
    units = units_between(start, end, day_count, maturity=maturity)
    if case["days"] is not None:
        require_equal(units, case["days"], "days")
    if case["year_fraction"] is not None:
        require_near(units / YEAR_UNITS[day_count], case["year_fraction"], 0.6 * 10**-DIGITS, "year fraction")
