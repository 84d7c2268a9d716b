"""Office pages of loans."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from django.contrib import admin
from django.db.models import Q
from django.http import Http404, HttpRequest, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.kernel.exact import INT64_MAX
from config.office.business_date import current_day
from config.office.display import Column, Page, Part, Table, Text, chip, grade_chip
from config.office.lists import Filter, ListColumn, Listing, ListOf, Search, choice_filter, member, value_filter
from config.office.note_card import NOTES
from config.office.pages import OfficeAdmin, name_over
from config.office.words import money
from lending.admin.delinquency_words import bucket_chip, bucket_filter
from lending.admin.loan_page import loan_page
from lending.admin.loan_verbs import VERBS
from lending.admin.words import LATENESS, LOAN_STATUSES, loan_chip
from lending.domain.books.at_rest import Standing
from lending.domain.books.delinquency_policy import DelinquencyPolicy
from lending.domain.books.loan import LoanStatus
from lending.models import Loan
from lending.queries.closes import with_standings
from lending.queries.delinquency import Classed, classes_of, current_policy
from lending.queries.loans import get_loan
from lending.queries.portfolio import Lateness, lent_currencies, totals_of_list, with_lateness
from lending.queries.search import search_loans
from scoring.domain.calibration import GRADES

STATUSES: Final = {status: words for status, (words, _tint) in LOAN_STATUSES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedLoan:
    """A row of the list: a loan, how it stands, and how it is classed as of the business date, if it runs."""

    loan: Loan
    standing: Standing
    classed: Classed | None
    policy: DelinquencyPolicy


@admin.register(Loan)
class LoanAdmin(OfficeAdmin[Loan]):
    columns = (
        ListColumn(
            label=_("Merchant"), cell=lambda row: name_over(row.loan.merchant.name, str(row.loan)),
            sort="merchant__name", indexed=True,
        ),
        ListColumn(
            label=_("Status"), cell=lambda row: chip(*loan_chip(LoanStatus(row.loan.status), row.standing.dpd))
        ),
        ListColumn(label=_("Grade"), cell=lambda row: grade_chip(_grade(row.loan))),
        ListColumn(
            label=_("Days past due"), cell=lambda row: row.standing.dpd or "", number=True, sort="late_since",
            sort_nulls=True, indexed=True, ascends_first=True,
        ),
        ListColumn(
            label=_("Bucket"), cell=lambda row: bucket_chip(row.policy, row.classed), sort="late_since",
            sort_nulls=True, indexed=True, ascends_first=True,
        ),
        ListColumn(
            label=_("Due"), cell=lambda row: _amount(row, row.standing.due_minor), number=True, sort="due_minor"
        ),
        ListColumn(
            label=_("Outstanding"), cell=lambda row: money(row.loan.principal_minor, row.loan.currency), number=True,
            sort="principal_minor",
        ),
        ListColumn(
            label=_("Amount"), cell=lambda row: money(row.loan.amount_minor, row.loan.currency), number=True,
            sort="amount_minor",
        ),
        ListColumn(label=_("Currency"), cell=lambda row: row.loan.currency),
        ListColumn(label=_("Paid out"), cell=lambda row: row.loan.disbursed_on, style="tl-nowrap", sort="disbursed_on",
                   sort_nulls=True),
        ListColumn(label=_("Next due"), cell=lambda row: row.loan.next_due, style="tl-nowrap", sort="next_due",
                   sort_nulls=True),
    )  # fmt: skip
    filters = (
        choice_filter("status", _("status"), STATUSES),
        Filter(
            name="late",
            label=_("days past due"),
            choices=member(Lateness, LATENESS),
            keep=lambda rows, value: with_lateness(rows, Lateness(value)),
        ),
        Filter(
            name="grade",
            label=_("grade"),
            choices=lambda: ((grade.value, grade.value) for grade in GRADES),
            keep=lambda rows, value: rows.filter(Q(application__offer__grade=value) | Q(imported__grade=value)),
        ),
        value_filter("currency", _("currency"), lent_currencies),
    )
    search = Search(
        help=_("Loan number, merchant, or reference of contract or payment"),
        keep=lambda rows, term: search_loans(term, rows),
    )
    list_related = ("merchant", "application__offer", "imported")
    verbs = VERBS
    notes = NOTES
    empty = _("No loan yet. A loan begins when an offer is accepted.")

    def described(self, asked: QueryDict) -> ListOf:
        policy, on, found = current_policy(), current_day(timezone.now()), super().described(asked)
        status, late, *others = found.filters
        return replace(
            found,
            filters=[status, late, bucket_filter(policy, on=on, loan="pk"), *others],
            prepare=lambda rows: _prepared(rows, policy, on),
        )

    def list_parts(self, listing: Listing) -> Sequence[Part]:
        narrowed = {chosen.filter.name: chosen.value for chosen in listing.filters if chosen.value}
        totals = totals_of_list(listing.matching, narrowed, is_searched=bool(listing.term), are_many=listing.are_many)
        if totals is None:
            words = _t("Totals are shown of %(bound)s loans or fewer: narrow the list.") % {"bound": listing.bound}
            return [Text(words, "tl-note")]
        columns = [
            Column(label=_("Total")),
            Column(label=_("Loans"), number=True),
            Column(label=_("Outstanding"), number=True),
            Column(label=_("Disbursed"), number=True),
        ]
        rows = [
            [total.currency, total.loans, money(total.outstanding_minor, total.currency),
             money(total.disbursed_minor, total.currency)]
            for total in totals
        ]  # fmt: skip
        return [Table(columns=columns, rows=rows, style="tl-totals")] if rows else []

    def found(self, object_id: str | int) -> Loan:
        number = int(object_id)
        if number > INT64_MAX:
            raise Http404
        try:
            return get_loan(loan_id=number)
        except Loan.DoesNotExist as error:
            raise Http404 from error

    def page_of(self, row: Loan, request: HttpRequest) -> Page:
        return loan_page(row, request)


def _prepared(loans: Sequence[Loan], policy: DelinquencyPolicy, on: date) -> list[ListedLoan]:
    classes = classes_of(loans, policy, on=on)
    return [
        ListedLoan(loan=found.loan, standing=found.standing, classed=classes.get(found.loan.pk), policy=policy)
        for found in with_standings(loans)
    ]


def _grade(loan: Loan) -> str | None:
    """Return the grade at which a loan was lent; of an imported one, as its book has it."""
    return loan.application.offer.grade if loan.application is not None else loan.imported.grade or None


def _amount(row: ListedLoan, minor: int) -> str:
    return money(minor, row.loan.currency) if minor else ""
