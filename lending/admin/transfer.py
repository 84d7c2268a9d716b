"""Payouts and collections."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from config.office.display import Cell, change_url
from config.office.lists import ListColumn, choice_filter
from config.office.pages import OfficeAdmin, name_over
from config.office.words import money
from lending.admin.words import TRANSFER_KINDS, TRANSFER_STATES
from lending.domain.books.transfer import TransferKind, TransferState
from lending.models import Transfer
from lending.queries.search import search_transfers


def _state(transfer: Transfer) -> Cell:
    words, tint = TRANSFER_STATES[TransferState(transfer.state)]
    return Cell(text=words, tint=tint, note=transfer.answer)


@admin.register(Transfer)
class TransferAdmin(OfficeAdmin[Transfer]):
    """The payouts and collections; each leads to its loan."""

    columns = (
        ListColumn(label=_("Merchant"), cell=lambda row: name_over(row.loan.merchant.name, str(row.loan))),
        ListColumn(label=_("What"), cell=lambda row: TRANSFER_KINDS[TransferKind(row.kind)]),
        ListColumn(label=_("State"), cell=_state),
        ListColumn(
            label=_("Requested"),
            cell=lambda row: money(row.amount_minor, row.loan.currency),
            number=True,
            sort="amount_minor",
        ),
        ListColumn(label=_("Moved"), cell=lambda row: money(row.moved_minor, row.loan.currency), number=True),
        ListColumn(label=_("Currency"), cell=lambda row: row.loan.currency),
        ListColumn(label=_("For"), cell=lambda row: row.on, style="tl-nowrap"),
        ListColumn(label=_("Attempts"), cell=lambda row: row.attempts, number=True),
    )
    filters = (
        choice_filter("state", _("state"), TRANSFER_STATES),
        choice_filter("kind", _("what"), TRANSFER_KINDS),
    )
    search_help = _("Transfer or loan number, merchant, or reference of the contract")
    list_related = ("loan__merchant",)
    empty = _("Nothing yet. Payouts and collections appear here as they are requested.")

    def search(self, rows: QuerySet[Transfer], term: str) -> QuerySet[Transfer]:
        return rows.filter(pk__in=search_transfers(term))

    def page_of(self, row: Transfer, request: HttpRequest) -> HttpResponse:
        """Lead to the loan: a transfer has no page of its own."""
        return redirect(change_url(row.loan))
