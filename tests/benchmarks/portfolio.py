"""What is measured of reports on the portfolio: how long adding them up takes, and their pages."""

from datetime import date, timedelta
from functools import partial

from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client

from config.office.business_date import get_business_date
from lending.domain.books.portfolio import Report
from lending.gateways.report_files import write_pdf, write_workbook
from lending.models import Loan, LoanFlow, LoanSpell, PortfolioFigures
from lending.operations.portfolio import keep_figures
from lending.queries.portfolio_figures import compute_figures, days_to_keep
from lending.queries.portfolio_pack import pack_of
from tests.benchmarks.pages import BOUND, TIMES, fill, reports, seconds_of
from tests.benchmarks.results import Result, say, timed

# Six months of payouts and payments, so that each loan has seven flows; a fiftieth is written off, and half of it paid.
SPREAD = """
UPDATE lending_loanorigin SET grade = (ARRAY['A1','A2','B1','B2','C1','C2','D'])[1 + loan_id % 7],
    category = 'category ' || loan_id % 25, region = 'region ' || loan_id % 12, tier = 'tier ' || loan_id % 4,
    disbursed_on = %(today)s::date - 180 - (loan_id % 6 * 30)::int,
    first_due = %(today)s::date - 150 - (loan_id % 6 * 30)::int
"""
OUT = """
UPDATE lending_loanflow f SET "on" = o.disbursed_on FROM lending_loanorigin o
WHERE o.loan_id = f.loan_id AND f.disbursed_minor <> 0
"""
EARNED = """
INSERT INTO lending_loanflow (loan_id, "on", disbursed_minor, received_minor, written_off_minor, recovered_minor)
SELECT loan_id, disbursed_on + 30 * n - (loan_id % 7)::int, 0, 1000,
    CASE WHEN n = 6 AND loan_id % 50 = 0 THEN 5000 ELSE 0 END,
    CASE WHEN n = 6 AND loan_id % 100 = 0 THEN 2500 ELSE 0 END
FROM lending_loanorigin, generate_series(1, 6) n
"""
BARE = """
SELECT o.grade, count(*), sum(s.principal_minor) FROM lending_loanspell s
JOIN lending_loanorigin o ON o.loan_id = s.loan_id WHERE s.since <= %(on)s AND s.until > %(on)s GROUP BY o.grade
"""


def spread(today: date) -> None:
    """Let the copies differ, and let something have happened to them."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for statement in (SPREAD, OUT, EARNED):
            cursor.execute(statement.replace(" % ", " %% "), {"today": today})
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def bare(on: date) -> None:
    with connection.cursor() as cursor:
        cursor.execute(BARE, {"on": on})
        cursor.fetchall()


def portfolio() -> Result:
    """Keep the figures of a day and of the month ends before it; ask for each report as staff do."""
    fill()
    today = get_business_date()
    assert today is not None
    spread(today)
    on = today - timedelta(days=1)
    rows = f"{LoanSpell.objects.count():,} spells, {LoanFlow.objects.count():,} flows"
    say(f"\nPortfolio: {Loan.objects.count():,} loans, {rows}, as of {on}")
    for report in Report:
        say(f"  added up by everything: {report.value}", timed(partial(compute_figures, report, on=on)))
    days = days_to_keep(on)
    for day in days:
        PortfolioFigures.objects.filter(on=day).delete()
    say(f"  figures of {len(days)} days kept, a day", timed(lambda: [keep_figures(day) for day in days]) / len(days))
    query = timed(partial(bare, on))
    say("  the bare query: running loans and principal by grade", query)
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_superuser("bench", password=None))
    say(f"  median of {TIMES}, in ms")
    slowest = max(seconds_of(name, address, client) for name, address in reports(on))
    pdf = timed(lambda: write_pdf("x", [(one.name, one.currency, one.tables) for one in pack_of(on)]))
    book = timed(lambda: write_workbook([(one.name, one.currency, one.tables) for one in pack_of(on)]))
    say("  the pack as PDF", pdf)
    say("  the pack as workbook", book)
    say(f"  = the slowest page takes, in bare queries: {slowest / query:.2f}")
    return Result(ratio=slowest / BOUND, rival="300 ms, by the slowest page", target=1.0)


WORKLOADS = {"portfolio": portfolio}
