"""What one merchant is offered, draws on, owes and applied for: cards of its page."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.display import Button, Card, Cell, Column, Heading, Part, Table, Text, chip, linked
from config.office.verbs import asked_by
from config.office.words import Words, money
from lending.admin.caps import caps_parts
from lending.admin.offer import APPLY
from lending.admin.words import (
    APPLICATION_STATES,
    CAPS,
    INELIGIBLE,
    LINE_STATES,
    MEASURES,
    NO_OFFERS,
    NOT_SCORED_OFFER,
    PRODUCT_KINDS,
    late_words,
    loan_chip,
)
from lending.domain.books.loan import LoanStatus
from lending.domain.origination.application import ApplicationState
from lending.domain.origination.assessment import NoOffer
from lending.domain.origination.eligibility import Ineligible
from lending.domain.origination.limit import Cap
from lending.domain.origination.line import LineState
from lending.domain.origination.no_offer import Measure, NoOfferExplanation, Threshold
from lending.domain.origination.offer import read_choices
from lending.models import Application, Offer
from lending.queries.borrowing import Borrowing, Offering
from lending.queries.closes import StandingLoan
from lending.queries.lines import StandingLine
from merchants.models import Merchant
from scoring.domain.policy import NotScored
from scoring.models import Score


def borrowing_cards(borrowing: Borrowing, merchant: Merchant, score: Score | None, request: HttpRequest) -> list[Card]:
    """Return a card for each kind of product, and those of the lines and the loans."""
    cards = [_offering(offering, merchant, score, request) for offering in borrowing.offerings]
    if not cards:
        unsold = _("Not assessed yet: this takes a product in this currency and a published score.")
        cards = [Card(title=_("No offer"), parts=[Text(unsold)], span=6)]
    return [*cards, *([_lines(borrowing, merchant)] if borrowing.lines else []), _loans(borrowing)]


def _offering(offering: Offering, merchant: Merchant, score: Score | None, request: HttpRequest) -> Card:
    offer, assessment, granted = offering.offer, offering.assessment, offering.granted_minor
    kind = {"kind": PRODUCT_KINDS[offering.kind]}
    if offer is not None:
        address = reverse("admin:lending_offer_apply", args=[offer.pk])
        button = Button(label=APPLY.label, url=address, why=APPLY.why_off(offer, asked_by(request)))
        parts = [*_offered(offer), *caps_parts(offer.caps, offer.binding, offer.currency, granted_minor=granted)]
        return Card(title=_t("Offer: %(kind)s") % kind, parts=parts, span=6, buttons=[button])
    parts = _not_offered(offering, merchant, score)
    if assessment is not None and assessment.limit is not None:
        caps = {str(cap): minor for cap, minor in assessment.limit.caps.items()}
        parts += caps_parts(caps, assessment.limit.binding, merchant.currency, granted_minor=granted)
    title = PRODUCT_KINDS[offering.kind] if offering.has_line else _t("No offer: %(kind)s") % kind
    return Card(title=title, parts=parts, span=6)


def _offered(offer: Offer) -> list[Part]:
    longest = max((months for months, most in read_choices(offer.most_by_months).items() if months and most), default=0)
    said = _t("Up to %(limit)s %(currency)s at %(daily)s a day on what is outstanding.")
    if longest:
        said = _t(
            "Up to %(limit)s %(currency)s over at most %(months)s months, at %(daily)s a day on what is outstanding."
        )
    made = _t("Made on %(made)s, to be accepted before %(until)s; at least %(minimum)s.")
    return [
        Text(
            said
            % {
                "limit": money(offer.limit_minor, offer.currency),
                "currency": offer.currency,
                "months": longest,
                "daily": f"{offer.daily_rate * 100:.3f} %",
            },
            "tl-strong",
        ),
        Text(
            made
            % {
                "made": offer.made_on,
                "until": offer.expires_on,
                "minimum": money(offer.minimum_minor, offer.currency),
            },
            "tl-note",
        ),
    ]


def _not_offered(offering: Offering, merchant: Merchant, score: Score | None) -> list[Part]:
    if offering.has_line:
        return [Text(_("The merchant has a line: it draws on that."))]
    if offering.without is not None:
        return _without(offering.without, merchant, score)
    if offering.assessment is not None:
        return [Text(_("The rules allow one; it is made with the next round, after a run is published."))]
    return [Text(_("Not assessed yet: this takes a product in this currency and a published score."))]


def _lines(borrowing: Borrowing, merchant: Merchant) -> Card:
    columns = [
        Column(label=_("Line"), style="tl-nowrap"),
        Column(label=_("State")),
        *(Column(label=words, number=True) for words in (_("Limit"), _("Drawn"), _("Left"))),
    ]
    title = _t("Credit lines, %(currency)s") % {"currency": merchant.currency}
    return Card(title=title, parts=[Table(columns=columns, rows=[_line(one) for one in borrowing.lines])], span=6)


def _line(standing: StandingLine) -> list[object]:
    line, facts = standing.line, standing.drawable.facts
    amounts = (facts.limit_minor, facts.used_minor, facts.free_minor)
    name = linked(line, note=line.opened_on.isoformat())
    return [name, chip(*LINE_STATES[LineState(line.state)]), *(money(minor, line.currency) for minor in amounts)]


def _without(without: NoOfferExplanation, merchant: Merchant, score: Score | None) -> list[Part]:
    """Show the reason, what is behind it, and how far it is to the next threshold."""
    reason: Words = NO_OFFERS[without.reason]
    if without.reason is NoOffer.NOT_SCORED and score is not None and score.not_scored is not None:
        reason = NOT_SCORED_OFFER[NotScored(score.not_scored)]
    if isinstance(without.cause, Cap):
        reason = f"{reason} ({CAPS[without.cause]})"
    elif isinstance(without.cause, Ineligible):
        reason = f"{reason} ({INELIGIBLE[without.cause]})"
    parts: list[Part] = [Text(reason, "tl-strong")]
    return parts if without.threshold is None else [*parts, Text(_threshold(without.threshold, merchant.currency))]


def _threshold(threshold: Threshold, currency: str) -> str:
    have, need = f"{threshold.have:,}", f"{threshold.need:,}"
    if threshold.measure is Measure.AMOUNT_MINOR:
        have, need = (money(minor, currency) for minor in (threshold.have, threshold.need))
    return str(MEASURES[threshold.measure]) % {"have": have, "need": need}


def _loans(borrowing: Borrowing) -> Card:
    columns = [
        Column(label=_("Loan"), style="tl-nowrap"),
        Column(label=_("State")),
        Column(label=_("Amount"), number=True),
        Column(label=_("Outstanding"), number=True),
        Column(label=_("Due"), number=True),
    ]
    table = Table(columns=columns, rows=[_loan(loan) for loan in borrowing.loans], empty=_("None yet."))
    parts: list[Part] = [table]
    if borrowing.applications:
        applied = [Column(label=_("Applied on")), Column(label=_("State")), Column(label=_("Amount"), number=True)]
        rows = [_application(row) for row in borrowing.applications]
        parts += [Heading(_("Applications")), Table(columns=applied, rows=rows)]
    return Card(title=_("Loans"), parts=parts, span=6)


def _loan(shown: StandingLoan) -> list[object]:
    loan, standing = shown.loan, shown.standing

    def amount(minor: int) -> str:
        return money(minor, loan.currency) if minor else ""

    name = linked(loan, note="" if loan.disbursed_on is None else loan.disbursed_on.isoformat())
    words, tint = loan_chip(LoanStatus(loan.status), standing.dpd)
    state = Cell(text=words, tint=tint, note=late_words(standing.dpd) if standing.dpd else "")
    amounts = [amount(loan.amount_minor), amount(loan.principal_minor), amount(standing.due_minor)]
    return [name, state, *amounts]


def _application(row: Application) -> list[object]:
    amount = money(row.amount_minor, row.currency)
    return [linked(row, row.applied_on.isoformat()), chip(*APPLICATION_STATES[ApplicationState(row.state)]), amount]
