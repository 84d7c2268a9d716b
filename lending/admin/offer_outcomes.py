"""The filters of offers by what became of them: the lists behind the figures of the funnel."""

from datetime import date

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.office.business_date import current_day
from config.office.lists import BadQuery, Filter, value_filter
from lending.admin.words import GROUNDS
from lending.domain.books.portfolio import FunnelStep
from lending.queries.portfolio import lent_currencies
from lending.queries.portfolio_lists import made_in_month, with_ground, with_step
from lending.queries.portfolio_questions import STEPS

ON = "on"


def outcome_filters(asked: QueryDict) -> list[Filter]:
    """Return filters by the month up to a day, and by what had become of offers by then. Raises BadQuery."""
    given = str(asked.get(ON) or "")
    try:
        on = date.fromisoformat(given) if given else current_day(timezone.now())
    except ValueError as error:
        raise BadQuery(ON, given) from error
    return [
        Filter(
            name=ON,
            label=_("made in the month up to"),
            keep=lambda rows, _text: made_in_month(rows, on=on),
            kind="date",
        ),
        Filter(
            name="step",
            label=_("got so far by then"),
            choices=lambda: [(step.value, words) for step, words in STEPS.items()],
            keep=lambda rows, text: with_step(rows, FunnelStep(text), on=on),
        ),
        Filter(
            name="ground",
            label=_("rule that counted"),
            choices=lambda: [(ground.value, words) for ground, words in GROUNDS.items()],
            keep=lambda rows, text: with_ground(rows, text, on=on),
        ),
        Filter(
            name="code",
            label=_("product of any version"),
            keep=lambda rows, text: rows.filter(product__code=text),
        ),
        Filter(
            name="partner",
            label=_("partner"),
            keep=lambda rows, text: rows.filter(merchant__partner__code=text),
        ),
        value_filter("currency", _("currency"), lent_currencies),
    ]
