"""Make credit lines: by hand, or by accepting what a market is offered."""

import json
from collections.abc import Callable
from itertools import count
from typing import Any

from config.office.actors import SYSTEM
from config.office.business_date import get_business_date
from lending.domain.books.transfer import Moved
from lending.domain.origination.product import ProductKind
from lending.domain.origination.product_document import DAY_ONE_PRODUCTS
from lending.models import Application, Line, LineEvent, Loan, Offer, ProductVersion, Transfer
from lending.operations.applications import accept_offer
from lending.operations.lines import draw_on_line
from lending.operations.payouts import claim_payout, record_payout
from lending.operations.products import enter_product
from tests.beginnings import begin
from tests.conftest import CLERK, NOW
from tests.forge import forge
from tests.lending.bookings import take_repayment
from tests.lending.loans import application_of
from tests.lending.market import EVIDENCE, make_round, publish, sell, verify_accounts

_numbers = count(1)
LINE_PRODUCT = DAY_ONE_PRODUCTS[ProductKind.LINE].read_text()


def make_line(loan: Loan, **fields: object) -> Line:
    """Make the line under which a loan made by hand was drawn, by hand."""
    application = application_of(loan)
    usual: dict[str, object] = {
        "merchant": loan.merchant,
        "application": application,
        "product": enter_product(text=LINE_PRODUCT, actor=SYSTEM, now=NOW),
        "state": "ACTIVE",
        "currency": loan.currency,
        "grade": application.offer.grade,
        "daily_rate": application.offer.daily_rate,
        "limit_minor": 2 * loan.amount_minor,
        "opened_on": NOW.date(),
        "opened_at": NOW,
    }
    line = Line.objects.create(**{**usual, **fields})
    forge(application, line=line.pk)
    forge(loan, line=line.pk)
    LineEvent.objects.create(
        line=line, type="DRAWN", on=NOW.date(), amount_minor=loan.amount_minor, loan=loan, booked_at=NOW
    )
    return line


def line_text(change: Callable[[dict[str, Any]], object] = lambda _: None) -> str:
    """Write the first line for the test's market: in EUR, from 10 on, drawn from 1 on."""
    document = json.loads(LINE_PRODUCT)
    document |= {"currency": "EUR", "minimum": "10"}
    document["line"] |= {"minimum_draw": "1", "open_ended": {"share_bps": 1_000, "least": "1"}}
    change(document)
    return json.dumps(document)


def sell_lines(change: Callable[[dict[str, Any]], object] = lambda _: None) -> ProductVersion:
    return enter_product(text=line_text(change), actor=SYSTEM, now=NOW)


def make_offers_of_both_kinds() -> None:
    """Make a market that sells both kinds, with offers."""

    def make() -> None:
        publish(16)
        sell()
        sell_lines()
        verify_accounts()
        make_round()

    begin("offers of both kinds", make)


def offered_lines() -> list[Offer]:
    """List the open offers of lines, the largest first."""
    return list(Offer.objects.open().filter(kind=ProductKind.LINE).order_by("-limit_minor", "pk"))


def open_line(offer: Offer, **fields: Any) -> Line:  # noqa: ANN401
    """Accept all of an offer of a line."""
    arguments: dict[str, Any] = {"evidence": EVIDENCE, "external_ref": f"line-{offer.pk}"} | fields
    application = accept_offer(
        offer_id=offer.pk, amount_minor=offer.limit_minor, months=None, actor=CLERK, now=NOW, **arguments
    )
    return Line.objects.get(application=application)


def draw(line: Line, amount_minor: int, **fields: Any) -> Application:  # noqa: ANN401
    """Draw open-ended."""
    arguments: dict[str, Any] = {
        "months": None,
        "evidence": EVIDENCE,
        "external_ref": f"draw-{next(_numbers)}",
        "actor": CLERK,
        "now": NOW,
    }
    return draw_on_line(line_id=line.pk, amount_minor=amount_minor, **{**arguments, **fields})


def repay(application: Application, amount_minor: int) -> None:
    """Repay on the business date."""
    loan = Loan.objects.get(application=application)
    on = get_business_date()
    assert on is not None
    take_repayment(loan_id=loan.pk, amount_minor=amount_minor, on=on, reason="cash", actor=CLERK, now=NOW)


def paid_out(application: Application) -> Loan:
    """Let the payout of an approved application arrive."""
    loan = Loan.objects.get(application=application)
    claimed = claim_payout(transfer_id=Transfer.objects.get(loan=loan).pk, now=NOW)
    assert claimed is not None
    record_payout(transfer_id=claimed.transfer_id, answer=Moved(loan.amount_minor), now=NOW)
    loan.refresh_from_db()
    return loan
