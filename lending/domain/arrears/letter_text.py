"""The text of a letter: every figure computed, and written as its language writes it."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from config.kernel.money import format_minor
from lending.domain.arrears.case import Debt
from lending.domain.arrears.dunning_policy import DunningPolicy, DunningStep, Figure
from merchants.domain.contact_detail import Language

LONGEST_SUBJECT: Final = 500
"""Characters: more would be a name that somebody made so long."""
MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Whom a letter is about. merchant: the shop's name. case: the reference. currency: of all its loans."""

    merchant: str
    case: str
    currency: str


def compose(
    policy: DunningPolicy, step: DunningStep, language: Language, to: Addressee, debt: Debt, *, on: date
) -> tuple[str, str]:
    """Write the subject and the body of a letter about a debt that is late, as of a morning."""
    since = debt.late_since or on
    figures = {
        Figure.MERCHANT: _line(to.merchant),
        Figure.LENDER: policy.lender,
        Figure.CASE: to.case,
        Figure.DATE: date_in(language, on),
        Figure.SINCE: date_in(language, since),
        Figure.DAYS: str((on - since).days),
        Figure.DUE: _money(debt.due_minor, to.currency),
        Figure.OWED: _money(debt.owed_minor, to.currency),
    }
    named = {figure.value: said for figure, said in figures.items()}
    text = step.texts[language]
    return _line(text.subject.format(**named))[:LONGEST_SUBJECT], text.body.format(**named)


def date_in(language: Language, day: date) -> str:
    """Write a date in full."""
    if language is Language.ZH:
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _money(minor: int, currency: str) -> str:
    return f"{currency} {format_minor(minor, currency, grouped=True)}"


def _line(text: str) -> str:
    """Write a name on one line: a break in it would begin another header of the message."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
