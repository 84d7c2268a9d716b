"""Parse how loans made elsewhere ended."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

REQUIRED = ("external_id", "merchant", "granted_on", "bad")


class BadOutcome(ValueError):
    """The row is not an outcome; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One loan: to whom, when, and whether it went bad."""

    external_id: str
    merchant: str
    granted_on: date
    bad: bool


def read_outcome(raw: Mapping[str, str] | str) -> Outcome:
    """Parse one row of texts by column name. Raises BadOutcome."""
    if isinstance(raw, str):
        raise BadOutcome(raw)
    if not re.fullmatch("[01]", raw["bad"]):
        message = f"bad is 0 or 1, not {raw['bad'][:40]!r}"
        raise BadOutcome(message)
    try:
        granted_on = date.fromisoformat(raw["granted_on"])
    except ValueError as error:
        raise BadOutcome(str(error)) from error
    return Outcome(
        external_id=raw["external_id"], merchant=raw["merchant"], granted_on=granted_on, bad=raw["bad"] == "1"
    )
