"""Stripe: the itemized reports of the balance, and of payouts.

Source: https://docs.stripe.com/reports/report-types/balance (`balance_change_from_activity.itemized.3`,
`payouts.itemized.3`), https://docs.stripe.com/reports/report-types/connect (the same by `connected_account`) and
https://docs.stripe.com/reports/reporting-categories.

Documented: activity holds no payouts, these are a file of their own; amounts are in major units of the settlement
currency, after conversion; `created_utc` is UTC, `created` is in a zone that the file does not name and is not read;
`automatic_payout_id` is set only on accounts that are paid out automatically.

Assumed: net = gross - fee on every record, and what is not so is rejected. Decimals have a point
(`decimal_separator` can be set otherwise). A charge that failed after it was counted, and the part of an
authorisation that was not captured, are refunds: each takes back what its charge added.
`connected_account_id` of a platform's own report is the other party, not the owner of the balance, and is not read.
"""

from collections.abc import Mapping

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
    time_with_offset,
)
from merchants.domain.transaction import TransactionKind

MONEY = ("balance_transaction_id", "reporting_category", "currency", "gross", "fee", "net")
NOT_TRADE = (
    "advance", "advance_funding", "anticipation_repayment", "climate_order_purchase", "climate_order_refund",
    "connect_collection_transfer", "connect_reserved_funds", "contribution", "financing_paydown",
    "financing_paydown_reversal", "financing_payout", "financing_payout_reversal", "issuing_authorization_hold",
    "issuing_authorization_release", "issuing_disbursement", "issuing_dispute",
    "issuing_dispute_fraud_liability_debit", "issuing_dispute_provisional_credit",
    "issuing_dispute_provisional_credit_reversal", "issuing_transaction", "other_adjustment",
    "payment_network_reserve_hold", "payment_network_reserve_release", "payout_minimum_balance_hold",
    "payout_minimum_balance_release", "platform_earning", "platform_earning_refund", "risk_reserved_funds",
    "transfer", "transfer_reversal", "unreconciled_customer_funds",
)  # fmt: skip
CHARGED = ("fee", "network_cost", "tax")  # the record is the fee: its net is what was deducted
TREATED = {
    "charge": Treatment(TransactionKind.SALE, 1, Side.CHARGES),
    "charge_failure": Treatment(TransactionKind.REFUND, -1, Side.REFUNDS),
    "partial_capture_reversal": Treatment(TransactionKind.REFUND, -1, Side.REFUNDS),
    "refund": Treatment(TransactionKind.REFUND, -1, Side.REFUNDS),
    "refund_failure": Treatment(Unused.NO_KIND, 1, Side.REFUNDS),
    "dispute": Treatment(TransactionKind.CHARGEBACK, -1, Side.CHARGEBACKS),
    "dispute_reversal": Treatment(TransactionKind.CHARGEBACK_WON, 1, Side.CHARGEBACKS),
    "payout": Treatment(TransactionKind.PAYOUT, -1, Side.PAYOUTS),
    "payout_reversal": Treatment(Unused.NO_KIND, 1, Side.PAYOUTS),
    "topup": Treatment(TransactionKind.DEPOSIT, 1, Side.OTHER),
    "topup_reversal": Treatment(Unused.NO_KIND, -1, Side.OTHER),
    **dict.fromkeys(CHARGED, Treatment(TransactionKind.FEE, 0, Side.FEES)),
    **dict.fromkeys(NOT_TRADE, Treatment(Unused.NOT_TRADE, 0, Side.OTHER)),
}


def _read_activity(record: Mapping[str, str], merchant: str) -> Mapped:
    category = record["reporting_category"]
    payout = record.get("source_id" if category.startswith("payout") else "automatic_payout_id") or ""
    return _read(record, merchant, at=record["created_utc"], payout=payout)


def _read_payout(record: Mapping[str, str], merchant: str) -> Mapped:
    return _read(record, merchant, at=record["effective_at_utc"], payout=record["payout_id"])


def _read(record: Mapping[str, str], merchant: str, *, at: str, payout: str) -> Mapped:
    currency = currency_of(record["currency"])
    gross, fee, net = (minor_of(record, column, currency) for column in ("gross", "fee", "net"))
    if gross - fee != net:
        message = f"gross {record['gross']} less fee {record['fee']} is not net {record['net']}"
        raise BadRecord(message)
    category = record["reporting_category"]
    return moved(
        TREATED.get(category),
        words=f"reporting_category {category[:60]}",
        gross=net if category in CHARGED else gross,
        fee=0 if category in CHARGED else fee,
        currency=currency,
        payout=payout,
        fields={
            "external_id": record["balance_transaction_id"],
            "merchant": merchant,
            "occurred_at": time_with_offset(at, "+00:00"),
            "order_ref": record.get("charge_id") or "",
            "buyer": record.get("customer_id") or "",
        },
    )


STRIPE = Format(
    processor="stripe",
    layouts=(
        Layout(columns=(*MONEY, "created_utc"), read=each(_read_activity)),
        Layout(columns=(*MONEY, "payout_id", "effective_at_utc"), read=each(_read_payout)),
    ),
    account="connected_account",
)
