"""Office pages of the journal: every posting, and the entry that it belongs to."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.display import Card, Column, Facts, Page, Part, Table, linked
from config.office.lists import Filter, ListColumn, Listing, choice_filter, date_filter, member, value_filter
from config.office.pages import OfficeAdmin
from config.office.words import money
from lending.admin.words import ACCOUNTS, ENTRY_CODE_WORDS
from lending.domain.books.ledger import Account
from lending.models import Entry, Posting
from lending.queries.ledger import sums_of
from lending.queries.portfolio import lent_currencies

LOAN: Final = "loan_"


def _of_account(rows: QuerySet[Posting], account: str) -> QuerySet[Posting]:
    return rows.filter(Q(debit=account) | Q(credit=account))


def of_loan(field: str) -> Callable[[QuerySet[Any], str], QuerySet[Any]]:
    """Return what keeps the rows of a loan, given by its number or as the API names it."""
    return lambda rows, text: rows.filter(**{field: int(text.removeprefix(LOAN))})


def _source(entry: Entry) -> object:
    """Return what an entry was booked for."""
    if entry.loan is not None:
        return linked(entry.loan)
    if entry.statement is not None:
        return linked(entry.statement)
    return None if entry.close is None else linked(entry.close, _t("Close of %(date)s") % {"date": entry.close})


@admin.register(Posting)
class PostingAdmin(OfficeAdmin[Posting]):
    title = _("Journal")
    columns = (
        ListColumn(label=_("Entry"), cell=lambda row: f"{row.entry_id}", style="tl-nowrap"),
        ListColumn(label=_("Day of the books"), cell=lambda row: row.entry.effective_date, style="tl-nowrap"),
        ListColumn(label=_("What"), cell=lambda row: ENTRY_CODE_WORDS[row.entry.code]),
        ListColumn(label=_("Of"), cell=lambda row: _source(row.entry), style="tl-nowrap"),
        ListColumn(label=_("Debit"), cell=lambda row: ACCOUNTS[Account(row.debit_id)]),
        ListColumn(label=_("Credit"), cell=lambda row: ACCOUNTS[Account(row.credit_id)]),
        ListColumn(label=_("Amount"), cell=lambda row: money(row.amount_minor, row.currency), number=True),
        ListColumn(label=_("Currency"), cell=lambda row: row.currency),
    )
    filters = (
        date_filter("from", _("from"), "entry__effective_date__gte"),
        date_filter("until", _("until"), "entry__effective_date__lte"),
        Filter(name="account", label=_("account"), keep=_of_account, choices=member(Account, ACCOUNTS)),
        Filter(name="loan", label=_("loan"), keep=of_loan("entry__loan")),
        choice_filter("code", _("what"), ENTRY_CODE_WORDS, field="entry__code"),
        value_filter("currency", _("currency"), lent_currencies),
        choice_filter("debit", _("debit"), ACCOUNTS),
        choice_filter("credit", _("credit"), ACCOUNTS),
    )
    list_related = ("entry__loan", "entry__close", "entry__statement")
    related = ("entry__loan", "entry__close", "entry__product", "entry__statement")
    empty = _("Nothing is booked: this appears with the first loan that is paid out.")

    def list_parts(self, listing: Listing) -> Sequence[Part]:
        """Show what the rows come to: of one account, as its trial balance has it."""
        if listing.are_many or not listing.is_narrowed:
            return []
        chosen = {part.filter.name: part.value for part in listing.filters}
        account = chosen["account"] or chosen["debit"] or chosen["credit"]
        facts: list[tuple[Any, object]] = []
        for currency, debit, credit, amount in sums_of(listing.matching, account):
            if account:
                words = {"account": ACCOUNTS[Account(account)], "currency": currency}
                facts += [
                    (_t("%(account)s, debited, %(currency)s") % words, money(debit, currency)),
                    (_t("%(account)s, credited, %(currency)s") % words, money(credit, currency)),
                    (_t("Debits less credits, %(currency)s") % words, money(debit - credit, currency)),
                ]
            else:
                facts.append((_t("Postings, %(currency)s") % {"currency": currency}, money(amount, currency)))
        return [Facts(facts)] if facts else []

    def page_of(self, row: Posting, request: HttpRequest) -> Page:
        entry = row.entry
        columns = [
            Column(label=_("Debit")),
            Column(label=_("Credit")),
            Column(label=_("Amount"), number=True),
            Column(label=_("Currency")),
        ]
        rows = [
            [ACCOUNTS[Account(one.debit_id)], ACCOUNTS[Account(one.credit_id)], money(one.amount_minor, one.currency),
             one.currency]
            for one in entry.postings.order_by("pk")
        ]  # fmt: skip
        facts = [
            (_("Day of the books"), entry.effective_date),
            (_("Booked, UTC"), entry.booked_at),
            (_("Of"), _source(entry)),
            (_("Product"), None if entry.product is None else linked(entry.product)),
        ]
        return Page(
            title=_t("Entry %(number)s: %(what)s") % {"number": entry.pk, "what": ENTRY_CODE_WORDS[entry.code]},
            cards=[
                Card(title=_("Entry"), parts=[Facts(facts)], span=5),
                Card(title=_("Postings"), parts=[Table(columns=columns, rows=rows)], span=7),
            ],
        )
