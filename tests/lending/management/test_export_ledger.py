"""The ledger's files, read by programs that others wrote, beside what check_books says."""

import csv
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pyarrow import parquet

from config.kernel.money import format_minor
from lending.domain.books.journal import Journal, account_name
from lending.domain.books.ledger import Account
from lending.domain.contract.events import EventType
from lending.models import Entry, Posting
from tests.beginnings import begin
from tests.conftest import CLERK, NOW
from tests.lending.bookings import book, reverse_event, take_repayment
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, checked, lent, roll

DAY = timedelta(days=1)
MIDDLE = OPENED + 6 * DAY
Found = dict[tuple[str, str], Decimal]

pytestmark = pytest.mark.django_db(transaction=True)
needs_hledger = pytest.mark.skipif(shutil.which("hledger") is None, reason="hledger is not installed")
PROGRAMS = [pytest.param(Journal.HLEDGER, marks=needs_hledger), Journal.BEANCOUNT]


@pytest.fixture
def loans() -> None:
    begin("a ledger to export", lend)


def lend() -> None:
    """Lend in currencies of two, none and three decimals: paid, late, charged, reversed, written off."""
    late, off = lent(terms=EVERY_FIVE_DAYS), lent()
    for currency, minor in (("JPY", 1_234_567), ("KWD", 12_345_678)):
        lent(currency=currency, amount_minor=minor, terms=EVERY_FIVE_DAYS)
    book(EventType.CHARGE, loan_id=off.pk, amount_minor=701)
    roll(OPENED + 8 * DAY)
    book(EventType.WRITE_OFF, loan_id=off.pk, on=OPENED + 8 * DAY)
    paid = take_repayment(loan_id=late.pk, amount_minor=5_001, on=OPENED + 8 * DAY, reason="x", actor=CLERK, now=NOW)
    reverse_event(loan_id=late.pk, seq=paid.seq, on=OPENED + 8 * DAY, reason="x", actor=CLERK, now=NOW)
    take_repayment(loan_id=late.pk, amount_minor=7_777, on=OPENED + 8 * DAY, reason="x", actor=CLERK, now=NOW)
    roll(OPENED + 12 * DAY)


def export(path: Path, kind: str, **options: object) -> Path:
    call_command("export", "ledger", to=path, format=kind, stdout=StringIO(), **options)
    return path


def proven() -> Found:
    """Give the balances that check_books proves, as decimals."""
    found: Found = {}
    for line in checked()["accounts"]:
        if line["account"] in set(Account) and line["ledger_minor"]:
            assert line["ledger_minor"] == line["loans_minor"]
            amount = Decimal(format_minor(line["ledger_minor"], line["currency"]))
            found[line["currency"], account_name(Account(line["account"]))] = amount
    return found


def complaints(journal: Journal, path: Path) -> str:
    """Let the program check the file; nothing where it has nothing to say."""
    command = (
        ["hledger", "--file", str(path), "check", "--strict", "ordereddates"]
        if journal == Journal.HLEDGER
        else [sys.executable, "-m", "beancount.scripts.check", "--no-cache", str(path)]
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert bool(done.returncode) is bool(done.stdout + done.stderr)
    return done.stdout + done.stderr


def balances(journal: Journal, path: Path) -> Found:
    """Let the program add up the file's balances."""
    if journal == Journal.HLEDGER:
        command = ["hledger", "--file", str(path), "balance", "--layout=bare", "--output-format=csv", "--no-total"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rows = [(row["commodity"], row["account"], row["balance"]) for row in csv.DictReader(text.splitlines())]
    else:
        program = (
            "import sys; from beancount import loader; from beancount.core import realization as r;"
            "entries, errors, options = loader.load_file(sys.argv[1]);"
            "[print(p.units.currency, a.account, p.units.number, sep=',')"
            " for a in r.iter_children(r.realize(entries)) for p in a.balance]"
        )
        command = [sys.executable, "-c", program, str(path)]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rows = [tuple(line.split(",")) for line in text.splitlines()]  # type: ignore[misc]
    return {(currency, account): Decimal(amount) for currency, account, amount in rows if Decimal(amount)}


@pytest.mark.usefixtures("loans")
@pytest.mark.parametrize("journal", PROGRAMS)
def test_another_program_finds_nothing_wrong_and_the_balances_that_are_proven(journal: Journal, tmp_path: Path) -> None:
    path = export(tmp_path / "books", journal)
    assert complaints(journal, path) == ""
    found = balances(journal, path)
    assert found == proven()
    assert {currency for currency, _account in found} == {"CNY", "JPY", "KWD"}
    first = path.read_text()
    assert export(path, journal).read_text() == first


@pytest.mark.usefixtures("loans")
@pytest.mark.parametrize("journal", PROGRAMS)
def test_a_period_carries_in_what_was_before_and_ends_with_what_is_proven(journal: Journal, tmp_path: Path) -> None:
    whole, before, after = tmp_path / "whole", tmp_path / "before", tmp_path / "after"
    export(whole, journal)
    export(before, journal, until=MIDDLE)
    export(after, journal, **{"from": MIDDLE + DAY})
    for path in (before, after):
        assert complaints(journal, path) == ""
    assert balances(journal, after) == proven() != balances(journal, before)
    entries = [len(re.findall(r"^2026-\S+ [*(].*(?:ACCRUAL|DISB|REP|REV|CHAR|WRITE)", path.read_text(), re.MULTILINE))
               for path in (whole, before, after)]  # fmt: skip
    assert entries[0] == entries[1] + entries[2] == Entry.objects.count()
    assert min(entries) > 3


def changed(text: str) -> Iterator[str]:
    """Change one posting in each way that a hand or a disk might."""
    legs = list(re.finditer(r"^  (\w+:\S+)  (-?)(\d[\d.]*) CNY$", text, re.MULTILINE))
    debit, credit = legs[4], legs[5]
    amount = debit[3]
    more = str(Decimal(amount) + Decimal("0.01"))
    assert (debit[2], credit[2], credit[3]) == ("", "-", amount)
    start, end = debit.start(), credit.end()
    pair = text[start:end]
    yield text[:start] + pair.replace(amount, more, 1) + text[end:]  # a cent on one side
    yield text[:start] + pair.replace(amount, more) + text[end:]  # a cent on both sides
    yield text[:start] + pair.replace(debit[1], account_name(Account.WAIVERS)) + text[end:]  # another account
    yield text[:start] + pair.replace("CNY", "KWD") + text[end:]  # another currency
    yield text[:start] + pair.replace("  -", "  ~").replace("  " + amount, "  -" + amount).replace("~", "") + text[end:]
    yield text[:start] + text[end + 1 :]  # left out
    yield text[:end] + "\n" + pair + text[end:]  # twice


@pytest.mark.usefixtures("loans")
@pytest.mark.parametrize("journal", PROGRAMS)
def test_one_changed_posting_is_caught(journal: Journal, tmp_path: Path) -> None:
    """Red without the balances at the end, or if a cent were tolerated in them."""
    text = export(tmp_path / "books", journal).read_text()
    path, ways = tmp_path / "changed", list(changed(text))
    assert len({text, *ways}) == len(ways) + 1
    for way in ways:
        path.write_text(way)
        assert complaints(journal, path) != ""


@pytest.mark.usefixtures("loans")
def test_the_tables_have_every_posting_with_its_two_sides(tmp_path: Path) -> None:
    """Red if an amount lost a decimal, or CSV and Parquet said different things."""
    texts = list(csv.DictReader(export(tmp_path / "books.csv", "csv").read_text().splitlines()))
    rows = parquet.read_table(export(tmp_path / "books.parquet", "parquet")).to_pylist()
    kept = Posting.objects.order_by("entry__effective_date", "entry", "pk").select_related("entry")
    assert len(texts) == len(rows) == len(kept) > 20
    found: Found = {}
    for text, row, posting in zip(texts, rows, kept, strict=True):
        assert text["amount"] == format_minor(posting.amount_minor, posting.currency)
        assert (int(text["posting"]), int(text["entry"])) == (posting.pk, posting.entry_id)
        assert (row["effective_date"], row["booked_at"]) == (posting.entry.effective_date, posting.entry.booked_at)
        assert row["loan"] == (posting.entry.loan_id and f"loan_{posting.entry.loan_id}")
        assert (row["product"] is None) is (posting.entry.product_id is None)
        named = ("code", "debit", "credit", "currency")
        assert [text[name] for name in named] == [row[name] for name in named]
        for account, amount in ((row["debit"], row["amount"]), (row["credit"], -row["amount"])):
            key = row["currency"], account_name(Account(account))
            found[key] = found.get(key, Decimal(0)) + amount
    assert {key: amount for key, amount in found.items() if amount} == proven()


@pytest.mark.parametrize("kind", ["csv", "parquet", *PROGRAMS])
def test_empty_books_are_written_too(kind: str, tmp_path: Path) -> None:
    path = export(tmp_path / "books", kind)
    if kind in set(Journal):
        assert complaints(Journal(kind), path) == ""


@pytest.mark.usefixtures("loans")
def test_a_file_that_is_not_whole_never_takes_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "books"
    path.write_text("the last export")
    monkeypatch.setattr("lending.queries.ledger.tail_of", lambda *_args, **_named: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export(path, "hledger")
    assert path.read_text() == "the last export"
    with pytest.raises(CommandError, match="No such file"):
        export(tmp_path / "nowhere" / "books", "csv")
    with pytest.raises(CommandError, match="before it begins"):
        export(path, "csv", until=OPENED, **{"from": OPENED + DAY})
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("loans")
def test_what_is_booked_meanwhile_is_in_no_part_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red unless one moment is read: the balances that are asserted would lack an entry that is written."""
    from lending.queries import ledger  # noqa: PLC0415

    dates = ledger.booked_dates

    def booked_then() -> tuple[date, date]:
        other = connection.copy()
        try:
            with other.cursor() as cursor:
                cursor.execute(BOOKED)
        finally:
            other.close()
        return dates()

    monkeypatch.setattr(ledger, "booked_dates", booked_then)
    assert complaints(Journal.BEANCOUNT, export(tmp_path / "books", "beancount")) == ""


BOOKED = """
WITH entry AS (
    INSERT INTO lending_entry (code, effective_date, booked_at, loan_id)
    SELECT 'ACCRUAL', max(effective_date), max(booked_at), max(loan_id) FROM lending_entry RETURNING id
) INSERT INTO lending_posting (entry_id, debit_id, credit_id, currency, amount_minor)
SELECT id, 'INTEREST_RECEIVABLE', 'INTEREST_INCOME', 'CNY', 1 FROM entry
"""
