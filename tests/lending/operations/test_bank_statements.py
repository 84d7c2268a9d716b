"""Statements are booked in their order, each line matched or explained, and a forged one is found."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from config.db.encryption import TextUnreadable
from config.kernel.money import format_minor
from config.office.actors import SYSTEM
from config.office.approvals import NotApproved
from config.office.business_date import open_day
from config.office.models import OperationEvent
from lending.domain.books.bank_gaps import GapRefusal
from lending.domain.books.bank_lines import LineReason, Match, ReopeningRefusal, Resolution, ResolutionRefusal
from lending.domain.books.bank_profile import BankProfile
from lending.models import (
    BankFile,
    BankStatement,
    Entry,
    LoanEvent,
    StatementLine,
    Transfer,
)
from lending.operations import statement_lines
from lending.operations.bank_answers import apply_answers
from lending.operations.bank_files import take_file
from lending.operations.bank_statements import (
    StatementNotBooked,
    book_after_gap,
    book_statement,
    gap_act,
    matches_of,
)
from lending.operations.statement_lines import (
    LineNotReopened,
    LineNotResolved,
    reopen_line,
    reopening_act,
    resolution_act,
    resolve_line,
)
from lending.queries.bank_lines import Asked
from lending.queries.bank_orders import uncleared
from lending.queries.books import prove_accounts
from tests.approvals import approved
from tests.bank_messages import detail, entry, notification
from tests.conftest import CLERK, NOW
from tests.forge import forge
from tests.lending.bank_files import BANK, MONDAY, account_statement, booked, filed, states, take
from tests.lending.loans import proven
from tests.mock_bank import enter

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_statement_alone_says_it_all() -> None:
    """A bank that sends nothing but statements is enough."""
    bank = enter()
    [transfer] = filed(bank, 90_000)
    take(bank, account_statement(100_000, 10_000, booked(transfer.key, 90_000)))
    assert states() == ["DONE"]
    line = StatementLine.objects.get(place=0)
    assert (line.contra_id, line.transfer_id, line.reason) == ("PAYOUT_CLEARING", transfer.pk, "")
    assert StatementLine.objects.get(place=-1).contra_id == "FUNDING"
    assert proven()
    assert not uncleared(before=MONDAY + timedelta(days=9)).exists()


def test_an_amount_for_a_file_is_split_into_its_orders() -> None:
    bank = enter(batch_booking=True)
    transfers = filed(bank, 90_000, 80_000)
    message_id = BankFile.objects.get(is_ours=True).message_id
    batch = f"<Btch><PmtInfId>{message_id}</PmtInfId></Btch>"
    take(bank, account_statement(200_000, 30_000, entry("1700.00", batch)))
    assert states() == ["DONE", "DONE"]
    lines = StatementLine.objects.filter(place=0).order_by("part")
    assert [(line.transfer_id, line.amount_minor) for line in lines] == [
        (transfers[0].pk, -90_000),
        (transfers[1].pk, -80_000),
    ]
    assert proven()


def test_statements_are_booked_in_their_order_and_each_once() -> None:
    bank = enter()
    filed(bank, 90_000)
    second = account_statement(500, 700, entry("2.00", side="CRDT"), name="T2")
    take(bank, account_statement(100, 200, entry("1.00", side="CRDT")))
    take(bank, second)
    assert BankStatement.objects.get(statement_id="T2").booked_at is None
    take(bank, account_statement(200, 500, entry("3.00", side="CRDT"), name="T1b"))
    assert not BankStatement.objects.filter(booked_at=None).exists()
    take(bank, second.replace(b"<MsgId>C1<", b"<MsgId>C9<"))
    assert BankStatement.objects.count() == 3
    other = take(bank, account_statement(500, 701, entry("2.01", side="CRDT"), name="T2"))
    assert "was sent before" in other.problem
    assert {balance.account: balance.ledger_minor for balance in prove_accounts()}["BANK"] == 700
    assert proven()


def in_suspense(bank: BankProfile, minor: int, **facts: str) -> StatementLine:
    side = "CRDT" if minor > 0 else "DBIT"
    take(bank, account_statement(10**9, 10**9 + minor, entry(format_minor(abs(minor), "EUR"), side=side, **facts)))
    return StatementLine.objects.in_suspense().get()


def paid_out(minor: int, *, shown: int) -> tuple[Transfer, StatementLine]:
    """Pay out a loan, as the bank has said, and get the line of another amount and no reference that shows it."""
    bank = enter()
    [transfer] = filed(bank, minor)
    take(bank, notification(booked(transfer.key, minor)))
    return transfer, in_suspense(bank, shown)


def test_a_line_without_a_reference_is_explained_by_a_person() -> None:
    bank = enter()
    filed(bank, 90_000)
    line = in_suspense(bank, -1_500)
    assert line.reason == LineReason.NO_REFERENCE
    charge = Asked(resolution=Resolution.CHARGE)
    with pytest.raises(LineNotResolved) as refused:
        resolve_line(line_id=line.pk, asked=charge, reason=" ", actor=CLERK, now=NOW)
    assert refused.value.reason is ResolutionRefusal.REASON_MISSING
    resolve_line(line_id=line.pk, asked=charge, reason="monthly fee", actor=CLERK, now=NOW)
    with pytest.raises(LineNotResolved) as refused:
        resolve_line(line_id=line.pk, asked=charge, reason="monthly fee", actor=CLERK, now=NOW)
    assert refused.value.reason is ResolutionRefusal.NOT_IN_SUSPENSE
    balances = {balance.account: balance.ledger_minor for balance in prove_accounts()}
    assert (balances["SUSPENSE"], balances["BANK_CHARGES"]) == (0, 1_500)
    assert [entry.code for entry in Entry.objects.order_by("pk")] == ["STATEMENT", "RESOLUTION"]
    assert proven()


def test_what_a_bank_took_for_an_order_is_its_charge() -> None:
    """Red if the order kept no line of its own, or the charge stayed in suspense."""
    transfer, line = paid_out(50_000, shown=-50_250)
    asked = Asked(resolution=Resolution.ORDER_LESS_CHARGE, order=str(transfer.key))
    resolve_line(line_id=line.pk, asked=asked, reason="2.50 for the wire", actor=CLERK, now=NOW)
    parts = StatementLine.objects.filter(place=line.place, statement=line.statement).order_by("part")
    assert [(one.amount_minor, one.contra_id, one.transfer_id, one.resolution) for one in parts] == [
        (-50_000, "PAYOUT_CLEARING", transfer.pk, "ORDER_LESS_CHARGE"),
        (-250, "BANK_CHARGES", None, "ORDER_LESS_CHARGE"),
    ]
    assert not uncleared(before=MONDAY + timedelta(days=9)).exists()
    assert proven()


def test_what_was_said_wrongly_is_put_back_in_suspense() -> None:
    """Red if the account kept it, or the order its line: it could never be matched with what shows it."""
    transfer, line = paid_out(50_000, shown=-50_000)
    asked = Asked(resolution=Resolution.ORDER, order=str(transfer.key))
    with pytest.raises(LineNotReopened) as refused:
        reopen_line(line_id=line.pk, reason="wrong", actor=CLERK, now=NOW)
    assert refused.value.reason is ReopeningRefusal.NOT_RESOLVED
    resolve_line(line_id=line.pk, asked=asked, reason="it fits", actor=CLERK, now=NOW)
    reopen_line(line_id=line.pk, reason="it was another's", actor=CLERK, now=NOW)
    line.refresh_from_db()
    assert (line.contra_id, line.transfer_id, line.resolution, line.resolved_at) == ("SUSPENSE", None, "", None)
    assert uncleared(before=MONDAY + timedelta(days=9)).exists()
    assert proven()
    resolve_line(line_id=line.pk, asked=asked, reason="it was right", actor=CLERK, now=NOW)
    assert [entry.code for entry in Entry.objects.order_by("-pk")[:3]] == ["RESOLUTION"] * 3
    names = OperationEvent.objects.filter(name__contains="_line").order_by("pk").values_list("name", flat=True)
    assert list(names) == ["lending.resolve_line", "lending.reopen_line", "lending.resolve_line"]
    assert proven()


def test_a_line_that_was_split_is_put_back_whole() -> None:
    """Red if a part stayed where it was: no other order could have the line then."""
    transfer, line = paid_out(50_000, shown=-50_250)
    asked = Asked(resolution=Resolution.ORDER_LESS_CHARGE, order=str(transfer.key))
    for part in (0, 1):
        resolve_line(line_id=line.pk, asked=asked, reason="2.50 for the wire", actor=CLERK, now=NOW)
        one = StatementLine.objects.filter(place=line.place, statement=line.statement).exclude(amount_minor=0)
        reopen_line(line_id=one.order_by("part")[part].pk, reason="no", actor=CLERK, now=NOW)
        assert [(left.pk, left.amount_minor) for left in StatementLine.objects.in_suspense()] == [(line.pk, -50_250)]
        balances = {balance.account: balance.ledger_minor for balance in prove_accounts()}
        assert (balances["SUSPENSE"], balances["BANK_CHARGES"]) == (50_250, 0)
        assert proven()


def test_a_few_cents_are_not_an_order_and_its_charge() -> None:
    """Red if one person could book a charge of any size by a small line, and give an order the line of its return."""
    transfer, line = paid_out(150_000, shown=-151_000)
    asked = Asked(resolution=Resolution.ORDER_LESS_CHARGE, order=str(transfer.key))
    forge(line, amount_minor=-301_000)
    with pytest.raises(LineNotResolved) as refused:
        resolve_line(line_id=line.pk, asked=asked, reason="x", actor=CLERK, now=NOW)
    assert refused.value.reason is ResolutionRefusal.NO_CHARGE
    forge(line, amount_minor=-151_000)
    with pytest.raises(NotApproved):
        resolve_line(line_id=line.pk, asked=asked, reason="x", actor=CLERK, now=NOW)


def test_a_line_that_cannot_be_matched_again_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    bank = enter()
    orders = filed(bank, 90_000, 80_000)
    take(bank, account_statement(200_000, 30_000, *(booked(one.key, one.amount_minor) for one in orders)))
    first, second = StatementLine.objects.filter(transfer__isnull=False).order_by("pk")
    for line in (first, second):
        forge(line, contra="SUSPENSE", transfer=None, reason=LineReason.NOT_MOVED)

    def fail_once(bank: str, lines: Sequence[StatementLine]) -> list[list[Match]]:
        if first in lines:
            raise TextUnreadable
        return matches_of(bank, lines)

    monkeypatch.setattr(statement_lines, "matches_of", fail_once)
    statement_lines.match_again(bank, clock=lambda: NOW)
    assert StatementLine.objects.in_suspense().get() == first
    second.refresh_from_db()
    assert second.transfer == orders[1]


def test_a_large_line_is_put_back_by_two_people() -> None:
    bank = enter()
    filed(bank, 90_000)
    line, asked = in_suspense(bank, 100_001), Asked(resolution=Resolution.FUNDING)
    approval = approved(resolution_act(line, asked, reason="ours"), actor=CLERK)
    resolve_line(line_id=line.pk, asked=asked, reason="ours", actor=CLERK, now=NOW, approval=approval)
    line.refresh_from_db()
    with pytest.raises(NotApproved):
        reopen_line(line_id=line.pk, reason="not ours", actor=CLERK, now=NOW)
    approval = approved(reopening_act(line, reason="not ours"), actor=CLERK)
    reopen_line(line_id=line.pk, reason="not ours", actor=CLERK, now=NOW, approval=approval)
    assert StatementLine.objects.in_suspense().exists()


def test_a_line_for_a_file_is_matched_once_its_orders_are_answered() -> None:
    """Red if it stayed in suspense for a person, as the bank's word on one order came after its statement."""
    bank = enter(batch_booking=True)
    first, second = filed(bank, 90_000, 80_000)
    message_id = BankFile.objects.get(is_ours=True).message_id
    batch = f"<Btch><PmtInfId>{message_id}</PmtInfId></Btch>"
    take(bank, account_statement(200_000, 110_000, entry("900.00", batch)))
    line = StatementLine.objects.in_suspense().get()
    assert line.reason == LineReason.BATCH_DIFFERS
    take(bank, notification(booked(first.key, 90_000)), name="later.xml")
    line.refresh_from_db()
    assert (line.contra_id, line.transfer_id, line.resolution) == ("PAYOUT_CLEARING", first.pk, "")
    assert [entry.code for entry in Entry.objects.order_by("pk")].count("RESOLUTION") == 1
    assert proven()
    take(bank, account_statement(110_000, 20_000, entry("900.00", batch), name="T2"))
    assert StatementLine.objects.in_suspense().get().reason == LineReason.REPEATED
    assert second.key != first.key
    assert proven()


def test_a_large_line_needs_a_second_person() -> None:
    bank = enter()
    filed(bank, 90_000)
    line = in_suspense(bank, 100_001)
    with pytest.raises(NotApproved):
        resolve_line(line_id=line.pk, asked=Asked(resolution=Resolution.FUNDING), reason="ours", actor=CLERK, now=NOW)
    assert StatementLine.objects.in_suspense().exists()


def test_a_payment_without_a_reference_becomes_the_repayment_of_a_loan() -> None:
    bank = enter()
    [transfer] = filed(bank, 90_000)
    take(bank, notification(booked(transfer.key, 90_000)))
    open_day(on=MONDAY + timedelta(days=1), actor=SYSTEM, now=NOW)
    line = in_suspense(bank, 2_500)
    asked = Asked(resolution=Resolution.REPAYMENT, loan_id=transfer.loan_id)
    resolve_line(line_id=line.pk, asked=asked, reason="they wrote to us", actor=CLERK, now=NOW)
    assert LoanEvent.objects.get(type="repayment").amount_minor == 2_500
    clearing = next(one for one in prove_accounts() if one.account == "COLLECTION_CLEARING")
    assert clearing.ledger_minor == 0
    assert proven()


def test_a_gap_between_statements_is_booked_by_two_people() -> None:
    bank = enter()
    filed(bank, 90_000)
    take(bank, account_statement(0, 100, entry("1.00", side="CRDT")))
    take(bank, account_statement(300, 300, name="T3"))
    waiting = BankStatement.objects.get(booked_at=None)
    with pytest.raises(NotApproved):
        book_after_gap(statement_id=waiting.pk, reason="lost", actor=CLERK, now=NOW)
    book_after_gap(statement_id=waiting.pk, reason="lost", actor=SYSTEM, now=NOW)
    assert [line.amount_minor for line in StatementLine.objects.in_suspense().order_by("pk")] == [100, 200]
    with pytest.raises(StatementNotBooked) as refused:
        book_after_gap(statement_id=waiting.pk, reason="lost", actor=SYSTEM, now=NOW)
    assert refused.value.reason is GapRefusal.BOOKED
    assert proven()


def test_statements_that_come_after_a_gap_take_the_place_of_what_is_missing() -> None:
    """Red if they were never booked, or their money were at the bank twice; or one were booked before its turn."""
    bank = enter()
    first, second = filed(bank, 90_000, 80_000)
    take(bank, account_statement(500_000, 500_000, name="T1"))
    take(bank, account_statement(330_000, 330_000, name="T4"))
    gapped = BankStatement.objects.get(statement_id="T4")
    approval = approved(gap_act(gapped, reason="lost"), actor=CLERK)
    book_after_gap(statement_id=gapped.pk, reason="lost", actor=CLERK, now=NOW, approval=approval)
    gap = StatementLine.objects.in_suspense().get()
    assert (gap.amount_minor, gap.reason) == (-170_000, LineReason.MISSING)
    take(bank, account_statement(410_000, 330_000, booked(second.key, 80_000), name="T3"), name="3.xml")
    assert BankStatement.objects.get(statement_id="T3").booked_at is None, "it follows one that has not come"
    assert proven()
    take(bank, account_statement(500_000, 410_000, booked(first.key, 90_000), name="T2"), name="2.xml")
    assert not BankStatement.objects.filter(booked_at=None).exists()
    gap.refresh_from_db()
    assert gap.amount_minor == 0
    assert not StatementLine.objects.in_suspense().exists()
    matched = StatementLine.objects.filter(transfer__isnull=False).order_by("transfer")
    assert [(line.transfer_id, line.contra_id) for line in matched] == [
        (first.pk, "PAYOUT_CLEARING"),
        (second.pk, "PAYOUT_CLEARING"),
    ]
    assert {balance.account: balance.ledger_minor for balance in prove_accounts()}["BANK"] == 330_000
    assert proven()
    take(bank, account_statement(330_000, 330_100, entry("1.00", side="CRDT"), name="T5"), name="5.xml")
    assert BankStatement.objects.get(statement_id="T5").booked_no == 3
    assert proven()


def test_what_was_said_of_a_gap_is_put_back_before_a_late_statement_counts() -> None:
    bank = enter()
    filed(bank, 90_000)
    take(bank, account_statement(1_000, 1_000, name="T1"))
    take(bank, account_statement(2_500, 2_500, name="T3"))
    gapped = BankStatement.objects.get(statement_id="T3")
    approval = approved(gap_act(gapped, reason="lost"), actor=CLERK)
    book_after_gap(statement_id=gapped.pk, reason="lost", actor=CLERK, now=NOW, approval=approval)
    line = StatementLine.objects.in_suspense().get()
    resolve_line(line_id=line.pk, asked=Asked(resolution=Resolution.FUNDING), reason="ours", actor=CLERK, now=NOW)
    take(bank, account_statement(1_000, 2_500, entry("15.00", side="CRDT"), name="T2"), name="2.xml")
    late = BankStatement.objects.get(statement_id="T2")
    assert late.booked_at is None
    reopen_line(line_id=line.pk, reason="the statement is here", actor=CLERK, now=NOW)
    book_statement(bank, now=NOW)
    late.refresh_from_db()
    assert late.booked_at is not None
    assert [one.amount_minor for one in StatementLine.objects.in_suspense()] == [1_500]
    assert proven()


def test_a_statement_waits_for_its_day_and_for_what_it_says_of_orders() -> None:
    bank = enter()
    [transfer] = filed(bank, 90_000)
    tomorrow = MONDAY + timedelta(days=1)
    content = account_statement(100_000, 10_000, booked(transfer.key, 90_000), on=tomorrow)
    take_file(bank, name="a", content=content, now=NOW)
    assert book_statement(bank, now=NOW) is None
    open_day(on=tomorrow, actor=SYSTEM, now=NOW)
    assert book_statement(bank, now=NOW) is None
    apply_answers(BANK, clock=lambda: NOW)
    assert book_statement(bank, now=NOW) is not None
    assert StatementLine.objects.get(place=0).contra_id == "PAYOUT_CLEARING"


def test_a_line_that_names_another_account_needs_a_second_person_however_small() -> None:
    bank = enter()
    [transfer] = filed(bank, 90_000)
    account = "<RltdPties><CdtrAcct><Id><IBAN>NL14MOCK0000000002</IBAN></Id></CdtrAcct></RltdPties>"
    line = entry("900.00", detail(transfer.key, more=account))
    take(bank, account_statement(100_000, 10_000, line))
    found = StatementLine.objects.in_suspense().get()
    assert found.reason == LineReason.OTHER_ACCOUNT
    asked = Asked(resolution=Resolution.ORDER, order=transfer.key.hex)
    with pytest.raises(NotApproved):
        resolve_line(line_id=found.pk, asked=asked, reason="seen", actor=CLERK, now=NOW)


FORGED = {
    "a line": lambda: forge(StatementLine.objects.get(place=0), amount_minor=-80_000),
    "where a line's other side is": lambda: forge(StatementLine.objects.get(place=0), contra_id="FUNDING"),
    "a statement": lambda: forge(BankStatement.objects.get(), closing_minor=20_000),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_statement_is_found_by_the_proof(what: str) -> None:
    bank = enter()
    [transfer] = filed(bank, 90_000)
    take(bank, account_statement(100_000, 10_000, booked(transfer.key, 90_000)))
    assert proven()
    FORGED[what]()
    assert not proven()
