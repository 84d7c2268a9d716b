"""Files of orders: held against the standard's schemas, amounts as their currency has them."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest
import sepaxml
from lxml import etree

from config.kernel.money import Money
from lending.gateways.bank_orders import DEBITS, PAYOUTS, BankOrder, write_debits, write_payouts
from tests.mock_bank import profile

SCHEMAS = Path(sepaxml.__file__).parent / "schemas"
NOW = datetime(2026, 3, 2, 9, 30, 15, 123, tzinfo=UTC)
ORDER = BankOrder(
    key=UUID(int=1),
    amount=Money(150_050, "EUR"),
    number="NL30MOCK0000000005",
    holder="Tea & Silk <Co>",
    words="Loan 1",
    mandate="LOAN-1",
    signed_on=date(2026, 2, 27),
)
WRITERS = {PAYOUTS: write_payouts, DEBITS: write_debits}


def written(kind: str, *orders: BankOrder, **changes: object) -> etree._Element:
    content = WRITERS[kind](orders, profile=profile(**changes), message_id="message-1", on=date(2026, 3, 3), now=NOW)
    root = etree.fromstring(content)
    etree.XMLSchema(etree.parse(SCHEMAS / f"{kind}.xsd")).assertValid(root)
    return root


def texts(root: etree._Element, name: str) -> list[str | None]:
    return [found.text for found in root.iter(f"{{*}}{name}")]


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("changes", [{}, {"service_level": "", "instrument": "", "batch_booking": True}])
def test_a_file_holds_against_the_schema(kind: str, changes: dict[str, object]) -> None:
    other = replace(ORDER, key=UUID(int=2), amount=Money(1, "EUR"), number="6222021234567890123", holder="茶" * 100)
    root = written(kind, ORDER, other, **changes)
    assert etree.QName(root).namespace == f"urn:iso:std:iso:20022:tech:xsd:{kind}"
    assert texts(root, "EndToEndId") == [UUID(int=1).hex, UUID(int=2).hex]
    assert texts(root, "InstdAmt") == ["1500.50", "0.01"]
    assert texts(root, "NbOfTxs") == ["2", "2"]
    assert texts(root, "CtrlSum") == ["1500.51", "1500.51"]
    assert texts(root, "MsgId") == texts(root, "PmtInfId") == ["message-1"]
    assert texts(root, "BtchBookg") == ["true" if changes else "false"]
    assert texts(root, "CreDtTm") == ["2026-03-02T09:30:15Z"]
    assert [text for text in texts(root, "Nm") if text][-2:] == ["Tea & Silk <Co>", "茶" * 70]


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(1_500, "JPY", "1500"), (1_500, "TND", "1.500"), (10**15, "CNY", "10000000000000.00")],
)
def test_an_amount_has_the_decimals_of_its_currency(minor: int, currency: str, text: str) -> None:
    """Red for what libraries do: 15.00 or 1500.00 yen."""
    root = written(PAYOUTS, replace(ORDER, amount=Money(minor, currency)), currency=currency)
    assert texts(root, "InstdAmt") == texts(root, "CtrlSum")[:1] == [text]


def test_an_agent_is_named_or_left_out_never_empty() -> None:
    """Red for a file that passes the schema and no bank."""
    for kind in WRITERS:
        root = written(kind, ORDER, replace(ORDER, number="DE89370400440532013000"))
        assert all(len(agent) for agent in root.iter("{*}FinInstnId"))
    assert texts(written(PAYOUTS, replace(ORDER, number="DE89370400440532013000")), "BICFI") == [
        "MOCKNL2AXXX",
        "COBADEFFXXX",
    ]
    assert "NOTPROVIDED" in texts(written(DEBITS, ORDER), "Id")
    assert "NOTPROVIDED" not in texts(written(DEBITS, replace(ORDER, number="DE89370400440532013000")), "Id")


def test_a_name_with_what_xml_has_not_spoils_no_file() -> None:
    """Red if one holder's control character stopped every payout of a bank."""
    for kind in WRITERS:
        assert "Shop Ltd" in texts(written(kind, replace(ORDER, holder="Shop\x0b\x1fLtd\x00")), "Nm")
        assert "NOTPROVIDED" in texts(written(kind, replace(ORDER, holder="\x0b")), "Nm")


def test_a_direct_debit_names_the_mandate_and_when_it_was_signed() -> None:
    root = written(DEBITS, ORDER)
    assert (texts(root, "MndtId"), texts(root, "DtOfSgntr")) == (["LOAN-1"], ["2026-02-27"])
    assert (texts(root, "ReqdColltnDt"), texts(root, "SeqTp")) == (["2026-03-03"], ["RCUR"])
