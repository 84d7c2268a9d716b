"""Figures of spreadsheets: the kernel's time value of money, under a spreadsheet's names and signs."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final

from config.kernel.timevalue import Annuity, Flow, effective_rate, periods_of, present_value
from tests.golden.daycounts import years_between
from tests.golden.outcome import Case, Waits, require_near

Arguments = Mapping[str, Any]


def number(value: float | str) -> Decimal:
    """Read a number, or the quotient of two ("0.0824/12")."""
    above, _, below = str(value).partition("/")
    return Decimal(above) / Decimal(below or 1)


def amounts(found: Arguments, *names: str) -> list[Decimal]:
    return [number(found.get(name, 0)) for name in names]


def annuity_of(found: Arguments) -> Annuity:
    rate, periods = amounts(found, "rate", "nper")
    return Annuity(rate=rate, periods=periods, in_advance=bool(found.get("when", 0)))


def payment_of(found: Arguments) -> Decimal:
    return annuity_of(found).payment(*amounts(found, "pv", "fv"))


def interest_of(found: Arguments, period: int) -> Decimal:
    [present] = amounts(found, "pv")
    return annuity_of(found).interest_in(period, payment_of(found), present)


def interest_from_to(found: Arguments) -> Decimal:
    return sum((interest_of(found, period) for period in range(found["start"], found["end"] + 1)), Decimal(0))


def principal_from_to(found: Arguments) -> Decimal:
    periods = range(found["start"], found["end"] + 1)
    return payment_of(found) * len(periods) - interest_from_to(found)


def level_rate(found: Arguments) -> Decimal:
    """Return the rate of level payments: that of their flows."""
    periods, payment, present, future = amounts(found, "nper", "pmt", "pv", "fv")
    first = 0 if found.get("when") else 1
    flows = [(Fraction(period), payment) for period in range(first, first + int(periods))]
    return rate_of([(Fraction(0), present), *flows, (Fraction(int(periods)), future)])


def rate_of(flows: list[Flow]) -> Decimal:
    """Turn the signs where money is paid first: the rate is the same."""
    turned = next((amount for _, amount in flows if amount), Decimal(0)) < 0
    return effective_rate([(time, -amount if turned else amount) for time, amount in flows])


def flows_of(found: Arguments, *, first: int = 0) -> list[Flow]:
    """Return flows by their dates, in years from the first of the list; without dates, a period apart."""
    values = map(number, found["values"])
    if "dates" not in found:
        return [(Fraction(time), value) for time, value in enumerate(values, start=first)]
    dates = [date.fromisoformat(text) for text in found["dates"]]
    start, convention = min(dates), found.get("day_count", "act/365F")
    return sorted((years_between(start, on, convention), value) for on, value in zip(dates, values, strict=True))


FUNCTIONS: Final[Mapping[str, Callable[[Arguments], Decimal]]] = MappingProxyType(
    {
        "pv": lambda found: annuity_of(found).present(*amounts(found, "pmt", "fv")),
        "fv": lambda found: annuity_of(found).future(*amounts(found, "pmt", "pv")),
        "pmt": payment_of,
        "ipmt": lambda found: interest_of(found, found["per"]),
        "ppmt": lambda found: payment_of(found) - interest_of(found, found["per"]),
        "cumipmt": interest_from_to,
        "cumprinc": principal_from_to,
        "nper": lambda found: periods_of(
            number(found["rate"]),
            **dict(zip(("payment", "present", "future"), amounts(found, "pmt", "pv", "fv"), strict=True)),
            in_advance=bool(found.get("when", 0)),
        ),
        "rate": level_rate,
        "irr": lambda found: rate_of(flows_of(found)),
        "xirr": lambda found: rate_of(flows_of(found)),
        "npv": lambda found: present_value(flows_of(found), number(found["rate"])),
        "npv (first flow at t=0)": lambda found: present_value(flows_of(found), number(found["rate"])),
        "npv (first flow at t=1)": lambda found: present_value(flows_of(found, first=1), number(found["rate"])),
        "xnpv": lambda found: present_value(flows_of(found), number(found["rate"])),
        "effect": lambda found: (1 + number(found["args"][0]) / found["args"][1]) ** found["args"][1] - 1,
    }
)


def check_time_value(case: Case) -> None:
    """Compare a figure within the case's tolerance; of several roots, the published one and ours must both be one."""
    function = case["function"].partition(" with day count")[0]
    if function not in FUNCTIONS:
        message = f"the function {function}"
        raise Waits(message)
    found = FUNCTIONS[function](case["args"])
    if function in {"irr", "xirr"}:
        flows = flows_of(case["args"])
        gap = Decimal(str(case["tolerance"]))
        for rate in (found, number(case["expected"])):
            below, above = (present_value(flows, rate + side) for side in (-gap, gap))
            if below * above > 0:
                message = f"{function}: {rate} is no root"
                raise AssertionError(message)
    else:
        require_near(float(found), case["expected"], case["tolerance"], function)
