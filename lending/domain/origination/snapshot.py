"""Freeze the facts of a decision as canonical JSON, and read them again to the last bit."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from config.kernel.canonical import canonical_json, sha256_of
from lending.domain.contract.fields import Unfit, date_of, integer_of, require_fields, shown, text_of
from lending.domain.origination.decision import DecisionFacts
from lending.domain.origination.facts import Exposure, MerchantFacts, Profile, ScoreFacts
from lending.domain.origination.line import Line
from scoring.domain.calibration import Grade
from scoring.domain.policy import Gate, NotScored

Fields = Mapping[str, object]
Value = TypeVar("Value")


class SnapshotDefect(StrEnum):
    """Name what makes a text no snapshot."""

    HASH_DIFFERS = "HASH_DIFFERS"
    MALFORMED = "MALFORMED"
    NOT_CANONICAL = "NOT_CANONICAL"


class SnapshotMalformed(ValueError):
    """The text is no snapshot, for the reason it carries; the message says what is wrong."""

    def __init__(self, reason: SnapshotDefect, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def snapshot_of(facts: DecisionFacts) -> tuple[str, str]:
    """Write the facts as canonical JSON, with its sha256: one text for the same facts, whoever writes it."""
    text = canonical_json(asdict(facts, dict_factory=_scalars))
    return text, sha256_of(text)


def parse_snapshot(text: str, sha256: str) -> DecisionFacts:
    """Read a stored snapshot; what is read writes the same text again. Raises SnapshotMalformed."""
    if sha256_of(text) != sha256:
        raise SnapshotMalformed(SnapshotDefect.HASH_DIFFERS, f"the text is not that of the hash {sha256}")
    try:
        facts = _facts(json.loads(text))
        canonical, _ = snapshot_of(facts)
    except (ValueError, RecursionError) as error:
        raise SnapshotMalformed(SnapshotDefect.MALFORMED, str(error)) from error
    if canonical != text:  # spaces, a key twice, 1.0
        raise SnapshotMalformed(SnapshotDefect.NOT_CANONICAL, "the text is not written canonically")
    return facts


def _scalars(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in pairs}


def _part(raw: object, kind: type) -> Fields:
    return require_fields(raw, frozenset(field.name for field in fields(kind)))


def _facts(raw: object) -> DecisionFacts:
    part = _part(raw, DecisionFacts)
    return DecisionFacts(
        product_sha256=text_of(part, "product_sha256"),
        rules_version=integer_of(part, "rules_version"),
        merchant=_merchant(part["merchant"]),
        amount_minor=integer_of(part, "amount_minor"),
        months=integer_of(part, "months"),
    )


def _merchant(raw: object) -> MerchantFacts:
    part = _part(raw, MerchantFacts)
    profile = _part(part["profile"], Profile)
    return MerchantFacts(
        on=date_of(part, "on"),
        profile=Profile(**{name: _text(profile, name) for name in profile}),
        score=_score(part["score"]),
        exposure=_exposure(part["exposure"]),
    )


def _score(raw: object) -> ScoreFacts:
    part = _part(raw, ScoreFacts)
    return ScoreFacts(
        as_of=date_of(part, "as_of"),
        scorecard_sha256=text_of(part, "scorecard_sha256"),
        calibration_sha256=_or_none(part, "calibration_sha256", text_of),
        not_scored=_or_none(part, "not_scored", lambda part, name: NotScored(text_of(part, name))),
        needed=integer_of(part, "needed"),
        score=integer_of(part, "score"),
        pd_ppm=_or_none(part, "pd_ppm", integer_of),
        grade=_or_none(part, "grade", lambda part, name: Grade(text_of(part, name))),
        cut_off=_or_none(part, "cut_off", integer_of),
        gates=tuple(Gate(str(gate)) for gate in _list(part, "gates")),
        sales_basis_minor=integer_of(part, "sales_basis_minor"),
        sales_365_minor=integer_of(part, "sales_365_minor"),
        worst_month_minor=integer_of(part, "worst_month_minor"),
        tenure_months=_or_none(part, "tenure_months", integer_of),
        recency_days=_or_none(part, "recency_days", integer_of),
        disputes_bps=_or_none(part, "disputes_bps", integer_of),
        flagged_share_bps=_or_none(part, "flagged_share_bps", integer_of),
    )


def _exposure(raw: object) -> Exposure:
    part = _part(raw, Exposure)
    dues = _list(part, "dues_minor")
    return Exposure(
        outstanding_minor=integer_of(part, "outstanding_minor"),
        dues_minor=tuple(integer_of({"dues_minor": due}, "dues_minor") for due in dues),
        largest_repaid_minor=integer_of(part, "largest_repaid_minor"),
        days_past_due=integer_of(part, "days_past_due"),
        line=_or_none(part, "line", lambda part, name: _line(part[name])),
        owner_used_minor=integer_of(part, "owner_used_minor"),
        owner_days_past_due=integer_of(part, "owner_days_past_due"),
        portfolio_used_minor=integer_of(part, "portfolio_used_minor"),
        category_used_minor=integer_of(part, "category_used_minor"),
    )


def _line(raw: object) -> Line:
    part = _part(raw, Line)
    return Line(
        limit_minor=integer_of(part, "limit_minor"),
        higher_since=_or_none(part, "higher_since", date_of),
        sustained_minor=_or_none(part, "sustained_minor", integer_of),
    )


def _or_none(part: Fields, name: str, read: Callable[[Fields, str], Value]) -> Value | None:
    return None if part[name] is None else read(part, name)


def _list(part: Fields, name: str) -> list[object]:
    value = part[name]
    if not isinstance(value, list):
        message = f"{name}: {shown(value)} is no list"
        raise Unfit(message)
    return value


def _text(part: Fields, name: str) -> str:
    """Read a text, which may be empty: it is not known."""
    value = part[name]
    if not isinstance(value, str):
        message = f"{name}: {shown(value)} is no text"
        raise Unfit(message)
    return value
