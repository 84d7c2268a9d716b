"""The figures of each report as of a day, added up by every dimension in one statement, or read where they are kept.

Whatever is known by now counts: what was booked later for an earlier day is in that day's figures, as in a loan's page.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection

from lending.domain.books.portfolio import BAD, LARGEST, OFFERED, PAR, SPLIT, Band, Dimension, Report, month_ends
from lending.models import PortfolioFigures

Row = list[Any]
"""Value of the dimension, currency, then what the report's statement says."""

SPLIT_BY: Final = ", ".join(SPLIT)
ORIGIN: Final = ", ".join(f"o.{name}" for name in ("currency", *SPLIT))
DPD: Final = "CASE WHEN {s}.late_from <= {on} THEN {on} - {s}.late_since ELSE 0 END"
ON: Final = "%(on)s::date"


def _band(spell: str, on: str) -> str:
    dpd = DPD.format(s=spell, on=on)
    whens = " ".join(f"WHEN {dpd} >= {days} THEN '{days}'" for days in reversed(PAR))
    return f"CASE {whens} ELSE '{Band.CURRENT}' END"


def _by_dimension(cells: str, keys: Sequence[str], sums: Sequence[str], by: Iterable[Dimension] = SPLIT) -> str:
    """Add up cells, which have all dimensions, keys and sums, by each dimension and by none."""
    split = [one for one in by if one is not Dimension.ALL]
    keyed = ", ".join(("currency", *keys))
    sets = ", ".join((f"({keyed})", *(f"({keyed}, {one})" for one in split)))
    summed = ", ".join(f"sum({name})::numeric AS {name}" for name in sums)
    bits = ", ".join(split)
    return f"""
    WITH cells AS MATERIALIZED ({cells})
    SELECT grouping({bits}) AS split, coalesce({bits}, '') AS value, {keyed}, {summed} FROM cells
    GROUP BY GROUPING SETS ({sets}) ORDER BY split, value, {keyed}
    """  # noqa: S608 - constants only, here and below


AT_RISK: Final = f"""
SELECT {ORIGIN}, count(*) AS loans, sum(s.principal_minor) AS minor,
    {", ".join(f"count(*) FILTER (WHERE late >= {days}) AS loans_{days}" for days in PAR)},
    {", ".join(f"coalesce(sum(s.principal_minor) FILTER (WHERE late >= {days}), 0) AS minor_{days}" for days in PAR)}
FROM lending_loanspell s JOIN lending_loanorigin o ON o.loan_id = s.loan_id,
    LATERAL (SELECT {DPD.format(s="s", on=ON)} AS late) days
WHERE s.since <= {ON} AND s.until > {ON} GROUP BY {ORIGIN}
"""  # noqa: S608
COHORTS: Final = f"""
SELECT {ORIGIN}, date_trunc('month', o.disbursed_on)::date AS cohort, sum(f.loans) AS loans,
    sum(f.disbursed) AS disbursed, sum(f.late_loans) AS late_loans, sum(f.late) AS late,
    sum(f.lost_loans) AS lost_loans, sum(f.lost) AS lost, sum(f.matured) AS matured, sum(f.defaulted) AS defaulted
FROM (
    SELECT loan_id, 0 AS loans, disbursed_minor AS disbursed, 0 AS late_loans, 0 AS late, 0 AS lost_loans, 0 AS lost,
        0 AS matured, 0 AS defaulted
    FROM lending_loanflow WHERE disbursed_minor <> 0 AND "on" <= {ON}
    UNION ALL
    SELECT loan_id, 1, 0, 0, 0, 0, 0, (first_due + {BAD} <= {ON})::int, 0 FROM lending_loanorigin
    WHERE disbursed_on <= {ON}
    UNION ALL
    SELECT loan_id, 0, 0, 1, principal_minor, 0, 0, 0, 0 FROM lending_loanspell
    WHERE since <= {ON} AND until > {ON} AND late_from <= {ON} AND late_since <= {ON} - {BAD}
    UNION ALL
    SELECT loan_id, 0, 0, 0, 0, 1, sum(written_off_minor), 0, 0 FROM lending_loanflow
    WHERE NOT (written_off_minor = 0 AND recovered_minor = 0) AND "on" <= {ON}
    GROUP BY loan_id HAVING sum(written_off_minor) <> 0
    UNION ALL
    SELECT s.loan_id, 0, 0, 0, 0, 0, 0, 0, 1 FROM lending_loanspell s JOIN lending_loanorigin d ON d.loan_id = s.loan_id
    WHERE d.first_due + {BAD} <= {ON} AND s.since <= d.first_due + {BAD} AND s.until > d.first_due + {BAD}
        AND s.late_from <= d.first_due + {BAD} AND s.late_since <= d.first_due
) f JOIN lending_loanorigin o ON o.loan_id = f.loan_id GROUP BY {ORIGIN}, cohort
"""  # noqa: S608
# What ran at the end of the month before, and how it stands now: a loan that does not run any more has lost principal
# or was repaid.
ROLLED: Final = f"""
SELECT {ORIGIN}, {_band("b", "%(before)s::date")} AS began,
    CASE WHEN a.loan_id IS NOT NULL THEN {_band("a", ON)} WHEN EXISTS (
        SELECT FROM lending_loanflow f WHERE f.loan_id = b.loan_id AND f."on" <= {ON} AND f.written_off_minor <> 0
    ) THEN '{Band.WRITTEN_OFF}' ELSE '{Band.REPAID}' END AS ended, count(*) AS loans, sum(b.principal_minor) AS minor
FROM lending_loanspell b JOIN lending_loanorigin o ON o.loan_id = b.loan_id
LEFT JOIN lending_loanspell a ON a.loan_id = b.loan_id AND a.since <= {ON} AND a.until > {ON}
WHERE b.since <= %(before)s AND b.until > %(before)s GROUP BY {ORIGIN}, began, ended
"""  # noqa: S608
# Loans are added up one by one first: counted DISTINCT, all rows would be sorted by all dimensions.
EARNED: Final = f"""
SELECT {ORIGIN}, count(*) FILTER (WHERE r.ran) AS loans, sum(r.received) AS received, sum(r.day_sum) AS day_sum
FROM (
    SELECT loan_id, bool_or(ran) AS ran, sum(received)::bigint AS received, sum(day_sum)::bigint AS day_sum
    FROM (
        SELECT loan_id, true AS ran, 0 AS received,
            principal_minor * (least(until, {ON} + 1) - greatest(since, %(first)s::date)) AS day_sum
        FROM lending_loanspell WHERE since <= {ON} AND until > %(first)s
        UNION ALL
        SELECT loan_id, false, received_minor, 0 FROM lending_loanflow
        WHERE received_minor <> 0 AND "on" BETWEEN %(first)s AND {ON}
    ) rows GROUP BY loan_id
) r JOIN lending_loanorigin o ON o.loan_id = r.loan_id GROUP BY {ORIGIN}
"""  # noqa: S608
LOST: Final = f"""
SELECT {ORIGIN}, count(*) FILTER (WHERE f.lent) AS loans, sum(f.disbursed) AS disbursed,
    count(*) FILTER (WHERE f.lent AND o.pd_ppm IS NOT NULL) AS rated,
    sum(f.disbursed::numeric * coalesce(o.pd_ppm, 0) * o.lgd_bps) AS weighted,
    count(*) FILTER (WHERE f.lost) AS lost_loans, sum(f.written_off) AS written_off, sum(f.recovered) AS recovered
FROM (
    SELECT loan_id, bool_or(disbursed_minor <> 0) AS lent, bool_or(written_off_minor <> 0) AS lost,
        sum(disbursed_minor)::bigint AS disbursed, sum(written_off_minor)::bigint AS written_off,
        sum(recovered_minor)::bigint AS recovered
    FROM lending_loanflow
    WHERE "on" <= {ON} AND (disbursed_minor <> 0 OR NOT (written_off_minor = 0 AND recovered_minor = 0))
    GROUP BY loan_id
) f JOIN lending_loanorigin o ON o.loan_id = f.loan_id GROUP BY {ORIGIN}
"""  # noqa: S608
# A draw on a line was applied for by itself, under the offer of its line.
BECAME: Final = f"""
SELECT o.currency, v.code AS product, o.grade, p.code AS partner, (o.delivered_on <= {ON}) IS TRUE AS delivered,
    coalesce(d.outcome, '') AS outcome, coalesce(d.ground, '') AS ground, g.loan_id IS NOT NULL AS paid_out,
    count(*) AS offers
FROM lending_offer o JOIN lending_productversion v ON v.id = o.product_id
JOIN merchants_merchant m ON m.id = o.merchant_id JOIN merchants_partner p ON p.id = m.partner_id
LEFT JOIN lending_application a ON a.offer_id = o.id AND a.line_id IS NULL AND a.applied_on <= {ON}
LEFT JOIN lending_decision d ON d.application_id = a.id AND starts_with(d.actor, 'system:')
LEFT JOIN lending_loan l ON l.application_id = a.id
LEFT JOIN lending_loanorigin g ON g.loan_id = l.id AND g.disbursed_on <= {ON}
WHERE o.made_on BETWEEN %(first)s AND {ON}
GROUP BY o.currency, v.code, o.grade, p.code, delivered, outcome, ground, paid_out
"""  # noqa: S608
# The largest borrowers by name, and under the name "" how many there are, with the sum of their squares.
OWED: Final = f"""
WITH owed AS MATERIALIZED (
    SELECT o.currency, o.borrower, count(*) AS loans, sum(s.principal_minor) AS minor
    FROM lending_loanspell s JOIN lending_loanorigin o ON o.loan_id = s.loan_id
    WHERE s.since <= {ON} AND s.until > {ON} GROUP BY o.currency, o.borrower
), whole AS (
    SELECT currency, count(*) AS borrowers, sum(loans) AS loans, sum(minor) AS minor, sum(minor * minor) AS squares
    FROM owed GROUP BY currency
)
SELECT 0, '', currency, '' AS borrower, borrowers, loans, minor, squares FROM whole
UNION ALL
SELECT 0, '', currency, largest.borrower, 1, largest.loans, largest.minor, largest.minor * largest.minor
FROM whole, LATERAL (
    SELECT borrower, loans, minor FROM owed WHERE owed.currency = whole.currency
    ORDER BY minor DESC, borrower COLLATE "C" LIMIT {LARGEST}
) largest
ORDER BY 3, 7 DESC, 4
"""  # noqa: S608
STATEMENTS: Final = {
    Report.RISK: _by_dimension(
        AT_RISK, (), ("loans", "minor", *(f"loans_{d}" for d in PAR), *(f"minor_{d}" for d in PAR))
    ),
    Report.VINTAGES: _by_dimension(
        COHORTS, ("cohort",), ("loans", "disbursed", "late_loans", "late", "lost_loans", "lost", "matured", "defaulted")
    ),
    Report.ROLLS: _by_dimension(ROLLED, ("began", "ended"), ("loans", "minor")),
    Report.YIELD: _by_dimension(EARNED, (), ("loans", "received", "day_sum")),
    Report.LOSS: _by_dimension(
        LOST, (), ("loans", "disbursed", "rated", "weighted", "lost_loans", "written_off", "recovered")
    ),
    Report.CONCENTRATION: OWED,
    Report.FUNNEL: _by_dimension(
        BECAME,
        ("delivered", "outcome", "ground", "paid_out"),
        ("offers",),
        by=OFFERED,
    ),
}
KEPT: Final[tuple[Report, ...]] = tuple(report for report in Report if report is not Report.FUNNEL)
"""The reports whose figures are kept: what became of a month's offers is read by their date, and no lock holds it."""
BY: Final = {Report.CONCENTRATION: (Dimension.ALL,), Report.FUNNEL: OFFERED}
"""By what a report is split, where not by everything."""


def dimensions_of(report: Report) -> tuple[Dimension, ...]:
    """Return by what a report can be split."""
    return BY.get(report, tuple(Dimension))


def compute_figures(report: Report, *, on: date) -> dict[Dimension, list[Row]]:
    """Add up a report as of a day, by everything that it is split by."""
    by = dimensions_of(report)
    split = [one for one in by if one is not Dimension.ALL]
    # Of n names in a grouping set, the bit of each that is grouped by is 0, of the first the highest.
    every = (1 << len(split)) - 1
    of_bits = {every & ~(1 << (len(split) - 1 - place)): one for place, one in enumerate(split)}
    found: dict[Dimension, list[Row]] = {one: [] for one in by}
    asked = {"on": on, "first": on.replace(day=1), "before": on.replace(day=1) - timedelta(days=1)}
    with connection.cursor() as cursor:
        cursor.execute(STATEMENTS[report], asked)
        for bits, *row in cursor.fetchall():
            found[of_bits.get(bits, Dimension.ALL)].append([_scalar(value) for value in row])
    return found


def _scalar(value: Any) -> Any:  # noqa: ANN401 - as a driver returns it
    """Return what JSON has: integers, texts, truth values."""
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, bool | str) else int(value)


def figures_of(report: Report, dimension: Dimension, *, on: date) -> list[Row]:
    """Return a report by a dimension as of a day: the rows that are kept or, without them, added up now."""
    return figures_of_days(report, dimension, [on])[on]


def figures_of_days(report: Report, dimension: Dimension, days: Sequence[date]) -> dict[date, list[Row]]:
    """Return the same of several days, by day."""
    found = kept_figures(report, dimension, days)
    return {on: found[on] if on in found else compute_figures(report, on=on)[dimension] for on in days}


def kept_figures(report: Report, dimension: Dimension, days: Sequence[date]) -> dict[date, list[Row]]:
    """Return a report by a dimension as of days, by day, as far as it is kept."""
    kept = PortfolioFigures.objects.filter(report=report, dimension=dimension, on__in=days)
    return dict(kept.values_list("on", "rows"))


def days_to_keep(day: date) -> list[date]:
    """List a day and the month ends before it of which some figures are not kept, in order."""
    first = first_month()
    if first is None:
        return []
    days = month_ends(first, day)
    wanted = sum(len(dimensions_of(report)) for report in KEPT)
    kept = Counter(PortfolioFigures.objects.filter(on__in=days).values_list("on", flat=True))
    return [on for on in days if kept[on] < wanted]


def first_month() -> date | None:
    """Return the first day of the month in which the first loan was paid out."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT date_trunc('month', min(disbursed_on))::date FROM lending_loanorigin")
        first: date | None = cursor.fetchone()[0]
    return first
