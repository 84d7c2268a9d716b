"""Judge what a partner says about its merchants."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum

from config.kernel.money import is_currency
from merchants.domain.text import is_identifier, shown, storable

REQUIRED = ("external_id", "name", "currency")
COLUMNS = (*REQUIRED, "owner_ref", "category", "region", "city", "membership", "opened_on")
MAX_LENGTHS = {
    "external_id": 100, "name": 200, "owner_ref": 100, "category": 200, "region": 100, "city": 200, "membership": 40
}  # fmt: skip


class MerchantRefusal(StrEnum):
    """Why a merchant is not entered; the first that applies counts."""

    BAD_TEXT = "BAD_TEXT"
    MISSING_FIELD = "MISSING_FIELD"
    TEXT_TOO_LONG = "TEXT_TOO_LONG"
    BAD_CURRENCY = "BAD_CURRENCY"
    BAD_DATE = "BAD_DATE"
    CURRENCY_CHANGED = "CURRENCY_CHANGED"
    CURRENCY_CONTRADICTS = "CURRENCY_CONTRADICTS"


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantEntry:
    """What a partner says about one merchant; an empty text means not known (any more)."""

    external_id: str
    name: str
    currency: str
    owner_ref: str
    category: str
    region: str
    city: str
    membership: str
    opened_on: date | None


@dataclass(frozen=True, slots=True)
class MerchantRejection:
    """A merchant that is not entered, and why."""

    reason: MerchantRefusal
    external_id: str
    detail: str


def judge_merchant(raw: Mapping[str, str]) -> MerchantEntry | MerchantRejection:
    """Parse a merchant from texts by column name, or return its rejection."""
    named = shown(raw.get("external_id") or "")
    defect = _text_defect(raw)
    if defect is not None:
        return MerchantRejection(defect[0], named, defect[1])
    if not is_currency(raw["currency"]):
        return MerchantRejection(MerchantRefusal.BAD_CURRENCY, named, raw["currency"][:40])
    try:
        opened_on = _date_of(raw["opened_on"]) if raw.get("opened_on") else None
    except ValueError:
        return MerchantRejection(MerchantRefusal.BAD_DATE, named, raw["opened_on"][:40])
    return MerchantEntry(
        opened_on=opened_on,
        **{column: raw.get(column) or "" for column in COLUMNS if column != "opened_on"},
    )


def _text_defect(raw: Mapping[str, str]) -> tuple[MerchantRefusal, str] | None:
    for column in COLUMNS:
        if not storable(raw.get(column, "")):
            return MerchantRefusal.BAD_TEXT, column
    for column in REQUIRED:
        if not raw.get(column):
            return MerchantRefusal.MISSING_FIELD, column
    for column, limit in MAX_LENGTHS.items():
        if len(raw.get(column) or "") > limit:
            return MerchantRefusal.TEXT_TOO_LONG, f"{column}: at most {limit} characters"
    if not is_identifier(raw.get("owner_ref") or ""):
        return MerchantRefusal.BAD_TEXT, "owner_ref has white space around it"
    return None


def judge_new(entry: MerchantEntry) -> MerchantRejection | None:
    """Reject a new merchant whose id has white space around it; one that is known by such an id stays known."""
    if is_identifier(entry.external_id):
        return None
    return MerchantRejection(MerchantRefusal.BAD_TEXT, entry.external_id, "external_id has white space around it")


def judge_currencies(entry: MerchantEntry, currencies: AbstractSet[str]) -> MerchantRejection | None:
    """Reject a merchant that one list gives several currencies: neither the first nor the last is believed."""
    if len(currencies) == 1:
        return None
    words = f"sent with {' and '.join(sorted(currencies))}"
    return MerchantRejection(MerchantRefusal.CURRENCY_CONTRADICTS, entry.external_id, words)


def _date_of(text: str) -> date:
    """Parse a date, or a midnight, which some tables have for one. Raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.time() != time.min:
        raise ValueError(text)
    return at.date()
