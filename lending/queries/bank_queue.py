"""What waits for people at banks."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db.models import Count, Min, Q

from lending.gateways.registry import PLATFORM
from lending.models import BankAnswer, BankFile, StatementLine
from lending.queries.bank_lines import blocked_statements
from lending.queries.bank_orders import unanswered, uncleared
from lending.queries.gateways import bank_profiles

PLATFORM_ANSWERS_WITHIN: Final = timedelta(days=5)
"""Judgement: platforms settle with their merchants at least once a week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How many of something wait, and since when the oldest does."""

    number: int
    since: date | None

    @staticmethod
    def of(found: dict[str, object]) -> "Waiting":
        """Return what a query counted as `number` and `since`."""
        return Waiting(number=int(str(found["number"] or 0)), since=found["since"])  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class BankQueue:
    """What waits for people at banks.

    unanswered, uncleared: orders at a bank for longer than its profile says, without an answer, or on no statement.
    """

    set_aside: int
    held: int
    suspense: Waiting
    statements: int
    unanswered: dict[str, Waiting]
    uncleared: dict[str, Waiting]


def get_bank_queue(*, on: date | None) -> BankQueue:
    """Return what waits for people at banks. on: the business date."""
    late = {} if on is None else {bank.name: on - timedelta(days=bank.cleared_within_days) for bank in bank_profiles()}
    asked = late if on is None else {**late, PLATFORM: on - PLATFORM_ANSWERS_WITHIN}
    counted = {"number": Count("pk"), "since": Min("on")}
    return BankQueue(
        set_aside=BankFile.objects.set_aside().count(),
        held=BankAnswer.objects.held().count(),
        suspense=Waiting.of(StatementLine.objects.in_suspense().aggregate(number=Count("pk"), since=Min("booked_on"))),
        statements=0 if on is None or not late else blocked_statements(before=on),
        unanswered={
            bank: Waiting.of(unanswered(before=before).filter(Q(gateway=bank)).aggregate(**counted))
            for bank, before in asked.items()
        },
        uncleared={
            bank: Waiting.of(uncleared(before=before).filter(Q(gateway=bank)).aggregate(**counted))
            for bank, before in late.items()
        },
    )
