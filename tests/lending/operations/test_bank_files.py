"""Files to and from a bank, their answers and statements: what one file does, and what a second copy does not."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.office.actors import SYSTEM
from config.office.approvals import NotApproved
from config.office.business_date import open_day
from lending.domain.books.bank_lines import Resolution
from lending.domain.books.bank_messages import AnswerHold, AnswerState
from lending.domain.books.transfer import WordRefusal
from lending.gateways.bank_folders import BankFolders
from lending.models import (
    BankAnswer,
    BankFile,
    BankStatement,
    Loan,
    LoanEvent,
    StatementLine,
    Transfer,
)
from lending.operations.bank_answers import deal_with_answer
from lending.operations.bank_files import deliver_files, dismiss_file, read_file_again, write_file
from lending.operations.bank_word import WordNotTaken, enter_word, word_act
from lending.operations.banks import BankEntryRefusal, BankNotEntered, enter_bank
from lending.operations.statement_lines import resolve_line
from lending.queries.bank_lines import Asked
from lending.queries.bank_orders import unanswered, uncleared
from merchants.models import PayoutAccount
from tests.approvals import approved
from tests.bank_messages import balance, entry, notification, reason, statement, status
from tests.conftest import CLERK, NOW, owner_connection
from tests.lending.bank_files import MONDAY, account_statement, booked, filed, ordered, states, take
from tests.lending.loans import proven
from tests.mock_bank import enter, profile

pytestmark = pytest.mark.django_db(transaction=True)


def test_orders_are_in_one_file_and_one_only() -> None:
    bank = enter(orders_a_file=2)
    transfers = ordered(90_000, 80_000, 70_000)
    first, second = write_file(bank, now=NOW), write_file(bank, now=NOW)
    assert write_file(bank, now=NOW) is None
    assert first is not None
    assert second is not None
    content = first.content
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
    assert first.key.hex.encode() not in file.content
    assert second.key.hex.encode() in file.content
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


def test_a_late_return_is_the_banks_word_and_nobody_elses() -> None:
    """Red if a loan whose money came back earned on because the bank took its time."""
    bank = enter()
    [transfer] = filed(bank, 90_000)
    take(bank, notification(booked(transfer.key, 90_000)))
    open_day(on=MONDAY + timedelta(days=40), actor=SYSTEM, now=NOW)
    take(bank, notification(booked(transfer.key, 90_000, "CRDT")), name="late.xml")
    assert states() == ["RETURNED"]
    assert proven()


def test_an_order_of_which_nothing_is_said_is_settled_by_two_people() -> None:
    bank = enter()
    [first, second] = filed(bank, 90_000, 80_000)
    word: dict[str, Any] = {"on": MONDAY, "reason": "the bank's letter", "now": NOW}
    with pytest.raises(NotApproved):
        enter_word(transfer_id=first.pk, moved=True, actor=CLERK, **word)
    for wrong, refusal in (
        ({"on": MONDAY + timedelta(days=1)}, WordRefusal.IN_THE_FUTURE),
        ({"on": MONDAY - timedelta(days=9)}, WordRefusal.BEFORE_THE_ORDER),
        ({"reason": ""}, WordRefusal.REASON_MISSING),
    ):
        with pytest.raises(WordNotTaken) as refused:
            enter_word(transfer_id=first.pk, moved=True, actor=SYSTEM, **{**word, **wrong})
        assert refused.value.reason is refusal
    act = word_act(first, moved=True, on=MONDAY, reason="the bank's letter")
    enter_word(transfer_id=first.pk, moved=True, actor=CLERK, approval=approved(act, actor=CLERK), **word)
    enter_word(transfer_id=second.pk, moved=False, actor=SYSTEM, **word)
    assert states() == ["DONE", "FAILED"]
    with pytest.raises(WordNotTaken) as refused:
        enter_word(transfer_id=first.pk, moved=False, actor=SYSTEM, **word)
    assert refused.value.reason is WordRefusal.NOT_PENDING
    take(bank, account_statement(100_000, 10_000, entry("900.00")))
    line = StatementLine.objects.in_suspense().get()
    resolve_line(
        line_id=line.pk,
        asked=Asked(resolution=Resolution.ORDER, order=first.key.hex),
        reason="the same amount",
        actor=SYSTEM,
        now=NOW,
    )
    assert proven()


def test_a_file_is_put_once_whoever_else_delivers(tmp_path: Path) -> None:
    """Red if a worker with an old list put a file that another put, and the bank read, meanwhile."""
    bank, names = enter(orders_a_file=1), list[str]()
    filed(bank, 90_000, 80_000)

    class Overtaken(BankFolders):
        def put(self, name: str, content: bytes) -> None:
            names.append(name)
            assert content
            with owner_connection() as other:
                other.execute("UPDATE lending_bankfile SET delivered_at = now() WHERE name <> %s", [name])

    deliver_files(bank, Overtaken(tmp_path), clock=lambda: NOW)
    assert len(names) == 1
    assert not BankFile.objects.to_deliver().exists()


def test_what_names_nothing_known_and_what_is_said_twice_is_not_lost() -> None:
    bank = enter()
    filed(bank, 90_000)
    group = f"<GrpSts>RJCT</GrpSts>{reason('FF01')}"
    take(bank, status("", group))
    assert BankAnswer.objects.get().hold == AnswerHold.NO_ORDER
    twice = account_statement(0, 0).decode()
    inner = twice[twice.index("<Stmt>") : twice.index("</BkToCstmrStmt>")]
    file = take(bank, twice.replace(inner, inner * 2).encode())
    assert "a statement twice" in BankFile.objects.get(pk=file.pk).problem
    assert "longer" in BankFile.objects.get(pk=take(bank, account_statement(0, 0, name="T" * 36)).pk).problem


def test_a_file_that_will_never_be_read_is_put_away_by_a_person() -> None:
    bank = enter()
    filed(bank, 90_000)
    file = take(bank, b"none of the bank's")
    assert BankFile.objects.set_aside().count() == 1
    dismiss_file(file_id=file.pk, reason="junk", actor=CLERK, now=NOW)
    assert BankFile.objects.set_aside().count() == 0
    with pytest.raises(BankFile.DoesNotExist):
        dismiss_file(file_id=file.pk, reason="junk", actor=CLERK, now=NOW)
    with pytest.raises(BankFile.DoesNotExist):
        read_file_again(file_id=file.pk, bank=bank, actor=CLERK, now=NOW)


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
        ({"name": "another"}, BankEntryRefusal.ACCOUNT_TAKEN),
        ({"name": "another", "account": "NL14MOCK0000000002"}, BankEntryRefusal.CURRENCY_TAKEN),
    ):
        with pytest.raises(BankNotEntered) as refused:
            enter_bank(profile=profile(**changes), actor=SYSTEM, now=NOW)
        assert refused.value.reason is refusal
    enter(debit_days=2)
