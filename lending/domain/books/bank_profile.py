"""How an account at a bank is used: which orders go to it, and what its files look like. Data, entered as TOML."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, time, timedelta
from typing import Any, Final

from schwifty import BIC
from stdnum.eu import at_02

from config.kernel.canonical import canonical_json, sha256_of
from config.kernel.documents import load
from config.kernel.money import is_currency
from merchants.domain.payout_account import judge_number

NAME_PATTERN: Final = r"[a-z][a-z0-9-]{1,19}"
RESERVED: Final = frozenset({"loopback", "platform"})
"""Names of gateways that are no banks."""


class BadProfile(ValueError):
    """A profile cannot be used; the message names every fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BankProfile:
    """One account of the lender at a bank, in one currency.

    name: of the gateway, and of its folder. holder, account, agent: as the bank knows the account; agent is its BIC.
    pays, collects: whether payouts and collections of this currency go through it. creditor_id, instrument: of direct
    debits. service_level: SEPA, or empty where the bank wants none. batch_booking: whether the bank books a file as one
    amount. orders_a_file: how many at most. cut_off: from when on orders are for the next day. debit_days: how many
    days ahead the bank wants direct debits. cleared_within_days: how long an order may wait for the statement.
    """

    name: str
    holder: str
    account: str
    currency: str
    agent: str
    pays: bool = True
    collects: bool = False
    creditor_id: str = ""
    instrument: str = "CORE"
    service_level: str = "SEPA"
    batch_booking: bool = False
    orders_a_file: int = 5_000
    cut_off: time = time(14)
    debit_days: int = 1
    cleared_within_days: int = 5

    def competes_with(self, other: "BankProfile") -> bool:
        """Whether both would have the payouts, or the collections, of one currency."""
        same = self.name != other.name and self.currency == other.currency
        return same and ((self.pays and other.pays) or (self.collects and other.collects))

    def requested_on(self, today: date, *, at: time | None) -> date:
        """Return the day for which payouts are ordered at a time of the business day; None: of no clock."""
        return today + timedelta(days=at is not None and at >= self.cut_off)

    def collected_on(self, today: date, *, at: time | None) -> date:
        """Return the day for which direct debits are ordered."""
        return self.requested_on(today, at=at) + timedelta(days=self.debit_days)


def parse_profile(text: str) -> BankProfile:
    """Parse a profile from TOML. Raises BadProfile."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"not TOML: {error}"
        raise BadProfile(message) from error
    return _checked(found)


def canonical_profile(profile: BankProfile) -> tuple[str, str]:
    """Return a profile as JSON, and its SHA-256."""
    content = canonical_json({**asdict(profile), "cut_off": profile.cut_off.isoformat()})
    return content, sha256_of(content)


def profile_of(content: str) -> BankProfile:
    """Return the profile that was entered as this JSON. Raises BadProfile."""
    found = load(content)
    return _checked({**found, "cut_off": time.fromisoformat(found["cut_off"])})


def _checked(found: Mapping[str, Any]) -> BankProfile:
    known = {field.name: field for field in fields(BankProfile)}
    missing = [name for name in ("name", "holder", "account", "currency", "agent") if name not in found]
    faults = [f"{name}: unknown" for name in found if name not in known] + [f"{name}: missing" for name in missing]
    if not faults:
        wrong = [name for name, value in found.items() if type(value) is not known[name].type]
        faults = [f"{name}: not a {getattr(known[name].type, '__name__', '')}" for name in wrong]
    if not faults:
        faults = [f"{name}: {words}" for name, (holds, words) in _RULES.items() if not holds(found, found.get(name))]
    if faults:
        raise BadProfile("; ".join(faults))
    return BankProfile(**found)


def _is_account(number: str) -> bool:
    """Check an IBAN by its digits; any other number by its characters."""
    return bool(re.fullmatch(r"[0-9A-Z]{4,34}", number)) and judge_number(number, currency="") is None


def _is_bic(text: str) -> bool:
    return text.isupper() and BIC(text, allow_invalid=True).is_valid


_Rule = tuple[Callable[[Mapping[str, Any], Any], bool], str]
_RULES: Final[Mapping[str, _Rule]] = {
    "name": (
        lambda _, value: bool(re.fullmatch(NAME_PATTERN, value)) and value not in RESERVED,
        "2 to 20 small letters, digits and hyphens; not loopback or platform",
    ),
    "holder": (lambda _, value: 0 < len(value.strip()) <= 70, "1 to 70 characters"),  # noqa: PLR2004 - of the standard
    "account": (lambda _, value: _is_account(value), "not an IBAN whose digits hold, nor another account number"),
    "currency": (lambda _, value: is_currency(value), "not a currency"),
    "agent": (lambda _, value: _is_bic(value), "not a BIC in capital letters"),
    "creditor_id": (
        lambda all_of, value: (not value and not all_of.get("collects")) or at_02.is_valid(value or ""),
        "direct debits need the identifier of the creditor, whose check digits hold",
    ),
    "instrument": (lambda _, value: len(value or "") <= 35, "at most 35 characters"),  # noqa: PLR2004
    "service_level": (lambda _, value: len(value or "") <= 4, "at most 4 characters"),  # noqa: PLR2004
    "orders_a_file": (lambda _, value: value is None or 0 < value <= 50_000, "1 to 50,000"),  # noqa: PLR2004
    "debit_days": (lambda _, value: value is None or 0 <= value <= 14, "0 to 14"),  # noqa: PLR2004
    "cleared_within_days": (lambda _, value: value is None or 0 < value <= 60, "1 to 60"),  # noqa: PLR2004
}
