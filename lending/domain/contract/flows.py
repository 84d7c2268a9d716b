"""What moved on a loan by day: disbursed, received, written off, recovered; so that any period is a sum of days."""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import Final, NamedTuple

from config.kernel.calendar import date_of
from lending.domain.contract.marks import MovedSoFar
from lending.domain.contract.replay import Replayed

NOTHING: Final = MovedSoFar(0, 0, 0, 0)


class Flow(NamedTuple):
    """What the events of a day moved, in minor units.

    disbursed: principal lent. received: interest, penalties and fees that were paid. written_off: principal that left
    the loan without money, be it written off or settled for less. recovered: what was paid of a claim after
    a write-off, up to that principal.
    """

    on: date
    disbursed_minor: int
    received_minor: int
    written_off_minor: int
    recovered_minor: int


def flows_of(replayed: Replayed, *, since: date = date.min) -> list[Flow]:
    """Return what moved on each day from a date on, in order; days on which none of these did are left out."""
    return [flow for flow in _flows(replayed) if flow.on >= since]


def _flows(replayed: Replayed) -> Iterator[Flow]:
    days = [(None, NOTHING), *((mark.day, mark.money) for mark in replayed.marks)]
    for (_, before), (day, after) in pairwise(days):
        if day is not None and after != before:
            yield Flow(date_of(day), *(now - then for now, then in zip(after, before, strict=True)))
