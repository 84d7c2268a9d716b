"""The report on concentration, and that on what became of offers."""

from collections.abc import Iterator, Mapping

from django.utils.translation import gettext as _t

from lending.domain.books.portfolio import (
    Concentration,
    Count,
    Dimension,
    Funnel,
    FunnelStep,
    Offered,
    Report,
    Share,
    concentration_of,
    funnel_of,
)
from lending.domain.books.report_table import Behind, Figure, Line, ListName, ReportTable, amount
from lending.models import OfferRound
from lending.queries.portfolio_figures import figures_of
from lending.queries.portfolio_holders import holder_names
from lending.queries.portfolio_questions import DIMENSIONS, STEPS, Question, of_currency, rows_of


def concentration(asked: Question) -> Iterator[ReportTable]:
    """Yield the largest borrowers, categories and regions."""
    yield _holders(asked, Dimension.ALL, _t("Borrowers"), _borrowers(asked))
    for dimension in (Dimension.CATEGORY, Dimension.REGION):
        rows = of_currency(figures_of(Report.RISK, dimension, on=asked.on), asked)
        counted = [(value, Count(loans=loans, minor=minor)) for value, (loans, minor, *_late) in rows]
        yield _holders(asked, dimension, str(DIMENSIONS[dimension]), concentration_of(counted))


def _borrowers(asked: Question) -> Concentration:
    found = list(of_currency(figures_of(Report.CONCENTRATION, Dimension.ALL, on=asked.on), asked))
    by_name = {str(row[0]): row for _value, row in found}
    _name, number, loans, minor, squares = by_name.pop("", ["", 0, 0, 0, 0])
    return Concentration(
        holders=number,
        total=Count(loans=loans, minor=minor),
        squares=squares,
        largest=[(name, Count(loans=row[2], minor=row[3])) for name, row in by_name.items()],
    )


def _holders(asked: Question, dimension: Dimension, head: str, found: Concentration) -> ReportTable:
    is_borrowers = dimension is Dimension.ALL
    names = holder_names([name for name, _count in found.largest]) if is_borrowers else {}
    filter_name = "borrower" if is_borrowers else dimension.value
    rows = [
        [
            Figure(value=names.get(name, name)),
            amount(count, asked.behind(ListName.RUNNING, "", **{filter_name: name})),
            Figure(value=Share(count.minor, found.total.minor)),
        ]
        for name, count in found.largest
    ]
    told = {"number": f"{found.holders:,}", "index": f"{found.index:,}"}
    return ReportTable(
        title=_t("Concentration: %(what)s") % {"what": head},
        currency=asked.currency,
        columns=[head, _t("Outstanding"), _t("Share of outstanding")],
        rows=rows,
        note=_t("%(number)s in all; Herfindahl-Hirschman index %(index)s of 10,000.") % told,
    )


def funnel(asked: Question) -> Iterator[ReportTable]:
    """Yield how far the offers of the month got, and why applications were referred and declined."""
    counted = dict[str, list[tuple[Offered, int]]]()
    for value, (delivered, outcome, ground, paid_out, offers) in rows_of(Report.FUNNEL, asked):
        offered = Offered(bool(delivered), outcome or None, ground, bool(paid_out))
        counted.setdefault(value, []).append((offered, offers))
    funnels = {value: funnel_of(found) for value, found in sorted(counted.items())}
    if asked.dimension is Dimension.ALL:
        yield _rounds(asked)
    yield _steps(asked, funnels)
    yield _grounds(asked, funnels)


def _rounds(asked: Question) -> ReportTable:
    """Show whom the rounds of the month assessed before offers were made, whatever their currency."""
    rounds = OfferRound.objects.filter(on__gte=asked.on.replace(day=1), on__lte=asked.on).select_related("run")
    rows = [
        [
            Figure(value=str(one.on)),
            Figure(value=one.run.scored + one.run.not_scored),
            Figure(value=one.run.scored),
            Figure(value=one.run.not_scored),
        ]
        for one in rounds.order_by("on", "pk")
    ]
    return ReportTable(
        title=_t("Merchants assessed"),
        currency=asked.currency,
        columns=[_t("Round of"), _t("Merchants"), _t("With a score"), _t("Without one")],
        rows=rows,
        note=_t(
            "A round assesses every merchant of the run that it is made from, in all currencies; one without a score "
            "has no offer, and neither has one whose limit is too low."
        ),
    )


def _steps(asked: Question, funnels: Mapping[str, Funnel]) -> ReportTable:
    rows = list[list[Figure]]()
    for value, funnel in funnels.items():
        row, whole = [asked.name(value)], funnel.steps[FunnelStep.OFFERED]
        for step, number in funnel.steps.items():
            row.append(Figure(value=number, behind=_offers(asked, value, step=step)))
            if step is not FunnelStep.OFFERED:
                row.append(Figure(value=Share(number, whole)))
        rows.append(row)
    columns = [asked.head()]
    for step in FunnelStep:
        columns += [str(STEPS[step]), *([] if step is FunnelStep.OFFERED else [_t("of offers")])]
    return ReportTable(
        title=_t("Offers made in %(month)s") % {"month": f"{asked.on:%Y-%m}"},
        currency=asked.currency,
        columns=columns,
        rows=rows,
        note=_t(
            "Offers made from the first of the month up to the day, and what has become of them by then. What the "
            "rules referred, a person decides afterwards; a credit line that opens is not a payout."
        ),
        labels=[str(STEPS[step]) for step in FunnelStep],
        lines=[
            Line(name=str(asked.name(value).value), heights=[float(number) for number in funnel.steps.values()])
            for value, funnel in list(funnels.items())[:1]
        ],
        bars=True,
        in_percent=False,
    )


def _offers(asked: Question, value: str, **which: str) -> Behind:
    """Return the list of offers: there, `product` is one version of it."""
    found = asked.behind(ListName.OFFERS, value, **which)
    named = {"code" if name == Dimension.PRODUCT else name: text for name, text in found.asked.items()}
    return Behind(of=found.of, asked=named)


def _grounds(asked: Question, funnels: Mapping[str, Funnel]) -> ReportTable:
    rows = [
        [
            asked.name(value),
            Figure(value=str(STEPS[step])),
            Figure(value=str(asked.grounds(ground))),
            Figure(value=number, behind=_offers(asked, value, step=step, ground=ground)),
            Figure(value=Share(number, funnel.steps[FunnelStep.ACCEPTED])),
        ]
        for value, funnel in funnels.items()
        for (step, ground), number in sorted(funnel.grounds.items(), key=lambda found: (found[0][0], -found[1]))
    ]
    return ReportTable(
        title=_t("Why applications were referred and declined"),
        currency=asked.currency,
        columns=[asked.head(), _t("Outcome"), _t("Because"), _t("Applications"), _t("of applications")],
        rows=rows,
    )
