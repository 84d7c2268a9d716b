"""What is provided for at the end of a month: each loan and line as of that day, its scores, and its month before."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from typing import Any, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, FilteredRelation, Max, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from config.kernel.calendar import day_number
from config.kernel.exact import BASIS_POINTS, half_even
from lending.domain.books.at_rest import Standing
from lending.domain.books.loan import LoanStatus
from lending.domain.books.projection import AccrualCarry, Projection, project_account
from lending.domain.books.provision import (
    Before,
    Exposure,
    Left,
    Period,
    Stage,
    effective_rate_ppm,
    exposure_of,
    is_default,
    line_rate_ppm,
    periods_of,
)
from lending.domain.books.provision_policy import DefaultLevel, Policy
from lending.domain.contract.events import EventType
from lending.domain.contract.state import reach
from lending.domain.origination.line import LineState
from lending.models import Instalment, Line, Loan, LoanEvent, LoanProvision, ProductVersion, ProvisionMonth
from lending.queries.loans import carry_of, contracts_of, parse_kept_terms, resting_of
from lending.queries.owners import merchants_of, owners_of
from lending.queries.products import product_of
from lending.queries.provisions import month_before, policy_of
from scoring.models import Score

AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided:
    """A loan or a line at the end of a month: what is provided for, or why nothing is any more."""

    row: Loan | Line
    exposure: Exposure | None
    left: Left | None
    before: Before | None
    before_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """What the provisions of a month rest on; lgd_bps: the loss given default of each version of a product."""

    month: ProvisionMonth
    before: ProvisionMonth | None
    policy: Policy
    lgd_bps: Mapping[int, int]

    @property
    def day(self) -> date:
        """The month's last day."""
        return self.month.close.day


def pins_of(month: ProvisionMonth) -> Pins:
    """Load what the provisions of a month rest on. Raises PolicyMalformed, ProductMalformed."""
    lgd = {version.pk: product_of(version).costs.lgd_bps for version in ProductVersion.objects.all()}
    return Pins(month=month, before=month_before(month), policy=policy_of(month.policy), lgd_bps=lgd)


def loans_to_provide(pins: Pins, ids: range) -> Iterator[list[Provided]]:
    """Yield the loans of a range that ran at the end of the month, or are provided for, and have no row of it yet.

    Some hundred at a time; each is read in one statement, with its schedule.
    """
    after = ids.start - 1
    while loans := list(_undone_loans(pins).filter(pk__gt=after, pk__lt=ids.stop).order_by("pk")[:AT_ONCE]):
        after = loans[-1].pk
        ends, defaulted = _ends_of(loans, pins), _defaulted(loans, pins)
        made = (_provided(loan, ends[loan.pk], pins, defaulted[loan.merchant_id]) for loan in loans)
        yield [one for one in made if one is not None]


def lines_to_provide(pins: Pins) -> Iterator[list[Provided]]:
    """Yield the lines that could be drawn on at the end of the month, or are provided for, and have no row of it yet.

    After the loans: a line is of the stage of the worst loan under it, and what these owe is drawn.
    """
    after = 0
    while lines := list(_undone_lines(pins).filter(pk__gt=after).order_by("pk")[:AT_ONCE]):
        after = lines[-1].pk
        drawn, defaulted = _drawn(pins, [line.pk for line in lines]), _defaulted(lines, pins)
        yield [_provided_line(line, drawn.get(line.pk, {}), pins, defaulted[line.merchant_id]) for line in lines]


def _loans(pins: Pins) -> Any:  # noqa: ANN401 - a queryset whose rows have more than its model
    """Select each loan with its schedule, its scores, and its row of the month before, in one statement."""
    of_loan = {"loan": OuterRef("pk")}
    later = LoanEvent.objects.filter(**of_loan, on__gt=pins.day)
    re_aged = LoanEvent.objects.filter(**of_loan, type=EventType.RE_AGE, on__lte=pins.day).exclude(
        pk__in=LoanEvent.objects.filter(of__loan=OuterRef(OuterRef("pk"))).values("of")
    )
    rows = Instalment.objects.filter(**of_loan).order_by("no")
    return _with_before(Loan.objects.all(), pins).annotate(
        moved_later=Exists(later),
        re_aged_on=Subquery(re_aged.order_by("-on").values("on")[:1]),
        dues=ArraySubquery(rows.values("due")),
        left_minor=ArraySubquery(rows.values("left_minor")),
        score_pd_ppm=_score_of(pins),
        origination_pd_ppm=F("application__score__pd_ppm"),
    )


def _undone_loans(pins: Pins) -> Any:  # noqa: ANN401 - as _loans
    ran = Q(disbursed_on__lte=pins.day) & (Q(status=LoanStatus.ACTIVE) | Q(moved_later=True))
    return _undone(_loans(pins).filter(ran | Q(before__stage__isnull=False)), pins)


def _undone_lines(pins: Pins) -> Any:  # noqa: ANN401 - as _loans
    lines = _with_before(Line.objects.all(), pins).annotate(
        score_pd_ppm=_score_of(pins), origination_pd_ppm=F("application__score__pd_ppm")
    )
    open_ones = Q(state=LineState.ACTIVE, opened_on__lte=pins.day, pk__lte=pins.month.last_line)
    return _undone(lines.filter(open_ones | Q(before__stage__isnull=False)), pins)


def _with_before(rows: Any, pins: Pins) -> Any:  # noqa: ANN401 - of loans or lines
    """Annotate with the row of the month before that stands."""
    of_month = FilteredRelation("provisions", condition=Q(provisions__month=pins.before, provisions__left=None))
    return rows.annotate(
        before=of_month,
        before_stage=F("before__stage"),
        before_good_months=F("before__good_months"),
        before_worst_dpd=F("before__worst_dpd"),
        before_minor=Coalesce(F("before__provision_minor"), 0),
        before_rate_ppm=F("before__rate_ppm"),
    )


def _undone(rows: Any, pins: Pins) -> Any:  # noqa: ANN401 - as _with_before
    done = LoanProvision.objects.filter(month=pins.month, **{rows.model._meta.model_name: OuterRef("pk")})
    return rows.filter(~Exists(done))


def _score_of(pins: Pins) -> Subquery:
    scores = Score.objects.filter(run=pins.month.run_id, merchant=OuterRef("merchant_id"))
    return Subquery(scores.values("pd_ppm")[:1])


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """How a loan stood at the end of the month."""

    status: LoanStatus
    dpd: int
    worst_dpd: int
    ead_minor: int
    periods: tuple[Period, ...]


def _ends_of(loans: Sequence[Any], pins: Pins) -> dict[int, _End | None]:
    """Return how loans of _loans stood at the end of the month; None for one whose payout came back."""
    found = _replayed([loan for loan in loans if not _tells(loan, pins)], pins)
    return found | {loan.pk: _at_rest(loan, pins) for loan in loans if loan.pk not in found}


def _defaulted(rows: Sequence[Any], pins: Pins) -> Mapping[int, set[int]]:
    """Return the loans in default of those to whom loans or lines are lent, by merchant.

    An owner of several merchants is one borrower, as where limits are judged. Nothing where each loan is in default for
    itself.
    """
    found = defaultdict[int, set[int]](set)
    if pins.policy.default_level is DefaultLevel.LOAN:
        return found
    merchants = {row.merchant_id for row in rows}
    owners = owners_of(merchants)
    theirs = merchants_of(chain.from_iterable(owners.values()))
    night, least = pins.day + timedelta(days=1), pins.policy.default_dpd
    # Whatever else there is was not late, and is not now.
    may_be = Q(late_since__isnull=False) | Q(worst_dpd__gte=least) | Q(status=LoanStatus.WRITTEN_OFF)
    moved = Q(moved_later=True) | Q(booked_to__gt=night) | Q(turns_on__lte=night)
    asked = merchants.union(*theirs.values())
    loans = list(_loans(pins).filter(may_be | moved, merchant__in=asked, disbursed_on__lte=pins.day))
    ends = _ends_of(loans, pins)
    bad = [loan for loan in loans if _is_default(loan, ends[loan.pk], pins)]
    for merchant in merchants:
        same = {merchant}.union(*(theirs[owner] for owner in owners.get(merchant, ()) if owner in theirs))
        found[merchant] |= {loan.pk for loan in bad if loan.merchant_id in same}
    return found


def _is_default(loan: Any, end: _End | None, pins: Pins) -> bool:  # noqa: ANN401 - a loan of _loans
    if end is None or end.status is not LoanStatus.ACTIVE:
        return end is not None and end.status is LoanStatus.WRITTEN_OFF
    before = loan.before_worst_dpd or 0
    return is_default(pins.policy, dpd=end.dpd, worst_dpd=end.worst_dpd, worst_before=before)


def _tells(loan: Any, pins: Pins) -> bool:  # noqa: ANN401 - a loan of _loans
    """Tell whether a loan's row says how it stood at the end of the month: nothing happened since, nothing turns."""
    night = pins.day + timedelta(days=1)
    if loan.moved_later or loan.booked_to is None or loan.booked_to > night:
        return loan.booked_to is None
    return loan.booked_to == night or loan.turns_on is None or loan.turns_on > night


def _at_rest(loan: Any, pins: Pins) -> _End | None:  # noqa: ANN401 - a loan of _loans
    resting = resting_of(loan)
    if resting is None:
        return None
    standing = resting.as_of(pins.day + timedelta(days=1))
    left = zip(loan.dues, loan.left_minor, strict=True)
    return _end(pins, standing, LoanStatus(loan.status), carry_of(loan), left)


def _end(
    pins: Pins, stood: Standing | Projection, status: LoanStatus, carry: AccrualCarry, left: Iterable[tuple[date, int]]
) -> _End:
    return _End(
        status=status,
        dpd=stood.dpd,
        worst_dpd=stood.worst_dpd,
        ead_minor=exposure_of(stood.position),
        periods=periods_of(
            on=pins.day,
            position=stood.position,
            carry=carry,
            left=list(left),
            past_maturity_days=pins.policy.past_maturity_days,
        ),
    )


def _replayed(loans: Sequence[Loan], pins: Pins) -> dict[int, _End | None]:
    """Replay loans as of the end of the month's last day: after its events and its night, before the next day's."""
    found = dict[int, _End | None]()
    for pk, contract in (contracts_of(loans) if loans else {}).items():
        replayed = contract.replayed()
        account = replayed.account(pins.day)
        if account is None:  # its payout came back
            found[pk] = None
            continue
        reach(account, day_number(pins.day) + 1)
        end = project_account(replayed, account, through=pins.day)
        left = zip((row.due for row in account.schedule), end.left_minor, strict=True)
        found[pk] = _end(pins, end, end.status, end.carry, left)
    return found


def _provided(loan: Any, end: _End | None, pins: Pins, defaulted: Collection[int]) -> Provided | None:  # noqa: ANN401 - a loan of _loans
    """Return what is provided for; None for a loan that ended before its first month did.

    defaulted: the borrower's loans that are in default.
    """
    before = _before_of(loan)
    if end is None or end.status is not LoanStatus.ACTIVE:
        if before is None:
            return None
        is_off = end is not None and end.status is LoanStatus.WRITTEN_OFF
        left = Left.WRITTEN_OFF if is_off else Left.REPAID
        return Provided(row=loan, exposure=None, left=left, before=before, before_minor=loan.before_minor)
    rate = loan.before_rate_ppm
    exposure = Exposure(
        on=pins.day,
        dpd=end.dpd,
        worst_dpd=end.worst_dpd,
        re_aged_on=loan.re_aged_on,
        pd_ppm=loan.score_pd_ppm,
        origination_pd_ppm=loan.origination_pd_ppm,
        lgd_bps=pins.lgd_bps[loan.product_id],
        rate_ppm=effective_rate_ppm(parse_kept_terms(loan.terms), loan.disbursed_on) if rate is None else rate,
        ead_minor=end.ead_minor,
        periods=end.periods,
        borrower_defaulted=any(pk != loan.pk for pk in defaulted),
    )
    return Provided(row=loan, exposure=exposure, left=None, before=before, before_minor=loan.before_minor)


def _provided_line(line: Any, drawn: Mapping[str, Any], pins: Pins, defaulted: Collection[int]) -> Provided:  # noqa: ANN401 - a line of _undone_lines
    before = _before_of(line)
    if line.state != LineState.ACTIVE:
        return Provided(row=line, exposure=None, left=Left.REPAID, before=before, before_minor=line.before_minor)
    undrawn = max(0, line.limit_minor - int(drawn.get("drawn", 0)))
    ead = half_even(undrawn * pins.policy.conversion_bps, BASIS_POINTS)
    exposure = Exposure(
        on=pins.day,
        dpd=drawn.get("late", 0),
        worst_dpd=drawn.get("latest", 0),
        re_aged_on=None,
        pd_ppm=line.score_pd_ppm,
        origination_pd_ppm=line.origination_pd_ppm,
        lgd_bps=pins.lgd_bps[line.product_id],
        rate_ppm=line_rate_ppm(line.daily_rate),
        ead_minor=ead,
        periods=(Period(pins.policy.line_days, ead),),
        least_stage=Stage(drawn.get("worst", Stage.ONE)),
        borrower_defaulted=bool(defaulted),
    )
    return Provided(row=line, exposure=exposure, left=None, before=before, before_minor=line.before_minor)


def _before_of(row: Any) -> Before | None:  # noqa: ANN401 - of loans or lines
    if row.before_stage is None:
        return None
    return Before(stage=Stage(row.before_stage), good_months=row.before_good_months, worst_dpd=row.before_worst_dpd)


def _drawn(pins: Pins, lines: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    """Sum what is provided for loans under lines: what they owe, and how late and of which stage the worst is."""
    rows = LoanProvision.objects.filter(month=pins.month, loan__line__in=lines, left=None).values("loan__line")
    sums = rows.annotate(
        drawn=Sum("ead_minor"), late=Max("dpd"), latest=Max("worst_dpd"), worst=Max("stage")
    ).order_by()
    return {row["loan__line"]: row for row in sums}
