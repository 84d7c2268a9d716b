"""Gather what is known of merchants in order to judge lending to them: a whole set in a few statements."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from django.db.models import F, Q, Sum

from lending.domain.books.loan import LoanStatus, repaid_on_time
from lending.domain.contract.schedule import draw_schedule
from lending.domain.contract.terms import parse_terms
from lending.domain.origination.facts import Exposure, MerchantFacts, Profile, ScoreFacts, dues_by_month
from lending.domain.origination.line import Line
from lending.domain.origination.product import Product
from lending.domain.origination.rules import Rules
from lending.models import CreditLine, Instalment, Loan, Offer
from lending.queries.owners import merchants_of, owners_of
from merchants.models import Merchant
from scoring.domain.calibration import Grade, parse_calibration
from scoring.domain.features.sets import FEATURE_SETS
from scoring.domain.policy import Gate, NotScored
from scoring.models import Score, ScoreRun
from scoring.queries.explanations import characteristics_of


class FactMissing(LookupError):
    """The score was made without characteristics that the rules read; the message names them."""


@dataclass(slots=True)
class Book:
    """What one merchant owes, before it is compared with what others do."""

    outstanding_minor: int = 0
    days_past_due: int = 0
    largest_repaid_minor: int = 0
    dues: list[tuple[date, int]] = field(default_factory=list)


def facts_of(*, scores: Iterable[Score], on: date, product: Product, rules: Rules) -> dict[int, MerchantFacts]:
    """Gather the facts that the rules read about the merchants of these scores on a business date, by merchant.

    The scores come with their runs, cards and calibrations. A caller who judges under a lock calls this after locking.
    Raises FactMissing, FeatureSetGone.
    """
    by_merchant = {score.merchant_id: score for score in scores}
    merchants = list(Merchant.objects.filter(pk__in=by_merchant).select_related("partner"))
    owners = owners_of(by_merchant)
    groups = merchants_of({owner for found in owners.values() for owner in found})
    books = _books({*by_merchant, *(other for group in groups.values() for other in group)}, on=on)
    offered = _offered([other for group in groups.values() for other in group])
    lines = {line.merchant_id: line for line in CreditLine.objects.filter(merchant__in=by_merchant)}
    rooms = _rooms(product, merchants)
    found = {}
    for merchant in merchants:
        book = books[merchant.pk]
        currencies = {key: code for owner in owners.get(merchant.pk, ()) for key, code in groups[owner].items()}
        others = [other for other in currencies if other != merchant.pk]
        addable = [other for other in others if currencies[other] == merchant.currency]
        portfolio, category = rooms.get(merchant.pk, (0, 0))
        found[merchant.pk] = MerchantFacts(
            on=on,
            profile=Profile(
                partner=merchant.partner.code,
                region=merchant.region,
                category=merchant.category,
                membership=merchant.membership,
                currency=merchant.currency,
            ),
            score=score_facts(by_merchant[merchant.pk], rules),
            exposure=Exposure(
                outstanding_minor=book.outstanding_minor,
                dues_minor=dues_by_month(book.dues, on=on),
                largest_repaid_minor=book.largest_repaid_minor,
                days_past_due=book.days_past_due,
                line=_line(lines.get(merchant.pk)),
                owner_used_minor=sum(books[other].outstanding_minor + offered.get(other, 0) for other in addable),
                owner_days_past_due=max((books[other].days_past_due for other in others), default=0),
                portfolio_used_minor=portfolio,
                category_used_minor=category,
            ),
        )
    return found


def is_outdated(run: ScoreRun, rules: Rules) -> bool:
    """Check whether a run's scores were made without a characteristic that the rules read."""
    features = FEATURE_SETS.get(run.feature_set)
    return features is None or not rules.reads <= set(features.names)


def score_facts(score: Score, rules: Rules) -> ScoreFacts:
    """Return the facts of a score; what the feed does not carry is unknown. Raises FactMissing, FeatureSetGone."""
    run, values = score.run, characteristics_of(score)
    missing = rules.reads - set(values)
    if missing:
        raise FactMissing(", ".join(sorted(missing)))
    values = {name: value for name, value in values.items() if name not in score.absent}
    return ScoreFacts(
        as_of=run.as_of,
        scorecard_sha256=run.scorecard.sha256,
        calibration_sha256=None if run.calibration is None else run.calibration.sha256,
        not_scored=None if score.not_scored is None else NotScored(score.not_scored),
        needed=score.needed,
        score=score.score,
        pd_ppm=score.pd_ppm,
        grade=None if score.grade is None else Grade(score.grade),
        cut_off=None if run.calibration is None else _cut_off(run.calibration.content, run.calibration.sha256),
        gates=tuple(Gate(gate) for gate in score.gates),
        sales_basis_minor=score.sales_basis_minor,
        sales_365_minor=score.sales_365_minor,
        worst_month_minor=score.worst_month_minor,
        tenure_months=values.get("tenure_m"),
        recency_days=values.get("recency_d"),
        disputes_bps=values.get("dispute_180m"),
        flagged_share_bps=values.get("flagged_share"),
    )


@lru_cache(maxsize=8)
def _cut_off(content: str, sha256: str) -> int | None:
    return parse_calibration(content, sha256).cut_off


def _books(merchants: Iterable[int], *, on: date) -> defaultdict[int, Book]:
    """Sum the loans of merchants; an approved one counts as if its money were out."""
    books = defaultdict[int, Book](Book)
    loans = {loan.pk: loan for loan in Loan.objects.filter(merchant__in=list(merchants))}
    for loan in loans.values():
        book, status = books[loan.merchant_id], LoanStatus(loan.status)
        book.days_past_due = max(book.days_past_due, loan.dpd)
        if repaid_on_time(status=status, worst_dpd=loan.worst_dpd):
            book.largest_repaid_minor = max(book.largest_repaid_minor, loan.amount_minor)
        if status is LoanStatus.APPROVED:
            book.outstanding_minor += loan.amount_minor
            book.dues += [(row.due, row.total_minor) for row in draw_schedule(parse_terms(loan.terms), on=on)]
        elif status is LoanStatus.ACTIVE:
            book.outstanding_minor += loan.principal_minor
            if loan.due_minor:
                book.dues.append((on, loan.due_minor))
    active = [loan.pk for loan in loans.values() if loan.status == LoanStatus.ACTIVE]
    ahead = Instalment.objects.filter(loan__in=active, left_minor__gt=0, due__gt=F("loan__booked_to"))
    for loan_id, due, left, interest in ahead.values_list("loan_id", "due", "left_minor", "interest_minor"):
        books[loans[loan_id].merchant_id].dues.append((due, left + interest))
    return books


def _offered(merchants: Sequence[int]) -> Mapping[int, int]:
    return dict(Offer.objects.open().filter(merchant__in=merchants).values_list("merchant_id", "limit_minor"))


def _line(line: CreditLine | None) -> Line | None:
    if line is None:
        return None
    return Line(limit_minor=line.limit_minor, higher_since=line.higher_since, sustained_minor=line.sustained_minor)


def _rooms(product: Product, merchants: Sequence[Merchant]) -> dict[int, tuple[int, int]]:
    """Return what all others owe under the product, and those of the same category, if rooms bound it."""
    limits = product.limits
    if limits.portfolio_room_minor is None and not limits.category_rooms_minor:
        return {}
    owed = (
        Loan.objects.exposed()
        .filter(product__code=product.code, currency=product.currency)
        .values_list("merchant_id", "merchant__category")
        .annotate(
            promised=Sum("amount_minor", filter=Q(status=LoanStatus.APPROVED), default=0),
            principal=Sum("principal_minor", default=0),
        )
    )
    by_merchant = {merchant: (category, promised + principal) for merchant, category, promised, principal in owed}
    total = sum(minor for _, minor in by_merchant.values())
    by_category = defaultdict[str, int](int)
    for category, minor in by_merchant.values():
        by_category[category] += minor
    found = {}
    for merchant in merchants:
        own = by_merchant.get(merchant.pk, (merchant.category, 0))[1]
        found[merchant.pk] = (total - own, by_category[merchant.category] - own)
    return found
