"""Office pages of payouts and collections."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.office.business_date import current_day
from config.office.display import Cell, change_url
from config.office.lists import Filter, ListColumn, Search, choice_filter, value_filter
from config.office.pages import OfficeAdmin, name_over
from config.office.words import money
from lending.admin.transfer_words import PAYOUT_HOLDS, TRANSFER_KINDS, TRANSFER_STATES
from lending.domain.books.transfer import PayoutHold, TransferKind, TransferState
from lending.gateways.registry import LOOPBACK, PLATFORM
from lending.models import Transfer
from lending.queries.bank_orders import bank_names
from lending.queries.bank_queue import unanswered_orders, uncleared_orders
from lending.queries.search import search_transfers
from lending.queries.transfers import payout_holds


def transfer_state(transfer: Transfer, hold: PayoutHold | None) -> Cell:
    """Show the state of a transfer, with why it is held back, or else the gateway's words."""
    words, tint = TRANSFER_STATES[TransferState(transfer.state)]
    return Cell(text=words, tint=tint, note=transfer.answer if hold is None else PAYOUT_HOLDS[hold])


OVERDUE: Final = {
    "unanswered": (_("No answer"), unanswered_orders),
    "uncleared": (_("On no statement"), uncleared_orders),
}


@admin.register(Transfer)
class TransferAdmin(OfficeAdmin[Transfer]):
    title = _("Payouts and collections")
    columns = (
        ListColumn(label=_("Merchant"), cell=lambda row: name_over(row[0].loan.merchant.name, str(row[0].loan))),
        ListColumn(label=_("What"), cell=lambda row: TRANSFER_KINDS[TransferKind(row[0].kind)]),
        ListColumn(label=_("State"), cell=lambda row: transfer_state(*row)),
        ListColumn(
            label=_("Requested"),
            cell=lambda row: money(row[0].amount_minor, row[0].loan.currency),
            number=True,
            sort="amount_minor",
        ),
        ListColumn(label=_("Moved"), cell=lambda row: money(row[0].moved_minor, row[0].loan.currency), number=True),
        ListColumn(label=_("Currency"), cell=lambda row: row[0].loan.currency),
        ListColumn(label=_("For"), cell=lambda row: row[0].on, style="tl-nowrap"),
        ListColumn(label=_("Attempts"), cell=lambda row: row[0].attempts, number=True),
    )
    filters = (
        choice_filter("state", _("state"), TRANSFER_STATES),
        choice_filter("kind", _("what"), TRANSFER_KINDS),
        value_filter("gateway", _("through"), lambda: [LOOPBACK, PLATFORM, *bank_names()]),
        Filter(
            name="overdue",
            label=_("overdue at the bank"),
            choices=lambda: [(name, words) for name, (words, _orders) in OVERDUE.items()],
            keep=lambda rows, name: rows.filter(pk__in=OVERDUE[name][1](on=current_day(timezone.now())).values("pk")),
        ),
    )
    search = Search(
        help=_("Transfer or loan number, merchant, or reference of the contract"),
        keep=lambda rows, term: search_transfers(term, rows),
    )
    list_related = ("loan__merchant",)
    empty = _("Nothing yet. Payouts and collections appear here as they are requested.")

    def prepare(self, rows: list[Transfer]) -> Sequence[Any]:
        holds = payout_holds(rows)
        return [(transfer, holds.get(transfer.pk)) for transfer in rows]

    def page_of(self, row: Transfer, request: HttpRequest) -> HttpResponse:
        """Redirect to the loan: a transfer has no page of its own."""
        return redirect(change_url(row.loan))
