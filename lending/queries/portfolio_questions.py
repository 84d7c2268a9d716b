"""What a report on the portfolio is asked, the list behind each of its figures, and what its parts are called."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.words import Words, in_words
from lending.domain.books.portfolio import Band, Dimension, FunnelStep, Report
from lending.domain.books.report_table import Behind, Figure, ListName
from lending.queries.portfolio_figures import Row, figures_of

REPORT_NAMES: Final[Mapping[Report, Words]] = {
    Report.RISK: _("Portfolio at risk"),
    Report.VINTAGES: _("Vintages"),
    Report.ROLLS: _("Roll rates"),
    Report.YIELD: _("Yield"),
    Report.LOSS: _("Loss"),
    Report.CONCENTRATION: _("Concentration"),
    Report.FUNNEL: _("Funnel"),
}
DIMENSIONS: Final[Mapping[Dimension, Words]] = {
    Dimension.ALL: _("All"),
    Dimension.PRODUCT: _("Product"),
    Dimension.GRADE: _("Grade"),
    Dimension.CATEGORY: _("Category"),
    Dimension.REGION: _("Region"),
    Dimension.TIER: _("Tier"),
    Dimension.PARTNER: _("Partner"),
}
BANDS: Final[Mapping[Band, Words]] = {
    Band.CURRENT: _("Not late"),
    Band.FROM_1: _("1-29 days"),
    Band.FROM_30: _("30-59 days"),
    Band.FROM_60: _("60-89 days"),
    Band.FROM_90: _("90 days or more"),
    Band.REPAID: _("Repaid"),
    Band.WRITTEN_OFF: _("Written off"),
}
STEPS: Final[Mapping[FunnelStep, Words]] = {
    FunnelStep.OFFERED: _("Offered"),
    FunnelStep.DELIVERED: _("Delivered"),
    FunnelStep.ACCEPTED: _("Accepted"),
    FunnelStep.APPROVED: _("Approved by the rules"),
    FunnelStep.REFERRED: _("Referred to a person"),
    FunnelStep.DECLINED: _("Declined by the rules"),
    FunnelStep.PAID_OUT: _("Paid out"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a report is asked: as of which day, split by what, narrowed to which value of that, in which currency.

    grounds: how the rules of decisions are said.
    """

    on: date
    currency: str
    dimension: Dimension = Dimension.ALL
    value: str = ""
    grounds: Callable[[str], Words] = in_words

    def behind(self, of: ListName, value: str, **asked: object) -> Behind:
        """Return the list of a figure of a value of the dimension."""
        return Behind(of=of, asked=self._asked(value) | {name: str(text) for name, text in asked.items()})

    def _asked(self, value: str) -> dict[str, str]:
        split = {} if self.dimension is Dimension.ALL else {self.dimension.value: value}
        return {"on": str(self.on), "currency": self.currency} | split

    def name(self, value: str) -> Figure:
        """Return the name of a row."""
        return Figure(value=str(DIMENSIONS[Dimension.ALL]) if self.dimension is Dimension.ALL else value)

    def head(self) -> str:
        """Return what the rows are by."""
        return _t("Portfolio") if self.dimension is Dimension.ALL else str(DIMENSIONS[self.dimension])


def rows_of(report: Report, asked: Question) -> Iterator[tuple[str, Row]]:
    """Yield the rows of the currency: the value of the dimension, and what follows the currency."""
    return of_currency(figures_of(report, asked.dimension, on=asked.on), asked)


def of_currency(rows: Iterable[Row], asked: Question) -> Iterator[tuple[str, Row]]:
    """Yield those of the currency, likewise."""
    for value, currency, *figures in rows:
        if currency == asked.currency:
            yield value, figures
