"""Read a product version from its document, validated wholly at entry, and write it in one way only.

Amounts are decimal text in major units of the document's currency, so that the same figures make a product in any
currency; the product holds them in minor units.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields as dataclass_fields
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Final

from config.kernel.canonical import canonical_json, sha256_of
from config.kernel.daycount import DayCount
from config.kernel.documents import (
    DoubledKey,
    decimal_of,
    integer_of,
    load,
    require_fields,
    shown,
    text_of,
    unfit,
)
from config.kernel.exact import BASIS_POINTS, MILLION
from config.kernel.money import CURRENCY_PATTERN, BadAmount, format_minor, parse_minor
from lending.domain.contract.fields import require_range, require_rate
from lending.domain.contract.terms import Method, PeriodUnit, Prepayment
from lending.domain.origination.product import (
    DAYS_IN_YEAR,
    LENDABLE,
    Band,
    Costs,
    Eligibility,
    GradeTerms,
    LimitRules,
    Origination,
    Product,
    ProductKind,
    StandardTerms,
    margin_at,
)
from merchants.domain.text import storable
from scoring.domain.calibration import Grade

DAY_ONE_PRODUCT: Final = Path(__file__).parent / "products" / "day_one.json"
"""The first product as a file to be read; its canonical form is what is stored and hashed."""
LONGEST_MONTHS: Final = 60
LONGEST_DAYS: Final = 365
LARGEST_MULTIPLE: Final = 100
HIGHEST_SCORE: Final = 850
HIGHEST_VERSION: Final = 1_000_000
LONGEST_TEXT: Final = 200
_CODE: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")

Fields = Mapping[str, object]


class ProductDefect(StrEnum):
    """What makes a document no product."""

    NOT_JSON = "NOT_JSON"
    DUPLICATE_KEY = "DUPLICATE_KEY"
    FIELD = "FIELD"
    BETTER_TERMS_FOR_WORSE_GRADE = "BETTER_TERMS_FOR_WORSE_GRADE"
    LOSES_MONEY = "LOSES_MONEY"
    NOT_CANONICAL = "NOT_CANONICAL"
    HASH_DIFFERS = "HASH_DIFFERS"


class ProductMalformed(ValueError):
    """The document is not a product, for the reason it carries; `where` names the part, `what` the fault."""

    def __init__(self, reason: ProductDefect, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.reason = reason
        self.where = where
        self.what = what


def in_currency(text: str, currency: str) -> str:
    """Write the same document for another currency: the same figures, in its major units."""
    return json.dumps({**_loaded(text), "currency": currency}, indent=2, ensure_ascii=False)


def canonical_product(text: str) -> tuple[str, str]:
    """Bring a document written by hand into the form to be stored, with its sha256.

    It is validated wholly, and refused if a grade costs more than it earns. Raises ProductMalformed.
    """
    data = _loaded(text)
    product = _product_of(data, sha256="")  # what is valid can be written and hashed; 1e999 could not
    for grade in product.grades:
        margin = margin_at(product, grade)
        if margin.cost > margin.income:
            what = f"income {_percent(margin.income)}, cost {_percent(margin.cost)} a year on the average outstanding"
            raise ProductMalformed(ProductDefect.LOSES_MONEY, f"grades.{grade}", what)
    canonical = canonical_json(data)
    return canonical, sha256_of(canonical)


def parse_product(text: str, sha256: str) -> Product:
    """Read and validate a stored document; what it earns was judged when it was entered. Raises ProductMalformed."""
    if sha256_of(text) != sha256:
        raise ProductMalformed(ProductDefect.HASH_DIFFERS, "document", f"is not that of the hash {sha256}")
    data = _loaded(text)
    product = _product_of(data, sha256)
    if canonical_json(data) != text:
        raise ProductMalformed(ProductDefect.NOT_CANONICAL, "document", "is not written canonically")
    return product


def _loaded(text: str) -> Fields:
    try:
        data = load(text)
    except DoubledKey as error:
        what = f"{shown(str(error))} is given twice"
        raise ProductMalformed(ProductDefect.DUPLICATE_KEY, "document", what) from error
    except ValueError as error:
        raise ProductMalformed(ProductDefect.NOT_JSON, "document", str(error)) from error
    if not isinstance(data, dict):
        raise ProductMalformed(ProductDefect.FIELD, "document", "is not an object of named fields")
    return data


@contextmanager
def _at(where: str) -> Iterator[None]:
    """Say of what is wrong with a field where it stands."""
    try:
        yield
    except ProductMalformed:
        raise
    except ValueError as error:  # Unfit, and what an enumeration says of a value it does not know
        raise ProductMalformed(ProductDefect.FIELD, where, str(error)) from error


def _product_of(data: Fields, sha256: str) -> Product:
    with _at("document"):
        fields = require_fields(data, _names(Product) - {"sha256"})
        currency = text_of(fields, "currency")
        if not re.fullmatch(CURRENCY_PATTERN, currency):
            raise unfit(currency, "currency", "no currency code")
        longest = _whole(fields, "longest_months", 1, LONGEST_MONTHS)
        shortest = _whole(fields, "shortest_months", 1, longest)
        minimum = _amount(fields, "minimum", currency, lowest=1)
        return Product(
            code=_code(fields["code"], "code"),
            name=_text(fields["name"], "name"),
            version=_whole(fields, "version", 1, HIGHEST_VERSION),
            kind=ProductKind(text_of(fields, "kind")),
            currency=currency,
            minimum_minor=minimum,
            maximum_minor=_amount(fields, "maximum", currency, lowest=minimum),
            shortest_months=shortest,
            longest_months=longest,
            grades=_grades(fields["grades"], shortest, longest),
            limits=_limits(fields["limits"], currency),
            costs=_costs(fields["costs"]),
            contract=_contract(fields["contract"], currency),
            eligibility=_eligibility(fields["eligibility"]),
            origination=_origination(fields["origination"], currency),
            sha256=sha256,
        )


def _grades(raw: object, shortest: int, longest: int) -> Mapping[Grade, GradeTerms]:
    with _at("grades"):
        by_grade = require_fields(raw, {grade.value for grade in LENDABLE})
    grades = {grade: _grade(grade, by_grade[grade], shortest, longest) for grade in LENDABLE}
    for better, worse in pairwise(LENDABLE):
        _require_order(worse, grades[better], grades[worse])
    return MappingProxyType(grades)


def _grade(grade: Grade, raw: object, shortest: int, longest: int) -> GradeTerms:
    with _at(f"grades.{grade}"):
        fields = require_fields(raw, _names(GradeTerms))
        daily_rate = decimal_of(fields, "daily_rate")
        require_rate("daily_rate", daily_rate * DAYS_IN_YEAR)
        return GradeTerms(
            sales_share_bps=_whole(fields, "sales_share_bps", 1, BASIS_POINTS),
            multiple=_multiple(fields, "multiple"),
            months=_whole(fields, "months", shortest, longest),
            first_step=_multiple(fields, "first_step"),
            daily_rate=daily_rate,
        )


def _require_order(grade: Grade, better: GradeTerms, worse: GradeTerms) -> None:
    """Demand that a worse grade has no better terms in anything: else it would pay to be graded down."""
    for name in ("sales_share_bps", "multiple", "months", "first_step", "daily_rate"):
        above, here = getattr(better, name), getattr(worse, name)
        if (here < above) if name == "daily_rate" else (here > above):
            what = f"{name}: {here} is better than the {above} of the grade above"
            raise ProductMalformed(ProductDefect.BETTER_TERMS_FOR_WORSE_GRADE, f"grades.{grade}", what)


def _limits(raw: object, currency: str) -> LimitRules:
    with _at("limits"):
        fields = require_fields(raw, _names(LimitRules))
        rooms = fields["category_rooms"]
        if not isinstance(rooms, Mapping):
            raise unfit(rooms, "category_rooms", "no object of amounts")
        return LimitRules(
            yearly_sales_bps=_whole(fields, "yearly_sales_bps", 1, BASIS_POINTS),
            worst_month_multiple=_multiple(fields, "worst_month_multiple"),
            seasoned_months=_whole(fields, "seasoned_months", 0, LONGEST_MONTHS),
            ladder_factor=_multiple(fields, "ladder_factor"),
            debt_service_bps=_whole(fields, "debt_service_bps", 1, BASIS_POINTS),
            raise_bps=_whole(fields, "raise_bps", 0, BASIS_POINTS),
            raise_nights=_whole(fields, "raise_nights", 1, LONGEST_DAYS),
            portfolio_room_minor=_amount_or_none(fields, "portfolio_room", currency),
            category_rooms_minor=MappingProxyType(
                {_text(name, "category_rooms"): _amount(rooms, name, currency) for name in rooms}
            ),
        )


def _costs(raw: object) -> Costs:
    with _at("costs"):
        fields = require_fields(raw, _names(Costs))
        return Costs(**{name: _whole(fields, name, 0, BASIS_POINTS) for name in fields})


def _contract(raw: object, currency: str) -> StandardTerms:
    with _at("contract"):
        fields = require_fields(raw, _names(StandardTerms))
        extra = decimal_of(fields, "penalty_multiple_extra")
        require_rate("penalty_multiple_extra", extra)
        unit, every = PeriodUnit(text_of(fields, "unit")), _whole(fields, "every", 1, 1)
        if unit is not PeriodUnit.MONTH:  # a term is chosen in months, and debt service is a month's
            raise unfit(unit.value, "unit", "not sold: the instalments of a product are monthly")
        return StandardTerms(
            day_count=DayCount(text_of(fields, "day_count")),
            method=Method(text_of(fields, "method")),
            unit=unit,
            every=every,
            prepayment=Prepayment(text_of(fields, "prepayment")),
            grace_days=_whole(fields, "grace_days", 0, LONGEST_DAYS),
            tolerance_minor=_amount(fields, "tolerance", currency),
            penalty_multiple_extra=extra,
        )


def _eligibility(raw: object) -> Eligibility:
    with _at("eligibility"):
        fields = require_fields(raw, _names(Eligibility))
        return Eligibility(
            partners=_texts(fields, "partners"),
            regions=_texts(fields, "regions"),
            categories=_texts(fields, "categories"),
            memberships=_texts(fields, "memberships"),
            tenure_months=_whole_or_none(fields, "tenure_months", LONGEST_MONTHS),
            score=_whole_or_none(fields, "score", HIGHEST_SCORE),
        )


def _origination(raw: object, currency: str) -> Origination:
    with _at("origination"):
        fields = require_fields(raw, _names(Origination))
        bands = require_fields(fields["bands"], {band.value for band in Band})
        return Origination(
            offer_days=_whole(fields, "offer_days", 1, LONGEST_DAYS),
            score_days=_whole(fields, "score_days", 0, LONGEST_DAYS),
            cooling_off_days=_whole(fields, "cooling_off_days", 0, LONGEST_DAYS),
            refer_flagged_bps=_whole(fields, "refer_flagged_bps", 0, BASIS_POINTS),
            refer_above_minor=_amount(fields, "refer_above", currency),
            bands=MappingProxyType({band: _amount_or_none(bands, band, currency) for band in Band}),
        )


def _names(kind: type) -> frozenset[str]:
    """Name the fields of a part: those of its dataclass, amounts without their unit."""
    return frozenset(field.name.removesuffix("_minor") for field in dataclass_fields(kind))


def _whole(fields: Fields, name: str, lowest: int, highest: int) -> int:
    value = integer_of(fields, name)
    require_range(name, value, lowest, highest)
    return value


def _whole_or_none(fields: Fields, name: str, highest: int) -> int | None:
    return None if fields[name] is None else _whole(fields, name, 1, highest)


def _multiple(fields: Fields, name: str) -> Decimal:
    value = decimal_of(fields, name)
    if not 0 < value <= LARGEST_MULTIPLE:
        raise unfit(fields[name], name, f"no multiple above 0 and up to {LARGEST_MULTIPLE}")
    return value


def _amount(fields: Fields, name: str, currency: str, *, lowest: int = 0) -> int:
    """Read decimal text in major units as minor units, not below the lowest (minor units)."""
    try:
        minor = parse_minor(text_of(fields, name), currency)
    except BadAmount as error:
        raise unfit(fields[name], name, "no amount of the currency") from error
    if minor < lowest:
        raise unfit(fields[name], name, f"below {format_minor(lowest, currency)}")
    return minor


def _amount_or_none(fields: Fields, name: str, currency: str) -> int | None:
    return None if fields[name] is None else _amount(fields, name, currency)


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT or not storable(value):
        raise unfit(value, name, f"no text of 1 to {LONGEST_TEXT} characters that can be kept")
    return value


def _code(value: object, name: str) -> str:
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise unfit(value, name, "no code of small letters, digits and hyphens")
    return value


def _texts(fields: Fields, name: str) -> frozenset[str] | None:
    """Read a list of different texts, or null for all; an empty list would admit nobody."""
    value = fields[name]
    if value is None:
        return None
    if not isinstance(value, list) or not value:
        raise unfit(value, name, "neither null nor a list of texts")
    found = frozenset(_text(text, name) for text in value)
    if len(found) < len(value):
        raise unfit(value, name, "a list that names something twice")
    return found


def _percent(share: Fraction) -> str:
    return f"{Decimal(round(share * MILLION)) / BASIS_POINTS:f} %"
