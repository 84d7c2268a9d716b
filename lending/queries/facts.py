"""Gather what is known of merchants in order to judge lending to them: a whole set in a few statements."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import chain

from django.db import connection
from django.db.models import F, Sum

from config.db.rows import select
from lending.domain.books.loan import LoanStatus, repaid_on_time
from lending.domain.contract.schedule import draw_schedule
from lending.domain.contract.terms import parse_terms
from lending.domain.origination.facts import (
    Exposure,
    MerchantFacts,
    Profile,
    ScoreFacts,
    dues_by_month,
    strongest_hold,
)
from lending.domain.origination.granted_limit import GrantedLimit
from lending.domain.origination.line import most_at_once, repaid_minor
from lending.domain.origination.product import Product
from lending.domain.origination.rules import Rules
from lending.models import Instalment, Line, Loan, Offer, ProductExposure, ProductVersion
from lending.queries.closes import closed_to
from lending.queries.line_usage import undrawn_of
from lending.queries.loans import share_of, standing_of
from lending.queries.owners import merchants_of, owners_of
from scoring.domain.calibration import Grade, parse_calibration
from scoring.domain.features.sets import FEATURE_SETS
from scoring.domain.policy import Gate, NotScored
from scoring.models import Score
from scoring.queries.explanations import characteristics_of

PROFILES = """
SELECT m.id, m.currency, p.code, m.region, m.category, m.membership, c.limit_minor, c.higher_since, c.sustained_minor,
    ARRAY(SELECT unnest(w.effects) FROM lending_earlywarning w WHERE w.merchant_id = m.id AND w.state <> 'LIFTED')
FROM merchants_merchant m JOIN merchants_partner p ON p.id = m.partner_id
LEFT JOIN lending_creditline c ON c.merchant_id = m.id AND c.kind = %s
WHERE m.id = ANY(%s::bigint[])
"""
EFFECTS = """
SELECT merchant_id, array_agg(effect) FROM lending_earlywarning, unnest(effects) effect
WHERE merchant_id = ANY(%s::bigint[]) AND state <> 'LIFTED' GROUP BY merchant_id
"""
LOANS = "SELECT {l} FROM lending_loan l WHERE l.merchant_id = ANY(%(merchants)s::bigint[])"


Draw = tuple[date, date, int]
"""The first day of a draw that was repaid, the day it was repaid, and its amount."""


class FactMissing(LookupError):
    """The score was made without characteristics that the rules read; the message names them."""


@dataclass(slots=True)
class Book:
    """What one merchant owes, before it is compared with what others do.

    lent: by version and category. set_aside: likewise, of the loan that is judged again.
    """

    lent: defaultdict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int))
    set_aside: defaultdict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int))
    days_past_due: int = 0
    largest_repaid_minor: int = 0
    dues: list[tuple[date, int]] = field(default_factory=list)

    @property
    def outstanding_minor(self) -> int:
        """What it owes in all."""
        return sum(self.lent.values())


def facts_of(
    *, scores: Iterable[Score], on: date, product: Product, rules: Rules, without: int | None = None
) -> dict[int, MerchantFacts]:
    """Gather the facts that the rules read about the merchants of these scores on a business date, by merchant.

    The scores come with their runs, cards and calibrations. without: a loan that is judged again, and not counted. A
    caller who judges under a lock calls this after locking.
    Raises FactMissing, FeatureSetGone.
    """
    by_merchant = {score.merchant_id: score for score in scores}
    profiles = _profiles(by_merchant, product)
    owners = owners_of(by_merchant)
    groups = merchants_of({owner for found in owners.values() for owner in found})
    others_of = {
        merchant: {other: code for owner in found for other, code in groups[owner].items() if other != merchant}
        for merchant, found in owners.items()
    }
    everyone = {other for others in others_of.values() for other in others}
    books = _books({*by_merchant, *everyone}, on=on, without=without)
    offered, held = _offered(everyone), _effects(everyone)
    rooms = _rooms(product, profiles, books)
    found = {}
    for merchant, (profile, line, effects) in profiles.items():
        book, others = books[merchant], others_of.get(merchant, {})
        addable = [other for other, currency in others.items() if currency == profile.currency]
        portfolio, category = rooms.get(merchant, (0, 0))
        found[merchant] = MerchantFacts(
            on=on,
            profile=profile,
            score=score_facts(by_merchant[merchant], rules),
            exposure=Exposure(
                outstanding_minor=book.outstanding_minor,
                dues_minor=dues_by_month(book.dues, on=on),
                largest_repaid_minor=book.largest_repaid_minor,
                days_past_due=book.days_past_due,
                line=line,
                owner_used_minor=sum(books[other].outstanding_minor + offered.get(other, 0) for other in addable),
                owner_days_past_due=max((books[other].days_past_due for other in others), default=0),
                portfolio_used_minor=portfolio,
                category_used_minor=category,
            ),
            hold=strongest_hold(chain(effects, *(held.get(other, ()) for other in others))),
        )
    return found


def is_outdated(feature_set: str, rules: Rules) -> bool:
    """Check whether scores by this version of the characteristics were made without one that the rules read."""
    features = FEATURE_SETS.get(feature_set)
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
        cut_off=None
        if run.calibration is None
        else parse_calibration(run.calibration.content, run.calibration.sha256).cut_off,
        gates=tuple(Gate(gate) for gate in score.gates),
        sales_basis_minor=score.sales_basis_minor,
        sales_365_minor=score.sales_365_minor,
        worst_month_minor=score.worst_month_minor,
        tenure_months=values.get("tenure_m"),
        recency_days=values.get("recency_d"),
        disputes_bps=values.get("dispute_180m"),
        flagged_share_bps=values.get("flagged_share"),
    )


Standing = tuple[Profile, GrantedLimit | None, list[str]]
"""A merchant as it is now, what it is granted under a product's kind, and the effects of its warnings that stand."""


def _profiles(merchants: Iterable[int], product: Product) -> dict[int, Standing]:
    """Return merchants as they stand now."""
    with connection.cursor() as cursor:
        cursor.execute(PROFILES, [product.kind.value, list(merchants)])
        rows = cursor.fetchall()
    found = {}
    for merchant, currency, partner, region, category, membership, limit, higher_since, sustained, effects in rows:
        profile = Profile(currency=currency, partner=partner, region=region, category=category, membership=membership)
        line = GrantedLimit(limit_minor=limit, higher_since=higher_since, sustained_minor=sustained)
        found[merchant] = (profile, None if limit is None else line, effects)
    return found


def _books(merchants: Iterable[int], *, on: date, without: int | None) -> defaultdict[int, Book]:
    """Sum the loans of merchants; an approved one counts as if its money were out."""
    books = defaultdict[int, Book](Book)
    active, to = dict[int, Loan](), closed_to()
    drawn = defaultdict[int, list[Draw]](list)
    for (loan,) in select(LOANS, {"merchants": list(merchants)}, l=Loan):
        book, status = books[loan.merchant_id], LoanStatus(loan.status)
        if loan.pk == without:
            book.set_aside[loan.product_id, loan.category] += share_of(loan).exposure_minor
            continue
        book.lent[loan.product_id, loan.category] += share_of(loan).exposure_minor
        standing = standing_of(loan, on=to)
        book.days_past_due = max(book.days_past_due, standing.dpd)
        if repaid_on_time(status=status, worst_dpd=standing.worst_dpd, position=standing.position):
            _count_repaid(loan, book, drawn)
        if status is LoanStatus.APPROVED:
            book.dues += [(row.due, row.total_minor) for row in draw_schedule(parse_terms(loan.terms), on=on)]
        elif status is LoanStatus.ACTIVE:
            active[loan.pk] = loan
            if standing.due_minor:
                book.dues.append((on, standing.due_minor))
    for line, repaid in _lines(drawn):
        books[line.merchant_id].largest_repaid_minor = max(books[line.merchant_id].largest_repaid_minor, repaid)
    if active:
        ahead = Instalment.objects.filter(loan__in=list(active), left_minor__gt=0, due__gt=F("loan__booked_to"))
        for loan_id, due, left, *earned in ahead.values_list(
            "loan_id", "due", "left_minor", "interest_minor", "fee_minor"
        ):
            books[active[loan_id].merchant_id].dues.append((due, left + sum(earned)))
    return books


def _count_repaid(loan: Loan, book: Book, drawn: defaultdict[int, list[Draw]]) -> None:
    if loan.line_id is None:
        book.largest_repaid_minor = max(book.largest_repaid_minor, loan.amount_minor)
    elif loan.disbursed_on is not None and loan.closed_on is not None:
        drawn[loan.line_id].append((loan.disbursed_on, loan.closed_on, loan.amount_minor))


def _lines(drawn: Mapping[int, list[Draw]]) -> Iterator[tuple[Line, int]]:
    """Yield the lines of which draws were repaid on time, with what each counts as a loan that was."""
    lines = Line.objects.select_related("application").filter(pk__in=drawn) if drawn else ()
    for line in lines:
        agreed, repaid = line.application.amount_minor, most_at_once(drawn[line.pk])
        yield line, repaid_minor(repaid_on_time_minor=repaid, agreed_minor=agreed, limit_minor=line.limit_minor)


def _effects(merchants: Collection[int]) -> dict[int, list[str]]:
    """Return the effects of the warnings that stand of each."""
    if not merchants:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(EFFECTS, [list(merchants)])
        return dict(cursor.fetchall())


def _offered(merchants: Collection[int]) -> Mapping[int, int]:
    """Return the most that each may newly borrow: it is offered, and may be drawn, under several kinds at once."""
    if not merchants:
        return {}
    found = defaultdict[int, int](int)
    offers = Offer.objects.open().filter(merchant__in=merchants).values_list("merchant_id", "limit_minor")
    for merchant, minor in [*offers, *undrawn_of(merchants)]:
        found[merchant] = max(found[merchant], minor)
    return found


def _rooms(product: Product, profiles: Mapping[int, Standing], books: Mapping[int, Book]) -> dict[int, tuple[int, int]]:
    """Return what all others owe under the product, and those of the same category, if rooms bound it."""
    limits = product.limits
    if limits.portfolio_room_minor is None and not limits.category_rooms_minor:
        return {}
    of_product = ProductExposure.objects.filter(code=product.code, currency=product.currency)
    kept = dict(of_product.values_list("category").annotate(minor=Sum("minor")))
    versions = set(
        ProductVersion.objects.filter(code=product.code, currency=product.currency).values_list("pk", flat=True)
    )
    found = {}
    for merchant, (profile, _, _) in profiles.items():
        own = defaultdict[str, int](int)
        for (version, category), minor in chain(books[merchant].lent.items(), books[merchant].set_aside.items()):
            own[category] += minor if version in versions else 0
        others = sum(kept.values()) - sum(own.values())
        found[merchant] = (others, kept.get(profile.category, 0) - own[profile.category])
    return found
