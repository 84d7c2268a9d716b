"""Read the messages of banks: pain.002.001.10, camt.054.001.08, camt.053.001.08 and pacs.004.001.09.

A file is read whole or not at all. pyiso20022's classes are what the schemas say: an element that is missing, unknown
or of another type raises. Amounts are read by their currency, never as they happen to be written.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from lxml import etree
from pyiso20022.camt import camt_053_001_08, camt_054_001_08
from pyiso20022.pacs import pacs_004_001_09
from pyiso20022.pain import pain_002_001_10
from xsdata.exceptions import ParserError
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig

from config.kernel.money import BadAmount, Money, parse_minor
from lending.domain.books.bank_messages import AnswerFacts, BankMessage, LineFacts, Outcome, StatementFacts, said_by

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:"
LARGEST: Final = 64 * 2**20
REJECTED: Final = "RJCT"
OPENING, CLOSING = ("OPBD", "PRCD"), "CLBD"
BOOKED: Final = "BOOK"
PARSER: Final = XmlParser(config=ParserConfig(fail_on_converter_warnings=True))


class NotReadable(Exception):
    """The file is set aside whole; the message says why."""


def read_message(content: bytes) -> BankMessage:
    """Read a message of a bank. Raises NotReadable."""
    root = _root(content)
    kind = str(etree.QName(root).namespace or "").removeprefix(NAMESPACE)
    if kind not in KINDS:
        message = f"{kind or 'no namespace'}: not one of {', '.join(sorted(KINDS))}"
        raise NotReadable(message)
    document, read = KINDS[kind]
    try:
        return read(PARSER.parse(root, document), kind)
    except (ParserError, BadAmount, TypeError, ValueError) as error:
        message = f"{kind}: {error}"[:500]
        raise NotReadable(message) from error


def _root(content: bytes) -> Any:  # noqa: ANN401 - lxml has no types
    if len(content) > LARGEST:
        message = f"larger than {LARGEST // 2**20} MiB: ask the bank for smaller files"
        raise NotReadable(message)
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        message = f"not XML: {error}"
        raise NotReadable(message) from error
    if root.getroottree().docinfo.doctype:
        message = "it has a document type, which no message of a bank has"
        raise NotReadable(message)
    return root


def _read_status(document: Any, kind: str) -> BankMessage:  # noqa: ANN401 - of generated classes
    report = document.cstmr_pmt_sts_rpt
    group = report.orgnl_grp_inf_and_sts
    answers = list[AnswerFacts]()
    if group.grp_sts == REJECTED:
        answers.append(_rejection(group.sts_rsn_inf, batch=group.orgnl_msg_id))
    for batch in report.orgnl_pmt_inf_and_sts:
        if batch.pmt_inf_sts == REJECTED:
            answers.append(_rejection(batch.sts_rsn_inf, batch=batch.orgnl_pmt_inf_id))
        for one in batch.tx_inf_and_sts:
            if one.tx_sts == REJECTED:  # that an order is accepted changes nothing: its money has not moved
                key = _key(one.orgnl_end_to_end_id, one.orgnl_instr_id)
                answers.append(_rejection(one.sts_rsn_inf, key=key))
    return BankMessage(kind=kind, answers=answers)


def _rejection(reasons: Sequence[Any], *, key: UUID | None = None, batch: str = "") -> AnswerFacts:
    code, words = _reason(reasons)
    return AnswerFacts(outcome=Outcome.REJECTED, key=key, batch=batch, code=code, words=words)


def _read_return(document: Any, kind: str) -> BankMessage:  # noqa: ANN401 - of generated classes
    returned = document.pmt_rtr
    shared = [] if returned.orgnl_grp_inf is None else returned.orgnl_grp_inf.rtr_rsn_inf
    answers = []
    for one in returned.tx_inf:
        code, words = _reason(one.rtr_rsn_inf or shared)
        answers.append(
            AnswerFacts(
                outcome=Outcome.RETURNED,
                key=_key(one.orgnl_end_to_end_id, one.orgnl_instr_id),
                amount=_money(one.rtrd_instd_amt or one.rtrd_intr_bk_sttlm_amt),
                on=_day(one.intr_bk_sttlm_dt or returned.grp_hdr.intr_bk_sttlm_dt),
                code=code,
                words=words,
            )
        )
    return BankMessage(kind=kind, answers=answers)


def _read_notification(document: Any, kind: str) -> BankMessage:  # noqa: ANN401 - of generated classes
    found = document.bk_to_cstmr_dbt_cdt_ntfctn
    answers = [
        said_by(line, currency=entry.amt.ccy)
        for notification in found.ntfctn
        for entry in notification.ntry
        if entry.sts.cd == BOOKED
        for line in _lines(
            entry, ours=_number(notification.acct), today=_day(notification.cre_dt_tm or found.grp_hdr.cre_dt_tm)
        )
    ]
    return BankMessage(kind=kind, answers=answers)


def _read_statement(document: Any, kind: str) -> BankMessage:  # noqa: ANN401 - of generated classes
    found = document.bk_to_cstmr_stmt
    statements = [_statement(one, made_on=_day(found.grp_hdr.cre_dt_tm)) for one in found.stmt]
    return BankMessage(kind=kind, statements=statements)


def _statement(found: Any, *, made_on: date | None) -> StatementFacts:  # noqa: ANN401 - of generated classes
    balances = {str(one.tp.cd_or_prtry.cd): one for one in found.bal}
    opening = next((balances[code] for code in OPENING if code in balances), None)
    closing = balances.get(CLOSING)
    if opening is None or closing is None:
        message = f"statement {found.id} does not say how the account opened and closed"
        raise ValueError(message)
    currencies = {opening.amt.ccy, closing.amt.ccy, *(entry.amt.ccy for entry in found.ntry)}
    if len(currencies) > 1:
        message = f"statement {found.id} is in {' and '.join(sorted(currencies))}"
        raise ValueError(message)
    closed_on = _day(closing.dt.dt or closing.dt.dt_tm)
    if closed_on is None:
        message = f"statement {found.id} has no date"
        raise ValueError(message)
    number = found.elctrnc_seq_nb if found.elctrnc_seq_nb is not None else found.lgl_seq_nb
    return StatementFacts(
        account=_number(found.acct),
        statement_id=found.id,
        number=None if number is None else int(number),
        currency=closing.amt.ccy,
        opening_minor=_signed(opening.amt, opening.cdt_dbt_ind),
        closing_minor=_signed(closing.amt, closing.cdt_dbt_ind),
        closed_on=closed_on,
        lines=[
            line
            for entry in found.ntry
            if entry.sts.cd == BOOKED
            for line in _lines(entry, ours=_number(found.acct), today=made_on or closed_on)
        ],
    )


def _lines(entry: Any, *, ours: str, today: date | None) -> Iterator[LineFacts]:  # noqa: ANN401 - of generated classes
    """Yield an entry's amounts: those of its details, where they add up to it, else the entry as one."""
    booked = _day_of(entry.bookg_dt) or _day_of(entry.val_dt) or today
    if booked is None:
        message = "an entry has no date"
        raise ValueError(message)
    valued = _day_of(entry.val_dt) or booked
    whole = _signed(entry.amt, entry.cdt_dbt_ind)
    details = [one for part in entry.ntry_dtls for one in part.tx_dtls]
    batches = [part.btch for part in entry.ntry_dtls if part.btch is not None]
    amounts = [whole] if len(details) == 1 else [_detail_minor(one, entry) for one in details]
    known = [minor for minor in amounts if minor is not None]
    if details and len(known) == len(details) and sum(known) == whole:
        for one, minor in zip(details, known, strict=True):
            yield _line(entry, one, minor, ours=ours, booked_on=booked, value_on=valued)
        return
    batch = next((one.pmt_inf_id or one.msg_id for one in batches), "") or _batch_of(details)
    yield LineFacts(
        amount_minor=whole,
        batch=batch,
        bank_reference=entry.acct_svcr_ref or entry.ntry_ref or "",
        words=entry.addtl_ntry_inf or "",
        booked_on=booked,
        value_on=valued,
    )


def _line(entry: Any, detail: Any, minor: int, *, ours: str, booked_on: date, value_on: date) -> LineFacts:  # noqa: ANN401
    references = detail.refs
    end_to_end = "" if references is None else references.end_to_end_id or ""
    code, words = ("", "") if detail.rtr_inf is None else _reason([detail.rtr_inf])
    said = [] if detail.rmt_inf is None else detail.rmt_inf.ustrd
    account, party = _other_side(detail.rltd_pties, ours=ours, is_debit=minor < 0)
    return LineFacts(
        amount_minor=minor,
        booked_on=booked_on,
        value_on=value_on,
        key=_key(end_to_end, None if references is None else references.instr_id),
        reference=end_to_end,
        bank_reference=(references and references.acct_svcr_ref) or entry.acct_svcr_ref or entry.ntry_ref or "",
        number=account,
        name=party,
        code=code,
        words=words or " ".join(said) or entry.addtl_ntry_inf or "",
    )


def _other_side(parties: Any, *, ours: str, is_debit: bool) -> tuple[str, str]:  # noqa: ANN401 - of generated classes
    """Return account and name of whom money went to, or came from: of what came back, some banks keep the roles."""
    if parties is None:
        return "", ""
    sides = [(parties.cdtr_acct, parties.cdtr), (parties.dbtr_acct, parties.dbtr)]
    likely, other = sides if is_debit else reversed(sides)
    account, party = other if likely[0] is not None and _number(likely[0]) == ours else likely
    name = "" if party is None or party.pty is None else party.pty.nm or ""
    return ("" if account is None else _number(account)), name


def _detail_minor(detail: Any, entry: Any) -> int | None:  # noqa: ANN401 - of generated classes
    """Return a detail's amount with the sign of its own, or of the entry; None if it has none in this currency."""
    amount = detail.amt
    if amount is None and detail.amt_dtls is not None and detail.amt_dtls.tx_amt is not None:
        amount = detail.amt_dtls.tx_amt.amt
    if amount is None or amount.ccy != entry.amt.ccy:
        return None
    return _signed(amount, detail.cdt_dbt_ind or entry.cdt_dbt_ind)


def _batch_of(details: Sequence[Any]) -> str:
    """Return the file that all details of an entry without amounts are of."""
    files = {one.refs.pmt_inf_id or one.refs.msg_id or "" for one in details if one.refs is not None}
    return files.pop() if len(files) == 1 else ""


def _signed(amount: Any, side: Any) -> int:  # noqa: ANN401 - of generated classes
    minor = _money(amount).minor
    return -minor if side.value == "DBIT" else minor


def _money(amount: Any) -> Money:  # noqa: ANN401 - of generated classes
    return Money(parse_minor(format(amount.value, "f"), amount.ccy), amount.ccy)


def _number(account: Any) -> str:  # noqa: ANN401 - of generated classes
    identity = account.id
    return str(identity.iban or ("" if identity.othr is None else identity.othr.id))


def _key(*references: str | None) -> UUID | None:
    """Return the key that one of the references is: 32 hexadecimal digits, as orders carry it."""
    for reference in references:
        if reference and len(reference) == 32 and not set(reference.lower()) - set("0123456789abcdef"):  # noqa: PLR2004
            return UUID(reference)
    return None


def _reason(reasons: Iterable[Any]) -> tuple[str, str]:
    """Return the first code, and every code with its words."""
    found = [
        (("" if one.rsn is None else one.rsn.cd or one.rsn.prtry or ""), " ".join(one.addtl_inf)) for one in reasons
    ]
    code = next((code for code, _ in found if code), "")
    return code, "; ".join(" ".join(filter(None, parts)) for parts in found)


def _day_of(choice: Any) -> date | None:  # noqa: ANN401 - of generated classes
    return None if choice is None else _day(choice.dt or choice.dt_tm)


def _day(found: Any) -> date | None:  # noqa: ANN401 - xsdata's dates
    return None if found is None else found.to_datetime().date()


KINDS: Final[Mapping[str, tuple[type[Any], Callable[[Any, str], BankMessage]]]] = MappingProxyType(
    {
        "pain.002.001.10": (pain_002_001_10.Document, _read_status),
        "camt.053.001.08": (camt_053_001_08.Document, _read_statement),
        "camt.054.001.08": (camt_054_001_08.Document, _read_notification),
        "pacs.004.001.09": (pacs_004_001_09.Document, _read_return),
    }
)
