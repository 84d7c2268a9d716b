"""Settlements as Amazon's documentation describes the flat file V2: a line for each amount."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import pytest

from merchants.domain.feeds.amazon import AMAZON, COLUMNS
from merchants.domain.feeds.format import Entry, Mapped, OtherFormat, Side, Unused
from merchants.domain.feeds.reconciliation import Tally, reconcile
from merchants.domain.transaction import RawRow
from tests.feeds import KILN

[LAYOUT] = AMAZON.layouts
TIME = "2026-06-09 05:23:19 UTC"


def settlement(total: str, currency: str = "USD", **changes: str) -> dict[str, str]:
    return dict.fromkeys(COLUMNS, "") | {
        "settlement-id": "17",
        "settlement-end-date": "2026-06-14 10:00:00 UTC",
        "total-amount": total,
        "currency": currency,
        **{name.replace("_", "-"): text for name, text in changes.items()},
    }


def line(kind: str, order: str, what: str, amount: str, at: str = TIME) -> dict[str, str]:
    """A line of an amount; what: its type and its description."""
    cells = ["17", "", "", "", kind, order, *what.split(": "), amount, at]
    return dict(zip(COLUMNS, cells, strict=True))


def settled(records: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The lines of a settlement, with the one that has what they add up to before them."""
    return [settlement(str(sum(Decimal(record["amount"]) for record in records))), *records]


def read(records: Iterable[RawRow]) -> list[tuple[int, Mapped]]:
    return list(LAYOUT.read(enumerate(records, start=1), KILN))


def shape(found: Sequence[tuple[int, Mapped]]) -> list[tuple[int, str, str, str]]:
    rows = [(number, row) for number, mapped in found for row in mapped.rows]
    return [
        (number, "", "", row) if isinstance(row, str) else (number, row["kind"], row["amount"], row["order_ref"])
        for number, row in rows
    ]


SALE = [
    line("Order", "111-1", "ItemPrice: Principal", "25.00"),
    line("Order", "111-1", "ItemPrice: Tax", "2.00"),
    line("Order", "111-1", "ItemWithheldTax: MarketplaceFacilitatorTax-Principal", "-2.00"),
    line("Order", "111-1", "ItemPrice: Shipping", "4.99"),
    line("Order", "111-1", "Promotion: Shipping", "-4.99"),
    line("Order", "111-1", "ItemFees: Commission", "-4.05"),
    line("Order", "111-1", "ItemFees: FBAPerUnitFulfillmentFee", "-5.5"),
]
REFUND = [
    line("Refund", "111-1", "ItemPrice: Principal", "-18.00", "2026-06-10 00:00:00 UTC"),
    line("Refund", "111-1", "ItemFees: Commission", "2.70", "2026-06-10 00:00:00 UTC"),
    line("Refund", "111-1", "ItemFees: RefundCommission", "-0.54", "2026-06-10 00:00:00 UTC"),
]


def test_the_lines_of_an_order_are_one_sale_and_its_fee() -> None:
    """Red if each amount is a sale, a promotion or tax that Amazon keeps counts as sold, or the time is not in UTC."""
    _, (number, found) = read([settlement("15.45"), *SALE])
    assert (number, found.lines, found.unused) == (2, 7, ())
    [sale, fee] = found.rows
    assert not isinstance(sale, str)
    assert not isinstance(fee, str)
    assert sale["external_id"].startswith("17-111-1-")
    assert {column: sale[column] for column in sale if column != "external_id"} == {
        "merchant": "kiln",
        "occurred_at": "2026-06-09T05:23:19+00:00",
        "order_ref": "111-1",
        "buyer": "",
        "kind": "SALE",
        "amount": "25.00",
        "currency": "USD",
    }
    assert fee == {**sale, "external_id": f"{sale['external_id']}-fee", "kind": "FEE", "amount": "9.55"}
    assert found.entries == (Entry("USD", "17", Side.CHARGES, 2500), Entry("USD", "17", Side.FEES, -955))


def test_a_row_has_the_same_id_in_whatever_order_its_lines_stand() -> None:
    """Red if an id holds a line's number, or what other files write differently."""
    dotted = [record | {"posted-date-time": "09.06.2026 05:23:19 UTC"} for record in SALE]
    rows = [read(settled(records))[1][1].rows for records in (SALE, SALE[::-1], dotted)]
    assert rows[0] == rows[1] == rows[2]


@pytest.mark.parametrize(
    ("records", "rows", "unused"),
    [
        (REFUND, [("REFUND", "18.00"), ("FEE_RETURNED", "2.16")], ()),
        ([line("Chargeback Refund", "1", "ItemPrice: Principal", "-9.00")], [("CHARGEBACK", "9.00")], ()),
        ([line("A-to-z Guarantee Refund", "1", "ItemPrice: Principal", "-9.00")], [("CHARGEBACK", "9.00")], ()),
        ([line("Order", "1", "ItemFees: Commission", "-9.00")], [("FEE", "9.00")], ()),
        ([line("Order", "1", "ItemPrice: Principal", "0.00")], [], (Unused.NOTHING_MOVED,)),
        ([line("Order_Retrocharge", "1", "ItemWithheldTax: Tax", "-1.00")], [], (Unused.NOT_TRADE,)),
        ([line("ServiceFee", "", "Cost of Advertising: TransactionTotalAmount", "-8.00")], [("FEE", "8.00")], ()),
        ([line("other-transaction", "", "other-transaction: Subscription Fee", "-39.99")], [("FEE", "39.99")], ()),
        ([line("other-transaction", "", "other-transaction: Storage Fee", "-1.10")] * 2, [("FEE", "2.20")], ()),
        (
            [line("CouponRedemptionFee", "", "CouponRedemptionFee: Coupon 1", "-0.60")],
            [("FEE", "0.60")],
            (),
        ),
        ([line("Fee Adjustment", "", "Item Fee Adjustment: FBA", "0.40")], [("FEE_RETURNED", "0.40")], ()),
        ([line("other-transaction", "", "other-transaction: Current Reserve Amount", "-9")], [], (Unused.NOT_TRADE,)),
        (
            [line("other-transaction", "", "other-transaction: Previous Reserve Amount Balance", "9")],
            [],
            (Unused.NOT_TRADE,),
        ),
        (
            [line("other-transaction", "", "FBA Inventory Reimbursement: WAREHOUSE_DAMAGE", "8.63")],
            [],
            (Unused.NOT_TRADE,),
        ),
    ],
)
def test_what_lines_become(
    records: list[dict[str, str]], rows: list[tuple[str, str]], unused: tuple[Unused, ...]
) -> None:
    found = read(settled(records))
    assert [(kind, amount) for number, kind, amount, _ in shape(found) if number > 1] == rows
    assert [reason for number, mapped in found for reason in mapped.unused if number > 1] == list(unused)
    assert sum(mapped.lines for _, mapped in found) == len(records) + 1


def test_events_of_one_order_stay_apart_by_type_and_second() -> None:
    """Red if a second shipment is added to the first, or a refund taken off the sale."""
    later = [record | {"posted-date-time": "2026-06-09 05:23:20 UTC"} for record in SALE]
    found = read(settled([SALE[0], later[0], REFUND[0], *SALE[1:], *later[1:]]))
    assert [row[:3] for row in shape(found)][1:] == [
        (2, "SALE", "25.00"),
        (2, "FEE", "9.55"),
        (3, "SALE", "25.00"),
        (3, "FEE", "9.55"),
        (4, "REFUND", "18.00"),
    ]
    assert len({row["external_id"] for _, mapped in found for row in mapped.rows if not isinstance(row, str)}) == 6


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("95,00", "EUR", "95.00"),
        ("1.234,56", "EUR", "1234.56"),
        ("1,234.5", "USD", "1234.50"),
        ("461", "INR", "461.00"),
        ("12,5", "EUR", "12.50"),
        ("1234", "JPY", "1234"),
    ],
)
def test_amounts_are_read_as_the_marketplace_writes_them(text: str, currency: str, amount: str) -> None:
    found = read([settlement(text, currency), line("Order", "1", "ItemPrice: Principal", text)])
    assert shape(found)[1][1:3] == ("SALE", amount)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (line("Order", "1", "ItemPrice: Principal", "1,234"), "amount: '1,234' is not an amount of USD"),
        (line("Order", "1", "ItemPrice: Principal", "(5.00)"), "amount: '(5.00)' is not an amount of USD"),
        (line("Order", "1", "ItemPrice: Principal", "1.2345"), "'1.2345' has more than 2 decimals"),
        (line("Order", "1", "ItemPrice: Principal", ""), "amount: '' is not an amount of USD"),
        (line("Order", "1", "ItemPrice: Principal", "5", "2026-06-09 05:23:19 PDT"), "is not a time in UTC"),
        (line("Order", "1", "ItemPrice: Principal", "5", "31.02.2026 05:23:19 UTC"), "is not a time"),
        (line("Order", "1", "Direct Payment: COD", "5"), "amount-type Direct Payment of Order is not known"),
        (line("Order", "1", "ItemPrice: Principal", "-5"), "Order, ,  of -5.00: the sign is the wrong way round"),
        (line("Moon", "1", "Rock: Dust", "5"), "Moon, Rock, Dust is not known"),
        (line("Order", "1", "ItemPrice: Principal", "5") | {"currency": "EUR"}, "EUR is not the USD of the"),
        (
            line("Order", "1", "ItemPrice: Principal", "5") | {"settlement-id": "18"},
            "the currency of settlement '18'",
        ),
        ("5 cells instead of 10", "5 cells instead of 10"),
    ],
)
def test_what_cannot_be_right_is_rejected(cells: RawRow, words: str) -> None:
    [(kind, found)] = [
        (kind, found) for number, kind, _, found in shape(read([settlement("1"), cells, *SALE])) if number == 2
    ]
    assert kind == ""
    assert words in found


def test_an_order_waits_for_a_line_that_cannot_be_read_and_the_others_do_not() -> None:
    """Red if the sale comes in with a wrong amount, which the file put right would then contradict."""
    bad = SALE[3] | {"amount": "4..99"}
    other = line("Order", "111-2", "ItemPrice: Principal", "7.00")
    found = read([settlement("1"), SALE[0], bad, other, *SALE[4:]])
    assert [row[:3] for row in shape(found)] == [
        (1, "PAYOUT", "1.00"),
        (3, "", ""),
        (2, "", ""),
        (4, "SALE", "7.00"),
    ]
    assert shape(found)[2][3] == "held back, 4 lines of Order 111-1: row 3 cannot be read"
    assert sum(mapped.lines for _, mapped in found) == 7


def test_a_line_with_too_few_cells_holds_back_the_events_on_both_sides() -> None:
    """Red if either comes in: the amount that cannot be read may be its own."""
    others = [line("Order", f"111-{number}", "ItemPrice: Principal", "7.00") for number in (2, 3, 4)]
    found = read([settlement("1"), SALE[0], others[0], "3 cells instead of 10", others[1], others[2], SALE[1]])
    assert [row[:3] for row in shape(found)][2:] == [
        (2, "SALE", "27.00"),
        (3, "", ""),
        (5, "", ""),
        (6, "SALE", "7.00"),
    ]


def test_a_line_without_its_type_is_rejected_with_all_that_it_may_belong_to() -> None:
    """Red if it is taken for another settlement's first line, or the order comes in without it."""
    untyped = [SALE[5] | {"transaction-type": ""}, line("", "", "other-transaction: Storage Fee", "-1.10")]
    fees = [line("other-transaction", "", f"other-transaction: {what} Fee", "-1.10") for what in ("Storage", "Other")]
    found = read([settlement("1"), *SALE[:5], untyped[0], *SALE[6:], *REFUND, untyped[1], *fees])
    words = {number: (kind, text) for number, kind, _, text in shape(found)}
    assert words[7] == words[12] == ("", "a line without transaction-type")
    assert words[2] == ("", "held back, 6 lines of Order 111-1: row 7 cannot be read")
    assert words[13] == ("", "held back, 1 lines of other-transaction : row 12 cannot be read")
    assert words[14][0] == "FEE"
    assert words[9][0] == "FEE_RETURNED"  # another second


def test_a_line_whose_second_is_known_holds_back_what_happened_in_it_alone() -> None:
    """Red if one amount holds back every fee of its kind in the settlement."""
    fees = [
        line("ServiceFee", "", "Cost of Advertising: Total", "-1.00", f"2026-06-09 05:23:{second} UTC")
        for second in range(10, 40)
    ]
    fees[3] |= {"amount": "-1.0o"}
    assert [row[:2] for row in shape(read([settlement("1"), *fees])) if row[1] != "FEE"] == [(1, "PAYOUT"), (5, "")]
    fees[3] |= {"posted-date-time": "noon"}
    assert [row[1] for row in shape(read([settlement("1"), *fees]))][1:] == [""] * 30


def test_a_file_that_ends_before_its_settlement_does_holds_back_what_it_ends_with() -> None:
    """Red if an order comes in without its last lines, which the whole file would then contradict."""
    second = [record | {"order-id": "111-2"} for record in SALE]
    whole = settled([*SALE, *second])
    found = read(whole[:-2])
    assert shape(found)[-1] == (
        9, "", "", "held back, 5 lines of Order 111-2: the lines of settlement 17 do not add up to its total"
    )  # fmt: skip
    assert [row[:3] for row in shape(found)[:-1]] == [(1, "PAYOUT", "30.90"), (2, "SALE", "25.00"), (2, "FEE", "9.55")]
    assert sum(mapped.lines for _, mapped in found) == len(whole) - 2
    assert [row[1] for row in shape(read(whole))] == ["PAYOUT", "SALE", "FEE", "SALE", "FEE"]


def test_an_unknown_amount_is_rejected_and_still_counts_in_the_settlement() -> None:
    found = read([settlement("32.00"), line("Order", "111-1", "Moon: Dust", "7.00"), SALE[0]])
    tally = Tally()
    for _, mapped in found:
        tally.add(mapped)
    [usd] = reconcile(tally.sums)
    assert (usd.sides[Side.OTHER], usd.sides[Side.CHARGES], usd.difference) == (3200, 0, 0)


def test_a_settlement_that_stands_twice_refuses_the_file() -> None:
    """Red if its lines are only added up: each of its rows would have twice its amount."""
    with pytest.raises(OtherFormat, match="row 10: settlement 17 stands twice in the file"):
        read([settlement("15.45"), *SALE, REFUND[0], settlement("15.45")])


def reconciled(total: str) -> Tally:
    reserve = line("other-transaction", "", "other-transaction: Current Reserve Amount", "-3.00")
    tally = Tally()
    for _, mapped in read([settlement(total), *SALE, *REFUND, reserve]):
        tally.add(mapped)
    return tally


@pytest.mark.parametrize(("total", "difference"), [("-3.39", 0), ("-3.38", -1)])
def test_a_settlement_reconciles_with_its_total_also_when_it_is_owed(total: str, difference: int) -> None:
    tally = reconciled(total)
    [usd] = reconcile(tally.sums)
    assert (usd.matched, usd.net, usd.difference) == (1, -339, difference)
    assert "PAYOUT" not in tally.kinds


def test_a_settlement_of_nothing_is_compared_with_its_lines() -> None:
    tally = Tally()
    for _, mapped in read([settlement("0.00"), line("ServiceFee", "", "Cost of Advertising: Total", "0.50")]):
        tally.add(mapped)
    [usd] = reconcile(tally.sums)
    assert (usd.matched, usd.differing) == (1, (("17", 50, 0),))


def test_a_payout_is_dated_on_the_end_of_its_settlement() -> None:
    """Red if it is dated on its deposit, which a fresh file has in the future."""
    [(_, found)] = read([settlement("1.234,56", "EUR", settlement_end_date="14.06.2026 10:00:00 UTC")])
    [row] = found.rows
    assert not isinstance(row, str)
    assert (row["external_id"], row["kind"], row["amount"]) == ("17", "PAYOUT", "1234.56")
    assert row["occurred_at"] == "2026-06-14T10:00:00+00:00"
