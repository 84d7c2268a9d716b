"""The European Commission's tables: annuities at rate/12, unrounded, shown to two decimals.

The product rounds to the minor unit; so it is given a currency whose minor unit is a billionth.
"""

from datetime import date
from decimal import Decimal
from typing import Final

from lending.domain.contract.schedule import Instalment
from lending.domain.contract.terms import Method, PeriodUnit
from tests.golden.outcome import Case, require_near
from tests.golden.quotes import quoted, terms_of

FINE: Final = 10**9
SHOWN: Final = 0.00501
"""What two decimals leave open."""
ADDED: Final = 0.01501
"""What they leave open in cells that the document adds up of cells that it shows, themselves taken from such."""
MONTHS: Final = {"MONTHS": 1, "YEARS": 12}


def check_table(case: Case) -> None:
    """Compare the rows that are shown, and the interest of the years that they make up."""
    drawn, left = rows_of(case), Decimal(case["principal"])
    for row in case["rows"]:
        found = drawn[row["period"] - 1]
        interest, principal = shown(found.interest_minor), shown(found.principal_minor)
        left -= principal
        require_near(float(interest), float(row["interest"]), SHOWN, f"interest of {row['period']}")
        for name, value in (("principal", principal), ("total", interest + principal), ("closing", left)):
            require_near(float(value), float(row[name]), ADDED, f"{name} of {row['period']}")
    a_year = 12 // MONTHS[case["unit"]]
    years = (case["interest_per_year"] or [])[: len(case["rows"]) // a_year or None]
    for year, interest in enumerate(years):
        of_year = sum(row.interest_minor for row in drawn[year * a_year : (year + 1) * a_year])
        require_near(float(shown(of_year)), float(interest), SHOWN, f"interest of year {year + 1}")


def rows_of(case: Case) -> tuple[Instalment, ...]:
    rate = case["rows"][0]["rate_percent"] if case["rows"] else "6"
    return quoted(
        terms_of(
            principal_minor=int(Decimal(case["principal"]) * FINE),
            rate=Decimal(rate) / 100,
            method=Method.EQUAL_INSTALMENTS,
            periods=case["periods"],
            every=MONTHS[case["unit"]],
            unit=PeriodUnit.MONTH,
        ),
        on=date(2015, 1, 1),
    )


def shown(amount: int) -> Decimal:
    return Decimal(amount) / FINE
