"""Files to and from a bank, their answers and statements: what one file does, and what a second copy does not."""

from datetime import date, timedelta

import pytest

from config.kernel.money import format_minor
from config.office.actors import SYSTEM
from config.office.approvals import NotApproved
from config.office.business_date import open_day
from lending.domain.books.bank_lines import GapRefusal, LineReason, Resolution, ResolutionRefusal
from lending.domain.books.bank_messages import AnswerHold, AnswerState
from lending.domain.books.bank_profile import BankProfile
from lending.models import (
    BankAnswer,
    BankFile,
    BankStatement,
    Entry,
    Loan,
    LoanEvent,
    StatementLine,
    Transfer,
)
from lending.operations.bank_answers import apply_answers, deal_with_answer
from lending.operations.bank_files import read_file_again, take_file, write_file
from lending.operations.bank_statements import (
    LineNotResolved,
    StatementNotBooked,
    book_after_gap,
    book_statement,
    resolve_line,
)
from lending.operations.banks import BankEntryRefusal, BankNotEntered, enter_bank
from lending.queries.bank_lines import Asked
from lending.queries.bank_orders import unanswered, uncleared
from lending.queries.books import drifted_loans, prove_accounts
from merchants.models import PayoutAccount
from tests.bank_messages import balance, entry, notification, reason, statement, status
from tests.conftest import CLERK, NOW
from tests.forge import forge
from tests.lending.bank_files import BANK, MONDAY, account_statement, booked, filed, ordered, take
from tests.mock_bank import enter, profile

pytestmark = pytest.mark.django_db(transaction=True)


def proven() -> bool:
    loans = list(Loan.objects.filter(booked_to__isnull=False))
    return all(balance.holds for balance in prove_accounts()) and not drifted_loans(loans)


def states() -> list[str]:
    return list(Transfer.objects.order_by("pk").values_list("state", flat=True))


def test_orders_are_in_one_file_and_one_only() -> None:
    bank = enter(orders_a_file=2)
    transfers = ordered(90_000, 80_000, 70_000)
    first, second = write_file(bank, now=NOW), write_file(bank, now=NOW)
    assert write_file(bank, now=NOW) is None
    assert first is not None
    assert second is not None
    content = bytes(first.content)
    assert [transfer.key.hex.encode() in content for transfer in transfers] == [True, True, False]
    assert list(Transfer.objects.order_by("pk").values_list("file", flat=True)) == [first.pk, first.pk, second.pk]


def test_an_order_whose_account_was_withdrawn_meanwhile_is_not_written() -> None:
    """Red if what was verified when it was claimed went out hours later to an account that no longer is."""
    bank = enter()
    first, second = ordered(90_000, 80_000)
    account = PayoutAccount.objects.get(merchant=first.loan.merchant)
    PayoutAccount.objects.filter(pk=account.pk).update(state="WITHDRAWN", closed_by=str(CLERK), closed_at=NOW)
    file = write_file(bank, now=NOW)
    assert file is not None
    assert first.key.hex.encode() not in bytes(file.content)
    assert second.key.hex.encode() in bytes(file.content)
    assert states() == ["DUE", "PENDING"]


def test_a_rejection_pays_nothing_out_and_the_loan_waits() -> None:
    bank = enter()
    [first, second] = filed(bank, 90_000, 80_000)
    rejected = f"<OrgnlEndToEndId>{first.key.hex}</OrgnlEndToEndId><TxSts>RJCT</TxSts>{reason('AC04', 'closed')}"
    tx = f"<TxInfAndSts>{rejected}</TxInfAndSts>"
    said = status(f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>p</OrgnlPmtInfId>{tx}</OrgnlPmtInfAndSts>")
    take(bank, said)
    assert states() == ["FAILED", "PENDING"]
    assert Transfer.objects.get(pk=first.pk).answer == "AC04 closed"
    take(bank, said, name="again.xml")
    assert BankFile.objects.filter(is_ours=False).count() == 1
    assert not LoanEvent.objects.exists()
    take(bank, notification(booked(second.key, 80_000)))
    assert states() == ["FAILED", "DONE"]
    assert proven()


def test_a_rejection_of_a_whole_file_is_one_of_each_order_unless_it_is_a_duplicate() -> None:
    bank = enter()
    filed(bank, 90_000, 80_000)
    message_id = BankFile.objects.get(is_ours=True).message_id
    group = f"<GrpSts>RJCT</GrpSts>{reason('DUPL')}"
    take(bank, status("", group).replace(b"<OrgnlMsgId>M1<", f"<OrgnlMsgId>{message_id}<".encode()))
    assert states() == ["PENDING", "PENDING"]
    group = f"<GrpSts>RJCT</GrpSts>{reason('FF01')}"
    take(bank, status("", group).replace(b"<OrgnlMsgId>M1<", f"<OrgnlMsgId>{message_id}<".encode()))
    assert states() == ["FAILED", "FAILED"]


def test_a_payout_counts_from_the_banks_date() -> None:
    bank = enter()
    [transfer] = filed(bank, 90_000)
    open_day(on=MONDAY + timedelta(days=1), actor=SYSTEM, now=NOW)
    take(bank, notification(booked(transfer.key, 90_000)))
    assert Loan.objects.get().disbursed_on == date(2026, 3, 3)
    assert proven()


def test_a_payout_that_comes_back_is_taken_back_once() -> None:
    bank = enter()
    [transfer] = filed(bank, 90_000)
    take(bank, notification(booked(transfer.key, 90_000, "CRDT")))
    assert BankAnswer.objects.get().hold == AnswerHold.EARLY
    take(bank, notification(booked(transfer.key, 90_000)), name="late.xml")
    take(bank, b"\n" + notification(booked(transfer.key, 90_000, "CRDT")).partition(b"?>")[2])
    assert states() == ["RETURNED"]
    assert Loan.objects.get().status == "APPROVED"
    assert LoanEvent.objects.count() == 2
    assert proven()


def test_what_contradicts_waits_for_a_person() -> None:
    bank = enter()
    [transfer] = filed(bank, 90_000)
    take(bank, notification(booked(transfer.key, 89_999)))
    answer = BankAnswer.objects.get()
    assert (answer.state, answer.hold) == (AnswerState.HELD, AnswerHold.AMOUNT_DIFFERS)
    assert states() == ["PENDING"]
    done = deal_with_answer(answer_id=answer.pk, reason="the bank took a fee", actor=CLERK, now=NOW)
    assert done.state == AnswerState.DEALT_WITH
    with pytest.raises(BankAnswer.DoesNotExist):
        deal_with_answer(answer_id=answer.pk, reason="again", actor=CLERK, now=NOW)


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


def test_a_statement_of_another_account_is_set_aside_and_read_again_when_that_is_mended() -> None:
    bank = enter()
    filed(bank, 90_000)
    content = statement(balance("OPBD", "1.00"), balance("CLBD", "1.00"), account="<Othr><Id>7777</Id></Othr>")
    file = take(bank, content)
    assert "another account" in BankFile.objects.get(pk=file.pk).problem
    assert "another account" in read_file_again(file_id=file.pk, bank=bank, actor=CLERK, now=NOW).problem
    mended = profile(account="7777")
    assert read_file_again(file_id=file.pk, bank=mended, actor=CLERK, now=NOW).problem == ""
    assert BankStatement.objects.count() == 1
    with pytest.raises(BankFile.DoesNotExist):
        read_file_again(file_id=file.pk, bank=mended, actor=CLERK, now=NOW)


def in_suspense(bank: BankProfile, minor: int, **facts: str) -> StatementLine:
    side = "CRDT" if minor > 0 else "DBIT"
    take(bank, account_statement(10**9, 10**9 + minor, entry(format_minor(abs(minor), "EUR"), side=side, **facts)))
    return StatementLine.objects.in_suspense().get()


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
        book_after_gap(bank, statement_id=waiting.pk, reason="lost", actor=CLERK, now=NOW)
    book_after_gap(bank, statement_id=waiting.pk, reason="lost", actor=SYSTEM, now=NOW)
    assert [line.amount_minor for line in StatementLine.objects.in_suspense().order_by("pk")] == [100, 200]
    with pytest.raises(StatementNotBooked) as refused:
        book_after_gap(bank, statement_id=waiting.pk, reason="lost", actor=SYSTEM, now=NOW)
    assert refused.value.reason is GapRefusal.BOOKED
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


def test_orders_that_no_answer_and_no_statement_reaches_are_told() -> None:
    bank = enter()
    [transfer] = filed(bank, 90_000)
    assert unanswered(before=MONDAY + timedelta(days=1)).get() == transfer
    take(bank, notification(booked(transfer.key, 90_000)))
    assert not unanswered(before=MONDAY + timedelta(days=1)).exists()
    assert uncleared(before=MONDAY + timedelta(days=1)).get() == transfer


def test_a_profile_is_entered_once_and_keeps_its_account() -> None:
    enter()
    for changes, refusal in (
        ({}, BankEntryRefusal.ENTERED),
        ({"account": "NL14MOCK0000000002"}, BankEntryRefusal.ACCOUNT_CHANGED),
        ({"name": "another"}, BankEntryRefusal.CURRENCY_TAKEN),
    ):
        with pytest.raises(BankNotEntered) as refused:
            enter_bank(profile=profile(**changes), actor=SYSTEM, now=NOW)
        assert refused.value.reason is refusal
    enter(debit_days=2)
