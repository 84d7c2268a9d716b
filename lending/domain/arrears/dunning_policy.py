"""The dunning policy: which letters a borrower in arrears gets, with which texts and when, as a versioned document."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from itertools import pairwise
from pathlib import Path
from string import Formatter
from typing import Annotated, Final

from config.kernel.documents import Unfit, unfit
from config.kernel.policies import forms_of, read_policy
from lending.domain.arrears.case import OPENED_FROM
from lending.domain.books.provision_policy import Number
from lending.domain.contract.fields import require_range
from merchants.domain.contact_detail import Language

DAY_ONE_DUNNING: Final = Path(__file__).parent / "policies" / "dunning_day_one.json"
"""The policy that comes with Tradeline: it counts once it is entered, and no letter is written before."""
LONGEST_LINE: Final = 150
LONGEST_BODY: Final = 5_000
LONGEST_NAME: Final = 60
LATEST_STEP: Final = 3_660
HOURS: Final = 24


class Figure(StrEnum):
    """What a text may name in braces; each is computed as of the morning on which the letter is written.

    DATE: that morning. DUE: what is due and unpaid on running loans. OWED: what would settle everything. SINCE: the
    oldest unpaid due date, and DAYS since then. CASE: the number of the case, as a reference.
    """

    MERCHANT = "merchant"
    LENDER = "lender"
    CASE = "case"
    DATE = "date"
    SINCE = "since"
    DAYS = "days"
    DUE = "due"
    OWED = "owed"


def _require_line(name: str, text: str, longest: int = LONGEST_LINE) -> None:
    if not text.strip() or len(text) > longest or not text.isprintable():
        raise unfit(text, name, f"a line of 1 to {longest} characters")


def _require_body(name: str, text: str) -> None:
    if not text.strip() or len(text) > LONGEST_BODY or not text.replace("\n", "").isprintable():
        raise unfit(text, name, f"text of 1 to {LONGEST_BODY} characters")
    if Figure.DUE not in figures_of(name, text):
        message = f"{name}: does not say what is due, as {{{Figure.DUE}}}"
        raise Unfit(message)


def _require_subject(name: str, text: str) -> None:
    _require_line(name, text)
    figures_of(name, text)


def figures_of(name: str, text: str) -> frozenset[Figure]:
    """Return the figures that a text names. Raises Unfit for any other, and for braces that name none."""
    return frozenset(_figures(name, text))


def _figures(name: str, text: str) -> Iterator[Figure]:
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise unfit(text, name, f"text whose braces match: {error}") from error
    for _, field, form, conversion in parts:
        if field is None:
            continue
        if field not in set(Figure) or form or conversion:
            message = f"{name}: unknown figure {{{field}}}; known: {', '.join(f'{{{one}}}' for one in Figure)}"
            raise Unfit(message)
        yield Figure(field)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterText:
    """The text of a letter in one language, with figures in braces."""

    subject: Annotated[str, _require_subject]
    body: Annotated[str, _require_body]


@dataclass(frozen=True, slots=True, kw_only=True)
class DunningStep:
    """A letter that a borrower gets once it is so many days past due, in each language."""

    name: Annotated[str, partial(_require_line, longest=LONGEST_NAME)]
    from_days: Annotated[int, partial(require_range, lowest=OPENED_FROM, highest=LATEST_STEP)]
    texts: Mapping[Language, LetterText]


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingHours:
    """The hours of the day, in the business time zone, in which letters leave: from 0 to 24, the last not included."""

    from_hour: Annotated[int, partial(require_range, lowest=0, highest=HOURS)]
    until_hour: Annotated[int, partial(require_range, lowest=0, highest=HOURS)]

    def admit(self, local: datetime) -> bool:
        """Whether letters leave at a moment in the business time zone."""
        return self.from_hour <= local.hour < self.until_hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """No more letters to a borrower than these in so many days, the day of a letter included."""

    letters: Number
    days: Annotated[int, partial(require_range, lowest=1, highest=366)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DunningPolicy:
    """Which letters borrowers in arrears get. lender: who signs them. steps: the mildest first."""

    version: Number
    lender: Annotated[str, partial(_require_line, longest=LONGEST_NAME)]
    hours: SendingHours
    cap: Cap
    steps: tuple[DunningStep, ...]


def _policy_of(text: str) -> DunningPolicy:
    return read_policy(DunningPolicy, text, require=_require_ladder)


def _require_ladder(policy: DunningPolicy) -> None:
    """Require hours in their order, steps that follow each other, and every text in every language. Raises Unfit."""
    if policy.hours.from_hour >= policy.hours.until_hour:
        message = "hours: until_hour is not after from_hour"
        raise Unfit(message)
    if not policy.steps:
        message = "steps: there is none"
        raise Unfit(message)
    if any(one.from_days >= later.from_days for one, later in pairwise(policy.steps)):
        message = "steps: each begins more days past due than the one before it"
        raise Unfit(message)
    if len({step.name for step in policy.steps}) < len(policy.steps):
        message = "steps: two have the same name"
        raise Unfit(message)
    for step in policy.steps:
        _require_languages(step)


def _require_languages(step: DunningStep) -> None:
    missing = [language for language in Language if language not in step.texts]
    if missing:
        message = f"steps: {step.name}: there is no text in {missing[0]}"
        raise Unfit(message)
    said = {
        language: figures_of("subject", text.subject) | figures_of("body", text.body)
        for language, text in step.texts.items()
    }
    if len(set(said.values())) > 1:
        message = f"steps: {step.name}: the texts do not name the same figures in each language"
        raise Unfit(message)


canonical_dunning, parse_dunning = forms_of(_policy_of)
