"""What is measured of the office: how long its pages take over many loans and merchants."""

import os
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from statistics import median
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, connections
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from config.declarations import Role
from config.kernel.calendar import add_months
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date
from lending.admin.portfolio import address_of
from lending.domain.books.portfolio import Dimension, Report
from lending.models import DayClose, Entry, Loan, LoanEvent, Posting
from lending.operations.portfolio import keep_buckets, keep_figures
from lending.queries.portfolio_figures import dimensions_of
from lending.tasks import settle_transfers
from merchants.models import Merchant
from scoring.models import Score, ScoreRun
from scoring.queries.scores import get_live_run
from tests.benchmarks.lending import accept, make_offers, multiply
from tests.benchmarks.results import Result, say, timed
from tests.conftest import make_user

LOANS = int(os.environ["LOANS"])
NEWER = 300
TIMES = 15
BOUND = 0.3
ONE_LATE_IN = int(os.environ.get("ONE_LATE_IN", "50"))
"""One loan in so many is late, now and in each of the six months before."""
EVENTS = (30, 2_400)
PAST = timedelta(days=75)
SCORES = """
INSERT INTO scoring_score
SELECT (jsonb_populate_record(s, jsonb_build_object('id', 5000000 + m.id, 'merchant_id', m.id))).*
FROM scoring_score s, merchants_merchant m WHERE s.id = %s AND m.id > 5000000
"""
# Those of the loans that are late, and for each loan six that have ended, as many of them late.
SPELLS = """
UPDATE lending_loanspell s SET late_from = s.since, late_since = l.late_since, arrears_minor = s.principal_minor / 10
FROM lending_loan l WHERE l.id = s.loan_id AND l.late_since < s.since
"""
EARLIER = """
INSERT INTO lending_loanspell (loan_id, since, until, principal_minor, late_from, late_since, arrears_minor)
SELECT loan_id, since - 30 * n, since - 30 * n + 30, principal_minor, CASE WHEN late THEN since - 30 * n + 5 END,
    CASE WHEN late THEN since - 30 * n + 4 END, CASE WHEN late THEN principal_minor / 10 ELSE 0 END
FROM lending_loanspell, generate_series(1, 6) n, LATERAL (SELECT (loan_id + n) %% {late} = 0 AS late) is_late
"""


# As if they had come in over a year.
APPLIED = """
SET statement_timeout = 0; ALTER TABLE lending_application DISABLE TRIGGER USER;
UPDATE lending_application SET applied_on = applied_on - (id % 365)::int;
ALTER TABLE lending_application ENABLE TRIGGER USER; RESET statement_timeout
"""


def fill() -> None:
    """Copy a loan with its merchant and score; let some be late, and some merchants be newer than the run."""
    for offer in make_offers()[0][:20]:
        accept(offer)
    settle_transfers()
    loan, run = Loan.objects.active().order_by("pk")[0], get_live_run()
    assert run is not None
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        multiply(loan, LOANS)
        cursor.execute(SCORES, [Score.objects.get(run=run, merchant=loan.merchant_id).pk])
        ScoreRun.objects.filter(pk=run.pk).update(scored=F("scored") + cursor.rowcount)
        cursor.execute(
            "UPDATE lending_loan SET late_since = booked_to - 1 - (id %% 60)::int"
            " WHERE id %% %s = 0 AND status = 'ACTIVE'",
            [ONE_LATE_IN],
        )
        cursor.execute(SPELLS)
        cursor.execute(EARLIER.format(late=ONE_LATE_IN), [])
        cursor.execute("RESET statement_timeout")  # a page that takes longer fails here as it does in an office
    on = get_business_date()
    assert on is not None
    DayClose.objects.create(
        day=on - timedelta(days=1), state="PROVEN", parts=1, started_by="system:0", started_at=timezone.now(),
        finished_at=timezone.now(),
    )  # fmt: skip
    with connections["owner"].cursor() as cursor:
        cursor.execute(APPLIED)
        cursor.execute("VACUUM ANALYZE")  # as PostgreSQL does by itself after a while
    told = {"partner": loan.merchant.partner, "currency": loan.merchant.currency}
    ids = range(7_000_000, 7_000_000 + NEWER)  # beyond the copies
    Merchant.objects.bulk_create([Merchant(pk=pk, external_id=f"newer {pk}", name="Newer", **told) for pk in ids])


def keep(on: date) -> None:
    """Keep what the closes of the days that pages are asked for, and of a month before each, have kept."""
    closed = (on - timedelta(days=1), on - PAST)
    for day in (*closed, *(add_months(one, -1) for one in (on, *closed))):
        keep_figures(day)
        keep_buckets(day)


def reports(on: date) -> Iterator[tuple[str, str]]:
    """Name the pages of the reports as of a day, by nothing, by grade and by category."""
    for report in Report:
        for by in dimensions_of(report):
            if by in {Dimension.ALL, Dimension.GRADE, Dimension.CATEGORY}:
                query = urlencode({"on": str(on), "by": by.value})
                yield f"{report.value} by {by.value}", f"{address_of(report)}?{query}"


def addresses() -> Iterator[tuple[str, str]]:
    """Name the pages: of one merchant, one loan, and the lists as people ask for them."""
    first, last = Merchant.objects.earliest("pk").pk, Loan.objects.latest("pk")
    yield "overview", reverse("admin:overview")
    yield "merchant", reverse("admin:merchants_merchant_change", args=[first])
    yield "its transactions", reverse("admin:merchants_merchant_transactions", args=[first])
    yield "loan", reverse("admin:lending_loan_change", args=[last.pk])
    for number in EVENTS:
        add_events(last, number)
        yield f"loan of {number:,} events", reverse("admin:lending_loan_change", args=[last.pk])
    yield from delinquency()
    for model, queries in QUERIES.items():
        address = reverse(f"admin:{model}_changelist")
        yield from ((f"{model.partition('_')[2]}s?{query}", f"{address}?{query}") for query in queries.split("|"))


def delinquency() -> Iterator[tuple[str, str]]:
    """Name the pages of delinquency: of the open day, and of one months ago, with the lists behind their figures."""
    table, listed = reverse("admin:lending_loanspell_changelist"), reverse("admin:lending_loanspell_loans")
    today = get_business_date()
    assert today is not None
    days = {"of the last close": today - timedelta(days=1), "75 days ago": today - PAST, "of the open day": today}
    for name, on in days.items():
        yield f"delinquency {name}", f"{table}?on={on}"
        yield from ((f"  its loans {asked}", f"{listed}?on={on}{asked}") for asked in ("", "&bucket=1", "&dpd=30"))


QUERIES = {
    "merchants_merchant": "|sort=-name|outcome=unknown|outcome=scored|grade=good|grade=D|q=copy+999",
    "lending_loan": "|status=ACTIVE|status=CLOSED|late=1|bucket=1|grade=D|sort=late_since|q=copy+999|q=copy",
    "lending_application": "|state=REFERRED",
    "lending_offer": "|state=open|state=EXPIRED|grade=D",
    "lending_transfer": "|state=RETURNED|q=copy+999|q=copy",
    "scoring_scorerun": "",
}


def add_events(loan: Loan, number: int) -> None:
    """Let a loan have so many events, each a small payment with its entry and posting."""
    told: dict[str, Any] = {
        "loan": loan,
        "on": loan.booked_to,
        "type": "repayment",
        "amount_minor": 1,
        "actor": str(SYSTEM),
    }
    told |= {"partner": loan.merchant.partner, "booked_at": timezone.now()}
    events = [LoanEvent(seq=seq, **told) for seq in range(loan.events.count() + 1, number + 1)]
    entries = [
        Entry(code="REPAYMENT", effective_date=event.on, booked_at=event.booked_at, loan=loan, event=event)
        for event in LoanEvent.objects.bulk_create(events)
    ]
    accounts = {"debit_id": "COLLECTION_CLEARING", "credit_id": "PRINCIPAL"}
    Posting.objects.bulk_create(
        Posting(entry=entry, currency=loan.currency, amount_minor=1, **accounts)
        for entry in Entry.objects.bulk_create(entries)
    )


def pages() -> Result:
    """Ask for each page as staff do, in this process."""
    fill()
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_superuser("bench", password=None))
    say(f"\nPages: {Loan.objects.count():,} loans, {Merchant.objects.count():,} merchants; median of {TIMES}, in ms")
    on = get_business_date()
    assert on is not None
    keep(on)
    asked = [(name, address, client) for name, address in addresses()]
    asked += [(name, address, client) for name, address in reports(on - timedelta(days=1))]
    asked += [(f"desk of {role}", reverse("admin:index"), _of(role)) for role in Role]
    slowest = max(seconds_of(*one) for one in asked)
    return Result(ratio=slowest / BOUND, rival="300 ms, by the slowest page", target=1.0)


def seconds_of(name: str, address: str, client: Client) -> float:
    """Say how long a page takes at the median; return it in seconds."""
    assert client.get(address).status_code == 200, address
    seconds = median(timed(partial(client.get, address)) for _ in range(TIMES))
    say(f"  {name:<62} {1_000 * seconds:6.0f}")
    return seconds


def _of(role: Role) -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(make_user(f"bench {role}", role))
    return client


WORKLOADS = {"pages": pages}
