"""What is measured of lending: decisions at eight clients, a loan of many events."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from statistics import median

from django.core.management import call_command
from django.db import close_old_connections, connection, connections
from django.db.models import BigIntegerField, F, Model, Value
from django.utils import timezone

from config.office.actors import SYSTEM
from config.office.models import JobRun
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.replay import replay
from lending.domain.contract.terms import parse_terms
from lending.domain.origination.rules import current_rules
from lending.management.borrowers import accept_as_merchant, have_accounts
from lending.models import (
    Application,
    Entry,
    Instalment,
    Loan,
    LoanFlow,
    LoanSpell,
    Offer,
    Posting,
    ProductExposure,
    Transfer,
)
from lending.models import LoanEvent as EventRow
from lending.operations.offers import OFFERS, start_round
from lending.queries.facts import facts_of
from lending.queries.loans import share_of
from lending.queries.products import product_of
from merchants.models import Merchant
from scoring.models import Score
from tests.benchmarks.results import Result, say, spread, timed
from tests.benchmarks.workloads import do_all, published, rows_of

CLIENTS = 8


def make_offers() -> tuple[list[Offer], float, int]:
    """Make offers to a scored market; return 240 of them, how long the round took, and how many merchants it saw."""
    published()
    call_command("enter_product", verbosity=0)
    found = start_round(actor=SYSTEM, now=timezone.now())
    stage = OFFERS.stages[0]  # the reviews of lines after it find none
    jobs = list(JobRun.objects.of(stage.name, found.pk).values_list("pk", flat=True))
    seconds = timed(partial(do_all, jobs, stage.work))
    have_accounts()
    offers = list(Offer.objects.open().select_related("merchant__partner")[:240])
    return offers, seconds, Score.objects.filter(run=found.run_id).count()


def decision() -> Result:
    """Accept offers at eight clients at once; beside the queries that no decision can do without."""
    offers, seconds, merchants = make_offers()
    accept(offers.pop())  # compiles the SQL
    say(f"\nDecisions: {len(offers)} offers accepted by {CLIENTS} clients at once, in one process")
    say("the round of offers before: assess, move lines, write offers", seconds, merchants=merchants)
    with ThreadPoolExecutor(CLIENTS) as pool:
        bare = list(pool.map(read, offers))
        whole = list(pool.map(accept, offers))
    spread("its transactions, its score, what it owes: the bare queries", bare)
    spread("accept_offer: score afresh, lock, judge, keep, promise, commit", whole)
    found = median(whole) / median(bare)
    say(f"  = a decision takes, in its bare queries, at the median: {found:.2f}")
    return Result(ratio=found, rival=f"median of its bare queries, {CLIENTS} clients at once", target=1.5)


def accept(offer: Offer) -> float:
    try:
        return timed(partial(accept_as_merchant, offer))
    finally:
        close_old_connections()  # as at the end of a request: its thread keeps the connection


def read(offer: Offer) -> float:
    """Ask the bare questions on a connection of their own, as everything did at commit 368b6b5."""

    def queries() -> None:
        rows_of(offer.merchant_id)
        score = Score.objects.select_related("run__scorecard", "run__calibration").get(pk=offer.score_id)
        facts_of(scores=[score], on=offer.made_on, product=product_of(offer.product), rules=current_rules())

    try:
        return timed(queries)
    finally:
        connection.close()


ORIGINS = """
INSERT INTO lending_loanorigin SELECT (jsonb_populate_record(o, jsonb_build_object(
    'loan_id', %(loan)s + i, 'borrower', 'merchant ' || %(merchant)s + i
))).* FROM lending_loanorigin o, generate_series(1, %(times)s) i WHERE o.loan_id = %(of)s
"""


def multiply(loan: Loan, times: int, *, after: int = 0) -> None:
    """Copy a loan so many times, with its merchant, application, schedule, transfers, events and what these booked.

    after: how many copies of other loans there are.
    """
    application = Application.objects.get(loan=loan)
    copies: list[tuple[type[Model], str, int, dict[str, str]]] = [
        (
            Merchant,
            "merchant",
            loan.merchant_id,
            {"external_id": f"'copy ' || {after} + i", "name": f"'copy ' || {after} + i", "owner_id": "NULL"},
        ),
        (Offer, "offer", application.offer_id, {"merchant_id": "merchant + i"}),
        (
            Application,
            "application",
            application.pk,
            {"external_ref": f"'copy ' || {after} + i", "offer_id": "offer + i"},
        ),
        (Loan, "loan", loan.pk, {"application_id": "application + i", "merchant_id": "merchant + i"}),
    ]
    ids = {"merchant": 5_000_000, "offer": 5_000_000, "application": 10_000_000, "loan": 20_000_000}
    ids = {name: first + after for name, first in ids.items()}
    for number, instalment in enumerate(Instalment.objects.filter(loan=loan)):
        ids[f"instalment{number}"] = 20_000_000 + number * 1_000_000 + after
        copies.append((Instalment, f"instalment{number}", instalment.pk, {"loan_id": "loan + i"}))
    for number, spell in enumerate(LoanSpell.objects.filter(loan=loan)):
        ids[f"spell{number}"] = 20_000_000 + number * 1_000_000 + after
        copies.append((LoanSpell, f"spell{number}", spell.pk, {"loan_id": "loan + i"}))
    for number, flow in enumerate(LoanFlow.objects.filter(loan=loan)):
        ids[f"flow{number}"] = 20_000_000 + number * 1_000_000 + after
        copies.append((LoanFlow, f"flow{number}", flow.pk, {"loan_id": "loan + i"}))
    for number, transfer in enumerate(Transfer.objects.filter(loan=loan)):
        ids[f"transfer{number}"] = 20_000_000 + number * 1_000_000 + after
        fresh = {"loan_id": "loan + i", "key": "gen_random_uuid()"}
        copies.append((Transfer, f"transfer{number}", transfer.pk, fresh))
    for number, event in enumerate(EventRow.objects.filter(loan=loan), start=1):
        ids[f"event{number}"] = 20_000_000 + number * 10_000_000 + after
        copies.append((EventRow, f"event{number}", event.pk, {"loan_id": "loan + i"}))
        for entry in Entry.objects.filter(event=event):
            base = ids[f"event{number}"]
            ids[f"entry{number}"] = base
            copies.append((Entry, f"entry{number}", entry.pk, {"loan_id": "loan + i", "event_id": f"{base} + i"}))
            for place, posting in enumerate(Posting.objects.filter(entry=entry)):
                ids[f"posting{number}{place}"] = base + place * 1_000_000
                changes = {"entry_id": f"{base} + i"}
                copies.append((Posting, f"posting{number}{place}", posting.pk, changes))
    with connection.cursor() as cursor:
        for model, name, pk, changes in copies:
            table = model._meta.db_table
            told = {"id": f"{ids[name]} + i", **changes}
            pairs = ", ".join(f"'{column}', {value}" for column, value in told.items())
            for other in ("merchant", "offer", "application", "loan"):
                pairs = pairs.replace(f"{other} + i", f"{ids[other]} + i")
            cursor.execute(
                f"INSERT INTO {table} SELECT (jsonb_populate_record(original, jsonb_build_object({pairs}))).*"
                f" FROM {table} original, generate_series(1, %s) i WHERE original.id = %s",
                [times, pk],
            )
        cursor.execute(ORIGINS, {"loan": ids["loan"], "merchant": ids["merchant"], "times": times, "of": loan.pk})
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")  # of any other role, PostgreSQL takes it for nothing, with a warning
    share = share_of(loan)
    kept = ProductExposure.objects.filter(
        code=loan.product.code, currency=loan.currency, category=loan.category, status=share.status
    )
    kept.update(
        loans=F("loans") + times,
        minor=F("minor") + _big(times * share.exposure_minor),
        disbursed_minor=F("disbursed_minor") + _big(times * share.disbursed_minor),
        repaid_minor=F("repaid_minor") + _big(times * share.repaid_minor),
    )


def _big(number: int) -> Value:
    """Bind a number in 64 bits: beside F() Django binds 32 (see findings)."""
    return Value(number, output_field=BigIntegerField())


def replay_many() -> Result:
    """Replay a loan of two years with 2,400 events, and with one."""
    terms, begun = parse_terms(TERMS), date(2024, 1, 1)
    events = [LoanEvent(id="0", on=begun, type=EventType.DISBURSEMENT, amount_minor=50_000_000)]
    for number in range(1, 2_400):
        on = begun + timedelta(days=number * 730 // 2_400)
        events.append(LoanEvent(id=str(number), on=on, type=EventType.REPAYMENT, amount_minor=20_000))
    say(f"\nReplay: 24 instalments, {len(events):,} events")
    many = timed(partial(replay, terms, events), times=20)
    say("replay, best of 20", many, events=len(events))
    few = timed(partial(replay, terms, events[:1]), times=20)
    say("replay of the disbursement alone", few)
    return Result(ratio=many / few, rival="time to replay the same loan without its repayments")


TERMS = {
    "principal_minor": 50_000_000,
    "currency": "CNY",
    "rate": "0.1825",
    "day_count": "ACT/365F",
    "method": "EQUAL_INSTALMENTS",
    "periods": 24,
    "every": 1,
    "unit": "MONTH",
    "first_due": None,
    "grace_days": 3,
    "tolerance_minor": 100,
    "penalty_multiple_extra": "0.5",
    "prepayment": "NEXT",
}
WORKLOADS = {"decision": decision, "replay": replay_many}
