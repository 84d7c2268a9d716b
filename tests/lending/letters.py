"""Dunning policies and letters, made without a night."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

from lending.domain.arrears.dunning_policy import DAY_ONE_DUNNING
from lending.models import ArrearsCase, DunningPolicy, Letter, Loan
from lending.operations.policies import enter_dunning_policy
from merchants.domain.contact_detail import DetailKind, Language
from tests.beginnings import begin
from tests.conftest import CLERK, NOW
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, lent, roll
from tests.merchants.contact_details import make_detail

ADDRESS = "owner@kiln.example"
FIRST_LETTER = OPENED + timedelta(days=8)
ANY_HOUR = {"from_hour": 0, "until_hour": 24}


def dunning_document(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - of any field
    """Return the document of the first policy, with fields replaced; days: of its steps, as many as are kept."""
    document = json.loads(DAY_ONE_DUNNING.read_text(encoding="utf-8"))
    days = changes.pop("days", None)
    if days is not None:
        document["steps"] = [{**step, "from_days": at} for step, at in zip(document["steps"], days, strict=False)]
    return {**document, **changes}


def enter_dunning(**changes: Any) -> DunningPolicy:  # noqa: ANN401
    """Enter the first policy with fields replaced; without others, letters leave at any hour."""
    text = json.dumps(dunning_document(**{"hours": ANY_HOUR, **changes}))
    return enter_dunning_policy(text=text, actor=CLERK, now=NOW)


def late_borrower(*, language: Language = Language.EN, **policy: Any) -> tuple[Loan, ArrearsCase]:  # noqa: ANN401
    """Lend, enter a policy, and go on until the first letter is written: a beginning."""

    def go_on() -> None:
        loan = lent(terms=EVERY_FIVE_DAYS)
        make_detail(loan.merchant, ADDRESS, kind=DetailKind.EMAIL, language=language)
        enter_dunning(**policy)
        roll(FIRST_LETTER)

    begin(f"late and written to {language} {policy}", go_on)
    return Loan.objects.get(), ArrearsCase.objects.get()


def make_letter(case: ArrearsCase, **fields: object) -> Letter:
    """Make a letter of a case that waits to be sent."""
    given: Mapping[str, object] = {
        "policy": DunningPolicy.objects.first() or enter_dunning(),
        "from_days": 3,
        "step": "Reminder",
        "on": "2026-03-09",
        "late_since": "2026-03-06",
        "due_minor": 5_000,
        "owed_minor": 9_000,
        "language": "en",
        "subject": "Your payment is past due",
        "body": "Please pay it now.",
        "key": uuid4(),
        "written_at": NOW,
        "state": "DUE",
        "next_attempt_at": NOW,
    }
    return Letter.objects.create(case=case, **{**given, **fields})
