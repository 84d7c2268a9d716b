"""Records as sellers download them from Square."""

from collections.abc import Iterable

import pytest

from merchants.domain.feeds.format import Entry, Given, Mapped, OtherFormat, Side, Unused
from merchants.domain.feeds.reconciliation import Tally, reconcile
from merchants.domain.feeds.square import SQUARE
from merchants.domain.transaction import RawRow
from tests.feeds import KILN, map_record

TRANSACTIONS, DEPOSITS = SQUARE.layouts


def transaction(event: str, total: str, fees: str, net: str, **changes: str) -> dict[str, str]:
    return {
        "Date": "2022-11-10",
        "Time": "21:50:48",
        "Time Zone": "Pacific Time (US & Canada)",
        "Gross Sales": total,
        "Total Collected": total,
        "Card": total,
        "Cash": "$0.00",
        "Square Gift Card": "$0.00",
        "Other Tender": "$0.00",
        "Fees": fees,
        "Net Total": net,
        "Transaction ID": "T1",
        "Payment ID": "P1",
        "Event Type": event,
        "Customer ID": "C1",
        "Customer Name": "Somebody",
        "Deposit ID": "D1",
        "Transaction Status": "Complete",
    } | {name.replace("_", " "): text for name, text in changes.items()}


def deposit(name: str, deposited: str, day: str = "12/31/18") -> dict[str, str]:
    return {"Deposit Date": day, "Collected": "$0.00", "Fees": "$0.00", "Deposited": deposited, "Deposit ID": name}


def mapped(record: dict[str, str]) -> Mapped:
    return map_record(TRANSACTIONS, record)


def read_deposits(records: Iterable[RawRow], currency: str = "USD") -> list[tuple[int, Mapped]]:
    return list(DEPOSITS.read(enumerate(records, start=1), Given(KILN.merchant_of, currency)))


def test_a_payment_becomes_a_sale_and_its_fee() -> None:
    """Red if the time is not read in its zone, the fee's sign is kept, or a name leaves the file."""
    found = mapped(transaction("Payment", "$1,022.50", "-$0.95", "$1,021.55"))
    sale = {
        "external_id": "P1-Payment-20221111T055048-102250",
        "merchant": "kiln",
        "occurred_at": "2022-11-11T05:50:48+00:00",
        "order_ref": "T1",
        "buyer": "C1",
        "kind": "SALE",
        "amount": "1022.50",
        "currency": "USD",
    }
    fee = {"external_id": "P1-Payment-20221111T055048-102250-fee", "kind": "FEE", "amount": "0.95"}
    assert found.rows == (sale, sale | fee)
    assert found.entries == (Entry("USD", "D1", Side.CHARGES, 102_250), Entry("USD", "D1", Side.FEES, -95))


@pytest.mark.parametrize(
    ("record", "rows", "unused"),
    [
        (transaction("Refund", "-$12.96", "$0.00", "-$12.96"), [("REFUND", "12.96")], ()),
        (transaction("Refund", "-$10.00", "$0.30", "-$9.70"), [("REFUND", "10.00"), ("FEE_RETURNED", "0.30")], ()),
        (transaction("Payment", "$1,149.00 ", "($33.62)", "$1,115.38 "), [("SALE", "1149.00"), ("FEE", "33.62")], ()),
        (
            transaction("Payment", "$10.00", "-$0.30", "$9.60", Third_Party_Fees="-$0.10"),
            [("SALE", "10.00"), ("FEE", "0.40")],
            (),
        ),
        (transaction("Payment", "$10.00", "$0.00", "$10.00", Square_Gift_Card="$4.00"), [("SALE", "6.00")], ()),
        (
            transaction("Payment", "$10.00", "$0.00", "$10.00", Square_Gift_Card="$10.00"),
            [],
            (Unused.NOTHING_MOVED,),
        ),
        (
            transaction("Payment", "$10.00", "$0.00", "$10.00", Transaction_Status="Canceled"),
            [],
            (Unused.NOTHING_MOVED,),
        ),
    ],
)
def test_what_each_event_becomes(
    record: dict[str, str], rows: list[tuple[str, str]], unused: tuple[Unused, ...]
) -> None:
    found = mapped(record)
    assert [(row["kind"], row["amount"]) for row in found.rows if not isinstance(row, str)] == rows
    assert (len(found.rows), found.unused) == (len(rows), unused)


def test_cash_is_sold_and_never_deposited() -> None:
    """Red if the deposit is compared with what was put into the till."""
    found = mapped(transaction("Payment", "$10.00", "-$0.20", "$9.80", Cash="$3.00", Other_Tender="$1.00"))
    assert [row["amount"] for row in found.rows if not isinstance(row, str)] == ["10.00", "0.20"]
    sums: dict[str, int] = {}
    for entry in found.entries:
        sums[entry.payout] = sums.get(entry.payout, 0) + entry.minor
    assert sums == {"D1": 580, "": 400}


@pytest.mark.parametrize(
    ("changes", "moment"),
    [
        (
            {"Date": "12/27/2018", "Time": "2:30:00 PM", "Time_Zone": "Eastern Time (US & Canada)"},
            "2018-12-27T19:30:00",
        ),
        ({"Date": "06/01/18", "Time_Zone": "Arizona", "Time": "00:00:00"}, "2018-06-01T07:00:00"),
        ({"Date": "2026-07-01", "Time_Zone": "London", "Time": "00:00:00"}, "2026-06-30T23:00:00"),
        ({"Date": "2026-11-01", "Time": "01:30:00"}, "2026-11-01T08:30:00"),  # set back at two: the first half past one
    ],
)
def test_times_are_read_in_their_zone(changes: dict[str, str], moment: str) -> None:
    row = mapped(transaction("Payment", "$1.00", "$0.00", "$1.00", **changes)).rows[0]
    assert not isinstance(row, str)
    assert row["occurred_at"] == f"{moment}+00:00"


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (transaction("Payment", "$10.00", "-$0.30", "$9.60"), "total $10.00 and fees -$0.30 do not make net $9.60"),
        (transaction("Payment", "10,00", "0", "10,00"), "Total Collected: '10,00' is not an amount of USD"),
        (transaction("Payment", "€10.00", "0", "€10.00"), "Total Collected: '€10.00' is not an amount of USD"),
        (transaction("Payment", "1,000.0", "0", "1,000.0"), "'1,000.0' is not an amount of USD"),
        (transaction("Payment", "$1.00", "0", "$1.00", Time_Zone="IST"), "time zone 'IST' is not a known one"),
        (transaction("Payment", "$1.00", "0", "$1.00", Time=""), "'2022-11-10 ' is not a time"),
        (
            transaction("Payment", "$1.00", "0", "$1.00", Date="01/02/2026", Time_Zone="London"),
            "'01/02/2026 21:50:48' is not a time",
        ),
        (transaction("Payment", "-$1.00", "0", "-$1.00"), "Event Type Payment of -1.00: the sign is the wrong way"),
        (transaction("Adjustment", "$1.00", "0", "$1.00"), "Event Type Adjustment is not known"),
        (transaction("Payment", "$1.00", "0", "$1.00", Transaction_Status="Lost"), "Status 'Lost' is not known"),
    ],
)
def test_what_cannot_be_right_is_rejected(record: dict[str, str], words: str) -> None:
    [row] = mapped(record).rows
    assert isinstance(row, str)
    assert words in row


def test_a_date_that_can_only_have_its_day_first_refuses_the_file() -> None:
    with pytest.raises(OtherFormat, match="row 1: 31/01/2026 21:50:48 has its day first"):
        mapped(transaction("Payment", "$1.00", "0", "$1.00", Date="31/01/2026"))


def test_a_deposit_that_can_only_have_its_day_first_refuses_the_file() -> None:
    with pytest.raises(OtherFormat, match="row 2: 31/12/2018 has its day first"):
        read_deposits([deposit("D1", "$1.00"), deposit("D1", "$1.00", "31/12/2018")])


def test_two_refunds_of_a_payment_are_two_rows() -> None:
    """Red if a refund is named by its payment alone, or equal ones are taken for one."""
    records = [
        transaction("Payment", "$9.00", "0", "$9.00"),
        transaction("Refund", "-$1.00", "0", "-$1.00"),
        transaction("Refund", "-$2.00", "0", "-$2.00"),
        transaction("Refund", "-$1.00", "0", "-$1.00"),
    ]
    found = [mapped.rows[0] for _, mapped in TRANSACTIONS.read(enumerate(records, start=1), KILN)]
    assert [row["external_id"].split("-", 3)[3:] for row in found if not isinstance(row, str)] == [
        ["900"],
        ["-100"],
        ["-200"],
        ["-100-2"],
    ]


def test_the_lines_of_a_deposit_are_one_payout() -> None:
    found = read_deposits([deposit("D1", "$9.00"), deposit("D2", "-$1.00"), deposit("D1", "$1,000.50")])
    assert [(line, mapped.lines, mapped.unused) for line, mapped in found] == [(1, 2, ()), (2, 1, (Unused.NO_KIND,))]
    [row] = found[0][1].rows
    assert not isinstance(row, str)
    assert (row["external_id"], row["kind"], row["amount"]) == ("D1", "PAYOUT", "1009.50")
    assert row["occurred_at"] == "2018-12-31T00:00:00+00:00"


def test_a_deposit_waits_for_a_line_that_cannot_be_read() -> None:
    """Red if the payout comes in with a wrong amount, or a torn line is taken to belong to neither side."""
    found = read_deposits(
        [deposit("D1", "$9.00"), deposit("D1", "ten"), deposit("D2", "$1.00"), deposit("D3", "$1.00")]
    )
    assert [mapped.rows for line, mapped in found if line < 3] == [
        ("Deposited: 'ten' is not an amount of USD",),
        ("held back, 1 lines of deposit D1: row 2 cannot be read",),
    ]
    torn = read_deposits(
        [deposit("D1", "$9.00"), "3 cells instead of 5", deposit("D2", "$1.00"), deposit("D3", "$1.00")]
    )
    assert [line for line, mapped in torn if any(isinstance(row, str) for row in mapped.rows)] == [2, 1, 3]


def test_a_deposit_of_nothing_and_one_that_is_held_back_are_compared_with_their_records() -> None:
    """Red if 9.41 that never came counts as not paid yet."""
    tally = Tally()
    tally.add(mapped(transaction("Payment", "$10.00", "-$0.59", "$9.41")))
    tally.add(mapped(transaction("Payment", "$10.00", "-$0.59", "$9.41", Deposit_ID="D2")))
    for _, found in read_deposits([deposit("D1", "$0.00"), deposit("D2", "$9.00"), deposit("D2", "$o.41")]):
        tally.add(found)
    [usd] = reconcile(tally.sums)
    assert usd.differing == (("D1", 941, 0), ("D2", 941, 900))


def test_a_day_with_slashes_is_read_in_america_only() -> None:
    found = read_deposits([deposit("D1", "£9.00", "02/03/18")], "GBP")[0][1]
    assert found.rows == ("'02/03/18' is not a time",)


@pytest.mark.parametrize(("last", "difference"), [("$8.04", 0), ("$8.05", -1)])
def test_transactions_reconcile_with_their_deposits_to_the_cent(last: str, difference: int) -> None:
    tally = Tally()
    for record in [
        transaction("Payment", "$22.50", "-$0.95", "$21.55"),
        transaction("Payment", "$10.00", "-$0.00", "$10.00", Cash="$10.00"),
        transaction("Refund", "-$1.00", "$0.00", "-$1.00"),
        transaction("Payment", "$8.34", "-$0.30", "$8.04", Deposit_ID="D2"),
    ]:
        tally.add(mapped(record))
    for _, found in read_deposits([deposit("D1", "$21.55"), deposit("D1", "-$1.00"), deposit("D2", last)]):
        tally.add(found)
    [usd] = reconcile(tally.sums)
    assert (usd.matched, usd.difference, usd.net - usd.settled) == (2, difference, 1000)
    assert [name for name, _, _ in usd.differing] == (["D2"] if difference else [])
