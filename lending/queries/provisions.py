"""Provisions: what is provided for at the end of a month, and what was provided."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import Count, Exists, F, FilteredRelation, Max, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from config.kernel.calendar import day_number
from config.kernel.exact import BASIS_POINTS, half_even
from lending.domain.books.loan import LoanStatus
from lending.domain.books.projection import project_account
from lending.domain.books.provision import (
    Before,
    Cause,
    Exposure,
    Left,
    Period,
    Stage,
    effective_rate_ppm,
    exposure_of,
    line_rate_ppm,
    periods_of,
)
from lending.domain.books.provision_movement import Moved, MovementTable, movement_tables
from lending.domain.books.provision_policy import Category, Policy, parse_policy
from lending.domain.contract.events import EventType
from lending.domain.contract.state import reach
from lending.domain.origination.line import LineState
from lending.models import (
    DayClose,
    Instalment,
    Line,
    Loan,
    LoanEvent,
    LoanProvision,
    ProductVersion,
    ProvisionMonth,
    ProvisionPolicy,
)
from lending.queries.loans import carry_of, contracts_of, resting_of, terms_of
from lending.queries.products import product_of
from scoring.models import Score

AT_ONCE: Final = 500
BY_MONTH: Final = """
SELECT c.day, s.currency, s.minor::bigint FROM lending_provisionmonth m JOIN lending_dayclose c ON c.id = m.close_id
LEFT JOIN (
    SELECT month_id, currency, sum(provision_minor) AS minor FROM lending_loanprovision GROUP BY month_id, currency
) s ON s.month_id = m.id
WHERE m.booked_at IS NOT NULL ORDER BY m.month
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided:
    """A loan or a line at the end of a month: what is provided for, or why nothing is any more."""

    row: Loan | Line
    exposure: Exposure | None
    left: Left | None
    before: Before | None
    before_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What the provisions of a month rest on; products: the loss given default of each version, in basis points."""

    month: ProvisionMonth
    before: ProvisionMonth | None
    policy: Policy
    lgd_bps: Mapping[int, int]

    @property
    def day(self) -> date:
        """The month's last day."""
        return self.month.close.day


@dataclass(frozen=True, slots=True)
class Total:
    """The provisions of one currency, stage and category: how many, and minor units in all."""

    currency: str
    stage: Stage
    category: Category
    number: int
    ead_minor: int
    ecl_minor: int
    minimum_minor: int
    provision_minor: int


def latest_policy() -> ProvisionPolicy | None:
    """Get the policy in force: the last entered."""
    return ProvisionPolicy.objects.order_by("-pk").first()


def policy_of(version: ProvisionPolicy) -> Policy:
    """Load a stored policy, verifying its hash. Raises PolicyMalformed."""
    return parse_policy(version.content, version.sha256)


def month_of(close: DayClose) -> ProvisionMonth | None:
    """Get the month whose provisions a close makes; None if it makes none."""
    return ProvisionMonth.objects.select_related("close", "policy").filter(close=close).first()


def booked_month(month: date) -> ProvisionMonth | None:
    """Get the provisions of a month, by its first day, once they are booked."""
    return ProvisionMonth.objects.select_related("close", "policy", "run").filter(
        month=month, booked_at__isnull=False
    ).first()  # fmt: skip


def month_before(month: ProvisionMonth) -> ProvisionMonth | None:
    """Get the month that was provided for before."""
    return ProvisionMonth.objects.filter(month__lt=month.month).order_by("-month").first()


def basis_of(month: ProvisionMonth) -> Basis:
    """Load what the provisions of a month rest on. Raises PolicyMalformed, ProductMalformed."""
    lgd = {version.pk: product_of(version).costs.lgd_bps for version in ProductVersion.objects.all()}
    return Basis(month=month, before=month_before(month), policy=policy_of(month.policy), lgd_bps=lgd)


def loans_to_provide(basis: Basis, ids: range) -> Iterator[list[Provided]]:
    """Yield the loans of a range that ran at the end of the month, or are provided for, and have no row of it yet.

    Some hundred at a time; each is read in one statement, with its schedule.
    """
    after = ids.start - 1
    while loans := list(_loans(basis).filter(pk__gt=after, pk__lt=ids.stop).order_by("pk")[:AT_ONCE]):
        after = loans[-1].pk
        found = _replayed([loan for loan in loans if not _tells(loan, basis)], basis)
        told = {loan.pk: _at_rest(loan, basis) for loan in loans if loan.pk not in found}
        ends = (_provided(loan, (told | found)[loan.pk], basis) for loan in loans)
        yield [end for end in ends if end is not None]


def lines_to_provide(basis: Basis) -> Iterator[list[Provided]]:
    """Yield the lines that could be drawn on at the end of the month, or are provided for, and have no row of it yet.

    After the loans: a line is of the stage of the worst loan under it, and what these owe is drawn.
    """
    after = 0
    while lines := list(_lines(basis).filter(pk__gt=after).order_by("pk")[:AT_ONCE]):
        after = lines[-1].pk
        drawn = _drawn(basis, [line.pk for line in lines])
        yield [_provided_line(line, drawn.get(line.pk, {}), basis) for line in lines]


def changes_of(month: ProvisionMonth) -> list[tuple[int, str, int]]:
    """Sum by how much the provisions of a month differ from the last ones: product version, currency, minor units."""
    rows = month.provisions.values_list("product_id", "currency")
    sums = rows.annotate(change=Sum(F("provision_minor") - F("before_minor"))).order_by("product_id", "currency")
    return [(product, currency, int(change)) for product, currency, change in sums]


def provided_by_month() -> list[tuple[date, dict[str, int]]]:
    """Sum the provisions of each month that is booked, by its last day and by currency, in order."""
    found = dict[date, dict[str, int]]()
    with connection.cursor() as cursor:
        cursor.execute(BY_MONTH)
        for day, currency, minor in cursor.fetchall():
            sums = found.setdefault(day, {})
            if currency is not None:
                sums[currency] = minor
    return list(found.items())


def movements_of(month: ProvisionMonth) -> list[MovementTable]:
    """Return how provisions moved in a month, by currency."""
    sums = month.provisions.values_list("currency", "before_stage", "stage", "left").annotate(
        Sum("before_minor"), Sum("provision_minor")
    )
    return movement_tables(
        Moved(
            currency=currency,
            before=None if before is None else Stage(before),
            stage=None if stage is None else Stage(stage),
            left=None if left is None else Left(left),
            before_minor=int(before_minor),
            provision_minor=int(minor),
        )
        for currency, before, stage, left, before_minor, minor in sums.order_by()
    )


def stored_exposure(row: LoanProvision, *, on: date) -> Exposure:
    """Return what a row says was provided for, at the end of its month."""
    return Exposure(
        on=on,
        dpd=row.dpd,
        worst_dpd=row.worst_dpd,
        re_aged_on=row.re_aged_on,
        pd_ppm=row.score_pd_ppm,
        origination_pd_ppm=row.origination_pd_ppm,
        lgd_bps=row.lgd_bps,
        rate_ppm=row.rate_ppm,
        ead_minor=row.ead_minor,
        periods=tuple(Period(days, minor) for days, minor in row.periods),
        # Of the loans under a line no more is known here than that they made its stage.
        least_stage=Stage(row.stage) if row.stage is not None and row.cause == Cause.SAME_LINE else Stage.ONE,
    )


def totals_of(month: ProvisionMonth) -> list[Total]:
    """Sum a month's provisions by currency, stage and category, in their order."""
    rows = month.provisions.filter(left=None).values_list("currency", "stage", "category")
    sums = rows.annotate(Count("pk"), *(Sum(name) for name in ("ead_minor", "ecl_minor", "minimum_minor")),
                         Sum("provision_minor")).order_by()  # fmt: skip
    found = [
        Total(currency, Stage(stage), Category(category), number, *map(int, minors))
        for currency, stage, category, number, *minors in sums
    ]
    return sorted(found, key=lambda total: (total.currency, total.stage, list(Category).index(total.category)))


def months_provided() -> list[str]:
    """List the months that are booked, as their first days, the latest first."""
    months = ProvisionMonth.objects.exclude(booked_at=None).order_by("-month").values_list("month", flat=True)
    return [f"{month:%Y-%m}" for month in months]


def _loans(basis: Basis) -> Any:  # noqa: ANN401 - a queryset whose rows have more than its model
    """Select the loans, each with its schedule, its scores, and its row of the month before, in one statement."""
    of_loan = {"loan": OuterRef("pk")}
    later = LoanEvent.objects.filter(**of_loan, on__gt=basis.day)
    re_aged = LoanEvent.objects.filter(**of_loan, type=EventType.RE_AGE, on__lte=basis.day).exclude(
        pk__in=LoanEvent.objects.filter(of__loan=OuterRef(OuterRef("pk"))).values("of")
    )
    rows = Instalment.objects.filter(**of_loan).order_by("no")
    loans = _with_before(Loan.objects.all(), basis).annotate(
        moved_later=Exists(later),
        re_aged_on=Subquery(re_aged.order_by("-on").values("on")[:1]),
        dues=ArraySubquery(rows.values("due")),
        left_minor=ArraySubquery(rows.values("left_minor")),
        score_pd_ppm=_score_of(basis),
        origination_pd_ppm=F("application__score__pd_ppm"),
    )
    ran = Q(disbursed_on__lte=basis.day) & (Q(status=LoanStatus.ACTIVE) | Q(moved_later=True))
    return loans.filter(ran | Q(before__stage__isnull=False))


def _lines(basis: Basis) -> Any:  # noqa: ANN401 - as _loans
    lines = _with_before(Line.objects.all(), basis).annotate(
        score_pd_ppm=_score_of(basis), origination_pd_ppm=F("application__score__pd_ppm")
    )
    open_ones = Q(state=LineState.ACTIVE, opened_on__lte=basis.day, pk__lte=basis.month.last_line)
    return lines.filter(open_ones | Q(before__stage__isnull=False))


def _with_before(rows: Any, basis: Basis) -> Any:  # noqa: ANN401 - of loans or lines
    """Annotate with the row of the month before that stands, and leave out what has one of this month."""
    of_month = FilteredRelation("provisions", condition=Q(provisions__month=basis.before, provisions__left=None))
    done = LoanProvision.objects.filter(month=basis.month, **{rows.model._meta.model_name: OuterRef("pk")})
    return rows.annotate(
        before=of_month,
        before_stage=F("before__stage"),
        before_good_months=F("before__good_months"),
        before_worst_dpd=F("before__worst_dpd"),
        before_minor=Coalesce(F("before__provision_minor"), 0),
        before_rate_ppm=F("before__rate_ppm"),
    ).filter(~Exists(done))


def _score_of(basis: Basis) -> Subquery:
    scores = Score.objects.filter(run=basis.month.run_id, merchant=OuterRef("merchant_id"))
    return Subquery(scores.values("pd_ppm")[:1])


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """How a loan stood at the end of the month."""

    status: LoanStatus
    dpd: int
    worst_dpd: int
    ead_minor: int
    periods: tuple[Period, ...]


def _tells(loan: Any, basis: Basis) -> bool:  # noqa: ANN401 - a loan of _loans
    """Tell whether a loan's row says how it stood at the end of the month: nothing happened since, nothing turns."""
    night = basis.day + timedelta(days=1)
    if loan.moved_later or loan.booked_to is None or loan.booked_to > night:
        return loan.booked_to is None
    return loan.booked_to == night or loan.turns_on is None or loan.turns_on > night


def _at_rest(loan: Any, basis: Basis) -> _End | None:  # noqa: ANN401 - a loan of _loans
    resting = resting_of(loan)
    if resting is None:
        return None
    standing = resting.as_of(basis.day + timedelta(days=1))
    return _End(
        status=LoanStatus(loan.status),
        dpd=standing.dpd,
        worst_dpd=standing.worst_dpd,
        ead_minor=exposure_of(standing.position),
        periods=periods_of(
            on=basis.day,
            position=standing.position,
            carry=carry_of(loan),
            left=list(zip(loan.dues, loan.left_minor, strict=True)),
            past_maturity_days=basis.policy.past_maturity_days,
        ),
    )


def _replayed(loans: Sequence[Loan], basis: Basis) -> dict[int, _End | None]:
    """Replay loans as of the end of the month's last day: after its events and its night, before the next day's."""
    found = dict[int, _End | None]()
    for pk, contract in (contracts_of(loans) if loans else {}).items():
        replayed = contract.replayed()
        account = replayed.account(basis.day)
        if account is None:  # its payout came back
            found[pk] = None
            continue
        reach(account, day_number(basis.day) + 1)
        end = project_account(replayed, account, through=basis.day)
        dues = [row.due for row in account.schedule]
        found[pk] = _End(
            status=end.status,
            dpd=end.dpd,
            worst_dpd=end.worst_dpd,
            ead_minor=exposure_of(end.position),
            periods=periods_of(
                on=basis.day,
                position=end.position,
                carry=end.carry,
                left=list(zip(dues, end.left_minor, strict=True)),
                past_maturity_days=basis.policy.past_maturity_days,
            ),
        )
    return found


def _provided(loan: Any, end: _End | None, basis: Basis) -> Provided | None:  # noqa: ANN401 - a loan of _loans
    """Return what is provided for; None for a loan that ended before its first month did."""
    before = _before_of(loan)
    if end is None or end.status is not LoanStatus.ACTIVE:
        if before is None:
            return None
        is_off = end is not None and end.status is LoanStatus.WRITTEN_OFF
        left = Left.WRITTEN_OFF if is_off else Left.REPAID
        return Provided(row=loan, exposure=None, left=left, before=before, before_minor=loan.before_minor)
    rate = loan.before_rate_ppm
    exposure = Exposure(
        on=basis.day,
        dpd=end.dpd,
        worst_dpd=end.worst_dpd,
        re_aged_on=loan.re_aged_on,
        pd_ppm=loan.score_pd_ppm,
        origination_pd_ppm=loan.origination_pd_ppm,
        lgd_bps=basis.lgd_bps[loan.product_id],
        rate_ppm=effective_rate_ppm(terms_of(loan), loan.disbursed_on) if rate is None else rate,
        ead_minor=end.ead_minor,
        periods=end.periods,
    )
    return Provided(row=loan, exposure=exposure, left=None, before=before, before_minor=loan.before_minor)


def _provided_line(line: Any, drawn: Mapping[str, int], basis: Basis) -> Provided:  # noqa: ANN401 - a line of _lines
    before = _before_of(line)
    if line.state != LineState.ACTIVE:
        return Provided(row=line, exposure=None, left=Left.REPAID, before=before, before_minor=line.before_minor)
    undrawn = max(0, line.limit_minor - drawn.get("ead_minor", 0))
    ead = half_even(undrawn * basis.policy.conversion_bps, BASIS_POINTS)
    exposure = Exposure(
        on=basis.day,
        dpd=drawn.get("dpd", 0),
        worst_dpd=drawn.get("worst_dpd", 0),
        re_aged_on=None,
        pd_ppm=line.score_pd_ppm,
        origination_pd_ppm=line.origination_pd_ppm,
        lgd_bps=basis.lgd_bps[line.product_id],
        rate_ppm=line_rate_ppm(line.daily_rate),
        ead_minor=ead,
        periods=(Period(basis.policy.line_days, ead),),
        least_stage=Stage(drawn.get("stage", Stage.ONE)),
    )
    return Provided(row=line, exposure=exposure, left=None, before=before, before_minor=line.before_minor)


def _before_of(row: Any) -> Before | None:  # noqa: ANN401 - of loans or lines
    if row.before_stage is None:
        return None
    return Before(stage=Stage(row.before_stage), good_months=row.before_good_months, worst_dpd=row.before_worst_dpd)


def _drawn(basis: Basis, lines: Sequence[int]) -> dict[int, dict[str, int]]:
    """Sum what is provided for loans under lines: what they owe, and how late and of which stage the worst is."""
    rows = LoanProvision.objects.filter(month=basis.month, loan__line__in=lines, left=None).values("loan__line")
    sums = rows.annotate(
        drawn_minor=Sum("ead_minor"), most_dpd=Max("dpd"), worst=Max("worst_dpd"), worst_stage=Max("stage")
    ).order_by()
    return {
        row["loan__line"]: {
            "ead_minor": int(row["drawn_minor"]),
            "dpd": row["most_dpd"],
            "worst_dpd": row["worst"],
            "stage": row["worst_stage"],
        }
        for row in sums
    }
