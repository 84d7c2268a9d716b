from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lending.domain.origination.assessment import NO_OFFER_RULES, NoOffer, assess, preview
from lending.domain.origination.eligibility import Ineligible, judge_eligibility
from lending.domain.origination.facts import MerchantFacts
from lending.domain.origination.product import Product
from scoring.domain.calibration import Grade
from tests.lending.domain.borrowers import YUAN, day_one, merchant, merchants, product

NARROW = {
    "partners": ["lotus"],
    "regions": ["Zhejiang", "Jiangsu"],
    "categories": ["Tea"],
    "memberships": ["gold", "silver"],
    "tenure_months": 12,
    "score": 600,
}


def narrow() -> Product:
    return product(lambda data: data["eligibility"].update(NARROW))


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, None),
        ({"region": "Jiangsu", "membership": "silver", "tenure_months": 12, "score": 600}, None),
        ({"currency": "USD"}, Ineligible.CURRENCY),
        ({"partner": "tulip"}, Ineligible.PARTNER),
        ({"region": "Hubei"}, Ineligible.REGION),
        ({"region": ""}, Ineligible.REGION),
        ({"region": "zhejiang"}, Ineligible.REGION),
        ({"category": "Shoes"}, Ineligible.CATEGORY),
        ({"membership": "bronze"}, Ineligible.MEMBERSHIP),
        ({"tenure_months": 11}, Ineligible.TENURE),
        ({"tenure_months": None}, Ineligible.TENURE),
        ({"score": 599}, Ineligible.SCORE),
        ({"score": 599, "tenure_months": 1, "membership": ""}, Ineligible.MEMBERSHIP),
        ({"score": 599, "region": "", "currency": "USD"}, Ineligible.CURRENCY),
    ],
)
def test_the_first_thing_that_does_not_fit_counts(changes: dict[str, object], refused: Ineligible | None) -> None:
    facts = merchant(**changes)  # type: ignore[arg-type]
    assert judge_eligibility(facts.profile, facts.score, narrow()) is refused


@given(merchants)
def test_a_product_for_everybody_asks_for_its_currency_alone(facts: MerchantFacts) -> None:
    """Red without the currency: figures of one would be lent in another."""
    refused = judge_eligibility(facts.profile, facts.score, day_one())
    assert refused is (None if facts.profile.currency == "CNY" else Ineligible.CURRENCY)


@given(st.lists(merchants, max_size=8))
def test_a_preview_is_the_very_offers_added_up(everybody: list[MerchantFacts]) -> None:
    found = [assess(facts, narrow(), NO_OFFER_RULES) for facts in everybody]
    seen = preview(found)
    assert seen.offers + sum(seen.without.values()) == len(everybody)
    assert seen.offered_minor == sum(one.free_minor for one in found if one.no_offer is None)
    assert all(seen.without[reason] > 0 for reason in seen.without)


def test_a_preview_tells_what_a_narrower_product_leaves_out() -> None:
    everybody = [
        merchant(),
        merchant(region="Hubei"),
        merchant(region="Hubei", sales_basis_minor=40_000 * YUAN),
        merchant(grade=Grade.C2),
    ]
    wide = preview(assess(facts, day_one(), NO_OFFER_RULES) for facts in everybody)
    some = preview(assess(facts, narrow(), NO_OFFER_RULES) for facts in everybody)
    assert (wide.offers, wide.offered_minor) == (3, (25_000 + 25_000 + 20_000) * YUAN)
    assert wide.without == {NoOffer.GRADE_TOO_LOW: 1}
    assert (some.offers, some.offered_minor) == (1, 25_000 * YUAN)
    assert some.without == {NoOffer.GRADE_TOO_LOW: 1, NoOffer.NOT_ELIGIBLE: 2}


def test_what_is_admitted_does_not_depend_on_what_is_sold_meanwhile() -> None:
    """The same facts, another version: only its own rules speak."""
    dearer = replace(day_one(), version=2)
    assert (
        assess(merchant(), dearer, NO_OFFER_RULES).free_minor
        == assess(merchant(), day_one(), NO_OFFER_RULES).free_minor
    )
