"""The ledger as it stands on a day, and its postings streamed."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Q, QuerySet, Sum

from config.db.planning import planned_for_its_values
from config.db.transactions import one_moment
from config.kernel.calendar import EPOCH
from config.kernel.money import MINOR_UNITS, UNLISTED, minor_unit
from lending.domain.books.journal import DAY, Balances, Journal, account_name, head_of, tail_of
from lending.domain.books.ledger import Account
from lending.domain.books.statements import TrialLine
from lending.models import Posting

PLACES: Final = {account: place for place, account in enumerate(Account)}
BALANCES: Final = """
SELECT currency, account, sum(amount) FROM (
    SELECT p.currency, p.debit_id AS account, p.amount_minor AS amount
    FROM lending_posting p JOIN lending_entry e ON e.id = p.entry_id
    WHERE %(through)s::date IS NULL OR e.effective_date <= %(through)s
    UNION ALL SELECT p.currency, p.credit_id, -p.amount_minor
    FROM lending_posting p JOIN lending_entry e ON e.id = p.entry_id
    WHERE %(through)s::date IS NULL OR e.effective_date <= %(through)s
) sides GROUP BY currency, account
"""
# Proven days by their sums, later ones by their postings, which are read once for both sides.
TRIAL: Final = """
WITH later AS MATERIALIZED (
    SELECT p.currency, p.debit_id, p.credit_id, sum(p.amount_minor) AS minor, e.effective_date AS on_date
    FROM lending_entry e JOIN lending_posting p ON p.entry_id = e.id
    WHERE e.effective_date > %(summed)s AND e.effective_date <= %(last)s
    GROUP BY e.effective_date, p.currency, p.debit_id, p.credit_id
)
SELECT currency, account,
    coalesce(sum(debit - credit) FILTER (WHERE on_date < %(first)s), 0),
    coalesce(sum(debit) FILTER (WHERE on_date >= %(first)s), 0),
    coalesce(sum(credit) FILTER (WHERE on_date >= %(first)s), 0)
FROM (
    SELECT currency, account_id AS account, debit_minor AS debit, credit_minor AS credit, day AS on_date
    FROM lending_accountday WHERE day <= %(last)s AND day <= %(summed)s
    UNION ALL SELECT currency, debit_id, minor, 0, on_date FROM later
    UNION ALL SELECT currency, credit_id, 0, minor, on_date FROM later
) sides GROUP BY currency, account
"""
UNSUMMED: Final = """
SELECT DISTINCT day FROM (
    SELECT on_date AS day, account, currency, sum(debit) AS debit, sum(credit) AS credit FROM (
        SELECT e.effective_date AS on_date, p.debit_id AS account, p.currency, p.amount_minor AS debit, 0 AS credit
        FROM lending_entry e JOIN lending_posting p ON p.entry_id = e.id WHERE e.effective_date <= %(summed)s
        UNION ALL SELECT e.effective_date, p.credit_id, p.currency, 0, p.amount_minor
        FROM lending_entry e JOIN lending_posting p ON p.entry_id = e.id WHERE e.effective_date <= %(summed)s
    ) sides GROUP BY on_date, account, currency
) booked FULL JOIN (
    SELECT day, account_id AS account, currency, debit_minor, credit_minor FROM lending_accountday
    WHERE day <= %(summed)s
) kept USING (day, account, currency)
WHERE debit IS DISTINCT FROM debit_minor OR credit IS DISTINCT FROM credit_minor
ORDER BY day
"""
# An amount times the currency's least unit has exactly its decimals.
AMOUNT: Final = "p.amount_minor * coalesce(c.unit, %(unlisted)s::numeric)"
# In the order of the index by date, so that nothing is sorted where the planner takes it.
FROM: Final = """
FROM lending_entry e JOIN lending_posting p ON p.entry_id = e.id
LEFT JOIN unnest(%(currencies)s::text[], %(units)s::numeric[]) c (currency, unit) ON c.currency = p.currency
"""
WHERE: Final = """
WHERE (%(first)s::date IS NULL OR e.effective_date >= %(first)s)
    AND (%(through)s::date IS NULL OR e.effective_date <= %(through)s)
"""
POSTINGS: Final = f"""
SELECT p.id AS posting, e.id AS entry, e.effective_date, e.booked_at, e.code, 'loan_' || e.loan_id AS loan,
    v.code AS product, v.version AS product_version, p.debit_id AS debit, p.credit_id AS credit, {AMOUNT} AS amount,
    p.currency
{FROM} LEFT JOIN lending_productversion v ON v.id = e.product_id {WHERE} ORDER BY e.effective_date, e.id, p.id
"""
HEADS: Final = {
    Journal.BEANCOUNT: r"""e.effective_date || ' * "' || e.code || '"' || coalesce(' ^loan_' || e.loan_id, '')
        || E'\n  entry: ' || e.id""",
    Journal.HLEDGER: "e.effective_date || ' (' || e.id || ') ' || e.code || coalesce(' | loan_' || e.loan_id, '')",
}
# One row an entry; the transaction's last line feed, and COPY's own, set an empty line between two.
ENTRIES: Final = r"""
SELECT {head} || E'\n' || string_agg(
    '  ' || d.name || '  ' || {amount} || ' ' || p.currency || E'\n'
    || '  ' || r.name || '  -' || {amount} || ' ' || p.currency || E'\n', '' ORDER BY p.id)
{source}
JOIN unnest(%(accounts)s::text[], %(names)s::text[]) d (account, name) ON d.account = p.debit_id
JOIN unnest(%(accounts)s::text[], %(names)s::text[]) r (account, name) ON r.account = p.credit_id
{where} GROUP BY e.effective_date, e.id ORDER BY e.effective_date, e.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What a file is written of, part by part; rows: one an entry in a journal, one a posting else."""

    head: bytes
    rows: Iterator[bytes]
    tail: bytes


def balances(*, through: date | None = None) -> Balances:
    """Sum the postings up to a day, or all, by currency and account: those with any, in the order of the chart."""
    with connection.cursor() as cursor:
        cursor.execute(BALANCES, {"through": through})
        found = {(currency, Account(account)): int(minor) for currency, account, minor in cursor.fetchall()}
    return {key: found[key] for key in sorted(found, key=_place)}


def trial_balance(first: date, last: date) -> list[TrialLine]:
    """Sum the postings of a period, and those before it, by currency and account: those with any."""
    asked = {"first": first, "last": last, "summed": summed_to()}
    with planned_for_its_values(), connection.cursor() as cursor:
        cursor.execute(TRIAL, asked)
        found = {(currency, Account(account)): list(map(int, sums)) for currency, account, *sums in cursor.fetchall()}
    return in_chart_order(
        TrialLine(account=account, currency=currency, opening_minor=opening, debit_minor=debit, credit_minor=credit)
        for (currency, account), (opening, debit, credit) in found.items()
    )


def in_chart_order(lines: Iterable[TrialLine]) -> list[TrialLine]:
    """Sort lines by currency, then as their accounts stand in the chart."""
    return sorted(lines, key=lambda line: _place((line.currency, line.account)))


def days_apart() -> list[date]:
    """List the proven days of which what is kept is not the sum of the postings."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")  # every posting is read
        cursor.execute(UNSUMMED, {"summed": summed_to()})
        return [day for (day,) in cursor.fetchall()]


def summed_to() -> date:
    """Return the last day of which sums are kept; the earliest there is before the first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(day) FROM lending_accountday")
        [day] = cursor.fetchone()
    return day or date.min


def _place(key: tuple[str, Account]) -> tuple[str, int]:
    """Return the place of an account in the chart, by currency."""
    return key[0], PLACES[key[1]]


@contextmanager
def streamed_postings(*, first: date | None, through: date | None) -> Iterator[Stream]:
    """Stream the postings of a period as CSV with a head, in the order of their dates; amounts as decimal text."""
    with _one_moment():
        copied = f"COPY ({POSTINGS}) TO STDOUT (FORMAT csv, HEADER)"
        rows = _copied(copied, first, through)
        yield Stream(head=next(rows), rows=rows, tail=b"")


@contextmanager
def streamed_journal(journal: Journal, *, first: date | None, through: date | None) -> Iterator[Stream]:
    """Stream the entries of a period as a journal, in the order of their dates.

    It begins with the balances before the period and ends by asserting those after it, each summed in the database.
    """
    with _one_moment():
        carried = {} if first is None else balances(through=first - DAY)
        after = balances(through=through)
        begins, ends = booked_dates()
        on, last = first or begins, through or max(ends, first or ends)
        currencies = sorted({currency for currency, _account in after})
        entries = ENTRIES.format(head=HEADS[journal], amount=AMOUNT, source=FROM, where=WHERE)
        yield Stream(
            head=head_of(journal, on=on, currencies=currencies, carried=carried).encode(),
            # COPY writes a line feed inside a row as a backslash and n; nothing else here has a backslash.
            rows=(row.replace(b"\\n", b"\n") for row in _copied(f"COPY ({entries}) TO STDOUT", first, through)),
            tail=tail_of(journal, through=last, balances=after).encode(),
        )


@contextmanager
def _one_moment() -> Iterator[None]:
    """Let all statements of the block see the ledger of one moment, however long each takes."""
    with one_moment(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        yield


def _copied(statement: str, first: date | None, through: date | None) -> Iterator[bytes]:
    asked: dict[str, Any] = {
        "first": first,
        "through": through,
        "currencies": list(MINOR_UNITS),
        "units": list(MINOR_UNITS.values()),
        "unlisted": minor_unit(UNLISTED),
        "accounts": list(Account),
        "names": [account_name(account) for account in Account],
    }
    with connection.cursor() as cursor, cursor.copy(statement, asked) as copy:
        for row in copy:
            yield bytes(row)


def booked_dates() -> tuple[date, date]:
    """Return the first and the last date that anything is booked on; any date where nothing is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(effective_date), max(effective_date) FROM lending_entry")
        begins, ends = cursor.fetchone()
    return begins or EPOCH, ends or EPOCH


def sums_of(rows: QuerySet[Posting], account: str) -> list[tuple[str, int, int, int]]:
    """Sum postings by currency: what they debited and credited to an account, and all; minor units."""
    found = (
        rows.order_by()
        .values_list("currency")
        .annotate(
            debited=Sum("amount_minor", filter=Q(debit=account), default=0),
            credited=Sum("amount_minor", filter=Q(credit=account), default=0),
            amount=Sum("amount_minor"),
        )
        .order_by("currency")
    )
    return [(currency, int(debit), int(credit), int(amount)) for currency, debit, credit, amount in found]
