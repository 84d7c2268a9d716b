"""What is measured of banks: a statement read and matched, beside a bare hash join of the same rows; files written.

The orders are collections that moved, written by SQL, so many on each loan; the statement has a line for each of them.
"""

import os
from datetime import date
from functools import partial
from typing import Any
from uuid import uuid4

from django.db import connection, transaction
from django.utils import timezone

from config.kernel.money import Money, format_minor
from config.office.actors import SYSTEM
from lending.domain.books.bank_profile import BankProfile
from lending.gateways.bank_answers import read_message
from lending.gateways.bank_orders import BankOrder, write_payouts
from lending.models import BankFile, BankStatement, Loan, StatementLine
from lending.models.bank import sealed_file, sealed_line
from lending.operations.bank_statements import book_statement
from lending.operations.banks import enter_bank
from lending.queries.bank_lines import PLAIN, plain_lines_of
from lending.queries.books import prove_accounts
from merchants.models import PayoutAccount
from tests.bank_messages import balance, detail, entry, statement
from tests.benchmarks import nights
from tests.benchmarks.results import Result, say, timed

LINES = int(os.environ.get("LINES_OF_STATEMENT", "1000000"))
READ = 20_000
BANK = BankProfile(
    name="bench", holder="Bench", account="NL41MOCK0000000001", currency="CNY", agent="MOCKNL2AXXX", service_level=""
)
FIRST = date(2000, 1, 1)
ORDERS = """
INSERT INTO lending_transfer (loan_id, kind, state, gateway, key, "on", amount_minor, moved_minor, attempts, answer,
    made_at, sent_at, next_attempt_at, settled_at, file_id)
SELECT (%(loans)s::bigint[])[1 + i %% %(number)s], 'COLLECTION', 'DONE', 'bench', gen_random_uuid(),
    %(first)s::date + (i / %(number)s)::int, 100 + i %% 900, 100 + i %% 900, 1, '', now(), now(), now(), now(), %(file)s
FROM generate_series(0, %(lines)s - 1) i
"""
LINES_OF = """
INSERT INTO lending_statementline (statement_id, place, part, amount_minor, booked_on, value_on, key, batch, reference,
    bank_reference, sealed_number, number_key, number_index, name, code, words, back, reason, resolution, resolved_by,
    resolved_why)
SELECT %(statement)s, row_number() OVER (ORDER BY t.id), 0, t.amount_minor, current_date, current_date, t.key, '',
    replace(t.key::text, '-', ''), '', n.sealed, n.key, n.index, '', '', '', false, '', '', '', ''
FROM lending_transfer t JOIN lending_loan l ON l.id = t.loan_id
JOIN unnest(%(accounts)s::bigint[], %(keys)s::text[], %(sealed)s::bytea[], %(indexes)s::bytea[])
    n (account, key, sealed, index) ON n.account = l.payout_account_id
WHERE t.gateway = 'bench'
"""
JOIN = """
SELECT count(*), sum(l.amount_minor) FROM lending_statementline l JOIN lending_transfer t ON t.key = l.key
WHERE l.statement_id = %s AND t.gateway = 'bench' AND t.amount_minor = l.amount_minor
"""
COUNT = f"SELECT count(*), sum(transfer) FROM ({PLAIN}) plain"


def banks() -> Result:
    """Match the lines of a statement with their orders, then book it; beside a bare hash join of lines and orders."""
    nights.fill()
    enter_bank(profile=BANK, actor=SYSTEM, now=timezone.now())
    written = fill()
    say(f"\nA statement of {LINES:,} lines, each of an order, in one process")
    bare = timed(partial(run, JOIN, [written.pk]), 3)
    say("bare hash join of lines and orders, best of 3", bare, lines=LINES)
    matched = timed(partial(run, COUNT, plain_lines_of(written)), 3)
    say("each line's order found by reference, amount and account, best of 3", matched, lines=LINES)
    say(f"    = in bare hash joins: {matched / bare:.1f}")
    booked = timed(partial(book_statement, BANK, now=timezone.now()))
    assert not StatementLine.objects.in_suspense().exclude(place__lt=0).exists()
    assert BankStatement.objects.get(pk=written.pk).booked_no == 1
    assert all(line.holds for line in prove_accounts() if line.account == "BANK")
    say("statement matched, its lines written, and posted", booked, lines=LINES)
    say(f"    = in bare hash joins: {booked / bare:.1f}")
    content = message()
    say(f"read a statement of {READ:,} lines", timed(partial(read_message, content)), lines=READ)
    orders = [
        BankOrder(key=uuid4(), amount=Money(9_000, "CNY"), number="6222021234567890123", holder="Shop", words="Loan 1")
        for _ in range(READ)
    ]
    write = partial(write_payouts, orders, profile=BANK, message_id="m", on=FIRST, now=timezone.now())
    say(f"write {READ:,} payouts", timed(write), orders=READ)
    return Result(ratio=matched / bare, rival="a bare hash join of lines and orders", target=4.0)


def fill() -> BankStatement:
    """Write orders that moved, and the statement that shows them."""
    now = timezone.now()
    file = BankFile.objects.create(bank="bench", is_ours=True, name="f", made_at=now, **sealed_file(b""))
    loans = list(Loan.objects.active().values_list("pk", flat=True)[:1_000])
    asked: dict[str, Any] = {
        "loans": loans,
        "number": len(loans),
        "first": FIRST,
        "file": file.pk,
        "lines": LINES,
    }
    run(ORDERS, asked)
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(amount_minor) FROM lending_transfer WHERE gateway = 'bench'")
        closing = int(cursor.fetchone()[0])
    written = BankStatement.objects.create(
        bank="bench",
        file=file,
        statement_id="1",
        currency="CNY",
        opening_minor=0,
        closing_minor=closing,
        closed_on=FIRST,
    )
    accounts = PayoutAccount.objects.filter(pk__in=Loan.objects.filter(pk__in=loans).values("payout_account"))
    numbers = {one.pk: sealed_line(one.number, statement_id=written.pk) for one in accounts}
    said = {
        "accounts": list(numbers),
        "keys": [one["number_key"] for one in numbers.values()],
        "sealed": [one["sealed_number"] for one in numbers.values()],
        "indexes": [one["number_index"] for one in numbers.values()],
    }
    run(LINES_OF, {"statement": written.pk, **said})
    assert StatementLine.objects.count() == LINES
    run("ANALYZE lending_transfer", None)
    run("ANALYZE lending_statementline", None)
    return written


def run(statement_text: str, asked: Any) -> None:  # noqa: ANN401 - parameters
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(statement_text, asked)


def message() -> bytes:
    """Write a statement as a bank does."""
    lines = [
        entry(format_minor(100 + number, "CNY"), detail(uuid4()), side="CRDT", currency="CNY") for number in range(READ)
    ]
    total = format_minor(sum(100 + number for number in range(READ)), "CNY")
    balances = [balance("OPBD", "0.00", currency="CNY"), balance("CLBD", total, currency="CNY")]
    return statement(*balances, *lines)


WORKLOADS = {"banks": banks}
