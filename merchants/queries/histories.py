"""Read one merchant's transactions page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet

from merchants.domain.transaction import TransactionKind
from merchants.models import Transaction

PAGE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The position of a transaction in the history."""

    occurred_at: datetime
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of transactions, newest first; `older` or `newer` is None where nothing follows."""

    rows: Sequence[Transaction]
    older: Place | None
    newer: Place | None


def transactions_of(
    *, merchant_id: int, kind: TransactionKind | None, older_than: Place | None, newer_than: Place | None
) -> Page:
    """Return one page of the merchant's transactions with their batches, by key; without a place, the newest page."""
    rows = Transaction.objects.filter(merchant=merchant_id).prefetch_related("batch")
    if kind is not None:
        rows = rows.filter(kind=kind)
    if newer_than is not None:
        found = _beyond(rows, newer_than, "gt").order_by("occurred_at", "id")
    elif older_than is not None:
        found = _beyond(rows, older_than, "lt").order_by("-occurred_at", "-id")
    else:
        found = rows.order_by("-occurred_at", "-id")
    page = list(found[: PAGE + 1])
    more, page = len(page) > PAGE, page[:PAGE]
    if newer_than is not None:
        page.reverse()
    has_older = more if newer_than is None else True
    has_newer = more if newer_than is not None else older_than is not None
    return Page(
        rows=page,
        older=_place(page[-1]) if page and has_older else None,
        newer=_place(page[0]) if page and has_newer else None,
    )


def _beyond(rows: QuerySet[Transaction], place: Place, sign: str) -> QuerySet[Transaction]:
    """Filter to rows beyond the place; the first condition is implied, and is the one that the index serves."""
    return rows.filter(**{f"occurred_at__{sign}e": place.occurred_at}).filter(
        Q(**{f"occurred_at__{sign}": place.occurred_at}) | Q(**{f"id__{sign}": place.id})
    )


def _place(row: Transaction) -> Place:
    return Place(occurred_at=row.occurred_at, id=row.pk)
