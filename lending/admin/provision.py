"""Office pages of provisions: how they moved in each month, and what each loan's rests on."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import groupby

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.kernel.calendar import date_of, day_number
from config.kernel.exact import BASIS_POINTS, MILLION
from config.office.display import Card, Cell, Column, Facts, Page, Row, Table, Text, chip, linked, version_card
from config.office.lists import Filter, ListColumn, choice_filter, value_filter
from config.office.pages import OfficeAdmin, name_of
from config.office.words import HUNDREDTH, NOTHING, Words, money, percent
from lending.admin.journal import of_loan
from lending.admin.provision_words import BASES, CATEGORIES, CAUSES, LEFTS, MOVEMENTS, STAGES
from lending.domain.books.provision import Cause, Left, Stage, terms_of_loss
from lending.domain.books.provision_movement import Line, MovementTable
from lending.domain.books.provision_policy import Category, Policy
from lending.models import LoanProvision, ProvisionMonth
from lending.queries.portfolio import lent_currencies
from lending.queries.provisions import booked_months, movements_of, policy_of, stored_exposure, totals_of


def _listed(month: str, **asked: str | int) -> str:
    """Return the address of the list with the rows that make a figure."""
    return f"{reverse('admin:lending_loanprovision_changelist')}?{urlencode({'month': month, **asked})}"


def _ppm(value: int | None) -> Words:
    return NOTHING if value is None else percent(value, MILLION, HUNDREDTH)


@admin.register(ProvisionMonth)
class ProvisionMonthAdmin(OfficeAdmin[ProvisionMonth]):
    title = _("Provisions")
    columns = (
        ListColumn(label=_("Month"), cell=str, style="tl-nowrap"),
        ListColumn(label=_("Policy, version"), cell=lambda month: month.policy.version, number=True),
        ListColumn(
            label=_("Scores as of"),
            cell=lambda month: None if month.run is None else month.run.as_of,
            style="tl-nowrap",
        ),
        ListColumn(label=_("Booked, UTC"), cell=lambda month: month.booked_at, style="tl-nowrap"),
    )
    list_related = ("policy", "run")
    related = ("policy", "run", "close")
    empty = _(
        "No provisions yet. A policy is entered with manage.py enter_provision_policy; from then on the close of each "
        "month's last day makes them."
    )

    def page_of(self, row: ProvisionMonth, request: HttpRequest) -> Page:
        tables = movements_of(row) if row.booked_at is not None else []
        policy = policy_of(row.policy)
        entered = {"at": f"{row.policy.created_at:%Y-%m-%d %H:%M}", "who": name_of(row.policy.created_by)}
        return Page(
            title=_t("Provisions of %(month)s") % {"month": row},
            sub=[
                linked(row.close, _t("Close of %(date)s") % {"date": row.close}),
                _t("no scores were published") if row.run is None else _t("scores of %(run)s") % {"run": row.run},
                None if row.booked_at is None else _t("booked %(at)s UTC") % {"at": f"{row.booked_at:%Y-%m-%d %H:%M}"},
            ],
            lead="" if tables else _("Nothing is booked yet: the close of the month's last day is under way."),
            cards=[
                *(_movement(row, table) for table in tables),
                *_standing(row),
                Card(
                    title=_("Policy"),
                    parts=[
                        Facts(list(_policy(policy)), halves=True),
                        Text(_t("Entered %(at)s UTC by %(who)s.") % entered, "tl-note"),
                    ],
                ),
                version_card(_t("Version %(number)s") % {"number": policy.version}, row.policy.sha256),
            ],
        )


def _movement(month: ProvisionMonth, table: MovementTable) -> Card:
    columns = [
        Column(label=_("Movement")),
        *(Column(label=STAGES[stage][0], number=True) for stage in Stage),
        Column(label=_("All"), number=True),
    ]
    *lines, closing = (list(_movement_line(month, table, line)) for line in Line)
    note = _(
        "A transfer carries what was provided before; what the new stage needs is remeasured. The account has the last "
        "line, and the month's entries the difference to the first."
    )
    return Card(
        title=_t("How provisions moved, %(currency)s") % {"currency": table.currency},
        parts=[Table(columns=columns, rows=lines, foot=[Row(cells=closing)]), Text(note, "tl-note")],
    )


def _movement_line(month: ProvisionMonth, table: MovementTable, line: Line) -> Iterator[object]:
    yield MOVEMENTS[line]
    for stage, minor in zip(Stage, table.of(line), strict=True):
        text = money(minor, table.currency)
        is_closing = line is Line.CLOSING and minor
        link = _listed(str(month), stage=int(stage), currency=table.currency) if is_closing else None
        yield Cell(text=text, link=link)
    yield money(sum(table.of(line)), table.currency)


def _standing(month: ProvisionMonth) -> Iterator[Card]:
    columns = [
        Column(label=_("Stage"), style="tl-nowrap"),
        Column(label=_("Category")),
        Column(label=_("Loans and lines"), number=True),
        Column(label=_("Exposure"), number=True),
        Column(label=_("Expected loss"), number=True),
        Column(label=_("Minimum"), number=True),
        Column(label=_("Provision"), number=True),
        Column(label=_("Of the exposure"), number=True),
    ]
    for currency, found in groupby(totals_of(month), key=lambda total: total.currency):
        totals = list(found)
        rows = [
            [
                chip(*STAGES[total.stage]),
                CATEGORIES[total.category],
                Cell(
                    text=f"{total.number:,}",
                    link=_listed(str(month), stage=int(total.stage), category=total.category.value, currency=currency),
                ),
                *(money(minor, currency) for minor in (total.ead_minor, total.ecl_minor, total.minimum_minor)),
                money(total.provision_minor, currency),
                percent(total.provision_minor, total.ead_minor, HUNDREDTH),
            ]
            for total in totals
        ]
        sums = [sum(getattr(total, name) for total in totals) for name in ("ead_minor", "ecl_minor", "minimum_minor")]
        provided = sum(total.provision_minor for total in totals)
        foot = Row(
            cells=[
                _("Total"),
                f"{sum(total.number for total in totals):,}",
                *(money(minor, currency) for minor in (*sums, provided)),
                percent(provided, sums[0], HUNDREDTH),
            ]
        )
        title = _t("By stage and category, %(currency)s") % {"currency": currency}
        yield Card(title=title, parts=[Table(columns=columns, rows=rows, foot=[foot])])


def _policy(policy: Policy) -> Iterator[tuple[Words, object]]:
    days = _t("%(days)s or more days past due")
    yield _("Booked"), BASES[policy.basis]
    yield _("Stage 2"), days % {"days": policy.late_dpd}
    yield _("Stage 3"), days % {"days": policy.default_dpd}
    risen = {"ratio": f"{policy.pd_ratio:f}", "step": _ppm(policy.pd_step_ppm)}
    yield _("The risk has risen at"), _t("%(ratio)s times the PD at origination, and %(step)s above it") % risen
    re_aged = {"stage": policy.re_aged_stage, "months": policy.re_aged_months}
    yield _("Re-aged loans"), _t("stage %(stage)s at least, for %(months)s months") % re_aged
    cure = {"two": policy.cure_2_months, "three": policy.cure_3_months}
    yield _("Good month ends before a better stage"), _t("%(two)s in stage 2, %(three)s in stage 3") % cure
    floors = {"one": _ppm(policy.least_pd_ppm), "two": _ppm(policy.least_risen_pd_ppm)}
    yield _("Least PD"), _t("%(one)s in stage 1, %(two)s in stage 2") % floors
    yield _("PD without a score"), _ppm(policy.unscored_pd_ppm)
    yield _("Days in which what is past its last due date is paid"), policy.past_maturity_days
    line = {"share": percent(policy.conversion_bps, BASIS_POINTS, HUNDREDTH), "days": policy.line_days}
    yield _("What is undrawn of a line"), _t("%(share)s of it, for %(days)s days") % line
    for category, rule in policy.categories.items():
        minimum = {"share": percent(rule.minimum_bps, BASIS_POINTS, HUNDREDTH), "days": rule.from_dpd}
        words = ngettext("from %(days)s day past due", "from %(days)s days past due", rule.from_dpd)
        yield CATEGORIES[category], f"{minimum['share']}, {words % minimum}"


def _of_month(rows: QuerySet[LoanProvision], text: str) -> QuerySet[LoanProvision]:
    return rows.filter(month__month=f"{text}-01")


def _subject(row: LoanProvision) -> Cell:
    return linked(row.loan if row.loan is not None else row.line)  # type: ignore[arg-type] # one of the two


def _stage(row: LoanProvision) -> Cell:
    if row.stage is not None:
        return chip(*STAGES[Stage(row.stage)])
    return chip(_("Ended"), "")


def _why(row: LoanProvision) -> Words:
    if row.cause is not None:
        return CAUSES[Cause(row.cause)]
    return NOTHING if row.left is None else LEFTS[Left(row.left)]


@admin.register(LoanProvision)
class LoanProvisionAdmin(OfficeAdmin[LoanProvision]):
    title = _("Provisions by loan and line")
    columns = (
        ListColumn(label=_("Provision"), cell=lambda row: f"{row.pk}", style="tl-nowrap"),
        ListColumn(label=_("Month"), cell=lambda row: str(row.month), style="tl-nowrap"),
        ListColumn(label=_("Of"), cell=_subject, style="tl-nowrap"),
        ListColumn(label=_("Stage"), cell=_stage, style="tl-nowrap"),
        ListColumn(label=_("Why"), cell=_why),
        ListColumn(label=_("Category"), cell=lambda row: row.category and CATEGORIES[Category(row.category)]),
        ListColumn(label=_("Days past due"), cell=lambda row: row.dpd, number=True),
        ListColumn(label=_("Exposure"), cell=lambda row: money(row.ead_minor, row.currency), number=True),
        ListColumn(label=_("Expected loss"), cell=lambda row: money(row.ecl_minor, row.currency), number=True),
        ListColumn(label=_("Provision"), cell=lambda row: money(row.provision_minor, row.currency), number=True),
        ListColumn(label=_("Currency"), cell=lambda row: row.currency),
    )
    filters = (
        Filter(
            name="month",
            label=_("month"),
            keep=_of_month,
            choices=lambda: ((f"{month:%Y-%m}", f"{month:%Y-%m}") for month in reversed(booked_months())),
            comes_and_goes=True,
        ),
        choice_filter("stage", _("stage"), {int(stage): words for stage, words in STAGES.items()}),
        choice_filter("category", _("category"), CATEGORIES),
        choice_filter("cause", _("why"), CAUSES),
        choice_filter("left", _("ended"), LEFTS),
        value_filter("currency", _("currency"), lent_currencies),
        Filter(name="loan", label=_("loan"), keep=of_loan("loan")),
    )
    list_related = ("month", "loan", "line")
    related = ("month__close", "month__policy", "loan", "line", "product")

    def page_of(self, row: LoanProvision, request: HttpRequest) -> Page:
        def amount(minor: int) -> str:
            return money(minor, row.currency)

        facts: list[tuple[Words, object]] = [
            (_("Of"), _subject(row)),
            (_("Why"), _why(row)),
            (_("A month before"), None if row.before_stage is None else STAGES[Stage(row.before_stage)][0]),
            (_("Provision then"), amount(row.before_minor)),
        ]
        cards = [Card(title=_("Where it stands"), parts=[Facts(facts)], span=6)]
        if row.category is not None:
            facts += [
                (_("Good month ends in a row"), row.good_months),
                (_("Category"), CATEGORIES[Category(row.category)]),
                (_("Days past due"), row.dpd),
                (_("Most days past due ever"), row.worst_dpd),
                (_("Re-aged on"), row.re_aged_on),
            ]
            cards += [_figures(row), _periods(row)]
        return Page(
            title=_t("Provision of %(of)s, %(month)s") % {"of": row.loan or row.line, "month": row.month},
            chips=[_stage(row)],
            sub=[linked(row.month, _t("All of %(month)s") % {"month": row.month}), linked(row.product), row.currency],
            cards=cards,
        )


def _figures(row: LoanProvision) -> Card:
    figures: Sequence[tuple[Words, object]] = (
        (_("PD of a year by the score"), _ppm(row.score_pd_ppm)),
        (_("PD of a year at origination"), _ppm(row.origination_pd_ppm)),
        (_("PD of a year that was used"), _ppm(row.pd_ppm)),
        (_("Loss given default"), percent(row.lgd_bps, BASIS_POINTS, HUNDREDTH)),
        (_("Effective rate a year"), percent(row.rate_ppm, MILLION, Decimal("0.0001"))),
        (_("Exposure"), money(row.ead_minor, row.currency)),
        (_("Expected loss"), money(row.ecl_minor, row.currency)),
        (_("Minimum of the category"), money(row.minimum_minor, row.currency)),
        (_("Provision"), money(row.provision_minor, row.currency)),
    )
    return Card(title=_("What it rests on"), parts=[Facts(figures)], span=6)


def _periods(row: LoanProvision) -> Card:
    """Show how the expected loss adds up, computed again from the row."""
    title = _("How the expected loss adds up")
    stage, day = Stage(row.stage or Stage.THREE), row.month.close.day
    if stage is Stage.THREE:
        words = _("It has defaulted: the loss given default on all that is owed.")
        return Card(title=title, parts=[Text(words)])
    columns = [
        Column(label=_("If it defaults by"), style="tl-nowrap"),
        Column(label=_("Days ahead"), number=True),
        Column(label=_("Owed then"), number=True),
        Column(label=_("PD of the period"), number=True),
        Column(label=_("Worth now of a unit"), number=True),
        Column(label=_("Expected loss"), number=True),
    ]
    terms = terms_of_loss(stored_exposure(row, on=day), stage=stage, pd_ppm=row.pd_ppm)
    rows = [
        [
            date_of(day_number(day) + term.period.days),
            term.period.days,
            money(term.period.exposure_minor, row.currency),
            f"{term.pd * 100:.4f} %",
            f"{term.discount:.6f}",
            money(round(term.loss), row.currency),
        ]
        for term in terms
    ]
    note = _("The parts are rounded for this page; their sum is rounded once, and never above the loss in stage 3.")
    foot = Row(cells=[_("Expected loss"), money(row.ecl_minor, row.currency)])
    return Card(title=title, parts=[Table(columns=columns, rows=rows, foot=[foot]), Text(note, "tl-note")])
