"""The page of a merchant's transactions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.http import Http404, QueryDict
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.display import Button, Card, Cell, Column, Page, Row, Table, linked, mono
from config.office.words import MINUS, money
from merchants.domain.transaction import TransactionKind
from merchants.models import Merchant, Transaction
from merchants.queries.histories import Place, transactions_of
from merchants.queries.labels import KINDS

OUTGOING: Final = {TransactionKind.REFUND, TransactionKind.CHARGEBACK, TransactionKind.FEE, TransactionKind.PAYOUT}


@dataclass(frozen=True, slots=True, kw_only=True)
class KindChoice:
    template = "lending/kind_choice.html"
    choices: list[tuple[str, Any, bool]]


def transactions_page(merchant: Merchant, asked: QueryDict) -> Page:
    """Show one page of the merchant's transactions. Raises Http404 for a kind or place that does not exist."""
    text = asked.get("kind", "")
    if text and text not in set(TransactionKind):
        raise Http404
    kind = TransactionKind(text) if text else None
    page = transactions_of(
        merchant_id=merchant.pk, kind=kind, older_than=_place(asked.get("older")), newer_than=_place(asked.get("newer"))
    )
    kept = {} if kind is None else {"kind": kind.value}
    steps = (("newer", _("Newer"), page.newer), ("older", _("Older"), page.older))
    buttons = [
        Button(label=label, url=_query(kept, direction, place), is_primary=False)
        for direction, label, place in steps
        if place is not None
    ]
    empty = _("No transactions here. They appear once the partner sends them, in files or over the API.")
    rows = [transaction_row(row, merchant.currency) for row in page.rows]
    table = Table(columns=transaction_columns(merchant.currency), rows=rows, empty=empty)
    return Page(
        title=_t("Transactions of %(merchant)s") % {"merchant": merchant},
        sub=[linked(merchant, _t("Back to the merchant")), _t("The newest first; outgoing money with a minus sign")],
        form=KindChoice(choices=[(other.value, words, other is kind) for other, words in KINDS.items()]),
        cards=[Card(title=_("Transactions"), parts=[table], buttons=buttons)],
    )


def transaction_columns(currency: str) -> list[Column]:
    """Return the columns of a table of transactions."""
    return [
        Column(label=_("When, UTC"), style="tl-nowrap"),
        Column(label=_("Kind"), style="tl-nowrap"),
        Column(label=currency, number=True),
        Column(label=_("Value")),
        Column(label=_("Order")),
        Column(label=_("Id")),
        Column(label=_("Channel")),
        Column(label=_("Batch"), number=True),
    ]


def transaction_row(row: Transaction, currency: str) -> Row:
    """Return the row of a transaction; one that was replaced is struck through."""
    kind = TransactionKind(row.kind)
    late = _t("%(value)s days late") if row.value else _t("on time")
    values = {TransactionKind.REVIEW: _t("%(value)s of 5 stars"), TransactionKind.DISPATCH: late}
    sign = MINUS if kind in OUTGOING else ""
    cells = [
        row.occurred_at,
        KINDS[kind],
        f"{sign}{money(row.amount_minor, currency)}" if row.amount_minor else "",
        "" if row.value is None else values.get(kind, "%(value)s") % {"value": row.value},
        mono(row.order_ref),
        Cell(text=mono(row.external_id), note=_t("corrects %(id)s") % {"id": row.corrects} if row.corrects else ""),
        row.channel,
        linked(row.batch, str(row.batch_id)),
    ]
    replaced = row.superseded_in is not None
    return Row(
        cells=cells, style="tl-struck" if replaced else "", title=_("Replaced by a later batch") if replaced else ""
    )


def _query(kept: Mapping[str, str], direction: str, place: Place) -> str:
    return "?" + urlencode({**kept, direction: f"{place.occurred_at.astimezone(UTC).isoformat()}_{place.id}"})


def _place(text: str | None) -> Place | None:
    if not text:
        return None
    moment, _sep, number = text.rpartition("_")
    try:
        return Place(occurred_at=datetime.fromisoformat(moment).astimezone(UTC), id=int(number))
    except (ValueError, OverflowError) as error:
        raise Http404 from error
