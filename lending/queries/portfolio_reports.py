"""The reports on the portfolio as tables, from the figures of days; what pages show and files hold."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from django.utils.translation import gettext as _t

from lending.domain.books.portfolio import BAD, PAR, Count, Report, Share, average_of, expected_loss, yield_of
from lending.domain.books.report_table import Figure, Line, ListName, ReportTable, amount, height
from lending.queries.portfolio_questions import Question, rows_of
from lending.queries.portfolio_spread import concentration, funnel
from lending.queries.portfolio_vintages import rolls, vintages


def tables_of(report: Report, asked: Question) -> list[ReportTable]:
    """Return the tables of a report."""
    return list(REPORTS[report](asked))


def _risk(asked: Question) -> Iterator[ReportTable]:
    columns = [asked.head(), _t("Outstanding")]
    for days in PAR:
        columns += [_t("%(days)s+ days past due") % {"days": days}, f"PAR {days}"]
    rows, found = list[list[Figure]](), list[tuple[str, Count, list[Count]]]()
    for value, (loans, minor, *late) in rows_of(Report.RISK, asked):
        at_risk = [
            Count(loans=number, minor=principal)
            for number, principal in zip(late[: len(PAR)], late[len(PAR) :], strict=True)
        ]
        found.append((value, Count(loans=loans, minor=minor), at_risk))
        row = [asked.name(value), amount(found[-1][1], asked.behind(ListName.RUNNING, value))]
        for days, count in zip(PAR, at_risk, strict=True):
            row.append(amount(count, asked.behind(ListName.RUNNING, value, dpd=days)))
            row.append(Figure(value=Share(count.minor, minor)))
        rows.append(row)
    yield ReportTable(
        title=_t("Portfolio at risk"),
        currency=asked.currency,
        columns=columns,
        rows=rows,
        note=_t(
            "Outstanding principal of loans so many days past due or more, each by its own days, and its share of all "
            "outstanding principal. Loans that are written off do not count."
        ),
        labels=[str(asked.name(value).value) for value, _all, _late in found],
        lines=[
            Line(
                name=f"PAR {BAD}",
                heights=[height(Share(late[PAR.index(BAD)].minor, whole.minor)) for _value, whole, late in found],
            )
        ],
        bars=True,
    )


def _yield(asked: Question) -> Iterator[ReportTable]:
    days = asked.on.day
    rows, drawn = list[list[Figure]](), list[tuple[str, Share]]()
    for value, (loans, received, day_sum) in rows_of(Report.YIELD, asked):
        behind = asked.behind(ListName.LENT, value, ran="month")
        share = yield_of(received, day_sum)
        drawn.append((str(asked.name(value).value), share))
        rows.append(
            [
                asked.name(value),
                Figure(value=average_of(day_sum, days), is_money=True, number=loans, behind=behind),
                Figure(value=received, is_money=True, behind=asked.behind(ListName.LENT, value, received="month")),
                Figure(value=share),
            ]
        )
    yield ReportTable(
        title=_t("Yield of %(month)s") % {"month": f"{asked.on:%Y-%m}"},
        currency=asked.currency,
        columns=[asked.head(), _t("Average outstanding"), _t("Received"), _t("Yield, a year")],
        rows=rows,
        note=_t(
            "Interest, fees and penalties that were paid from the first of the month up to the day, over the principal "
            "outstanding on an average day of these, brought to 365 days."
        ),
        labels=[name for name, _share in drawn],
        lines=[Line(name=_t("Yield"), heights=[height(share) for _name, share in drawn])],
        bars=True,
    )


def _loss(asked: Question) -> Iterator[ReportTable]:
    rows, drawn = list[list[Figure]](), list[tuple[str, Share, Share]]()
    for value, (loans, disbursed, rated, weighted, lost, written_off, recovered) in rows_of(Report.LOSS, asked):
        expected, net = expected_loss(weighted), written_off - recovered
        lent = asked.behind(ListName.LENT, value)
        gone = asked.behind(ListName.LENT, value, stands="lost")
        drawn.append((str(asked.name(value).value), Share(expected, disbursed), Share(net, disbursed)))
        rows.append(
            [
                asked.name(value),
                amount(Count(loans=loans, minor=disbursed), lent),
                Figure(
                    value=expected,
                    is_money=True,
                    number=rated,
                    behind=asked.behind(ListName.LENT, value, stands="rated"),
                ),
                Figure(value=Share(expected, disbursed)),
                amount(Count(loans=lost, minor=written_off), gone),
                Figure(
                    value=recovered,
                    is_money=True,
                    behind=asked.behind(ListName.LENT, value, stands="recovered"),
                ),
                Figure(value=net, is_money=True, behind=gone),
                Figure(value=Share(net, disbursed)),
            ]
        )
    yield ReportTable(
        title=_t("Expected and actual loss"),
        currency=asked.currency,
        columns=[
            asked.head(),
            _t("Paid out"),
            _t("Expected loss"),
            _t("Expected"),
            _t("Written off"),
            _t("Recovered"),
            _t("Net loss"),
            _t("Actual"),
        ],
        rows=rows,
        note=_t(
            "Of all loans that were ever paid out. Expected: what was paid out times the probability of default that "
            "each was lent by, times the loss given default of its product; loans without a probability expect nothing."
        ),
        labels=[name for name, _expected, _actual in drawn],
        lines=[
            Line(name=_t("Expected"), heights=[height(expected) for _name, expected, _actual in drawn]),
            Line(name=_t("Actual"), heights=[height(actual) for _name, _expected, actual in drawn]),
        ],
    )


REPORTS: Final[Mapping[Report, Callable[[Question], Iterator[ReportTable]]]] = {
    Report.RISK: _risk,
    Report.VINTAGES: vintages,
    Report.ROLLS: rolls,
    Report.YIELD: _yield,
    Report.LOSS: _loss,
    Report.CONCENTRATION: concentration,
    Report.FUNNEL: funnel,
}
