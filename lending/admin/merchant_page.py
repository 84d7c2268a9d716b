"""The page of one merchant: its offer and loans, sales, score and payout accounts."""

from collections.abc import Sequence
from typing import Final

from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.kernel.money import exponent_of
from config.office.business_date import get_business_date
from config.office.display import (
    SERIES,
    Alert,
    Button,
    Card,
    Cell,
    Chart,
    Column,
    Figure,
    Page,
    Table,
    Text,
    bars,
    chip,
    grade_chip,
    linked,
    major,
)
from config.office.pages import named
from config.office.verbs import NO_RIGHT
from config.office.words import NOTHING, Words, money
from lending.admin.arrears import case_alerts
from lending.admin.contact_details import details_card
from lending.admin.feeds import feed_alerts
from lending.admin.merchant_borrowing import borrowing_cards
from lending.admin.score_pages import pd_words, pins_card, points_card, reasons_card, trend_card
from lending.admin.warnings import warning_alerts
from lending.admin.words import (
    late_words,
)
from lending.queries.borrowing import get_borrowing
from lending.queries.owners import former_owners_of
from merchants.domain.payout_account import PayoutAccountState
from merchants.domain.transaction import Settlement
from merchants.models import Merchant
from merchants.queries.labels import ACCOUNT_STATES
from merchants.queries.merchants import siblings_of
from merchants.queries.payout_accounts import payout_accounts_of
from scoring.domain.policy import Gate
from scoring.models import Score
from scoring.queries.explanations import explain_score
from scoring.queries.labels import GATES, not_scored_words
from scoring.queries.merchants import live_scores
from scoring.queries.progress import trend_of
from scoring.queries.sales import Period, PeriodSales, sales_of

TREND: Final = 12
SIBLINGS: Final = 20
PERIODS: Final = {Period.DAY: _("Day"), Period.WEEK: _("Week"), Period.MONTH: _("Month")}
SPANS: Final = {
    Period.DAY: _("Last 90 days"),
    Period.WEEK: _("Last 26 weeks"),
    Period.MONTH: _("Last 24 months, the current one so far"),
}
SALES: Final = {
    Settlement.ESCROW: _("net: settled, less refunds and chargebacks, as the score counts it"),
    Settlement.IMMEDIATE: _("net: paid, less refunds and chargebacks, as the score counts it"),
}


def merchant_page(merchant: Merchant, request: HttpRequest) -> Page:
    """Return the page of a merchant, as far as the user may see it."""
    score = live_scores([merchant.pk]).get(merchant.pk)
    trend = trend_of(merchant_id=merchant.pk, most=TREND)
    sales, period = _sales(merchant, request.GET)
    borrowing = get_borrowing(merchant) if request.user.has_perm("lending.view_loan") else None
    late = 0 if borrowing is None else max((one.standing.dpd for one in borrowing.loans), default=0)
    alerts, figures, cards = _standing(score, merchant, late)
    total = sum(part.sold - part.returned for part in sales)
    span = f"{SPANS[period]}, {merchant.currency}"
    figures.append(Figure(label=span, value=money(total, merchant.currency), note=_counted(merchant)))
    if score is not None:
        run = score.run
        figures.append(Figure(label=_("Live run as of"), value=linked(run, run.as_of.isoformat()), style="tl-plain"))
    return Page(
        title=merchant.name,
        chips=_chips(score, late),
        sub=_who(merchant),
        alerts=[
            *case_alerts(merchant.pk, request),
            *warning_alerts(merchant.pk, request),
            *feed_alerts([merchant.partner]),
            *alerts,
        ],
        figures=figures,
        buttons=_buttons(merchant, score, request),
        cards=[
            *([] if borrowing is None else borrowing_cards(borrowing, merchant, score, request)),
            _sales_card(sales, period, merchant),
            *cards,
            trend_card(trend, merchant),
            _accounts(merchant, request),
            details_card(merchant.pk, request, span=4),
            *([] if score is None else [pins_card(score)]),
        ],
    )


def _counted(merchant: Merchant) -> Words:
    return SALES[Settlement(merchant.partner.settlement)]


def _chips(score: Score | None, late: int) -> list[Cell]:
    chips = (
        [Cell(text=grade_chip(score.grade))] if score is not None and score.not_scored is None and score.grade else []
    )
    return [*chips, chip(_("Past due"), "tl-bad")] if late else chips


def _who(merchant: Merchant) -> list[object]:
    opened = merchant.opened_on and _t("opened on %(date)s") % {"date": merchant.opened_on}
    owner: Cell | None = None
    if merchant.owner is not None:
        others = [linked(one) for one in siblings_of(merchant, most=SIBLINGS)]
        said = _t("owner %(owner)s") % {"owner": merchant.owner}
        owner = Cell(text=said, more=others or [Cell(text=_t("(no other merchant)"))])
    number = _t("id %(id)s") % {"id": merchant.external_id}
    left = [
        _t("counts as %(owner)s's until the loans it left are repaid") % {"owner": one}
        for one in former_owners_of(merchant)
    ]
    return [str(merchant.partner), number, merchant.category, merchant.region, merchant.city, opened, owner, *left]


def _buttons(merchant: Merchant, score: Score | None, request: HttpRequest) -> list[Button]:
    listed = reverse("admin:merchants_merchant_transactions", args=[merchant.pk])
    buttons = [Button(label=_("Transactions"), url=listed, is_primary=False)]
    if score is not None:
        address = reverse("admin:merchants_merchant_replay", args=[merchant.pk, score.pk])
        why = None if request.user.has_perm("scoring.replay_score") else NO_RIGHT
        buttons.append(Button(label=_("Replay this score"), url=address, why=why, is_primary=False))
    return buttons


def _standing(score: Score | None, merchant: Merchant, late: int) -> tuple[list[Alert], list[Figure], list[Card]]:
    """Show the score, or why there is none; a borrower past due has no PD of becoming so."""
    alerts = (
        [Alert(text=late_words(late), tint="tl-bad", strong=_("This merchant has a loan past due:"))] if late else []
    )
    if score is None:
        newer = _("No score yet: the merchant came after the last published run. The next run scores it.")
        return [*alerts, Alert(text=newer)], [], []
    if score.not_scored is not None:
        return [*alerts, Alert(text=not_scored_words(score.not_scored, score.needed))], [], []
    explanation = explain_score(score)
    alerts += [Alert(text=GATES[Gate(gate)], tint="tl-bad") for gate in explanation.gates]
    pd = Figure(label=_("PD, 12 months"), value=pd_words(score), note=_("30 or more days past due"))
    if late:
        pd = Figure(label=_("PD, 12 months"), value=NOTHING, note=_("past due now: not a forecast any more"))
    basis = _t("Sales basis a month, %(currency)s") % {"currency": merchant.currency}
    figures = [
        Figure(label=_("Score"), value=score.score, note=_("from 300 to 850")),
        pd,
        Figure(label=basis, value=money(score.sales_basis_minor, merchant.currency)),
    ]
    return alerts, figures, [points_card(explanation, merchant.currency), reasons_card(explanation)]


def _sales(merchant: Merchant, asked: QueryDict) -> tuple[Sequence[PeriodSales], Period]:
    text = asked.get("by", "")
    period = Period(text) if text in set(Period) else Period.DAY
    until = get_business_date()
    return ([] if until is None else sales_of(merchant_id=merchant.pk, period=period, until=until)), period


def _sales_card(sales: Sequence[PeriodSales], period: Period, merchant: Merchant) -> Card:
    currency = merchant.currency
    tabs = [(f"?by={other.value}#sales", words, other is period) for other, words in PERIODS.items()]
    title = _t("Net sales, %(currency)s") % {"currency": currency}
    if all(part.is_silent for part in sales):
        nothing = _t("Nothing counted as sold in this period: %(span)s.") % {"span": str(SPANS[period]).lower()}
        return Card(title=title, parts=[Text(nothing)], tabs=tabs, anchor="sales")
    chart = Chart(
        name="sales-chart",
        label=_("Net sales by period; the table below says the same."),
        data=_sales_chart(sales, period, currency),
        key=[("tl-s1", _("Sales")), ("tl-s2", _("Refunds and chargebacks")), ("", SPANS[period])],
    )
    columns = [
        Column(label=_("From"), style="tl-nowrap"),
        Column(label=_("Sales, number"), number=True),
        Column(label=_("Sales"), number=True),
        Column(label=_("Refunds and chargebacks"), number=True),
        Column(label=_("Net"), number=True),
    ]
    table = Table(
        columns=columns, rows=[_sales_row(part, currency) for part in reversed(sales)], folded=_("The same as a table")
    )
    return Card(
        title=title,
        parts=[Text(_counted(merchant), "tl-note"), chart, table],
        tabs=tabs,
        anchor="sales",
    )


def _sales_chart(sales: Sequence[PeriodSales], period: Period, currency: str) -> dict[str, object]:
    labels = [f"{part.start:%Y-%m}" if period is Period.MONTH else part.start.isoformat() for part in sales]
    sold = [None if part.is_silent else major(part.sold, currency) for part in sales]
    returned = [None if part.is_silent else -major(part.returned, currency) for part in sales]
    return bars(
        labels,
        (_t("Sales"), sold, SERIES[0]),
        (_t("Refunds and chargebacks"), returned, SERIES[1]),
        decimals=exponent_of(currency),
    )


def _sales_row(part: PeriodSales, currency: str) -> list[object]:
    if part.is_silent:
        return [part.start, None, None, None, None]
    amounts = (part.sold, -part.returned, part.sold - part.returned)
    return [part.start, part.number, *(money(minor, currency) for minor in amounts)]


def _accounts(merchant: Merchant, request: HttpRequest) -> Card:
    title = _("Payout accounts")
    if not request.user.has_perm("merchants.view_payoutaccount"):
        return Card(title=title, parts=[Text(_("Your role may not see payout accounts."))], span=8)
    accounts = payout_accounts_of(merchant_id=merchant.pk)
    names = named(account.entered_by for account in accounts)
    rows = [
        [
            Cell(text=account.masked_number, link=linked(account).link, note=account.holder),
            chip(*ACCOUNT_STATES[PayoutAccountState(account.state)]),
            Cell(text=account.entered_at.date().isoformat(), note=names[account.entered_by] or ""),
        ]
        for account in accounts
    ]
    columns = [Column(label=_("Account"), style="tl-nowrap"), Column(label=_("State")), Column(label=_("Entered"))]
    empty = _("None yet. The partner's system enters them; a member of staff verifies them.")
    return Card(title=title, parts=[Table(columns=columns, rows=rows, empty=empty)], span=8)
