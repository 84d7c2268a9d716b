import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.canonical import canonical_json, sha256_of
from lending.domain.contract.terms import Method, PeriodUnit, Prepayment
from lending.domain.origination.product import LENDABLE, Band, margin_at, terms_of
from lending.domain.origination.product_document import (
    DAY_ONE_PRODUCT,
    ProductDefect,
    ProductMalformed,
    canonical_product,
    in_currency,
    parse_product,
)
from scoring.domain.calibration import PD_BELOW_PPM, Grade
from tests.lending.domain.borrowers import YUAN, Change, day_one, document, product

TEXT = DAY_ONE_PRODUCT.read_text(encoding="utf-8")

# What is wrong, where it stands, which words of the message name it.
MALFORMED: list[tuple[Change, str, str]] = [
    (lambda data: data.pop("minimum"), "document", "minimum"),
    (lambda data: data.update(extra=1), "document", "extra"),
    (lambda data: data.update(sha256=""), "document", "sha256"),
    (lambda data: data.update(code="Term loan"), "document", "code"),
    (lambda data: data.update(name=""), "document", "name"),
    (lambda data: data.update(name="a\x00"), "document", "name"),
    (lambda data: data.update(version=0), "document", "version"),
    (lambda data: data.update(version=True), "document", "version"),
    (lambda data: data.update(version=1.0), "document", "version"),
    (lambda data: data.update(kind="LEASE"), "document", "LEASE"),
    (lambda data: data.update(currency="yuan"), "document", "currency"),
    (lambda data: data.update(minimum=1000), "document", "minimum"),
    (lambda data: data.update(minimum="0"), "document", "minimum"),
    (lambda data: data.update(minimum="-1000"), "document", "minimum"),
    (lambda data: data.update(minimum="10.005"), "document", "minimum"),
    (lambda data: data.update(maximum="999.99"), "document", "maximum"),
    (lambda data: data.update(longest_months=11), "grades.A1", "months"),
    (lambda data: data.update(shortest_months=13), "document", "shortest_months"),
    (lambda data: data.update(grades=[]), "grades", "object"),
    (lambda data: data["grades"].pop("C1"), "document", "C1"),
    (lambda data: data["grades"].update(C2=data["grades"]["C1"]), "document", "C2"),
    (lambda data: data["grades"]["B1"].update(sales_share_bps=0), "grades.B1", "sales_share_bps"),
    (lambda data: data["grades"]["B1"].update(sales_share_bps="1500"), "grades.B1", "sales_share_bps"),
    (lambda data: data["grades"]["B1"].update(multiple="0"), "grades.B1", "multiple"),
    (lambda data: data["grades"]["B1"].update(multiple="1e1"), "grades.B1", "multiple"),
    (lambda data: data["grades"]["B1"].update(multiple=1.2), "grades.B1", "multiple"),
    (lambda data: data["grades"]["B1"].update(daily_rate="0.0000000000001"), "grades.B1", "daily_rate"),
    (lambda data: data["limits"].update(debt_service_bps=10_001), "limits", "debt_service_bps"),
    (lambda data: data["limits"].update(raise_nights=0), "limits", "raise_nights"),
    (lambda data: data["limits"].update(portfolio_room="lots"), "limits", "portfolio_room"),
    (lambda data: data["limits"].update(category_rooms=None), "limits.category_rooms", "object"),
    (lambda data: data["limits"].update(category_rooms={"Tea": 5}), "limits.category_rooms", "Tea"),
    (lambda data: data["limits"].update(category_rooms={"\ud800": "5"}), "limits.category_rooms", "category_rooms"),
    (lambda data: data["contract"].update(tolerance="-5.00"), "contract", "tolerance"),
    (lambda data: data["limits"].update(portfolio_room="-1"), "limits", "portfolio_room"),
    (lambda data: data["limits"].update(category_rooms={"Tea": "-1"}), "limits.category_rooms", "Tea"),
    (lambda data: data["origination"].update(refer_above="-1"), "origination", "refer_above"),
    (lambda data: data["origination"]["bands"].update(UNDERWRITER="-1"), "origination.bands", "UNDERWRITER"),
    (lambda data: data["costs"].update(lgd_bps=-1), "costs", "lgd_bps"),
    (lambda data: data["contract"].update(unit="WEEK"), "contract", "unit"),
    (lambda data: data["contract"].update(every=3), "contract", "every"),
    (lambda data: data["contract"].update(method="GUESS"), "contract", "GUESS"),
    (lambda data: data["contract"].update(day_count="ACT/366"), "contract", "ACT/366"),
    (lambda data: data["contract"].update(day_count="30/360"), "contract", "gives each day its weight"),
    (
        lambda data: data["contract"].update(accrual="PER_PERIOD"),
        "contract",
        "accrual: loans on such terms can be quoted",
    ),
    (
        lambda data: data["contract"].update(instalment="100.00"),
        "contract",
        "instalment: loans on such terms can be quoted",
    ),
    (lambda data: data["contract"].update(penalty_multiple_extra="-0.5"), "contract", "penalty_multiple_extra"),
    (lambda data: data["eligibility"].update(regions=[]), "eligibility", "regions"),
    (lambda data: data["eligibility"].update(regions="Zhejiang"), "eligibility", "regions"),
    (lambda data: data["eligibility"].update(regions=["Zhejiang", "Zhejiang"]), "eligibility", "regions"),
    (lambda data: data["eligibility"].update(partners=[7]), "eligibility", "partners"),
    (lambda data: data["eligibility"].update(score=851), "eligibility", "score"),
    (lambda data: data["origination"].update(offer_days=0), "origination", "offer_days"),
    (lambda data: data["origination"]["bands"].pop("RISK_MANAGER"), "origination", "RISK_MANAGER"),
    (lambda data: data["origination"]["bands"].update(CLERK="1"), "origination.bands", "CLERK"),
]


@pytest.mark.parametrize(("change", "where", "what"), MALFORMED)
def test_a_malformed_document_is_refused_by_place_and_fault(change: Change, where: str, what: str) -> None:
    data = document()
    change(data)
    with pytest.raises(ProductMalformed) as refused:
        canonical_product(json.dumps(data))
    assert (refused.value.reason, refused.value.where) == (ProductDefect.FIELD, where)
    assert what in refused.value.what


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", ProductDefect.NOT_JSON),
        ('{"version": NaN}', ProductDefect.NOT_JSON),
        ("[" * 100_000, ProductDefect.NOT_JSON),
        ("[]", ProductDefect.FIELD),
        (TEXT.replace('"version": 2,', '"version": 1e999,'), ProductDefect.FIELD),
        (TEXT.replace('"version": 2,', '"version": 1, "version": 2,'), ProductDefect.DUPLICATE_KEY),
        (TEXT.replace('"lgd_bps": 6000', '"lgd_bps": 6000, "lgd_bps": 0'), ProductDefect.DUPLICATE_KEY),
    ],
)
def test_a_text_that_is_no_document_is_refused(text: str, reason: ProductDefect) -> None:
    with pytest.raises(ProductMalformed) as refused:
        canonical_product(text)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("name", "value"),
    [("sales_share_bps", 1801), ("multiple", "1.6"), ("first_step", "0.61"), ("daily_rate", "0.00034")],
)
def test_a_worse_grade_has_no_better_terms(name: str, value: object) -> None:
    with pytest.raises(ProductMalformed) as refused:
        product(lambda data: data["grades"]["B1"].update({name: value}))
    assert (refused.value.reason, refused.value.where) == (ProductDefect.BETTER_TERMS_FOR_WORSE_GRADE, "grades.B1")
    assert name in refused.value.what


def test_a_stored_document_is_proven_by_its_hash_and_its_form() -> None:
    canonical, sha256 = canonical_product(TEXT)
    assert parse_product(canonical, sha256) == day_one()
    for text, reason in [(canonical + " ", ProductDefect.HASH_DIFFERS), (TEXT, ProductDefect.NOT_CANONICAL)]:
        with pytest.raises(ProductMalformed) as refused:
            parse_product(text, sha256 if reason is ProductDefect.HASH_DIFFERS else sha256_of(text))
        assert refused.value.reason is reason


def test_day_one_is_what_the_design_says() -> None:
    found = day_one()
    rows = [
        (row.sales_share_bps, str(row.multiple), row.months, str(row.first_step), str(row.daily_rate))
        for row in found.grades.values()
    ]
    assert list(found.grades) == [Grade.A1, Grade.A2, Grade.B1, Grade.B2, Grade.C1] == list(LENDABLE)
    assert rows == [
        (2000, "2.0", 12, "0.7", "0.00030"),
        (1800, "1.5", 12, "0.6", "0.00035"),
        (1500, "1.2", 9, "0.5", "0.00040"),
        (1200, "0.8", 6, "0.4", "0.00050"),
        (800, "0.4", 4, "0.3", "0.00060"),
    ]
    assert (found.shortest_months, found.longest_months) == (1, 12)
    assert (found.minimum_minor, found.maximum_minor) == (1_000 * YUAN, 500_000 * YUAN)
    assert (found.costs.lgd_bps, found.costs.funding_bps) == (6_000, 500)
    assert found.origination.bands == {Band.UNDERWRITER: 200_000 * YUAN, Band.RISK_MANAGER: None}


@pytest.mark.parametrize(
    ("currency", "minimum", "tolerance"), [("CNY", 100_000, 100), ("JPY", 1_000, 1), ("KWD", 1_000_000, 1_000)]
)
def test_another_currency_has_the_same_figures_in_its_major_units(currency: str, minimum: int, tolerance: int) -> None:
    found = parse_product(*canonical_product(in_currency(TEXT, currency)))
    assert (found.minimum_minor, found.contract.tolerance_minor) == (minimum, tolerance)
    assert found.maximum_minor == 500 * minimum
    assert found.currency == currency


def test_a_figure_that_a_currency_cannot_express_is_refused() -> None:
    """Red if decimals are cut off: a minimum of 1,000.50 is no amount in yen."""
    with pytest.raises(ProductMalformed):
        canonical_product(in_currency(TEXT.replace('"1000"', '"1000.50"'), "JPY"))


def test_the_terms_of_a_loan_are_the_products_with_365_daily_rates() -> None:
    terms = terms_of(day_one(), grade=Grade.A1, principal_minor=20_000 * YUAN, months=6)
    assert (terms.rate, terms.periods, terms.every, terms.unit) == (Decimal("0.1095"), 6, 1, PeriodUnit.MONTH)
    assert (terms.method, terms.prepayment, terms.first_due) == (Method.EQUAL_INSTALMENTS, Prepayment.NEXT, None)
    assert (terms.grace_days, terms.tolerance_minor, terms.penalty_multiple_extra) == (3, 100, Decimal("0.5"))
    assert (terms.principal_minor, terms.currency) == (20_000 * YUAN, "CNY")


def test_terms_of_a_grade_that_is_not_lent_to_do_not_exist() -> None:
    with pytest.raises(KeyError):
        terms_of(day_one(), grade=Grade.C2, principal_minor=YUAN, months=1)


def test_a_version_that_costs_more_than_it_earns_at_any_grade_is_refused() -> None:
    """Red if the comparison takes >= for >, or PD anywhere but at the grade's upper bound.

    At C1 0.06 % a day is 21.9 %, PD x LGD 9.1 % x 60 % = 5.46 %, funding 5 %: 11.44 % may go into operating; at A1
    it is 10.95 - 0.372 - 5 = 5.578 %.
    """
    assert product(lambda data: data["costs"].update(operating_bps=557)).costs.operating_bps == 557
    with pytest.raises(ProductMalformed) as refused:
        product(lambda data: data["costs"].update(operating_bps=558))
    assert refused.value.reason is ProductDefect.LOSES_MONEY
    assert refused.value.where == "grades.A1"
    assert refused.value.what.startswith("income 10.95 %, cost 10.952 % a year")
    assert margin_at(day_one(), Grade.C1).cost == Fraction(1346, 10_000)

    even = product(lambda data: data["costs"].update(lgd_bps=0, funding_bps=595, operating_bps=500))
    margin = margin_at(even, Grade.A1)
    assert margin.income == margin.cost


DEAR = {"lgd_bps": 10_000, "operating_bps": 500}


def test_a_dear_grade_is_refused_though_the_others_earn() -> None:
    with pytest.raises(ProductMalformed) as refused:
        product(lambda data: (data["grades"]["C1"].update(daily_rate="0.00050"), data["costs"].update(DEAR)))
    assert refused.value.where == "grades.C1"


def test_what_is_stored_is_read_even_if_it_would_be_refused_today() -> None:
    """A decision of the past is replayed with the product it was made with, whatever PDs mean by then."""
    data = document()
    data["costs"].update(operating_bps=5_000)
    text = canonical_json(data)
    assert parse_product(text, sha256_of(text)).costs.operating_bps == 5_000


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000), st.sampled_from(LENDABLE))
def test_cost_rises_with_each_of_its_parts(lgd: int, funding: int, operating: int, grade: Grade) -> None:
    costs = replace(day_one().costs, lgd_bps=lgd, funding_bps=funding, operating_bps=operating)
    margin = margin_at(replace(day_one(), costs=costs), grade)
    pd = Fraction(PD_BELOW_PPM[LENDABLE.index(grade)], 1_000_000)
    assert margin.cost == pd * Fraction(lgd, 10_000) + Fraction(funding + operating, 10_000)
    assert margin.income == Fraction(day_one().grades[grade].daily_rate) * 365
