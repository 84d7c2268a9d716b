"""Parse a product version from its document, fully validated on entry, and write it in one form only.

Amounts are decimal text in major units of the document's currency, so that the same figures make a product in any
currency; the product has them in minor units.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from config.kernel.business_days import BusinessDayRule
from config.kernel.canonical import canonical_json, sha256_of
from config.kernel.documents import DoubledKey, Unfit, load, read, shown, text_of, unfit
from config.kernel.exact import BASIS_POINTS, MILLION
from config.kernel.money import format_minor, is_currency
from lending.domain.contract.refusal import LoanRefused
from lending.domain.origination.kinds.registry import kind_of
from lending.domain.origination.product import LENDABLE, NOT_SOLD, Product, ProductKind, margin_at, terms_of

_PRODUCTS: Final = Path(__file__).parent / "products"
DAY_ONE_PRODUCT: Final = _PRODUCTS / "day_one.json"
"""The first product as a readable file; its canonical form is what is stored and hashed."""
DAY_ONE_PRODUCTS: Final = {ProductKind.TERM: DAY_ONE_PRODUCT, ProductKind.LINE: _PRODUCTS / "line_day_one.json"}
"""The first product of each kind that comes with Tradeline."""
Fields = Mapping[str, object]


class ProductDefect(StrEnum):
    """Why a document is not a product."""

    NOT_JSON = "NOT_JSON"
    DUPLICATE_KEY = "DUPLICATE_KEY"
    FIELD = "FIELD"
    BETTER_TERMS_FOR_WORSE_GRADE = "BETTER_TERMS_FOR_WORSE_GRADE"
    LOSES_MONEY = "LOSES_MONEY"
    NOT_CANONICAL = "NOT_CANONICAL"
    HASH_DIFFERS = "HASH_DIFFERS"


class ProductMalformed(ValueError):
    """The document is not a product, for the reason given; `where` names the part, `what` the fault."""

    def __init__(self, reason: ProductDefect, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.reason = reason
        self.where = where
        self.what = what


def in_currency(text: str, currency: str) -> str:
    """Return the same document for another currency: the same figures, in its major units."""
    return json.dumps({**_loaded(text), "currency": currency}, indent=2, ensure_ascii=False)


def canonical_product(text: str) -> tuple[str, str]:
    """Convert a document written by hand to the form to be stored; return it with its sha256.

    It is fully validated, and refused if a grade costs more than it earns. Raises ProductMalformed.
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


@lru_cache(maxsize=64)
def parse_product(text: str, sha256: str) -> Product:
    """Parse and validate a stored document, each text once a process. Raises ProductMalformed.

    What it earns was judged when it was entered.
    """
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


def _product_of(data: Fields, sha256: str) -> Product:
    try:
        currency = text_of({"currency": None, **data}, "currency")
        if not is_currency(currency):
            raise unfit(currency, "currency", "a currency code")
        for name in ("sha256", "calendar"):
            if name in data:
                raise unfit(data[name], name, "a field of a document")
        _require_sold(data.get("contract"))
        product = read(Product, {**data, "sha256": sha256}, currency=currency)
        _require_order(product)
        _require_contract(product)
        kind_of(product).require(product)
    except Unfit as error:
        where = ".".join(error.path[1:]) or "document"
        raise ProductMalformed(ProductDefect.FIELD, where, str(error)) from error
    return product


def _require_sold(contract: object) -> None:
    """Say of terms that loans can have and products not, what they are: more than an unknown field."""
    for name in contract if isinstance(contract, Mapping) else ():
        if {name, f"{name}_minor"} & NOT_SOLD:
            what = (
                f"{name}: loans on such terms can be quoted and replayed, and not sold yet: the books or the prices do "
                "not carry them"
            )
            raise ProductMalformed(ProductDefect.FIELD, "contract", what)


def _require_order(product: Product) -> None:
    """Require bounds that leave something, and no better terms for a worse grade: it would pay to be graded down."""
    if not 0 < product.minimum_minor <= product.maximum_minor:
        minimum = format_minor(product.minimum_minor, product.currency)
        raise unfit(minimum, "minimum", "above 0 and at most the maximum")
    if product.shortest_months > product.longest_months:
        raise unfit(product.shortest_months, "shortest_months", "at most longest_months")
    if product.servicing.lowest_rate > product.servicing.highest_rate:
        raise unfit(str(product.servicing.lowest_rate), "servicing", "bounds of which lowest_rate is the lower")
    for grade, terms in product.grades.items():
        if not product.shortest_months <= terms.months <= product.longest_months:
            what = f"months: {terms.months} is not from shortest_months to longest_months"
            raise ProductMalformed(ProductDefect.FIELD, f"grades.{grade}", what)
    for better, worse in pairwise(LENDABLE):
        for name in ("sales_share_bps", "multiple", "months", "first_step", "daily_rate"):
            above, here = getattr(product.grades[better], name), getattr(product.grades[worse], name)
            if (here < above) if name == "daily_rate" else (here > above):
                what = f"{name}: {here} is better than the {above} of the grade above"
                raise ProductMalformed(ProductDefect.BETTER_TERMS_FOR_WORSE_GRADE, f"grades.{worse}", what)


def _require_contract(product: Product) -> None:
    """Require that its standard terms make a loan, whatever its calendar will say."""
    contract = product.contract
    if (contract.business_days is BusinessDayRule.NONE) != (contract.calendar is None):
        message = "contract.calendar: it goes with a rule of business_days, and that with it"
        raise Unfit(message)
    if contract.principal_grace >= product.shortest_months:
        raise unfit(contract.principal_grace, "contract.principal_grace", "below shortest_months")
    plain = replace(product, contract=replace(contract, business_days=BusinessDayRule.NONE, calendar=None))
    try:
        terms_of(plain, grade=LENDABLE[0], principal_minor=product.maximum_minor, months=product.shortest_months)
    except LoanRefused as error:
        message = f"contract: {error}"
        raise Unfit(message) from error


def _percent(share: Fraction) -> str:
    return f"{Decimal(round(share * MILLION)) / BASIS_POINTS:f} %"
