"""The formula of a loan at rest in SQL: equal to that in Python, within 64 bits and beyond them."""

from dataclasses import asdict, replace
from random import Random

import pytest
from django.db import connection

from lending.domain.contract.accrual import Accrual
from lending.queries.at_rest import interest_at, penalty_at

pytestmark = pytest.mark.django_db
COLUMNS: tuple[str, ...] = (
    "place",
    "principal_minor",
    "overdue_minor",
    "rate_numerator",
    "interest_numerator",
    "penalty_numerator",
)
NUMERIC = {"interest_numerator", "penalty_numerator"}
COLUMNS += ("denominator", "extra", "extra_scale", "fits_to", "asked")
# What a row holds of interest and penalty is what its numerators give on its own date.
GIVEN = f"""
SELECT {interest_at("l.asked")}, {penalty_at("l.asked")}, l.asked <= l.fits_to
FROM (
    SELECT n.*, half_even(interest_numerator, denominator)::bigint AS interest_minor,
        half_even(penalty_numerator * extra, denominator::numeric * extra_scale)::bigint AS penalty_minor
    FROM unnest({", ".join(f"%s::{'numeric' if name in NUMERIC else 'bigint'}[]" for name in COLUMNS)})
        n ({", ".join(COLUMNS)})
) l
"""


def drawn(random: Random) -> Accrual:
    decimals, size = random.randint(0, 12), 10 ** random.randint(1, 15)
    principal = random.choice([0, random.randint(0, size)])
    year = 10**decimals * random.choice([360, 365, 365 * 366])
    return Accrual(
        at=random.randint(0, 20_000) * random.choice([1, 366]),
        principal=principal,
        overdue=random.choice([0, principal, random.randint(0, principal)]),
        rate=random.randint(0, 2 * 10**decimals),
        interest=random.randint(0, size * 10**decimals * 400),
        penalty=random.randint(0, size * 10**decimals * 400),
        year=year,
        extra=random.choice([0, 5, random.randint(0, 1_000)]),
        extra_scale=random.choice([1, 10, 1_000]),
    )


def test_sql_gives_what_python_gives() -> None:
    """Red if a sum left 64 bits, a tie went up, or the bound of what fits were a unit too far."""
    random = Random(7)  # noqa: S311
    rows, expected = [], []
    for _ in range(5_000):
        loan = drawn(random)
        fits = loan.fits_to()
        ahead = random.choice([0, 1, 30, 3_000 * 366, fits - loan.at, fits - loan.at + 1])
        later = replace(loan)
        later.advance(loan.at + min(max(0, ahead), 2_000_000))
        if max(later.interest_minor(), later.penalty_minor()) < 2**63:
            rows.append((*asdict(loan).values(), fits, later.at))
            expected.append((later.interest_minor(), later.penalty_minor()))
    names = [*asdict(loan), "fits", "asked"]
    order = [
        "at",
        "principal",
        "overdue",
        "rate",
        "interest",
        "penalty",
        "year",
        "extra",
        "extra_scale",
        "fits",
        "asked",
    ]
    columns = [[row[names.index(name)] for row in rows] for name in order]
    with connection.cursor() as cursor:
        cursor.execute(GIVEN, columns)
        found = cursor.fetchall()
    assert [(interest, penalty) for interest, penalty, _ in found] == expected
    fitting = sum(fits for _, _, fits in found)
    assert 1_000 < fitting < len(rows) - 1_000, "both ways are tried"
