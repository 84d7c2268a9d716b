"""Adyen: the settlement details report.

Source: https://docs.adyen.com/reporting/settlement-reconciliation/transaction-level/settlement-details-report and,
for the types, https://docs.adyen.com/developers/reporting/settlement-detail-report/settlement-detail-report-structure
and its page /journal-types.

Documented: a file holds whole payable batches; all that a batch adds up to leaves with its MerchantPayout. Times are
in the account's zone, whose abbreviation stands beside each. Debits and credits are columns of their own, in the
currency of the payment (GC) and of the payout (NC); amounts are read in the latter. A line of a whole batch (a fee of
a month, a deposit, an invoice, the payout) has net amounts only.

Assumed: an abbreviation means its usual offset, also where a file says CET in summer; IST and the like, which mean
several, are rejected. The fee of a record is gross less net; where gross is in another currency it is what the four
fee columns add up to, rounded once, and gross is net plus fee. In one currency the four columns may differ from
gross less net by one minor unit, as each may have more decimals than the currency; more is rejected. A dispute lost
in the second round is not used, as the money that came back between the rounds is not either: it is lost once.
A payout returned by the bank belongs to the batch that pays it again.
"""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal

from config.kernel.money import exponent_of, format_minor
from merchants.domain.feeds.format import (
    BadRecord,
    Format,
    Layout,
    Mapped,
    Side,
    Treatment,
    Unused,
    currency_of,
    each,
    minor_of,
    moved,
    offset_of,
    time_with_offset,
)
from merchants.domain.transaction import TransactionKind

FEES = ("Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)")
_FEE = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?", re.ASCII)
COLUMNS = (
    "Merchant Account", "Psp Reference", "Merchant Reference", "Creation Date", "TimeZone", "Type",
    "Modification Reference", "Gross Currency", "Gross Debit (GC)", "Gross Credit (GC)", "Net Currency",
    "Net Debit (NC)", "Net Credit (NC)", *FEES, "Batch Number",
)  # fmt: skip
TREATED = {
    "Settled": Treatment(TransactionKind.SALE, 1, Side.CHARGES),
    "Refunded": Treatment(TransactionKind.REFUND, -1, Side.REFUNDS),
    "RefundedReversed": Treatment(Unused.NO_KIND, 1, Side.REFUNDS),
    "Chargeback": Treatment(TransactionKind.CHARGEBACK, -1, Side.CHARGEBACKS),
    "ChargebackReversed": Treatment(TransactionKind.CHARGEBACK_WON, 1, Side.CHARGEBACKS),
    "SecondChargeback": Treatment(TransactionKind.CHARGEBACK, -1, Side.CHARGEBACKS),
    "MerchantPayout": Treatment(TransactionKind.PAYOUT, -1, Side.PAYOUTS),
    "BankInstructionReturned": Treatment(Unused.NO_KIND, 1, Side.OTHER),
    **dict.fromkeys(
        ("Fee", "MiscCosts", "PaymentCost", "AuthorisationSchemeFee", "InvoiceDeduction"),
        Treatment(TransactionKind.FEE, 0, Side.FEES),
    ),
    **dict.fromkeys(
        (
            "DepositCorrection", "MatchedStatement", "ManualCorrected", "InternalCompanyPayout", "Balancetransfer",
            "EpaPaid", "PaidOut", "PaidOutReversed",
        ),
        Treatment(Unused.NOT_TRADE, 0, Side.OTHER),
    ),
}  # fmt: skip


def _read(record: Mapping[str, str], merchant: str) -> Mapped:
    kind = record["Type"]
    currency = currency_of(record["Net Currency"])
    net = minor_of(record, "Net Credit (NC)", currency) - minor_of(record, "Net Debit (NC)", currency)
    gross, fee = _gross_and_fee(record, currency, net)
    return moved(
        TREATED.get(kind),
        words=f"Type {kind[:60]}",
        gross=gross,
        fee=fee,
        currency=currency,
        payout=f"{record['Merchant Account']} batch {record['Batch Number']}",
        fields={
            "external_id": _external_id(record),
            "merchant": merchant,
            "occurred_at": time_with_offset(record["Creation Date"], offset_of(record["TimeZone"])),
            "order_ref": record["Psp Reference"],
            "buyer": record.get("Shopper Reference") or "",
        },
    )


def _external_id(record: Mapping[str, str]) -> str:
    """Name a line by its batch, as a type may come again for a reference, and a month's fees in each of its batches."""
    reference = record["Modification Reference"]
    if not record["Psp Reference"]:
        reference = f"{record['Merchant Account']} {reference} {record['Net Currency']}"
    return f"{reference or record['Psp Reference']}-{record['Type']}-{record['Batch Number']}"


def _gross_and_fee(record: Mapping[str, str], currency: str, net: int) -> tuple[int, int]:
    """Return what moved before fees, and the fees, in the currency of the payout. Raises BadRecord."""
    if not record["Gross Credit (GC)"] and not record["Gross Debit (GC)"]:
        return net, 0
    listed = _listed_fee(record, currency)
    if currency_of(record["Gross Currency"]) != currency:
        return net + listed, listed
    gross = minor_of(record, "Gross Credit (GC)", currency) - minor_of(record, "Gross Debit (GC)", currency)
    if abs(gross - net - listed) > 1:
        texts = (format_minor(minor, currency) for minor in (gross, listed, net))
        message = "gross {} less fees {} is not net {}".format(*texts)
        raise BadRecord(message)
    return gross, gross - net


def _listed_fee(record: Mapping[str, str], currency: str) -> int:
    cells = [record[column] or "0" for column in FEES]
    if not all(_FEE.fullmatch(cell) for cell in cells):
        message = f"the fees {', '.join(cell[:20] for cell in cells)} are not amounts"
        raise BadRecord(message)
    fee = sum(map(Decimal, cells), Decimal()).scaleb(exponent_of(currency))
    return int(fee.to_integral_value(ROUND_HALF_EVEN))


ADYEN = Format(processor="adyen", layouts=(Layout(columns=COLUMNS, read=each(_read)),), account="Merchant Account")
