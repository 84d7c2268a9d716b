"""Make products and merchants by hand: a sound one, and whatever is to be different about it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any

from hypothesis import strategies as st

from lending.domain.origination.decision import DecisionFacts
from lending.domain.origination.facts import Exposure, Hold, MerchantFacts, Profile, ScoreFacts
from lending.domain.origination.granted_limit import GrantedLimit
from lending.domain.origination.product import LENDABLE, Product, ProductKind
from lending.domain.origination.product_document import (
    DAY_ONE_PRODUCT,
    DAY_ONE_PRODUCTS,
    canonical_product,
    parse_product,
)
from lending.domain.origination.rules import current_rules
from scoring.domain.calibration import Grade
from scoring.domain.policy import Gate, NotScored

ON = date(2026, 3, 2)
YUAN = 100

Change = Callable[[dict[str, Any]], object]

PROFILE = Profile(currency="CNY", partner="lotus", region="Zhejiang", category="Tea", membership="gold")
SCORE = ScoreFacts(
    as_of=ON,
    scorecard_sha256="a" * 64,
    calibration_sha256="b" * 64,
    not_scored=None,
    needed=0,
    score=640,
    pd_ppm=20_000,
    grade=Grade.B1,
    cut_off=422,
    gates=(),
    sales_basis_minor=50_000 * YUAN,
    sales_365_minor=700_000 * YUAN,
    worst_month_minor=40_000 * YUAN,
    tenure_months=24,
    recency_days=0,
    disputes_bps=0,
    flagged_share_bps=0,
)
EXPOSURE = Exposure(
    outstanding_minor=0,
    dues_minor=(),
    largest_repaid_minor=0,
    days_past_due=0,
    line=None,
    owner_used_minor=0,
    owner_days_past_due=0,
    portfolio_used_minor=0,
    category_used_minor=0,
)


def document() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(DAY_ONE_PRODUCT.read_text(encoding="utf-8"))
    return data


@cache
def day_one() -> Product:
    return parse_product(*canonical_product(DAY_ONE_PRODUCT.read_text(encoding="utf-8")))


def product(change: Change) -> Product:
    """Make the first product, but for one change of its document."""
    data = document()
    change(data)
    return parse_product(*canonical_product(json.dumps(data)))


@cache
def line_product() -> Product:
    return parse_product(*canonical_product(DAY_ONE_PRODUCTS[ProductKind.LINE].read_text(encoding="utf-8")))


def merchant(*, on: date = ON, **changes: object) -> MerchantFacts:
    """Make a merchant of grade B1 that sells 50,000 a month and never borrowed, but for these facts."""
    parts: list[Any] = []
    for part in (PROFILE, SCORE, EXPOSURE):
        mine = {name: changes.pop(name) for name in part.__dataclass_fields__ if name in changes}
        parts.append(replace(part, **mine))  # type: ignore[arg-type]
    hold = changes.pop("hold", Hold.NONE)
    assert not changes
    profile, score, exposure = parts
    return MerchantFacts(on=on, profile=profile, score=score, exposure=exposure, hold=hold)  # type: ignore[arg-type]


def application(
    product: Product, *, amount_minor: int = 20_000 * YUAN, months: int | None = 9, **changes: object
) -> DecisionFacts:
    return DecisionFacts(
        product_sha256=product.sha256,
        rules_version=current_rules().version,
        merchant=merchant(**changes),  # type: ignore[arg-type]
        amount_minor=amount_minor,
        months=months,
    )


grades = st.sampled_from(LENDABLE)
amounts = st.integers(0, 2_000_000 * YUAN)
few = st.integers(0, 400)
maybe_few = st.none() | few
texts = st.text(max_size=5)
lines = st.builds(GrantedLimit, limit_minor=amounts) | st.builds(
    GrantedLimit, limit_minor=amounts, higher_since=st.dates(ON - timedelta(9), ON), sustained_minor=amounts
)
profiles = st.builds(Profile, currency=st.sampled_from(["CNY", "EUR"]), partner=texts, region=texts, category=texts)
scores = st.builds(
    ScoreFacts,
    as_of=st.dates(ON - timedelta(10), ON),
    scorecard_sha256=st.just("a" * 64),
    calibration_sha256=st.none() | st.just("b" * 64),
    not_scored=st.none() | st.sampled_from(NotScored),
    needed=few,
    score=st.integers(300, 850),
    pd_ppm=st.none() | st.integers(0, 1_000_000),
    grade=st.none() | st.sampled_from(Grade),
    cut_off=maybe_few,
    gates=st.lists(st.sampled_from(Gate), unique=True).map(tuple),
    sales_basis_minor=amounts,
    sales_365_minor=st.integers(-1_000, 9_000_000 * YUAN),
    worst_month_minor=st.integers(-1_000, 900_000 * YUAN),
    tenure_months=maybe_few,
    recency_days=maybe_few,
    disputes_bps=maybe_few,
    flagged_share_bps=st.none() | st.integers(0, 10_000),
)
exposures = st.builds(
    Exposure,
    outstanding_minor=amounts,
    dues_minor=st.lists(amounts, max_size=14).map(tuple),
    largest_repaid_minor=st.just(0) | amounts,
    days_past_due=st.just(0) | few,
    line=st.none() | lines,
    owner_used_minor=st.just(0) | amounts,
    owner_days_past_due=st.just(0) | few,
    portfolio_used_minor=amounts,
    category_used_minor=amounts,
)
anybody = st.builds(MerchantFacts, on=st.just(ON), profile=profiles, score=scores, exposure=exposures)


def _sound(facts: MerchantFacts, grade: Grade, basis: int) -> MerchantFacts:
    score, owed = facts.score, facts.exposure
    return replace(
        facts,
        profile=PROFILE,
        score=replace(
            score,
            as_of=ON,
            not_scored=None,
            grade=grade,
            gates=(),
            sales_basis_minor=basis,
            sales_365_minor=12 * basis,
            worst_month_minor=basis // 2,
        ),
        exposure=replace(
            owed,
            days_past_due=0,
            outstanding_minor=owed.outstanding_minor % (basis // 4),
            dues_minor=tuple(due % (basis // 8) for due in owed.dues_minor),
            owner_used_minor=owed.owner_used_minor % basis,
        ),
    )


sound = st.builds(_sound, anybody, grades, st.integers(5_000 * YUAN, 500_000 * YUAN))
"""Whom the first product is for, and who mostly has an offer."""
merchants = anybody | sound
lendable = st.builds(
    MerchantFacts,
    on=st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    profile=st.just(PROFILE),
    score=scores,
    exposure=exposures,
)
"""Anybody, on any date, to whom a grade is given."""
