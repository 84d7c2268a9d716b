"""Write orders as ISO 20022 files: payouts as pain.001.001.09, direct debits as pain.008.001.08."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from pyiso20022.pain import pain_001_001_09 as credit
from pyiso20022.pain import pain_008_001_09 as debit
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException
from xsdata.formats.dataclass.serializers import XmlSerializer
from xsdata.models.datatype import XmlDate, XmlDateTime

from config.kernel.money import Money, minor_unit
from lending.domain.books.bank_profile import BankProfile

PAYOUTS: Final = "pain.001.001.09"
DEBITS: Final = "pain.008.001.08"
# pyiso20022 lacks the classes of version 8; what is written here is the same in both, as tests hold against the schema.
DEBITS_WRITTEN: Final = "pain.008.001.09"
NOT_PROVIDED: Final = "NOTPROVIDED"
LONGEST_NAME: Final = 70
SERIALIZER: Final = XmlSerializer()


@dataclass(frozen=True, slots=True, kw_only=True)
class BankOrder:
    """An order as it stands in a file: the key is its end-to-end reference.

    mandate, signed_on: of a direct debit, what the merchant signed and when. words: for the merchant's statement.
    """

    key: UUID
    amount: Money
    number: str
    holder: str
    words: str
    mandate: str = ""
    signed_on: date | None = None


def write_payouts(
    orders: Sequence[BankOrder], *, profile: BankProfile, message_id: str, on: date, now: datetime
) -> bytes:
    """Write payouts for a day as one file, which the bank books as the profile says."""
    total = _total(orders)
    batch = credit.PaymentInstruction30(
        pmt_inf_id=message_id,
        pmt_mtd=credit.PaymentMethod3Code.TRF,
        btch_bookg=profile.batch_booking,
        nb_of_txs=str(len(orders)),
        ctrl_sum=total,
        pmt_tp_inf=credit.PaymentTypeInformation26(svc_lvl=[credit.ServiceLevel8Choice(cd=profile.service_level)])
        if profile.service_level
        else None,
        reqd_exctn_dt=credit.DateAndDateTime2Choice(dt=_date(on)),
        dbtr=credit.PartyIdentification135(nm=profile.holder),
        dbtr_acct=_account(credit, profile.account, profile.currency),
        dbtr_agt=_agent(credit, profile.agent),
        chrg_br=credit.ChargeBearerType1Code.SLEV if profile.service_level else None,
        cdt_trf_tx_inf=[_payout(order) for order in orders],
    )
    header = credit.GroupHeader85(
        msg_id=message_id,
        cre_dt_tm=_moment(now),
        nb_of_txs=str(len(orders)),
        ctrl_sum=total,
        initg_pty=credit.PartyIdentification135(nm=profile.holder),
    )
    initiation = credit.CustomerCreditTransferInitiationV09(grp_hdr=header, pmt_inf=[batch])
    return _text(credit.Document(cstmr_cdt_trf_initn=initiation), PAYOUTS).encode()


def write_debits(
    orders: Sequence[BankOrder], *, profile: BankProfile, message_id: str, on: date, now: datetime
) -> bytes:
    """Write direct debits for a day as one file."""
    total = _total(orders)
    scheme = debit.PersonIdentificationSchemeName1Choice(prtry="SEPA") if profile.service_level else None
    identity = debit.Party38Choice(
        prvt_id=debit.PersonIdentification13(
            othr=[debit.GenericPersonIdentification1(id=profile.creditor_id, schme_nm=scheme)]
        )
    )
    batch = debit.PaymentInstruction37(
        pmt_inf_id=message_id,
        pmt_mtd=debit.PaymentMethod2Code.DD,
        btch_bookg=profile.batch_booking,
        nb_of_txs=str(len(orders)),
        ctrl_sum=total,
        pmt_tp_inf=debit.PaymentTypeInformation29(
            svc_lvl=[debit.ServiceLevel8Choice(cd=profile.service_level)] if profile.service_level else [],
            lcl_instrm=debit.LocalInstrument2Choice(cd=profile.instrument) if profile.instrument else None,
            seq_tp=debit.SequenceType3Code.RCUR,
        ),
        reqd_colltn_dt=_date(on),
        cdtr=debit.PartyIdentification135(nm=profile.holder),
        cdtr_acct=_account(debit, profile.account, profile.currency),
        cdtr_agt=_agent(debit, profile.agent),
        chrg_br=debit.ChargeBearerType1Code.SLEV if profile.service_level else None,
        cdtr_schme_id=debit.PartyIdentification135(id=identity),
        drct_dbt_tx_inf=[_debit(order) for order in orders],
    )
    header = debit.GroupHeader83(
        msg_id=message_id,
        cre_dt_tm=_moment(now),
        nb_of_txs=str(len(orders)),
        ctrl_sum=total,
        initg_pty=debit.PartyIdentification135(nm=profile.holder),
    )
    initiation = debit.CustomerDirectDebitInitiationV09(grp_hdr=header, pmt_inf=[batch])
    text = _text(debit.Document(cstmr_drct_dbt_initn=initiation), DEBITS_WRITTEN)
    return text.replace(_namespace(DEBITS_WRITTEN), _namespace(DEBITS), 1).encode()


def _payout(order: BankOrder) -> credit.CreditTransferTransaction34:
    agent = _agent_of(order.number)
    return credit.CreditTransferTransaction34(
        pmt_id=credit.PaymentIdentification6(end_to_end_id=order.key.hex),
        amt=credit.AmountType4Choice(
            instd_amt=credit.ActiveOrHistoricCurrencyAndAmount(value=_decimal(order.amount), ccy=order.amount.currency)
        ),
        cdtr_agt=_agent(credit, agent) if agent else None,  # an agent without a name passes the schema, but no bank
        cdtr=credit.PartyIdentification135(nm=_name(order.holder)),
        cdtr_acct=_account(credit, order.number),
        rmt_inf=credit.RemittanceInformation16(ustrd=[order.words]),
    )


def _debit(order: BankOrder) -> debit.DirectDebitTransactionInformation23:
    agent = _agent_of(order.number)
    return debit.DirectDebitTransactionInformation23(
        pmt_id=debit.PaymentIdentification6(end_to_end_id=order.key.hex),
        instd_amt=debit.ActiveOrHistoricCurrencyAndAmount(value=_decimal(order.amount), ccy=order.amount.currency),
        drct_dbt_tx=debit.DirectDebitTransaction10(
            mndt_rltd_inf=debit.MandateRelatedInformation14(
                mndt_id=order.mandate, dt_of_sgntr=None if order.signed_on is None else _date(order.signed_on)
            )
        ),
        dbtr_agt=_agent(debit, agent)
        if agent
        else debit.BranchAndFinancialInstitutionIdentification6(
            fin_instn_id=debit.FinancialInstitutionIdentification18(
                othr=debit.GenericFinancialIdentification1(id=NOT_PROVIDED)
            )
        ),
        dbtr=debit.PartyIdentification135(nm=_name(order.holder)),
        dbtr_acct=_account(debit, order.number),
        rmt_inf=debit.RemittanceInformation16(ustrd=[order.words]),
    )


def _name(text: str) -> str:
    """Return a name as XML can carry it: no file may fail for a control character in one."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff]+", " ", text)[:LONGEST_NAME].strip() or NOT_PROVIDED


def _account(message: Any, number: str, currency: str | None = None) -> Any:  # noqa: ANN401 - each message has its own
    is_iban = bool(_iban(number))
    other = None if is_iban else message.GenericAccountIdentification1(id=number)
    identity = message.AccountIdentification4Choice(iban=number if is_iban else None, othr=other)
    return message.CashAccount38(id=identity, ccy=currency)


def _agent(message: Any, bic: str) -> Any:  # noqa: ANN401 - each message has its own
    return message.BranchAndFinancialInstitutionIdentification6(
        fin_instn_id=message.FinancialInstitutionIdentification18(bicfi=bic)
    )


def _agent_of(number: str) -> str:
    """Return the BIC of an IBAN's bank where it is known; banks know their own, so it may be left out."""
    iban = _iban(number)
    return "" if iban is None or iban.bic is None else str(iban.bic)


def _iban(number: str) -> IBAN | None:
    try:
        return IBAN(number)
    except SchwiftyException:
        return None


def _total(orders: Sequence[BankOrder]) -> Decimal:
    return sum((_decimal(order.amount) for order in orders), Decimal(0))


def _decimal(amount: Money) -> Decimal:
    """Return an amount with exactly the decimals of its currency."""
    return amount.minor * minor_unit(amount.currency)


def _date(on: date) -> XmlDate:
    return XmlDate.from_date(on)


def _moment(now: datetime) -> XmlDateTime:
    return XmlDateTime.from_datetime(now.replace(microsecond=0))


def _text(document: object, kind: str) -> str:
    return SERIALIZER.render(document, ns_map={None: _namespace(kind)})


def _namespace(kind: str) -> str:
    return f"urn:iso:std:iso:20022:tech:xsd:{kind}"
