import pytest

from config.office.business_date import open_day
from lending.queries.balances import running_balance
from merchants.domain.transaction import Settlement
from merchants.models import Merchant
from tests.conftest import CLERK, NOW
from tests.lending.loans import OPENED
from tests.markets import make_merchants, make_partner, receive, sale

pytestmark = pytest.mark.django_db(transaction=True)


def move(number: str, kind: str, amount: str, order: str = "", day: int = 1) -> dict[str, str]:
    return sale(number, kind=kind, amount=amount, order_ref=order, occurred_at=f"2026-02-{day:02}T12:00:00+00:00")


def balance(settlement: Settlement, *rows: dict[str, str]) -> int:
    partner = make_partner(settlement.lower(), settlement)
    make_merchants(partner, "kiln")
    assert receive(partner, rows).accepted == len(rows)
    return running_balance(Merchant.objects.get(partner=partner).pk)


ROWS = (
    move("s1", "SALE", "100.00", "a", 1),
    move("r1", "REFUND", "30.00", "a", 2),
    move("p1", "SETTLEMENT", "70.00", "a", 3),
    move("c1", "CHARGEBACK", "20.00", "a", 4),
    move("s2", "SALE", "50.00", "b", 4),
    move("r2", "REFUND", "50.00", "b", 5),
    move("r3", "REFUND", "5.00", "", 5),
    move("d1", "DEPOSIT", "10.00", "", 5),
    move("f1", "FEE", "2.00", "", 5),
    move("o1", "PAYOUT", "15.00", "", 6),
)


def test_what_is_refunded_before_it_is_settled_is_not_taken_off_what_can_be_collected() -> None:
    """Red if every refund counted: 30.00 and 50.00 came out of the escrow, the merchant never had them."""
    open_day(on=OPENED, actor=CLERK, now=NOW)
    assert balance(Settlement.ESCROW, *ROWS) == 7_000 - 2_000 - 500 + 1_000 - 200 - 1_500


def test_without_escrow_sales_are_the_merchant_s_at_once() -> None:
    open_day(on=OPENED, actor=CLERK, now=NOW)
    rows = [row for row in ROWS if row["kind"] != "SETTLEMENT"]
    assert balance(Settlement.IMMEDIATE, *rows) == 15_000 - 3_000 - 2_000 - 5_000 - 500 + 1_000 - 200 - 1_500


def test_what_is_not_before_the_business_date_is_not_collected() -> None:
    open_day(on=OPENED, actor=CLERK, now=NOW)
    later = sale("late", kind="DEPOSIT", occurred_at="2026-03-01T00:00:00+00:00")
    assert balance(Settlement.ESCROW, later) == 0
