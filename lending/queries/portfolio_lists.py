"""The lists behind the figures of reports: loans that were paid out, as they stood on a day, and what came of offers.

Written with querysets, apart from the statements that add up: that both come to the same is a test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.fields import DecimalField
from django.db.models.functions import Cast, Coalesce, Greatest, Least

from lending.domain.books.month_close import last_day_of
from lending.domain.books.portfolio import (
    BAD,
    OUTCOMES,
    PAR,
    Band,
    FunnelStep,
    average_of,
    band_of,
    expected_loss,
)
from lending.domain.origination.rules import Outcome
from lending.models import Decision, LoanFlow, LoanOrigin, LoanSpell, Offer

LOAN: Final = OuterRef("pk")
EXACT: Final = DecimalField(max_digits=60, decimal_places=0)
STANDS: Final = ("bad", "lost", "bad_or_lost", "matured", "defaulted", "rated", "recovered")


def lent_by(origins: QuerySet[LoanOrigin], on: date) -> QuerySet[LoanOrigin]:
    """Filter to the loans that were paid out by a day."""
    return origins.filter(disbursed_on__lte=on)


def of_vintage(origins: QuerySet[LoanOrigin], month: str) -> QuerySet[LoanOrigin]:
    """Filter to those that were paid out in a month, YYYY-MM. Raises ValueError."""
    first = date.fromisoformat(f"{month}-01")
    return origins.filter(disbursed_on__gte=first, disbursed_on__lte=last_day_of(first))


def standing_so(origins: QuerySet[LoanOrigin], stands: str, *, on: date) -> QuerySet[LoanOrigin]:
    """Filter to the loans that stand as one of STANDS on a day."""
    bad = Exists(_late(_running(on), BAD, on=on))
    lost = Exists(_flows(on).exclude(written_off_minor=0))
    matured = Q(first_due__lte=on - timedelta(days=BAD))
    found: Mapping[str, Exists | Q] = {
        "bad": bad,
        "lost": lost,
        "bad_or_lost": Q(bad) | Q(lost),
        "matured": matured,
        "defaulted": matured & Q(Exists(_unpaid_at_first())),
        "rated": Q(pd_ppm__isnull=False),
        "recovered": Exists(_flows(on).exclude(recovered_minor=0)),
    }
    return origins.filter(found[stands])


def _running(on: date) -> QuerySet[LoanSpell]:
    return LoanSpell.objects.filter(loan=LOAN, since__lte=on, until__gt=on)


def _late(spells: QuerySet[LoanSpell], days: int, *, on: date) -> QuerySet[LoanSpell]:
    return spells.filter(late_from__lte=on, late_since__lte=on - timedelta(days=days))


def _flows(on: date) -> QuerySet[LoanFlow]:
    return LoanFlow.objects.filter(loan=LOAN, on__lte=on)


def _unpaid_at_first() -> QuerySet[LoanSpell]:
    """Select what stood when the first instalment was BAD days old, where that was still unpaid."""
    matures = OuterRef("first_due") + timedelta(days=BAD)
    return LoanSpell.objects.filter(
        loan=LOAN, since__lte=matures, until__gt=matures, late_from__lte=matures, late_since__lte=OuterRef("first_due")
    )


def in_band(origins: QuerySet[LoanOrigin], band: Band, *, on: date) -> QuerySet[LoanOrigin]:
    """Filter to the loans that were in a band at the end of a day."""
    running, lost = Exists(_running(on)), Exists(_flows(on).exclude(written_off_minor=0))
    if band is Band.WRITTEN_OFF:
        return origins.filter(~running, lost)
    if band is Band.REPAID:
        return origins.filter(~running, ~lost)
    least = int(band)
    further = next((days for days in PAR if days > least), None)
    found = origins.filter(Exists(_late(_running(on), least, on=on))) if least else origins.filter(running)
    return found if further is None else found.exclude(Exists(_late(_running(on), further, on=on)))


def ran_in_month(origins: QuerySet[LoanOrigin], *, on: date) -> QuerySet[LoanOrigin]:
    """Filter to the loans that ran on a day of the month up to a day."""
    return origins.filter(Exists(LoanSpell.objects.filter(loan=LOAN, since__lte=on, until__gt=on.replace(day=1))))


def ran_before_month(origins: QuerySet[LoanOrigin], *, on: date) -> QuerySet[LoanOrigin]:
    """Filter to the loans that ran at the end of the month before a day's."""
    return origins.filter(Exists(_running(on.replace(day=1) - timedelta(days=1))))


def received_in_month(origins: QuerySet[LoanOrigin], *, on: date) -> QuerySet[LoanOrigin]:
    """Filter to the loans of which interest, fees or penalties were paid in the month up to a day."""
    return origins.filter(Exists(_flows(on).filter(on__gte=on.replace(day=1)).exclude(received_minor=0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class LentLoan:
    """A loan as it stood on a day; minor units. outstanding_minor: None if it did not run."""

    origin: LoanOrigin
    band: Band
    outstanding_minor: int | None
    disbursed_minor: int
    written_off_minor: int
    recovered_minor: int
    received_minor: int


def loans_on(origins: Sequence[LoanOrigin], *, on: date) -> list[LentLoan]:
    """Return loans in their order, each as it stood on a day; received: in its month up to it."""
    keys = [origin.pk for origin in origins]
    spells = {spell.loan_id: spell for spell in LoanSpell.objects.filter(loan__in=keys, since__lte=on, until__gt=on)}
    rows: Any = LoanFlow.objects.filter(loan__in=keys, on__lte=on).values("loan_id").annotate(**_sums(on)).order_by()
    flows: dict[int, Mapping[str, int]] = {row["loan_id"]: row for row in rows}
    return [_lent(origin, spells.get(origin.pk), flows.get(origin.pk, {}), on) for origin in origins]


def _lent(origin: LoanOrigin, spell: LoanSpell | None, flow: Mapping[str, int], on: date) -> LentLoan:
    lost = int(flow.get("written_off", 0))
    if spell is None:
        band = Band.WRITTEN_OFF if lost else Band.REPAID
    else:
        is_late = spell.late_from is not None and spell.late_from <= on and spell.late_since is not None
        band = band_of((on - spell.late_since).days if is_late and spell.late_since else 0)
    return LentLoan(
        origin=origin,
        band=band,
        outstanding_minor=None if spell is None else spell.principal_minor,
        disbursed_minor=int(flow.get("disbursed", 0)),
        written_off_minor=lost,
        recovered_minor=int(flow.get("recovered", 0)),
        received_minor=int(flow.get("received", 0)),
    )


def _sums(on: date) -> dict[str, Sum]:
    return {
        "disbursed": Sum("disbursed_minor", default=0),
        "written_off": Sum("written_off_minor", default=0),
        "recovered": Sum("recovered_minor", default=0),
        "received": Sum("received_minor", filter=Q(on__gte=on.replace(day=1)), default=0),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class LentTotal:
    """What the loans of a list come to in a currency on a day; minor units.

    before_minor: their principal outstanding at the end of the month before. average_minor: on an average day of the
    month up to the day. expected_minor: the loss that was expected of them when they were paid out.
    """

    currency: str
    loans: int
    disbursed_minor: int
    outstanding_minor: int
    before_minor: int
    average_minor: int
    received_minor: int
    expected_minor: int
    written_off_minor: int
    recovered_minor: int


def lent_totals(origins: QuerySet[LoanOrigin], *, on: date) -> list[LentTotal]:
    """Add up the loans of a list by currency."""
    loans, first = origins.order_by().values("pk"), on.replace(day=1)
    before = _principals(loans, first - timedelta(days=1))
    now = _principals(loans, on)
    flows = LoanFlow.objects.filter(loan__in=loans, on__lte=on)
    weighted = Cast("disbursed_minor", EXACT) * Coalesce(F("loan__origin__pd_ppm"), 0) * F("loan__origin__lgd_bps")
    rows: Any = flows.values("loan__currency").annotate(**_sums(on), weighted=Sum(weighted)).order_by()
    sums = {row["loan__currency"]: row for row in rows}
    lasted = Least(F("until"), on + timedelta(days=1)) - Greatest(F("since"), first)
    found = LoanSpell.objects.filter(loan__in=loans, since__lte=on, until__gt=first)
    day_sums = dict[str, int]()
    for currency, minor, days in (
        found.annotate(lasted=lasted).values_list("loan__currency", "principal_minor", "lasted").iterator()
    ):
        day_sums[currency] = day_sums.get(currency, 0) + minor * days.days
    counted = origins.order_by().values_list("currency").annotate(loans=Count("pk"))
    return [
        LentTotal(
            currency=currency,
            loans=number,
            disbursed_minor=int(sums[currency]["disbursed"]),
            outstanding_minor=now.get(currency, 0),
            before_minor=before.get(currency, 0),
            average_minor=average_of(day_sums.get(currency, 0), on.day),
            received_minor=int(sums[currency]["received"]),
            expected_minor=expected_loss(int(sums[currency]["weighted"])),
            written_off_minor=int(sums[currency]["written_off"]),
            recovered_minor=int(sums[currency]["recovered"]),
        )
        for currency, number in counted.order_by("currency")
    ]


def _principals(loans: QuerySet[LoanOrigin, Any], on: date) -> dict[str, int]:
    rows = LoanSpell.objects.filter(loan__in=loans, since__lte=on, until__gt=on).values_list("loan__currency")
    return {currency: int(minor) for currency, minor in rows.annotate(minor=Sum("principal_minor")).order_by()}


def with_step(offers: QuerySet[Offer], step: FunnelStep, *, on: date) -> QuerySet[Offer]:
    """Filter offers to those that got so far by a day."""
    if step is FunnelStep.OFFERED:
        return offers
    if step is FunnelStep.DELIVERED:
        return offers.filter(Q(delivered_on__lte=on) | Q(Exists(_decided(on))))
    if step is FunnelStep.ACCEPTED:
        return offers.filter(Exists(_decided(on)))
    if step is FunnelStep.PAID_OUT:
        lent = LoanOrigin.objects.filter(
            loan__application__offer=LOAN, loan__application__line=None, disbursed_on__lte=on
        )
        return offers.filter(Exists(lent))
    outcome = next(Outcome(name) for name, of_step in OUTCOMES.items() if of_step is step)
    return offers.filter(Exists(_decided(on).filter(outcome=outcome)))


def _decided(on: date) -> QuerySet[Decision]:
    """Select what the rules said of what was applied for under an offer by a day."""
    return Decision.objects.filter(
        application__offer=LOAN, application__line=None, application__applied_on__lte=on, actor__startswith="system:"
    )


def with_ground(offers: QuerySet[Offer], ground: str, *, on: date) -> QuerySet[Offer]:
    """Filter offers to those of whose application the rules said so by a day."""
    return offers.filter(Exists(_decided(on).filter(ground=ground)))


def made_in_month(offers: QuerySet[Offer], *, on: date) -> QuerySet[Offer]:
    """Filter offers to those that were made in the month up to a day."""
    return offers.filter(made_on__gte=on.replace(day=1), made_on__lte=on)
