"""Make credit lines: by hand, or by accepting what a market is offered."""

from config.office.actors import SYSTEM
from lending.domain.origination.product import ProductKind
from lending.domain.origination.product_document import DAY_ONE_PRODUCTS
from lending.models import Line, LineEvent, Loan
from lending.operations.products import enter_product
from tests.conftest import NOW

LINE_PRODUCT = DAY_ONE_PRODUCTS[ProductKind.LINE].read_text()


def make_line(loan: Loan, **fields: object) -> Line:
    """Make the line under which a loan made by hand was drawn, by hand."""
    application = loan.application
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
    type(application).objects.filter(pk=application.pk).update(line=line)
    Loan.objects.filter(pk=loan.pk).update(line=line)
    LineEvent.objects.create(
        line=line, type="DRAWN", on=NOW.date(), amount_minor=loan.amount_minor, loan=loan, booked_at=NOW
    )
    return line
