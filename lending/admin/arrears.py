"""Office pages of arrears: the collectors' queue, a case, and what is done with it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.business_date import get_business_date
from config.office.display import Alert, Card, Cell, Column, Facts, Figure, Page, Table, Text, chip, linked
from config.office.events import subject_of
from config.office.lists import Filter, ListColumn, Search, choice_filter
from config.office.note_card import NOTES
from config.office.pages import OfficeAdmin, name_of, name_over, named
from config.office.verbs import Asked, Verb, asked_by, url_name
from config.office.words import Words, money
from lending.admin.arrears_verbs import VERBS, is_open
from lending.admin.arrears_words import CASE_STATES, CHANNELS, PROMISE_STATES, RESULTS
from lending.admin.contact_details import details_card
from lending.admin.handovers import handover_alerts, handover_answer, handover_cards
from lending.admin.letters import letters_card
from lending.admin.loan_verbs import VERBS as LOAN_VERBS
from lending.admin.words import late_words, loan_chip
from lending.domain.arrears.case import CaseState, Channel, ContactResult, Debt
from lending.domain.arrears.promise import PromiseState
from lending.domain.books.loan import LoanStatus
from lending.models import ArrearsCase, CaseContact, CaseHandover, Loan, PaymentPromise
from lending.queries.arrears import (
    case_of,
    contacts_of,
    debt_of,
    debts_of,
    handed_over,
    loans_of,
    owners_of_cases,
    promises_of,
)
from lending.queries.closes import StandingLoan, closed_to
from lending.queries.handovers import handovers_of
from lending.queries.letters import letters_of
from lending.queries.search import search_cases

SHOWN: Final = 50
NOBODY: Final = "nobody"
AGREED: Final = frozenset({"pause", "extend", "re_amortise", "re_age", "settle", "write_off"})
"""Verbs of loans: forbearance, and amounts forgiven."""


def _owners() -> list[tuple[str, Words]]:
    owners = owners_of_cases()
    names = named(owners)
    return [(NOBODY, _("Nobody")), *((owner, names[owner] or owner) for owner in owners)]


def _due_by(rows: QuerySet[ArrearsCase], _value: str) -> QuerySet[ArrearsCase]:
    return rows.filter(state=CaseState.OPEN, next_on__lte=get_business_date())


def _with_agency(rows: QuerySet[ArrearsCase], value: str) -> QuerySet[ArrearsCase]:
    theirs = CaseHandover.objects.open().values("case")
    return rows.filter(pk__in=theirs) if value == "yes" else rows.exclude(pk__in=theirs)


@dataclass(frozen=True, slots=True)
class _Listed:
    case: ArrearsCase
    debt: Debt
    owner: str | None
    is_handed_over: bool


@admin.register(ArrearsCase)
class ArrearsCaseAdmin(OfficeAdmin[ArrearsCase]):
    title = _("Arrears")
    columns = (
        ListColumn(
            label=_("Merchant"),
            cell=lambda row: name_over(row.case.merchant.name, str(row.case)),
            sort="merchant__name",
        ),
        ListColumn(
            label=_("State"),
            cell=lambda row: replace(
                chip(*CASE_STATES[CaseState(row.case.state)]), note=_("at an agency") if row.is_handed_over else ""
            ),
        ),
        ListColumn(
            label=_("Next action"),
            cell=lambda row: row.case.next_on if is_open(row.case) else None,
            style="tl-nowrap",
            sort="next_on",
            ascends_first=True,
        ),
        ListColumn(label=_("Worked on by"), cell=lambda row: row.owner),
        ListColumn(label=_("Due and unpaid"), cell=lambda row: _amount(row, row.debt.due_minor), number=True),
        ListColumn(
            label=_("Principal"),
            cell=lambda row: _amount(row, row.debt.principal_minor),
            number=True,
            sort="principal_minor",
        ),
        ListColumn(label=_("Currency"), cell=lambda row: row.case.currency),
        ListColumn(
            label=_("Past due since"),
            cell=lambda row: row.debt.late_since,
            style="tl-nowrap",
            sort="late_since",
            sort_nulls=True,
            ascends_first=True,
        ),
    )
    filters = (
        choice_filter("state", _("state"), CASE_STATES),
        Filter(name="next", label=_("next action"), choices=lambda: [("due", _("Today or before"))], keep=_due_by),
        Filter(
            name="owner",
            label=_("worked on by"),
            choices=_owners,
            keep=lambda rows, owner: rows.filter(owner="" if owner == NOBODY else owner),
            comes_and_goes=True,
        ),
        Filter(
            name="agency",
            label=_("agency"),
            choices=lambda: [("yes", _("Collects it")), ("no", _("None"))],
            keep=_with_agency,
        ),
        Filter(
            name="promise",
            label=_("promise"),
            choices=lambda: ((state.value, said) for state, (said, _tint) in PROMISE_STATES.items()),
            keep=lambda rows, state: rows.filter(
                pk__in=PaymentPromise.objects.filter(state=PromiseState(state)).values("case")
            ),
        ),
    )
    search = Search(help=_("Case number or merchant"), keep=lambda rows, term: search_cases(term, rows))
    list_related = ("merchant",)
    related = ("merchant__partner",)
    verbs = VERBS
    notes = NOTES
    empty = _("No case yet. A close opens one for each borrower that is 3 days past due.")

    def prepare(self, rows: list[ArrearsCase]) -> Sequence[_Listed]:
        names, agencies = named([case.owner for case in rows]), handed_over([case.pk for case in rows])
        debts = debts_of({case.merchant_id for case in rows if is_open(case)}, on=closed_to())
        return [
            _Listed(
                case=case,
                debt=debts.get(case.merchant_id, Debt()) if is_open(case) else Debt(),
                owner=names[case.owner] if case.owner else None,
                is_handed_over=case.pk in agencies,
            )
            for case in rows
        ]

    def further_urls(self, wrap: Callable[..., Any]) -> list[URLPattern]:
        return [path("<int:object_id>/file/", wrap(self.download), name="lending_arrearscase_file")]

    def download(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Return the file of the last hand-over of a case."""
        return handover_answer(request, self.found(object_id))

    def subjects_of(self, row: ArrearsCase) -> Sequence[str]:
        """Tell of what is asked for with the borrower's loans, too: relief and settlements are agreed here."""
        return [subject_of(row), *map(subject_of, Loan.objects.filter(merchant=row.merchant_id))]

    def page_of(self, row: ArrearsCase, request: HttpRequest) -> Page:
        promises, contacts = promises_of(row, most=SHOWN), contacts_of(row, most=SHOWN)
        loans = loans_of(row.merchant_id) if is_open(row) else []
        handovers = handovers_of(row)
        names: dict[Any, Any] = named([row.owner, *(one.actor for one in contacts), *(one.made_by for one in promises)])
        closed = None
        if row.closed_on is not None:
            closed = _t("closed on %(date)s by %(who)s") % {"date": row.closed_on, "who": name_of(row.closed_by)}
        return Page(
            title=f"{row.merchant.name} · {row}",
            name=linked(row.merchant, row.merchant.name),
            chips=[chip(*CASE_STATES[CaseState(row.state)])],
            sub=[
                str(row),
                _t("opened on %(date)s") % {"date": row.opened_on},
                _t("worked on by %(who)s") % {"who": names[row.owner]} if row.owner else _t("nobody works on it"),
                closed,
                row.reason or None,
            ],
            alerts=handover_alerts(handovers),
            figures=_figures(row) if is_open(row) else [],
            cards=[
                *([_loans(loans)] if is_open(row) else []),
                details_card(row.merchant_id, request, span=5),
                *_agreements(loans, asked_by(request)),
                _promises(promises, row, names),
                _contacts(contacts, names),
                letters_card(row, letters_of(row, most=SHOWN), span=12),
                *handover_cards(handovers, request),
            ],
        )


def _figures(case: ArrearsCase) -> list[Figure]:
    debt = debt_of(case.merchant_id)
    return [
        Figure(
            label=_t("Due and unpaid, %(currency)s") % {"currency": case.currency},
            value=money(debt.due_minor, case.currency),
            note=late_words(debt.dpd) if debt.dpd else "",
        ),
        Figure(label=_("Written off and owed"), value=money(debt.claim_minor, case.currency)),
        Figure(label=_("Owed in all"), value=money(debt.owed_minor, case.currency)),
        Figure(label=_("Next action"), value=case.next_on),
    ]


def _amount(row: _Listed, minor: int) -> str:
    return money(minor, row.case.currency)


def _loans(loans: Sequence[StandingLoan]) -> Card:
    columns = [
        Column(label=_("Loan"), style="tl-nowrap"),
        Column(label=_("State")),
        Column(label=_("Days past due"), number=True),
        Column(label=_("Due and unpaid"), number=True),
        Column(label=_("Owed in all"), number=True),
    ]
    rows = [
        [
            linked(one.loan),
            chip(*loan_chip(LoanStatus(one.loan.status), one.standing.dpd)),
            one.standing.dpd,
            money(one.standing.due_minor, one.loan.currency),
            money(one.standing.position.owed_minor, one.loan.currency),
        ]
        for one in loans
    ]
    return Card(
        title=_("Loans"), parts=[Table(columns=columns, rows=rows, empty=_("Nothing is owed any more."))], span=7
    )


def _agreements(loans: Sequence[StandingLoan], asked: Asked) -> list[Card]:
    """Lead to what may be agreed on each loan, for whoever may ask for it."""
    verbs = [verb for verb in LOAN_VERBS if verb.name in AGREED and asked.may(verb.right)]
    if not verbs or not loans:
        return []
    facts: list[tuple[Words, object]] = []
    for one in loans:
        links = [_verb_link(verb, one.loan) for verb in verbs if verb.offered(one.loan)]
        facts.append((str(one.loan), replace(links[0], more=links[1:])))
    note = Text(_("A second person approves each of these before it is done."), "tl-note")
    return [Card(title=_("What may be agreed with the borrower"), parts=[note, Facts(facts)], span=12)]


def _verb_link(verb: Verb, loan: Loan) -> Cell:
    return Cell(text=verb.label, link=reverse(f"admin:{url_name(Loan, verb)}", args=[loan.pk]), tint="")


def _promises(promises: Sequence[PaymentPromise], case: ArrearsCase, names: dict[Any, Any]) -> Card:
    columns = [
        Column(label=_("By"), style="tl-nowrap"),
        Column(label=_("State")),
        Column(label=_("Promised"), number=True),
        Column(label=_("Paid"), number=True),
        Column(label=_("Recorded")),
    ]
    rows = [
        [
            one.due_on,
            replace(chip(*PROMISE_STATES[PromiseState(one.state)]), note=one.reason),
            money(one.amount_minor, case.currency),
            money(one.paid_minor, case.currency),
            Cell(text=names[one.made_by], note=one.made_on.isoformat()),
        ]
        for one in promises
    ]
    return Card(title=_("Promises"), parts=[Table(columns=columns, rows=rows, empty=_("No promise yet."))], span=6)


def _contacts(contacts: Sequence[CaseContact], names: dict[Any, Any]) -> Card:
    columns = [
        Column(label=_("On"), style="tl-nowrap"),
        Column(label=_("What came of it")),
        Column(label=_("By")),
    ]
    rows = [
        [
            Cell(text=one.on, note=CHANNELS[Channel(one.channel)] if one.channel != Channel.NONE else ""),
            Cell(text=RESULTS[ContactResult(one.result)], note=one.words),
            names[one.actor],
        ]
        for one in contacts
    ]
    return Card(title=_("Contacts"), parts=[Table(columns=columns, rows=rows, empty=_("No contact yet."))], span=6)


def case_alerts(merchant_id: int, request: HttpRequest) -> list[Alert]:
    """Say on the pages of a borrower and its loans that somebody collects its arrears."""
    if not request.user.has_perm("lending.view_arrearscase"):
        return []
    case = case_of(merchant_id)
    if case is None:
        return []
    who = name_of(case.owner) if case.owner else _t("nobody")
    said = _t("worked on by %(who)s, next action on %(date)s.") % {"who": who, "date": case.next_on}
    return [Alert(link=linked(case, _t("Arrears: %(case)s") % {"case": case}), text=said)]
