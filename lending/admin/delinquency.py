"""Office pages of delinquency: the loans of a day by bucket, and the list behind each figure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.kernel.calendar import add_months
from config.office.business_date import current_day
from config.office.display import Alert, Button, Card, Cell, Column, Facts, Page, Part, Row, Table, Text, change_url
from config.office.lists import Filter, ListColumn, Listing, ListOf, value_filter
from config.office.pages import OfficeAdmin, name_over
from config.office.words import HUNDREDTH, Words, money, percent
from lending.admin.books import PeriodChoice
from lending.admin.delinquency_words import LEVELS, PAUSES, bucket_chip, bucket_filter, bucket_words
from lending.admin.journal import of_loan
from lending.admin.portfolio_loans import ON, as_of, borrower_filter, day_of, origin_filters
from lending.admin.provision_words import CATEGORIES
from lending.domain.books.delinquency import category_on
from lending.domain.books.delinquency_policy import DelinquencyPolicy
from lending.domain.books.portfolio import PAR
from lending.domain.books.provision_policy import Policy
from lending.models import LoanSpell
from lending.queries.closes import closed_to, last_closed_day
from lending.queries.delinquency import Classed, classes_of, current_policy, late_at_least, running_on
from lending.queries.delinquency_tables import Count, DelinquencyTable, counts_of_list, delinquency_tables
from lending.queries.portfolio import lent_currencies
from lending.queries.provisions import latest_policy, policy_of

EMPTY: Final = _("No loan ran on this day. A loan appears here once it is paid out.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSpell:
    """A row of the list: a loan on the date, how it is classed by which policies."""

    spell: LoanSpell
    classed: Classed
    policy: DelinquencyPolicy
    provisions: Policy | None

    @property
    def category(self) -> Words | None:
        if self.provisions is None:
            return None
        return CATEGORIES[category_on(self.provisions, dpd=self.classed.dpd, worst_dpd=self.classed.worst_dpd)]


def _money(row: ListedSpell, minor: int) -> str:
    return money(minor, row.spell.loan.currency) if minor else ""


@admin.register(LoanSpell)
class LoanSpellAdmin(OfficeAdmin[LoanSpell]):
    title = _("Loans on a day")
    columns = (
        ListColumn(
            label=_("Loan"), cell=lambda row: name_over(row.spell.loan.merchant.name, str(row.spell.loan)), sort="loan",
            indexed=True,
        ),
        ListColumn(label=_("Bucket"), cell=lambda row: bucket_chip(row.policy, row.classed), sort="late_since",
                   sort_nulls=True, ascends_first=True),
        ListColumn(label=_("Days past due"), cell=lambda row: row.classed.dpd or "", number=True),
        ListColumn(label=_("Oldest unpaid due date"), cell=lambda row: row.classed.late_since or "",
                   style="tl-nowrap"),
        ListColumn(label=_("Arrears"), cell=lambda row: _money(row, row.classed.arrears_minor), number=True),
        ListColumn(label=_("Outstanding"), cell=lambda row: _money(row, row.spell.principal_minor), number=True,
                   sort="principal_minor"),
        ListColumn(label=_("Currency"), cell=lambda row: row.spell.loan.currency),
        ListColumn(label=_("Category"), cell=lambda row: row.category),
        ListColumn(label=_("Product"), cell=lambda row: row.spell.loan.product.code),
    )  # fmt: skip
    list_related = ("loan__merchant", "loan__product")
    list_page = "loans"
    list_key = "-loan"  # those of one loan beside each other, whenever they were written
    empty = EMPTY

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.table_view), name="lending_loanspell_changelist"),
            *self.list_urls("loans/"),
        ]

    def table_view(self, request: HttpRequest) -> HttpResponse:
        """Show the loans that ran on a day by product, currency and bucket; without one, on the last that is closed."""
        self.require_view(request)
        today = current_day(timezone.now())
        on, policy = _day(request.GET) or last_closed_day() or today, current_policy()
        is_ahead = on > today
        tables = [] if is_ahead else delinquency_tables(policy, on=on)
        month_ago = add_months(on, -1)
        earlier = delinquency_tables(policy, on=month_ago) if tables else []
        before = {(one.product, one.currency): one for one in earlier}
        cards = [
            card
            for table in tables
            for card in _cards(table, before.get((table.product, table.currency)), policy, on, month_ago)
        ]
        page = Page(
            title=_("Delinquency"),
            sub=[_t("as of %(day)s, after what is booked for it") % {"day": on}],
            alerts=list(_alerts(on, is_ahead=is_ahead)),
            form=PeriodChoice(dates=[(ON, _("As of"), on)]),
            buttons=[Button(label=_("All loans of the day"), url=_listed(on), is_primary=False)],
            cards=[] if is_ahead else [*(cards or [Card(title=_("Delinquency"), parts=[Text(EMPTY)])]), _rule(policy)],
        )
        return self.show(request, page)

    def completed(self, asked: QueryDict) -> QueryDict:
        """Return what is asked for, as of the last day that is closed where no other is."""
        return as_of(asked, last_closed_day() or current_day(timezone.now()))

    def described(self, asked: QueryDict) -> ListOf:
        policy, on = current_policy(), day_of(asked)
        return replace(
            super().described(asked),
            filters=_filters(policy, on),
            prepare=lambda rows: _prepared(rows, policy, on),
            link=lambda row: change_url(row.loan),
        )

    def list_parts(self, listing: Listing) -> Sequence[Part]:
        narrowed = {chosen.filter.name: chosen.value for chosen in listing.filters if chosen.value}
        on, are_many = date.fromisoformat(narrowed.pop(ON)), listing.are_many
        counts = counts_of_list(listing.matching, narrowed, current_policy(), on=on, are_many=are_many)
        if counts is None:
            words = _t("Totals are shown of %(bound)s loans or fewer: narrow the list.") % {"bound": listing.bound}
            return [Text(words, "tl-note")]
        columns = [
            Column(label=_("Total")),
            Column(label=_("Loans"), number=True),
            Column(label=_("Arrears"), number=True),
            Column(label=_("Outstanding"), number=True),
        ]
        rows = [
            [currency, count.loans, money(count.arrears_minor, currency), money(count.principal_minor, currency)]
            for currency, count in counts
        ]
        return [Table(columns=columns, rows=rows, style="tl-totals")] if rows else []


def _day(asked: QueryDict) -> date | None:
    """Return the day that the address asks for. Raises Http404."""
    try:
        return date.fromisoformat(str(asked[ON])) if asked.get(ON) else None
    except ValueError as error:
        raise Http404 from error


def _alerts(on: date, *, is_ahead: bool) -> Iterator[Alert]:
    reached = closed_to()
    if is_ahead:
        yield Alert(text=_("This day has not come yet."))
    elif reached is None or reached < on:
        yield Alert(
            text=_(
                "The nights up to this day are not all closed: what is collected in them is not counted yet, nor what "
                "loans that were late before have missed since."
            )
        )


def _listed(on: date, **asked: str | int) -> str:
    """Return the address of the list with the loans that make a figure."""
    return f"{reverse('admin:lending_loanspell_loans')}?{urlencode({ON: str(on), **asked})}"


def _cards(
    table: DelinquencyTable, before: DelinquencyTable | None, policy: DelinquencyPolicy, on: date, month_ago: date
) -> Iterator[Card]:
    of = {"product": table.product, "currency": table.currency}
    then = [Count()] * len(table.buckets) if before is None else before.buckets

    def a_month_ago(count: Count, **asked: int) -> Cell:
        return Cell(text=money(count.principal_minor, table.currency), link=_listed(month_ago, **of, **asked))

    buckets = Table(
        columns=[
            Column(label=_("Bucket"), style="tl-nowrap"),
            Column(label=_("Loans"), number=True),
            Column(label=_("Arrears"), number=True),
            Column(label=_("Outstanding"), number=True),
            Column(label=_("Share of outstanding"), number=True),
            Column(label=_t("Outstanding on %(day)s") % {"day": month_ago}, number=True),
        ],
        rows=[
            [
                bucket_words(policy, number),
                *_counted(count, table, _listed(on, bucket=number, **of)),
                a_month_ago(then[number], bucket=number),
            ]
            for number, count in enumerate(table.buckets)
        ],
        foot=[
            Row(
                cells=[
                    _("All"),
                    *_counted(table.running, table, _listed(on, **of)),
                    a_month_ago(sum(then, start=Count())),
                ]
            )
        ],
    )
    at_risk = Table(
        columns=[
            Column(label=_("Days past due"), style="tl-nowrap"),
            Column(label=_("Loans"), number=True),
            Column(label=_("Share"), number=True),
            Column(label=_("Outstanding"), number=True),
            Column(label=_("PAR"), number=True),
        ],
        rows=[_at_risk(days, count, table, _listed(on, dpd=days, **of)) for days, count in table.at_risk.items()],
    )
    name = f"{table.product}, {table.currency}"
    yield Card(title=name, parts=[buckets], span=7)
    yield Card(title=_t("Portfolio at risk: %(name)s") % {"name": name}, parts=[at_risk], span=5)


def _counted(count: Count, table: DelinquencyTable, link: str) -> list[object]:
    return [
        Cell(text=f"{count.loans:,}", link=link, tag="bucket"),
        Cell(text=money(count.arrears_minor, table.currency), link=link),
        Cell(text=money(count.principal_minor, table.currency), link=link),
        percent(count.principal_minor, table.running.principal_minor, HUNDREDTH),
    ]


def _at_risk(days: int, count: Count, table: DelinquencyTable, link: str) -> list[object]:
    return [
        _t("%(days)s or more") % {"days": days},
        Cell(text=f"{count.loans:,}", link=link, tag=f"par-{days}"),
        percent(count.loans, table.running.loans, HUNDREDTH),
        Cell(text=money(count.principal_minor, table.currency), link=link),
        percent(count.principal_minor, table.running.principal_minor, HUNDREDTH),
    ]


def _rule(policy: DelinquencyPolicy) -> Card:
    cure: Words = _("at once")
    if policy.cure_days:
        words = ngettext("after %(days)s day in a row", "after %(days)s days in a row", policy.cure_days)
        cure = words % {"days": policy.cure_days}
    facts: list[tuple[Words, object]] = [
        (_("Buckets begin at"), ", ".join(str(bucket.from_days) for bucket in policy.rule.buckets)),
        (_("Days of grace"), policy.rule.grace_days),
        (_("Days of an agreed pause"), PAUSES[policy.pauses]),
        (_("Loans of one borrower"), LEVELS[policy.level]),
        (_("A loan leaves its bucket for a better one"), cure),
    ]
    version = {"number": policy.version}
    note = _(
        "Arrears are principal and interest of instalments past due; fees, penalties and the interest since the last "
        "due date come on top. Portfolio at risk counts each loan by its own days past due, whatever its bucket; from "
        "30 days on it is the delinquency rate. Loans that are written off do not count."
    )
    return Card(
        title=_t("How loans are classed: policy, version %(number)s") % version,
        parts=[Facts(facts, halves=True), Text(note, "tl-note")],
    )


def _filters(policy: DelinquencyPolicy, on: date) -> tuple[Filter, ...]:
    return (
        Filter(name=ON, label=_("as of"), keep=lambda rows, _text: running_on(rows, on), kind="date"),
        bucket_filter(policy, on=on, loan="loan", none=True),
        Filter(
            name="dpd",
            label=_("days past due"),
            choices=lambda: ((str(days), _t("%(days)s or more") % {"days": days}) for days in PAR),
            keep=lambda rows, text: late_at_least(rows, int(text), on=on),
        ),
        *origin_filters("loan__origin__"),
        borrower_filter("loan__origin__"),
        value_filter("currency", _("currency"), lent_currencies, field="loan__currency"),
        Filter(name="loan", label=_("loan"), keep=of_loan("loan")),
    )


def _prepared(spells: Sequence[LoanSpell], policy: DelinquencyPolicy, on: date) -> list[ListedSpell]:
    classes = classes_of([spell.loan for spell in spells], policy, on=on)
    latest = latest_policy()
    provisions = None if latest is None else policy_of(latest)
    return [
        ListedSpell(spell=spell, classed=classes[spell.loan_id], policy=policy, provisions=provisions)
        for spell in spells
    ]
