"""Office pages of applications: what was known, which rules fired, which cap binds, and the decisions of people."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.actors import actor_of
from config.office.colleagues import waiting_filter
from config.office.display import (
    Alert,
    Card,
    Cell,
    Column,
    Facts,
    Figure,
    Page,
    Part,
    Table,
    Text,
    chip,
    grade_chip,
    linked,
    mono,
)
from config.office.lists import ListColumn, Search, choice_filter, date_filter
from config.office.note_card import NOTES
from config.office.pages import OfficeAdmin, name_of, name_over, named
from config.office.verbs import TO_BE_GIVEN, Asked, Refusals, Verb, VerbForm, reason_field
from config.office.words import Words, money, money_with_currency
from lending.admin.caps import caps_parts
from lending.admin.words import (
    APPLICATION_STATES,
    GROUNDS,
    OUTCOMES,
    PRODUCT_KINDS,
    REVIEW_REFUSALS,
    UNPROVEN,
    months_words,
)
from lending.domain.origination.application import ApplicationState
from lending.domain.origination.decision import NotDecidable
from lending.domain.origination.product import Band, ProductKind
from lending.domain.origination.product_document import ProductMalformed
from lending.domain.origination.rules import Ground, Outcome
from lending.domain.origination.snapshot import SnapshotMalformed
from lending.models import Application, Decision
from lending.operations.applications import ApplicationNotReviewed, review_application
from lending.queries.applications import (
    decisions_of,
    get_review_refusal,
    grounds_of,
    line_of,
    loan_of,
    replay_decision,
    waiting_applications,
)
from lending.queries.search import search_applications

REFUSALS: Final[Refusals] = {ApplicationNotReviewed: {**REVIEW_REFUSALS, **GROUNDS}}
COUNTED: Final = (_("Counted"), "tl-bad")
FIRED: Final = (_("Applies too"), "tl-warn")
PASSED: Final = (_("Passed"), "tl-ok")


class ReviewForm(VerbForm):
    reason = reason_field(help_text=_("The reason is kept with the decision, with your name."))


def band_of(user: User) -> Band | None:
    """Return the widest authority of the user."""
    if user.has_perm("lending.decide_any_application"):
        return Band.RISK_MANAGER
    return Band.UNDERWRITER if user.has_perm("lending.decide_application") else None


def decidable_by(user: User) -> QuerySet[Application]:
    """Keep the applications that wait for this person's decision."""
    return waiting_applications(actor=actor_of(user), band=band_of(user))


def _review(outcome: Outcome, name: str, label: Words, note: Words, *, is_primary: bool = False) -> Verb:
    def why_not(application: Application, asked: Asked) -> Words | None:
        refusal = get_review_refusal(
            application, outcome=outcome, band=band_of(asked.user), actor=asked.actor, reason=TO_BE_GIVEN
        )
        return None if refusal is None else REVIEW_REFUSALS[refusal]

    return Verb(
        name=name,
        label=label,
        group=_("Decision"),
        right="lending.decide_application",
        form=ReviewForm,
        note=note,
        about=lambda application, _asked: [Facts([(_("Amount"), _asked_for(application))])],
        why_not=why_not,
        call=lambda application, asked: review_application(
            application_id=application.pk,
            outcome=outcome,
            reason=asked.data["reason"],
            band=band_of(asked.user),
            actor=asked.actor,
            now=asked.now,
        ),
        done=OUTCOMES[outcome],
        refusals=REFUSALS,
        is_primary=is_primary,
    )


def _asked_for(application: Application) -> str:
    return money_with_currency(application.amount_minor, application.currency)


@admin.register(Application)
class ApplicationAdmin(OfficeAdmin[Application]):
    columns = (
        ListColumn(
            label=_("Merchant"),
            cell=lambda row: name_over(row[0].merchant.name, row[0].external_ref),
            sort="merchant__name",
            indexed=True,
        ),
        ListColumn(label=_("State"), cell=lambda row: chip(*APPLICATION_STATES[ApplicationState(row[0].state)])),
        ListColumn(label=_("Grade"), cell=lambda row: grade_chip(row[0].score.grade)),
        ListColumn(
            label=_("Amount"), cell=lambda row: money(row[0].amount_minor, row[0].currency), number=True,
            sort="amount_minor",
        ),
        ListColumn(label=_("Currency"), cell=lambda row: row[0].currency),
        ListColumn(label=_("Term"), cell=lambda row: _term(row[0]), style="tl-nowrap"),
        ListColumn(label=_("Because"), cell=lambda row: GROUNDS[Ground(row[1])] if row[1] else ""),
        ListColumn(label=_("Entered, UTC"), cell=lambda row: row[0].entered_at, style="tl-nowrap", sort="entered_at"),
    )  # fmt: skip
    filters = (
        choice_filter("state", _("state"), APPLICATION_STATES),
        date_filter("since", _("applied since"), "applied_on__gte"),
        waiting_filter(decidable_by),
    )
    search = Search(
        help=_("Application number, merchant or reference"),
        keep=lambda rows, term: search_applications(term, rows),
    )
    list_related = ("merchant", "score", "product")
    related = ("merchant__partner", "product", "offer", "score__run", "line")
    verbs = (
        _review(
            Outcome.APPROVE,
            "approve",
            _("Approve"),
            _("The loan is made at the price that was signed, and its payout ordered at once; or the line is opened."),
            is_primary=True,
        ),
        _review(
            Outcome.DECLINE, "decline", _("Decline"), _("No money leaves. The merchant may be made another offer.")
        ),
    )
    notes = NOTES
    empty = _("No application yet. One is made when an offer is accepted.")

    def prepare(self, rows: list[Application]) -> Sequence[Any]:
        grounds = grounds_of(rows)
        return [(row, grounds.get(row.pk, "")) for row in rows]

    def page_of(self, row: Application, request: HttpRequest) -> Page:
        decisions, loan, line = decisions_of(row), loan_of(row), line_of(row)
        known = _known(decisions[-1], row)
        applied = {"date": row.applied_on, "who": name_of(row.entered_by)}
        asked = Figure(
            label=_t("Requested, %(currency)s") % {"currency": row.currency},
            value=money(row.amount_minor, row.currency),
            note=_term(row),
        )
        return Page(
            title=f"{row.external_ref} · {row.merchant.name}",
            name=linked(row.merchant, row.merchant.name),
            chips=[chip(*APPLICATION_STATES[ApplicationState(row.state)])],
            sub=[
                row.external_ref,
                _t("applied on %(date)s, entered by %(who)s") % applied,
                linked(row.product),
                None if loan is None else linked(loan),
                None if line is None else linked(line),
            ],
            alerts=known.alerts,
            figures=[asked, *known.figures],
            cards=[*known.cards, _decided(decisions), _signed(row)],
        )


def _term(application: Application) -> Words:
    """Return the term that is asked for; none opens a line, on which terms follow."""
    if application.months is None and application.line_id is None:
        return PRODUCT_KINDS[ProductKind(application.product.kind)]
    return months_words(application.months)


def _known(decision: Decision, application: Application) -> Page:
    """Show what was known, which rules fired on the last decision's snapshot, which cap binds; and prove the result."""
    try:
        replayed = replay_decision(decision)
    except NotDecidable as refused:
        return Page(title="", alerts=[Alert(text=UNPROVEN[refused.reason])])
    except (SnapshotMalformed, ProductMalformed):
        damaged = _("The stored snapshot cannot be read: the decision cannot be proven.")
        return Page(title="", alerts=[Alert(tint="tl-bad", text=damaged)])
    facts, verdict, currency = replayed.facts, replayed.verdict, application.currency
    score = facts.merchant.score
    proof = (
        Alert(tint="tl-ok", text=_("Decided again on the stored snapshot just now: the same result, to the last bit."))
        if replayed.equal
        else Alert(
            tint="tl-bad", text=_("Decided again on the stored snapshot, the result differs from the stored one.")
        )
    )
    figures = [
        Figure(
            label=_("Available under what is granted"),
            value=money(verdict.free_minor, currency),
            note=_("the granted limit, less what was outstanding"),
        ),
        Figure(label=_("Score then"), value=Cell(text=score.score, more=[Cell(text=grade_chip(score.grade))])),
        Figure(label=_("Sales basis a month"), value=money(score.sales_basis_minor, currency)),
        Figure(label=_("Outstanding then"), value=money(facts.merchant.exposure.outstanding_minor, currency)),
    ]
    rules = Table(
        columns=[Column(label=_("Stops the application if")), Column(label=_("Result"))],
        rows=[
            [GROUNDS[ground], chip(*(COUNTED if ground is verdict.ground else FIRED if fired else PASSED))]
            for ground, fired in verdict.evaluated
        ],
    )
    explained = Text(_("Rules are tried in this order. The first that applies decides."), "tl-note")
    limit: list[Part] = [Text(_("No limit: the merchant has no score, or its grade is below the cut-off."))]
    if verdict.limit is not None:
        caps = {str(cap): minor for cap, minor in verdict.limit.caps.items()}
        limit = caps_parts(caps, verdict.limit.binding, currency)
    cards = [
        Card(title=_("Rules, in their order"), parts=[rules, explained], span=6),
        Card(title=_("What can be lent"), parts=limit, span=6),
    ]
    return Page(title="", alerts=[proof], figures=figures, cards=cards)


def _decided(decisions: Sequence[Decision]) -> Card:
    people = named(decision.actor for decision in decisions)
    columns = [
        Column(label=_("At, UTC"), style="tl-nowrap"),
        Column(label=_("Outcome")),
        Column(label=_("Because")),
        Column(label=_("By")),
    ]
    rows = [
        [
            decision.booked_at,
            OUTCOMES[Outcome(decision.outcome)],
            Cell(text=GROUNDS[Ground(decision.ground)] if decision.ground else "", note=decision.reason),
            people[decision.actor],
        ]
        for decision in decisions
    ]
    return Card(title=_("Decisions"), parts=[Table(columns=columns, rows=rows)], span=7)


def _signed(application: Application) -> Card:
    facts = [
        (_("Signed by"), application.signed_by),
        (_("At, UTC"), application.signed_at),
        (_("From address"), application.signed_from or None),
        (_("Document, SHA-256"), mono(application.document_sha256)),
    ]
    return Card(title=_("Signed terms"), parts=[Facts(facts)], span=5)
