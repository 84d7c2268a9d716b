"""What banks write, in the ways that readers are known to get wrong."""

from datetime import date
from uuid import UUID

import pytest

from config.kernel.money import Money
from lending.domain.books.bank_messages import AnswerFacts, LineFacts, Outcome, StatementFacts
from lending.gateways.bank_answers import LARGEST, NotReadable, read_message
from tests.bank_messages import balance, detail, entry, message, notification, reason, statement, status

ONE, TWO = UUID(int=1), UUID(int=2)
ON = date(2026, 3, 2)


def booked(minor: int, key: UUID | None = None, **facts: object) -> AnswerFacts:
    return AnswerFacts(outcome=Outcome.BOOKED, key=key, amount=Money(minor, "EUR"), on=date(2026, 3, 3), **facts)  # type: ignore[arg-type]


def test_every_rejection_is_read_with_all_its_reasons() -> None:
    """Red for a reader that takes the first of three."""
    tx = "<TxInfAndSts><OrgnlEndToEndId>{key}</OrgnlEndToEndId><TxSts>{sts}</TxSts>{why}</TxInfAndSts>"
    first = tx.format(key=ONE.hex, sts="RJCT", why=reason("AC04", "closed") + reason("MS03"))
    second = tx.format(key=TWO.hex, sts="ACCP", why="")
    body = (
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>P1</OrgnlPmtInfId>{first}{second}</OrgnlPmtInfAndSts>"
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>P2</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts>{reason('AC02')}</OrgnlPmtInfAndSts>"
    )
    assert read_message(status(body)).answers == [
        AnswerFacts(outcome=Outcome.REJECTED, key=ONE, code="AC04", words="AC04 closed; MS03"),
        AnswerFacts(outcome=Outcome.REJECTED, batch="P2", code="AC02", words="AC02"),
    ]
    whole = read_message(status("", f"<GrpSts>RJCT</GrpSts>{reason('FF01', 'no')}")).answers
    assert whole == [AnswerFacts(outcome=Outcome.REJECTED, batch="M1", code="FF01", words="FF01 no")]


@pytest.mark.parametrize("flag", ["1", "true"])
def test_a_reversal_is_known_by_its_side_however_its_flag_is_written(flag: str) -> None:
    found = read_message(notification(entry("5.00", detail(ONE), side="CRDT", more=f"<RvslInd>{flag}</RvslInd>")))
    assert found.answers == [booked(500, ONE)]


def test_details_are_read_where_they_add_up_and_else_the_entry_as_one() -> None:
    two = detail(ONE, "2.00") + detail(TWO, "3.00")
    assert read_message(notification(entry("5.00", two))).answers == [booked(-200, ONE), booked(-300, TWO)]
    short = "<Btch><PmtInfId>P1</PmtInfId></Btch>" + detail(ONE, "2.00")
    assert read_message(notification(entry("5.00", short))).answers == [booked(-500, ONE)]
    batch = "<Btch><PmtInfId>P1</PmtInfId><NbOfTxs>2</NbOfTxs></Btch>"
    assert read_message(notification(entry("5.00", batch))).answers == [booked(-500, batch="P1")]
    named = "".join(detail(key, refs="<PmtInfId>P1</PmtInfId>") for key in (ONE, TWO))
    assert read_message(notification(entry("5.00", named))).answers == [booked(-500, batch="P1")]
    foreign = detail(ONE, "2.00", currency="USD") + detail(TWO, "3.00")
    assert read_message(notification(entry("5.00", foreign))).answers == [booked(-500)]


def test_what_is_not_booked_yet_is_no_answer() -> None:
    assert read_message(notification(entry("5.00", detail(ONE), booked="PDNG"))).answers == []


def test_the_other_side_is_whom_money_went_to_or_came_from() -> None:
    """Red for a reader that takes the debtor of a payout, us, for its counterparty."""
    parties = (
        "<RltdPties><Dbtr><Pty><Nm>We</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>NL41MOCK0000000001</IBAN></Id></DbtrAcct>"
        "<Cdtr><Pty><Nm>Shop</Nm></Pty></Cdtr><CdtrAcct><Id><Othr><Id>77</Id></Othr></Id></CdtrAcct></RltdPties>"
    )
    body = [balance("OPBD", "9.00"), balance("CLBD", "4.00"), entry("5.00", detail(ONE, more=parties))]
    [found] = read_message(statement(*body)).statements
    assert found == StatementFacts(
        account="0001",
        statement_id="T1",
        number=7,
        currency="EUR",
        opening_minor=900,
        closing_minor=400,
        closed_on=ON,
        lines=[
            LineFacts(
                amount_minor=-500,
                booked_on=ON,
                value_on=date(2026, 3, 3),
                key=ONE,
                reference=ONE.hex,
                bank_reference="B1",
                number="77",
                name="Shop",
            )
        ],
    )


def test_a_return_that_keeps_the_roles_is_of_the_other_side_all_the_same() -> None:
    parties = (
        "<RltdPties><Dbtr><Pty><Nm>We</Nm></Pty></Dbtr><DbtrAcct><Id><Othr><Id>0001</Id></Othr></Id></DbtrAcct>"
        "<Cdtr><Pty><Nm>Shop</Nm></Pty></Cdtr><CdtrAcct><Id><Othr><Id>77</Id></Othr></Id></CdtrAcct></RltdPties>"
    )
    back = entry("5.00", detail(ONE, more=parties), side="CRDT")
    [found] = read_message(statement(balance("OPBD", "4.00"), balance("CLBD", "9.00"), back)).statements
    assert [(line.number, line.name) for line in found.lines] == [("77", "Shop")]


def test_an_account_overdrawn_has_a_balance_below_nothing() -> None:
    body = [balance("PRCD", "5", side="DBIT", currency="JPY"), balance("CLBD", "5.0", currency="JPY")]
    [found] = read_message(statement(*body)).statements
    assert (found.opening_minor, found.closing_minor) == (-5, 5)


def test_a_return_is_read_with_its_reason() -> None:
    inner = (
        f"<TxInf><OrgnlEndToEndId>{ONE.hex}</OrgnlEndToEndId>"
        '<RtrdIntrBkSttlmAmt Ccy="EUR">5.00</RtrdIntrBkSttlmAmt><IntrBkSttlmDt>2026-03-05</IntrBkSttlmDt>'
        "<RtrRsnInf><Rsn><Cd>AC04</Cd></Rsn></RtrRsnInf></TxInf>"
    )
    head = (
        "<GrpHdr><MsgId>R1</MsgId><CreDtTm>2026-03-05T10:00:00Z</CreDtTm><NbOfTxs>1</NbOfTxs>"
        "<SttlmInf><SttlmMtd>INDA</SttlmMtd></SttlmInf></GrpHdr>"
    )
    found = read_message(message("pacs.004.001.09", f"<PmtRtr>{head}{inner}</PmtRtr>"))
    assert found.answers == [
        AnswerFacts(
            outcome=Outcome.RETURNED, key=ONE, amount=Money(500, "EUR"), on=date(2026, 3, 5), code="AC04", words="AC04"
        )
    ]


OPEN_AND_CLOSE = balance("OPBD", "9.00") + balance("CLBD", "9.00")
SET_ASIDE = {
    b"": "not XML",
    b"<Document": "not XML",
    b"<Document/>": "no namespace",
    message("camt.053.001.02", ""): "camt.053.001.02: not one of",
    message("camt.054.001.08", "<BkToCstmrDbtCdtNtfctn/>"): "camt.054.001.08: ",
    statement(OPEN_AND_CLOSE, "<Colour>red</Colour>"): "camt.053.001.08: ",
    statement(balance("CLBD", "9.00")): "does not say how the account opened",
    statement(balance("OPBD", "9.00", currency="USD"), balance("CLBD", "9.00")): "is in EUR and USD",
    statement(OPEN_AND_CLOSE, entry("1.005")): "more than 2 decimals",
    statement(OPEN_AND_CLOSE, entry("a lot")): "camt.053.001.08: ",
    b"<!DOCTYPE Document>" + message("camt.053.001.08", "").partition(b"?>")[2]: "document type",
}


@pytest.mark.parametrize(("content", "why"), SET_ASIDE.items())
def test_what_is_not_whole_is_set_aside_with_why(content: bytes, why: str) -> None:
    with pytest.raises(NotReadable, match=why.replace(".", r"\.")):
        read_message(content)


def test_a_file_beyond_every_size_is_not_begun() -> None:
    with pytest.raises(NotReadable, match="larger than 64 MiB"):
        read_message(b" " * (LARGEST + 1))
