"""What becomes of a golden case: it is run, and either equals the product's figures, or it is said why not."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from lending.domain.contract.refusal import LoanRefused

Case = dict[str, Any]
Check = Callable[[Case], None]
"""Raises AssertionError where a figure differs, Waits where the product lacks something that the case needs."""


class Waits(Exception):
    """The case needs something that the product does not have, or refuses on purpose; the message says what."""


class Outcome(StrEnum):
    """What becomes of a case; FAILED alone is a fault of the product."""

    EQUAL = "equal"
    DIFFERS = "differs"  # a peer's own quirk, named in the case
    WAITS = "waits"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A case's outcome, and the reason of every other outcome than EQUAL."""

    outcome: Outcome
    reason: str = ""


def judge(case: Case, check: Check) -> Judged:
    """Run a case."""
    try:
        check(case)
    except Waits as waits:
        return Judged(outcome=Outcome.WAITS, reason=str(waits))
    except LoanRefused as refused:  # for its terms: what is refused of its events is a figure that differs
        return Judged(outcome=Outcome.WAITS, reason=f"refused: {refused}")
    except AssertionError as error:
        if case.get("standard", True):
            return Judged(outcome=Outcome.FAILED, reason=str(error))
        return Judged(outcome=Outcome.DIFFERS, reason=case["standard_reason"])
    return Judged(outcome=Outcome.EQUAL)


def cases_in(root: Path, file: str) -> Iterator[Case]:
    """Read the cases of every file of this name, in the directory itself or in folders below it."""
    for path in sorted(root.rglob(file)):
        yield from json.loads(path.read_text(encoding="utf-8"))["cases"]


def require_equal(found: object, wanted: object, what: str) -> None:
    """Raise AssertionError unless a figure is the case's."""
    if found != wanted:
        message = f"{what}: {found} is not {wanted}"
        raise AssertionError(message)


def require_near(found: float, wanted: float, tolerance: float, what: str) -> None:
    """Raise AssertionError unless a figure is within the tolerance of the case's."""
    if not abs(found - wanted) <= tolerance:
        message = f"{what}: {found} is not within {tolerance} of {wanted}"
        raise AssertionError(message)
