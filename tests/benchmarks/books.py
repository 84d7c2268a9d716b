"""What is measured of taking over a loan book."""

import os
from contextlib import redirect_stdout
from functools import partial
from io import StringIO

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from config.office.actors import SYSTEM
from config.office.business_date import open_day
from lending.domain.origination.product_document import DAY_ONE_PRODUCT
from lending.models import Loan
from lending.operations.products import enter_product
from merchants.domain.transaction import Settlement
from merchants.models import Merchant
from merchants.operations.partners import enter_partner
from tests.benchmarks.results import DIRECTORY, Result, peak, say, timed
from tests.lending.books import CUT_OVER, some_history, write_book, written_loan

LOANS = min(int(os.environ["LOANS"]), 10_000)
COPIED = ("lending_loan", "lending_importedloan", "lending_loanevent", "lending_instalment", "lending_entry",
          "lending_posting")  # fmt: skip


def book() -> Result:
    """Take over loans of nine histories; beside the bare statements that copy the rows that were written."""
    now = timezone.now()
    open_day(on=CUT_OVER, actor=SYSTEM, now=now)
    enter_product(text=DAY_ONE_PRODUCT.read_text(), actor=SYSTEM, now=now)
    partner = enter_partner(code="bazaar", name="Bazaar", settlement=Settlement.IMMEDIATE, actor=SYSTEM, now=now)
    names = [f"shop-{number}" for number in range(LOANS)]
    Merchant.objects.bulk_create(
        Merchant(partner=partner, external_id=name, name=name, currency="CNY") for name in names
    )
    folder = DIRECTORY / "book"
    write_book(
        folder, [written_loan(f"L-{place}", *some_history(place), merchant=name) for place, name in enumerate(names)]
    )
    take_over = partial(call_command, "import_loan_book", folder, cut_over=str(CUT_OVER))
    before = peak()
    with redirect_stdout(StringIO()):
        judged = timed(partial(take_over, check=True))
        taken = timed(take_over)
    say(f"\nA loan book: {Loan.objects.count():,} loans, in one process")
    say("judged, nothing booked", judged, loans=LOANS)
    say("judged, then booked", taken, loans=LOANS)
    say(f"  peak memory of this process {peak():,.0f} MB, {peak() - before:,.0f} MB more than before")
    with redirect_stdout(StringIO()):
        call_command("check_books")
    bare = timed(copy)
    say("bare statements that copy the rows that were written", bare, loans=LOANS)
    return Result(ratio=taken / bare, rival="time of the bare statements that copy the rows that were written")


def copy() -> None:
    with connection.cursor() as cursor:
        for name in COPIED:
            cursor.execute(f"CREATE TEMP TABLE copy_of_{name} AS TABLE {name}")


WORKLOADS = {"book": book}
