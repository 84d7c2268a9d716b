"""How lines of a statement are matched, and that nothing of their amount is lost by it."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lending.domain.books.bank_gaps import GapRefusal, explains, judge_gap, skips
from lending.domain.books.bank_lines import (
    MATCHED_WITHIN,
    LineReason,
    Match,
    OrderFacts,
    ReopeningRefusal,
    Resolution,
    ResolutionRefusal,
    bank_balances,
    bank_movements,
    explained_movements,
    judge_reopening,
    judge_resolution,
    match_lines,
    reopened_movement,
    resolve,
    resolved_movement,
)
from lending.domain.books.bank_messages import LineFacts
from lending.domain.books.ledger import Account, Movement
from lending.domain.books.transfer import TransferKind, TransferState

ON = date(2026, 3, 2)
NUMBER = "NL30MOCK0000000005"


def key(number: int) -> UUID:
    return UUID(int=number)


def order(id_: int = 1, /, **changes: object) -> OrderFacts:
    facts = OrderFacts(
        id=id_,
        key=key(id_),
        kind=TransferKind.PAYOUT,
        state=TransferState.DONE,
        on=ON,
        amount_minor=90_000,
        moved_minor=90_000,
        number=NUMBER,
        has_out=False,
        has_back=False,
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


def line(minor: int = -90_000, **facts: object) -> LineFacts:
    return LineFacts(amount_minor=minor, booked_on=ON, value_on=ON, **facts)  # type: ignore[arg-type]


def matched(*lines: LineFacts, orders: tuple[OrderFacts, ...] = (order(),), batch: str = "") -> list[list[Match]]:
    return match_lines(
        lines,
        by_key={one.key: one for one in orders},
        by_batch={batch: orders} if batch else {},
        by_number={NUMBER: orders},
    )


@pytest.mark.parametrize(
    ("said", "known", "reason"),
    [
        (line(key=key(1)), order(), None),
        (line(90_000, key=key(1)), order(state=TransferState.RETURNED), None),
        (line(90_000, key=key(1)), order(), LineReason.NOT_MOVED),
        (line(key=key(2)), order(), LineReason.NO_ORDER),
        (line(-90_001, key=key(1)), order(), LineReason.AMOUNT_DIFFERS),
        (line(key=key(1)), order(state=TransferState.FAILED, moved_minor=0), LineReason.NOT_MOVED),
        (line(key=key(1)), order(state=TransferState.PENDING, moved_minor=0), LineReason.NOT_MOVED),
        (line(key=key(1)), order(has_out=True), LineReason.REPEATED),
        (line(90_000, key=key(1)), order(state=TransferState.RETURNED, has_out=True), None),
        (line(90_000, key=key(1)), order(state=TransferState.RETURNED, has_back=True), LineReason.REPEATED),
        (line(key=key(1), number="NL14MOCK0000000002"), order(), LineReason.OTHER_ACCOUNT),
        (line(key=key(1), number="0000000005"), order(), None),
        (line(key=key(1), number=NUMBER), order(number="MOCK0000000005"), None),
        (line(number=NUMBER), order(), None),
        (line(number=NUMBER), order(on=ON - MATCHED_WITHIN), None),
        (line(number=NUMBER), order(on=ON - MATCHED_WITHIN - timedelta(days=1)), LineReason.NO_REFERENCE),
        (line(number=NUMBER), order(on=ON + timedelta(days=1)), LineReason.NO_REFERENCE),
        (line(number="NL00OTHER"), order(), LineReason.NO_REFERENCE),
        (line(-1, number=NUMBER), order(), LineReason.NO_REFERENCE),
        (line(), order(), LineReason.NO_REFERENCE),
        (line(batch="other"), order(), LineReason.NO_ORDER),
    ],
)
def test_a_line_is_matched_or_in_suspense_for_a_reason(
    said: LineFacts, known: OrderFacts, reason: LineReason | None
) -> None:
    [[match]] = matched(said, orders=(known,))
    assert match.reason is reason
    assert match.order_id == (1 if reason is None else None)
    assert match.contra is (Account.PAYOUT_CLEARING if reason is None else Account.SUSPENSE)
    assert match.amount_minor == said.amount_minor


def test_an_order_has_one_line_of_what_went_out() -> None:
    first, second = matched(line(key=key(1)), line(key=key(1)))
    assert (first[0].reason, second[0].reason) == (None, LineReason.REPEATED)


def test_a_line_that_names_an_order_comes_before_one_that_fits_it() -> None:
    """Red if what became of a line depended on one before it that names nothing."""
    first, second = matched(line(number=NUMBER), line(key=key(1)))
    assert (first[0].reason, second[0].order_id) == (LineReason.NO_REFERENCE, 1)


def test_two_orders_that_fit_are_one_too_many() -> None:
    """Red if a line without a reference went to whichever order came first."""
    [[match]] = matched(line(number=NUMBER), orders=(order(1), order(2)))
    assert match.reason is LineReason.NO_REFERENCE


def test_an_amount_for_a_file_is_split_into_its_orders_less_those_rejected() -> None:
    orders = (order(1), order(2, state=TransferState.FAILED, moved_minor=0), order(3, amount_minor=5, moved_minor=5))
    [parts] = matched(line(-90_005, batch="file"), orders=orders, batch="file")
    assert [(part.order_id, part.amount_minor, part.reason) for part in parts] == [(1, -90_000, None), (3, -5, None)]
    [[whole]] = matched(line(-90_006, batch="file"), orders=orders, batch="file")
    assert (whole.reason, whole.amount_minor) == (LineReason.BATCH_DIFFERS, -90_006)


@given(
    st.lists(
        st.tuples(
            st.integers(-3, 3).filter(bool),
            st.one_of(st.none(), st.integers(1, 4)),
            st.sampled_from(["", "file"]),
            st.sampled_from(["", NUMBER]),
        ),
        max_size=8,
    )
)
def test_no_amount_is_lost_and_no_order_matched_twice(drawn: list[tuple[int, int | None, str, str]]) -> None:
    lines = [
        line(minor, key=None if number is None else key(number), batch=batch, number=account)
        for minor, number, batch, account in drawn
    ]
    orders = tuple(order(number, amount_minor=number % 3 + 1, moved_minor=number % 3 + 1) for number in (1, 2, 3))
    found = matched(*lines, orders=orders, batch="file")
    assert [sum(part.amount_minor for part in parts) for parts in found] == [one.amount_minor for one in lines]
    ways = [(part.order_id, part.back) for parts in found for part in parts if part.order_id is not None]
    assert len(ways) == len(set(ways))


def test_lines_and_what_they_turn_out_to_be_are_posted_with_the_banks_side() -> None:
    shares = {Account.PAYOUT_CLEARING: -90_000, Account.SUSPENSE: 2_500, Account.FUNDING: 0}
    assert bank_movements(shares) == (
        Movement(Account.PAYOUT_CLEARING, Account.BANK, 90_000),
        Movement(Account.BANK, Account.SUSPENSE, 2_500),
    )
    assert resolved_movement(2_500, Account.COLLECTION_CLEARING) == Movement(
        Account.SUSPENSE, Account.COLLECTION_CLEARING, 2_500
    )
    assert resolved_movement(-17, Account.BANK_CHARGES) == Movement(Account.BANK_CHARGES, Account.SUSPENSE, 17)
    assert reopened_movement(2_500, Account.FUNDING) == Movement(Account.FUNDING, Account.SUSPENSE, 2_500)
    proof = bank_balances({"PAYOUT_CLEARING": -90_000, "SUSPENSE": 2_500}, closed_minor=-87_500)
    assert proof == {Account.BANK: -87_500, Account.PAYOUT_CLEARING: 90_000, Account.SUSPENSE: -2_500}
    assert sum(proof.values()) == 0


@pytest.mark.parametrize(
    ("resolution", "changes", "refusal"),
    [
        (Resolution.CHARGE, {}, None),
        (Resolution.FUNDING, {}, None),
        (Resolution.ORDER, {"order": order()}, None),
        (Resolution.CHARGE, {"in_suspense": False}, ResolutionRefusal.NOT_IN_SUSPENSE),
        (Resolution.ORDER, {}, ResolutionRefusal.ORDER_UNKNOWN),
        (Resolution.ORDER, {"order": order(state=TransferState.PENDING)}, ResolutionRefusal.ORDER_NOT_MOVED),
        (Resolution.ORDER, {"order": order(has_out=True)}, ResolutionRefusal.ORDER_HAS_LINE),
        (Resolution.ORDER, {"order": order(moved_minor=1)}, ResolutionRefusal.AMOUNT_DIFFERS),
        (Resolution.ORDER_LESS_CHARGE, {}, ResolutionRefusal.ORDER_UNKNOWN),
        (Resolution.ORDER_LESS_CHARGE, {"order": order()}, ResolutionRefusal.NO_CHARGE),
        (Resolution.ORDER_LESS_CHARGE, {"order": order(), "amount_minor": -89_999}, ResolutionRefusal.NO_CHARGE),
        (Resolution.ORDER_LESS_CHARGE, {"order": order(), "amount_minor": -90_250}, None),
        (Resolution.ORDER_LESS_CHARGE, {"order": order(), "amount_minor": -135_000}, None),
        (Resolution.ORDER_LESS_CHARGE, {"order": order(), "amount_minor": -135_001}, ResolutionRefusal.NO_CHARGE),
        (
            Resolution.ORDER_LESS_CHARGE,
            {"order": order(state=TransferState.RETURNED), "amount_minor": 1},
            ResolutionRefusal.NO_CHARGE,
        ),
        (Resolution.REPAYMENT, {"has_loan": False}, ResolutionRefusal.LOAN_UNKNOWN),
        (Resolution.REPAYMENT, {}, ResolutionRefusal.NOT_A_CREDIT),
        (Resolution.REPAYMENT, {"amount_minor": 5}, None),
        (Resolution.PLATFORM, {}, ResolutionRefusal.NOT_A_CREDIT),
        (Resolution.BOOKED, {}, None),
        (Resolution.CHARGE, {"reason": " "}, ResolutionRefusal.REASON_MISSING),
    ],
)
def test_what_a_line_is_said_to_be_has_to_fit(
    resolution: Resolution, changes: dict[str, object], refusal: ResolutionRefusal | None
) -> None:
    asked = {"amount_minor": -90_000, "in_suspense": True, "order": None, "has_loan": True}
    assert judge_resolution(resolution, **{**asked, "reason": "seen", **changes}) is refusal  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({}, None),
        ({"booked": True}, GapRefusal.BOOKED),
        ({"today": ON - timedelta(days=1)}, GapRefusal.NOT_YET),
        ({"today": None}, GapRefusal.NOT_YET),
        ({"last_closed_on": None}, GapRefusal.FOLLOWS),
        ({"gap_minor": 0}, GapRefusal.FOLLOWS),
        ({"gap_minor": 0, "skips_some": True}, None),
        ({"last_closed_on": ON + timedelta(days=1)}, GapRefusal.OLDER),
        ({"reason": ""}, GapRefusal.REASON_MISSING),
    ],
)
def test_a_statement_is_booked_without_those_before_only_if_they_are_missing(
    changes: dict[str, object], refusal: GapRefusal | None
) -> None:
    asked = {"booked": False, "closed_on": ON, "today": ON, "last_closed_on": ON, "gap_minor": 5, "skips_some": False}
    assert judge_gap(**{"reason": "lost", **asked, **changes}) is refusal  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("number", "after", "missing"), [(8, 7, False), (9, 7, True), (1, 250, False), (None, 7, False), (9, None, False)]
)
def test_numbers_tell_of_missing_statements_and_begin_again_with_the_year(
    number: int | None, after: int | None, *, missing: bool
) -> None:
    assert skips(number, after=after) is missing


@pytest.mark.parametrize(
    ("resolution", "minor", "account"),
    [
        (Resolution.ORDER, -1, Account.PAYOUT_CLEARING),
        (Resolution.REPAYMENT, 1, Account.COLLECTION_CLEARING),
        (Resolution.BOOKED, 1, Account.COLLECTION_CLEARING),
        (Resolution.BOOKED, -1, Account.PAYOUT_CLEARING),
        (Resolution.PLATFORM, 1, Account.COLLECTION_CLEARING),
        (Resolution.CHARGE, -1, Account.BANK_CHARGES),
        (Resolution.FUNDING, 1, Account.FUNDING),
    ],
)
def test_where_a_line_goes_from_suspense(resolution: Resolution, minor: int, account: Account) -> None:
    [match] = resolve(resolution, minor, order(moved_minor=1) if resolution is Resolution.ORDER else None)
    assert (match.contra, match.amount_minor) == (account, minor)


@pytest.mark.parametrize(
    ("minor", "changes", "parts"),
    [
        (-90_250, {}, [(-90_000, Account.PAYOUT_CLEARING, False), (-250, Account.BANK_CHARGES, False)]),
        (
            89_000,
            {"state": TransferState.RETURNED},
            [(90_000, Account.PAYOUT_CLEARING, True), (-1_000, Account.BANK_CHARGES, False)],
        ),
        (
            89_990,
            {"kind": TransferKind.COLLECTION},
            [(90_000, Account.COLLECTION_CLEARING, False), (-10, Account.BANK_CHARGES, False)],
        ),
    ],
)
def test_what_a_bank_took_for_an_order_is_split_off(
    minor: int, changes: dict[str, object], parts: list[tuple[int, Account, bool]]
) -> None:
    found = resolve(Resolution.ORDER_LESS_CHARGE, minor, order(**changes))
    assert [(one.amount_minor, one.contra, one.back) for one in found] == parts
    assert sum(one.amount_minor for one in found) == minor


@pytest.mark.parametrize(
    ("resolution", "reason", "refusal"),
    [
        (None, "x", ReopeningRefusal.NOT_RESOLVED),
        (Resolution.REPAYMENT, "x", ReopeningRefusal.ON_A_LOAN),
        (Resolution.FUNDING, " ", ReopeningRefusal.REASON_MISSING),
        (Resolution.FUNDING, "x", None),
    ],
)
def test_only_what_a_person_said_is_taken_back(
    resolution: Resolution | None, reason: str, refusal: ReopeningRefusal | None
) -> None:
    assert judge_reopening(resolution, reason=reason) is refusal


def test_a_file_that_is_booked_twice_is_matched_once() -> None:
    """Red if only lines that name an order knew that it has its line: the database would refuse the statement."""
    had = (order(1, has_out=True), order(2, has_out=True))
    [[second]] = matched(line(-180_000, batch="file"), orders=had, batch="file")
    assert second.reason is LineReason.REPEATED


@pytest.mark.parametrize(
    ("changes", "explained"),
    [
        ({}, True),
        ({"opening_minor": 999}, False),
        ({"missing_minor": 500}, False),
        ({"closed_on": ON + timedelta(days=1)}, False),
    ],
)
def test_a_late_statement_explains_a_gap_that_it_opens(changes: dict[str, object], *, explained: bool) -> None:
    asked = {"opening_minor": 1_000, "closed_on": ON, "next_opening_minor": 2_500, "next_closed_on": ON}
    assert explains(**{**asked, "missing_minor": 1_500, **changes}) is explained  # type: ignore[arg-type]
    assert explained_movements({Account.SUSPENSE: 5, Account.BANK_CHARGES: -5, Account.FUNDING: 0}) == (
        Movement(Account.BANK_CHARGES, Account.SUSPENSE, 5),
    )
