"""Make an office that takes over loan books."""

from pathlib import Path

from django.core.management import call_command

from config.office.actors import SYSTEM
from config.office.business_date import open_day
from lending.domain.origination.product_document import DAY_ONE_PRODUCT
from lending.operations.products import enter_product
from merchants.domain.transaction import Settlement
from merchants.operations.partners import enter_partner
from tests.conftest import CLERK, NOW
from tests.lending.books import CUT_OVER, Written, some_history, written_loan
from tests.lending.loans import make_merchant


def make_market(number: int) -> list[str]:
    """Make an office on the cut-over date: a product, and merchants whom some other system lent to."""
    open_day(on=CUT_OVER, actor=SYSTEM, now=NOW)
    enter_product(text=DAY_ONE_PRODUCT.read_text(), actor=SYSTEM, now=NOW)
    partner = enter_partner(code="bazaar", name="Bazaar", settlement=Settlement.IMMEDIATE, actor=CLERK, now=NOW)
    names = [f"shop-{place}" for place in range(number)]
    for name in names:
        make_merchant(partner, name)
    return names


def some_book(names: list[str], number: int) -> list[Written]:
    return [
        written_loan(f"L-{place}", *some_history(place), merchant=names[place % len(names)]) for place in range(number)
    ]


def take_over(folder: Path, **options: object) -> None:
    call_command("import_loan_book", folder, cut_over=str(CUT_OVER), **options)
