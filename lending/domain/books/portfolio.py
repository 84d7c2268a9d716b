"""The figures of a portfolio: at risk, vintages, rolls, defaults on the first payment, yield, loss, concentration."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, Self

from config.kernel.exact import BASIS_POINTS, MILLION, half_even
from lending.domain.books.month_close import last_day_of

PAR: Final = (1, 30, 60, 90)
"""Days past due from which a loan's principal is at risk."""
FIRST_DAY: Final = date(1970, 1, 1)
LAST_DAY: Final = date(9998, 12, 31)
"""Between which days a report may be asked for."""
BAD: Final = 30
"""Days past due from which a loan counts in its vintage, and a first payment as a default."""
YEAR: Final = 365
"""Days of the year to which a yield is brought."""
NOT_GIVEN: Final = "-"
"""What a loan is by a dimension where nothing was said: of an imported one without a grade, for example."""
LARGEST: Final = 20
"""So many borrowers are named by their share."""


class Dimension(StrEnum):
    """By what a report is split; each is what the loan was when it was paid out. ALL: by nothing."""

    ALL = "all"
    PRODUCT = "product"
    GRADE = "grade"
    CATEGORY = "category"
    REGION = "region"
    TIER = "tier"
    PARTNER = "partner"


SPLIT: Final = tuple(one for one in Dimension if one is not Dimension.ALL)
OFFERED: Final = (Dimension.ALL, Dimension.PRODUCT, Dimension.GRADE, Dimension.PARTNER)
"""By what offers are split: the others may have changed since an offer was made."""


class Report(StrEnum):
    """The reports, each of which is kept as figures of a day."""

    RISK = "risk"
    VINTAGES = "vintages"
    ROLLS = "rolls"
    YIELD = "yield"
    LOSS = "loss"
    CONCENTRATION = "concentration"
    FUNNEL = "funnel"


class Band(StrEnum):
    """How a loan stands at a month's end: by its days past due or, as it does not run any more, by how it ended.

    WRITTEN_OFF: principal of it was written off, or let go of in a settlement.
    """

    CURRENT = "0"
    FROM_1 = "1"
    FROM_30 = "30"
    FROM_60 = "60"
    FROM_90 = "90"
    REPAID = "repaid"
    WRITTEN_OFF = "written_off"


RUNNING: Final = (Band.CURRENT, Band.FROM_1, Band.FROM_30, Band.FROM_60, Band.FROM_90)


class Share(NamedTuple):
    """A part of a whole; the whole may be 0."""

    part: int
    whole: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many loans, and an amount of theirs in minor units."""

    loans: int = 0
    minor: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(loans=self.loans + other.loans, minor=self.minor + other.minor)


def band_of(dpd: int) -> Band:
    """Return the band of a running loan by its days past due."""
    return RUNNING[sum(dpd >= least for least in PAR)]


def at_risk(loans: Iterable[tuple[int, int]], days: int) -> Share:
    """Return the principal of running loans that are so many days past due or more; loans: days and principal."""
    found = list(loans)
    return Share(sum(minor for dpd, minor in found if dpd >= days), sum(minor for _, minor in found))


def months_on_book(lent: date, on: date) -> int:
    """Count the month ends from the one of the month in which loans were paid out, 0, to that of a date's month."""
    return 12 * (on.year - lent.year) + on.month - lent.month


def month_ends(first: date, on: date) -> list[date]:
    """List the month ends from that of a first date's month up to a date, which comes last if it is none itself."""
    found, end = list[date](), last_day_of(first)
    while end < on:
        found.append(end)
        end = last_day_of(end + timedelta(days=1))
    return [*found, on] if first <= on else found


@dataclass(frozen=True, slots=True, kw_only=True)
class VintagePoint:
    """The loans of a month of disbursement as of a date.

    lent: all of them, with what was disbursed. bad: those that run and are BAD or more days past due, with their
    principal. lost: those of which principal was written off, with what was. matured: how many had their first
    instalment due BAD or more days before, defaulted: of how many it was still unpaid BAD days after.
    """

    lent: Count = Count()
    bad: Count = Count()
    lost: Count = Count()
    matured: int = 0
    defaulted: int = 0

    @property
    def share(self) -> Share:
        """What is bad or lost of what was disbursed."""
        return Share(self.bad.minor + self.lost.minor, self.lent.minor)

    @property
    def first_payment_default(self) -> Share:
        """The loans that did not pay their first instalment, of those that had to."""
        return Share(self.defaulted, self.matured)


def matures_on(first_due: date) -> date:
    """Return the day on which a first instalment that is still unpaid is a default."""
    return first_due + timedelta(days=BAD)


def is_first_payment_default(first_due: date, *, late_since: date | None) -> bool:
    """Tell whether the first instalment is unpaid, by the oldest unpaid due date on the day it matures."""
    return late_since is not None and late_since <= first_due


def roll_rates(moves: Mapping[tuple[Band, Band], Count]) -> dict[tuple[Band, Band], Share]:
    """Return of each band which share of its principal at the beginning ended in which band."""
    wholes = dict.fromkeys(RUNNING, 0)
    for (before, _), count in moves.items():
        wholes[before] += count.minor
    return {
        (before, after): Share(moves.get((before, after), Count()).minor, wholes[before])
        for before in RUNNING
        for after in Band
    }


def rolled(moves: Mapping[tuple[Band, Band], Count], to: Callable[[Band, Band], bool]) -> Share:
    """Return which share of all principal at the beginning ended in a band to which this applies, as is_worse."""
    part = sum(count.minor for move, count in moves.items() if to(*move))
    return Share(part, sum(count.minor for count in moves.values()))


def is_worse(before: Band, after: Band) -> bool:
    """Tell whether a loan got later, or was written off."""
    return after is Band.WRITTEN_OFF or (after in RUNNING and RUNNING.index(after) > RUNNING.index(before))


def is_better(before: Band, after: Band) -> bool:
    """Tell whether a loan got less late, or was repaid."""
    return after is Band.REPAID or (after in RUNNING and RUNNING.index(after) < RUNNING.index(before))


def average_of(day_sum: int, days: int) -> int:
    """Return the average of a principal over days, rounded half to even; day_sum: that of each day, added up."""
    return half_even(day_sum, days)


def yield_of(received_minor: int, day_sum: int) -> Share:
    """Return what was received of interest, fees and penalties over the average outstanding, brought to a year.

    That is received / (day_sum / days) * YEAR / days; the days cancel out. As "yield on gross portfolio" of the
    Microfinance Consensus Guidelines (CGAP, 2003): cash received, not accrued.
    """
    return Share(received_minor * YEAR, day_sum)


EXPECTED: Final = MILLION * BASIS_POINTS


def expected_loss(weighted: int) -> int:
    """Return the loss that was expected of loans, rounded once, half to even.

    weighted: amount * PD in ppm * LGD in basis points, summed over the loans, each of its origination.
    """
    return half_even(weighted, EXPECTED)


def herfindahl(squares: int, total: int) -> int:
    """Return the Herfindahl-Hirschman index in points, 10,000 for a single holder and 0 for none.

    squares: the sum of the squares of all holders' amounts.
    """
    return half_even(BASIS_POINTS * squares, total * total) if total else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Concentration:
    """How a portfolio is spread over holders: borrowers, categories, regions.

    holders: how many. largest: the largest ones by their names, in order. squares: of all holders.
    """

    holders: int
    total: Count
    squares: int
    largest: Sequence[tuple[str, Count]]

    @property
    def index(self) -> int:
        """The Herfindahl-Hirschman index, in points."""
        return herfindahl(self.squares, self.total.minor)


def concentration_of(holders: Iterable[tuple[str, Count]]) -> Concentration:
    """Return how a portfolio is spread over all its holders."""
    found = sorted(holders, key=lambda holder: (-holder[1].minor, holder[0]))
    return Concentration(
        holders=len(found),
        total=sum((count for _, count in found), start=Count()),
        squares=sum(count.minor**2 for _, count in found),
        largest=found[:LARGEST],
    )


class FunnelStep(StrEnum):
    """What may become of an offer, in order; each counts those that got so far."""

    OFFERED = "offered"
    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    APPROVED = "approved"
    REFERRED = "referred"
    DECLINED = "declined"
    PAID_OUT = "paid_out"


class Offered(NamedTuple):
    """What became of an offer: seen or not, what the rules said of its application and why, paid out or not.

    outcome: APPROVE, REFER or DECLINE; None if nobody applied.
    """

    is_delivered: bool
    outcome: str | None
    ground: str
    is_paid_out: bool


OUTCOMES: Final = {
    "APPROVE": FunnelStep.APPROVED,
    "REFER": FunnelStep.REFERRED,
    "DECLINE": FunnelStep.DECLINED,
}


def steps_of(offered: Offered) -> list[FunnelStep]:
    """List how far an offer got; one that was accepted counts as delivered, whether or not that was told."""
    holds = {
        FunnelStep.OFFERED: True,
        FunnelStep.DELIVERED: offered.is_delivered or offered.outcome is not None,
        FunnelStep.ACCEPTED: offered.outcome is not None,
        FunnelStep.PAID_OUT: offered.is_paid_out,
        **{step: offered.outcome == outcome for outcome, step in OUTCOMES.items()},
    }
    return [step for step in FunnelStep if holds[step]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """How many offers got how far, with why applications were referred and declined: by step, and by step and rule."""

    steps: Mapping[FunnelStep, int]
    grounds: Mapping[tuple[FunnelStep, str], int]


def funnel_of(counted: Iterable[tuple[Offered, int]]) -> Funnel:
    """Add up offers by what became of them."""
    steps, grounds = dict.fromkeys(FunnelStep, 0), dict[tuple[FunnelStep, str], int]()
    for offered, number in counted:
        for step in steps_of(offered):
            steps[step] += number
        why = None if offered.outcome is None else OUTCOMES[offered.outcome]
        if why in {FunnelStep.REFERRED, FunnelStep.DECLINED} and why is not None:
            grounds[why, offered.ground] = grounds.get((why, offered.ground), 0) + number
    return Funnel(steps=steps, grounds=grounds)
