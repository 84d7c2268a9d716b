"""Transactions, and which rows are valid ones."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from hashlib import blake2b

from config.kernel.calendar import business_day, day_number
from config.kernel.money import BadAmount, parse_minor
from merchants.domain.text import is_identifier, shown, storable


class TransactionKind(StrEnum):
    """The kinds of events in a merchant's history."""

    SALE = "SALE"  # paid by the buyer
    SETTLEMENT = "SETTLEMENT"  # released to the merchant
    REFUND = "REFUND"
    CHARGEBACK = "CHARGEBACK"
    CHARGEBACK_WON = "CHARGEBACK_WON"  # the disputed money came back
    CANCEL = "CANCEL"  # the seller's fault
    FEE = "FEE"
    FEE_RETURNED = "FEE_RETURNED"
    PAYOUT = "PAYOUT"
    DEPOSIT = "DEPOSIT"
    REVIEW = "REVIEW"  # value = rating, 1 to 5
    DISPATCH = "DISPATCH"  # value = days late, 0 = on time


class Settlement(StrEnum):
    """How a partner's sales settle: later, or at once."""

    ESCROW = "ESCROW"
    IMMEDIATE = "IMMEDIATE"


class RowRefusal(StrEnum):
    """Why a row is rejected; the first that applies counts."""

    MALFORMED = "MALFORMED"
    BAD_TEXT = "BAD_TEXT"
    MISSING_FIELD = "MISSING_FIELD"
    TEXT_TOO_LONG = "TEXT_TOO_LONG"
    UNKNOWN_MERCHANT = "UNKNOWN_MERCHANT"
    OTHER_CURRENCY = "OTHER_CURRENCY"
    UNKNOWN_KIND = "UNKNOWN_KIND"
    BAD_TIME = "BAD_TIME"
    IN_THE_FUTURE = "IN_THE_FUTURE"
    BAD_AMOUNT = "BAD_AMOUNT"
    AMOUNT_NOT_POSITIVE = "AMOUNT_NOT_POSITIVE"
    BAD_VALUE = "BAD_VALUE"
    CORRECTS_ITSELF = "CORRECTS_ITSELF"


RawRow = Mapping[str, str] | str  # texts by column, or why it is not a row at all
REQUIRED = ("external_id", "merchant", "kind", "occurred_at")
OPTIONAL = (
    *("order_ref", "amount", "currency", "buyer", "buyer_hash", "value", "channel", "corrects"),
    "recorded_at",
)
COLUMNS = (*REQUIRED, *OPTIONAL)
RETURNED = tuple(column for column in COLUMNS if column != "buyer")  # whose name is never kept
IDENTIFIERS = ("external_id", "order_ref", "corrects")
MAX_LENGTHS = {"external_id": 100, "merchant": 100, "order_ref": 100, "corrects": 100, "channel": 40, "buyer": 200}
NO_AMOUNT = frozenset({TransactionKind.REVIEW, TransactionKind.DISPATCH})
VALUES = {TransactionKind.REVIEW: range(1, 6), TransactionKind.DISPATCH: range(32_768)}
ANY_VALUE = range(-32_768, 32_768)
FIRST_YEAR = 1970  # nothing in it is accepted: an offset could move it below day 0
_VALUE = re.compile(r"-?[0-9]{1,5}", re.ASCII)
_HASH = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class KnownMerchant:
    """The part of a merchant that judging a row needs."""

    id: int
    currency: str


@dataclass(frozen=True, slots=True)
class TransactionRow:
    """One valid row. Amounts in minor units; `day` counts from 1970-01-01 in the business time zone.

    corrects: the external id of the merchant's row that this one replaces, or ""; recorded_day: the day on which the
    partner recorded it, None if it does not say.
    """

    merchant_id: int
    external_id: str
    order_ref: str
    kind: str
    occurred_at: datetime
    day: int
    amount_minor: int
    buyer: int | None
    value: int | None
    channel: str
    corrects: str
    recorded_day: int | None = None


@dataclass(frozen=True, slots=True)
class RowRejection:
    """A row that is not stored, and why; `received` are its texts, without the buyer's name, None if it is no row."""

    reason: RowRefusal
    external_id: str
    detail: str
    received: Mapping[str, str] | None


class _Unfit(Exception):
    """Raised while a row is parsed, and turned into its rejection."""

    def __init__(self, reason: RowRefusal, detail: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def judge_row(
    raw: RawRow,
    *,
    merchants: Mapping[str, KnownMerchant],
    latest: datetime,
    zone: tzinfo,
    needs_offset: bool,
) -> TransactionRow | RowRejection:
    """Parse one row of texts by column name, or return its rejection.

    `merchants` are the partner's by external id; a time after `latest` is in the future; one without an offset
    is read in the business time zone, or rejected if `needs_offset`.
    """
    if isinstance(raw, str):
        return RowRejection(RowRefusal.MALFORMED, "", shown(raw), None)
    try:
        _require_texts(raw)
        merchant = _merchant_of(raw["merchant"], merchants)
        _require_currency(raw.get("currency") or "", merchant)
        kind = _kind_of(raw["kind"])
        occurred_at = _time_of(raw["occurred_at"], latest, None if needs_offset else zone)
        return TransactionRow(
            merchant_id=merchant.id,
            external_id=raw["external_id"],
            order_ref=raw.get("order_ref") or "",
            kind=kind.value,
            occurred_at=occurred_at,
            day=day_number(business_day(occurred_at, zone)),
            amount_minor=_amount_of(raw.get("amount") or "0", kind, merchant.currency),
            buyer=_buyer_of(raw.get("buyer") or "", raw.get("buyer_hash") or ""),
            value=_value_of(raw.get("value") or "", kind),
            channel=raw.get("channel") or "",
            corrects=_corrected_by(raw),
            recorded_day=_recorded_on(raw.get("recorded_at") or "", latest, zone, needs_offset=needs_offset),
        )
    except _Unfit as unfit:
        received = {column: shown(raw[column]) for column in RETURNED if raw.get(column)}
        return RowRejection(unfit.reason, received.get("external_id", ""), shown(unfit.detail), received)


def buyer_hash(buyer: str) -> int:
    """Hash a buyer's name to a signed 64-bit integer, enough to tell buyers apart.

    The hash has no key, so whoever guesses a name can check the guess: send pseudonyms, not phone numbers.
    """
    return int.from_bytes(blake2b(buyer.encode(), digest_size=8).digest(), "big", signed=True)


def _require_texts(raw: Mapping[str, str]) -> None:
    for column in COLUMNS:
        if not storable(raw.get(column, "")):
            raise _Unfit(RowRefusal.BAD_TEXT, f"{column} is not UTF-8, or holds a NUL")
    for column in REQUIRED:
        if not raw.get(column):
            raise _Unfit(RowRefusal.MISSING_FIELD, column)
    for column, limit in MAX_LENGTHS.items():
        if len(raw.get(column) or "") > limit:
            raise _Unfit(RowRefusal.TEXT_TOO_LONG, f"{column} has more than {limit} characters")
    for column in IDENTIFIERS:
        if not is_identifier(raw.get(column) or ""):
            raise _Unfit(RowRefusal.BAD_TEXT, f"{column} has white space around it")


def _merchant_of(text: str, merchants: Mapping[str, KnownMerchant]) -> KnownMerchant:
    merchant = merchants.get(text)
    if merchant is None:
        raise _Unfit(RowRefusal.UNKNOWN_MERCHANT, text)
    return merchant


def _require_currency(text: str, merchant: KnownMerchant) -> None:
    if text and text != merchant.currency:
        raise _Unfit(RowRefusal.OTHER_CURRENCY, f"{text[:40]} is not the merchant's {merchant.currency}")


def _buyer_of(name: str, kept: str) -> int | None:
    """Return the hash of a buyer's name, or one that an export kept of it."""
    if not kept:
        return buyer_hash(name) if name else None
    if name:
        raise _Unfit(RowRefusal.BAD_VALUE, "buyer and buyer_hash are both given")
    if not _HASH.fullmatch(kept) or not -(2**63) <= int(kept) < 2**63:
        raise _Unfit(RowRefusal.BAD_VALUE, f"{kept[:40]!r} is not a buyer_hash")
    return int(kept)


def _corrected_by(raw: Mapping[str, str]) -> str:
    corrects = raw.get("corrects") or ""
    if corrects == raw["external_id"]:
        raise _Unfit(RowRefusal.CORRECTS_ITSELF, "a correction has an id of its own")
    return corrects


def _kind_of(text: str) -> TransactionKind:
    try:
        return TransactionKind(text)
    except ValueError as error:
        raise _Unfit(RowRefusal.UNKNOWN_KIND, text) from error


def _time_of(text: str, latest: datetime, zone: tzinfo | None) -> datetime:
    """Parse a time, to UTC; without an offset it is read in the zone, if one is given."""
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None and zone is None:
            raise _Unfit(RowRefusal.BAD_TIME, f"{text} has no offset, such as +08:00")
        at = at.replace(tzinfo=zone) if at.tzinfo is None else at
        late = at > latest  # an offset may carry the first and the last year out of range
    except (ValueError, OverflowError) as error:
        raise _Unfit(RowRefusal.BAD_TIME, text) from error
    if late:
        raise _Unfit(RowRefusal.IN_THE_FUTURE, text)
    if at.year <= FIRST_YEAR:
        raise _Unfit(RowRefusal.BAD_TIME, text)
    return at.astimezone(UTC)  # PostgreSQL reads no offset of 16 hours, though Python does


def _recorded_on(text: str, latest: datetime, zone: tzinfo, *, needs_offset: bool) -> int | None:
    """Return the business day of a time; what is no time, or not yet, is not believed, and the batch's day counts."""
    if not text:
        return None
    try:
        return day_number(business_day(_time_of(text, latest, None if needs_offset else zone), zone))
    except _Unfit:
        return None  # it was never required, nor read: no row may be lost by it


def _amount_of(text: str, kind: TransactionKind, currency: str) -> int:
    try:
        amount = parse_minor(text, currency)
    except BadAmount as error:
        raise _Unfit(RowRefusal.BAD_AMOUNT, str(error)) from error
    if kind in NO_AMOUNT and amount != 0:
        raise _Unfit(RowRefusal.BAD_AMOUNT, f"{kind} has no amount")
    if kind not in NO_AMOUNT and amount <= 0:
        raise _Unfit(RowRefusal.AMOUNT_NOT_POSITIVE, text)
    return amount


def _value_of(text: str, kind: TransactionKind) -> int | None:
    if not text and kind not in VALUES:
        return None
    if not _VALUE.fullmatch(text) or int(text) not in VALUES.get(kind, ANY_VALUE):
        raise _Unfit(RowRefusal.BAD_VALUE, f"{text[:40]!r} is not a value of {kind}")
    return int(text)
