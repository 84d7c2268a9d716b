"""What the office says of buckets, and the filter by them."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.display import Cell
from config.office.lists import Filter
from config.office.words import Words
from lending.domain.books.delinquency_policy import DelinquencyPolicy, Pauses
from lending.domain.books.provision_policy import DefaultLevel
from lending.queries.delinquency import Classed, with_bucket

NO_BUCKET: Final = _("In no bucket")
PAUSES: Final = {
    Pauses.COUNT: _("count as any others"),
    Pauses.STOP: _("do not count"),
}
LEVELS: Final = {
    DefaultLevel.LOAN: _("each by itself"),
    DefaultLevel.BORROWER: _("all in the bucket of the worst"),
}


def bucket_words(policy: DelinquencyPolicy, bucket: int) -> Words:
    """Name a bucket by its number; 0: none."""
    return _t("%(days)s days") % {"days": policy.name_of(bucket)} if bucket else NO_BUCKET


def bucket_chip(policy: DelinquencyPolicy, classed: Classed | None) -> Cell:
    """Show the bucket of a loan, and why it is in it where it is not by itself; nothing for none."""
    if classed is None or not classed.bucket:
        return Cell()
    why: Words = ""
    if classed.bucket > classed.own_bucket:
        why = _("with another loan of the borrower")
    elif not classed.dpd:
        why = _("nothing past due, not cured yet")
    tint = "tl-warn" if classed.bucket == 1 else "tl-bad"
    return Cell(text=bucket_words(policy, classed.bucket), tint=tint, note=why)


def bucket_filter(policy: DelinquencyPolicy, *, on: date, loan: str, none: bool = False) -> Filter:
    """Return a filter by the bucket of a day of the loan in a column; none: also by being in none."""

    def choices() -> Iterator[tuple[str, Words]]:
        for number in range(0 if none else 1, len(policy.rule.buckets) + 1):
            yield str(number), bucket_words(policy, number)

    return Filter(
        name="bucket",
        label=_("bucket"),
        choices=choices,
        keep=lambda rows, text: with_bucket(rows, int(text), policy, on=on, loan=loan),
    )
