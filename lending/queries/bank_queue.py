"""What waits for people at banks."""

from datetime import date, timedelta
from functools import reduce
from operator import or_
from typing import Final

from django.db.models import Q, QuerySet

from lending.domain.books.transfer import TransferState
from lending.gateways.registry import PLATFORM
from lending.models import BankStatement, Transfer
from lending.queries import bank_lines, bank_orders
from lending.queries.gateways import bank_profiles

PLATFORM_ANSWERS_WITHIN: Final = timedelta(days=5)
"""Judgement: platforms settle with their merchants at least once a week."""


def unanswered_orders(*, on: date) -> QuerySet[Transfer]:
    """Return the orders of which a bank, or a platform, said nothing for longer than its profile allows.

    Those of which nobody knows whether the money moved are told by themselves.
    """
    late = {bank.name: on - timedelta(days=bank.cleared_within_days) for bank in bank_profiles()}
    late[PLATFORM] = on - PLATFORM_ANSWERS_WITHIN
    found = bank_orders.unanswered(before=max(late.values())).exclude(state=TransferState.UNKNOWN)
    return found.filter(reduce(or_, (Q(gateway=bank, on__lt=before) for bank, before in late.items())))


def uncleared_orders(*, on: date) -> QuerySet[Transfer]:
    """Return the orders whose money moved, by the bank, and that no statement shows by the day its profile says."""
    late = {bank.name: on - timedelta(days=bank.cleared_within_days) for bank in bank_profiles()}
    if not late:
        return Transfer.objects.none()
    found = bank_orders.uncleared(before=max(late.values()))
    return found.filter(reduce(or_, (Q(gateway=bank, on__lt=before) for bank, before in late.items())))


def blocked_statements(*, on: date) -> QuerySet[BankStatement]:
    """Return the statements of earlier days that wait for others before them; none without a bank."""
    return bank_lines.blocked_statements(before=on) if bank_profiles() else BankStatement.objects.none()
