"""Which kinds of product there are."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from lending.domain.origination.kinds.kind import Kind
from lending.domain.origination.kinds.line import LINE
from lending.domain.origination.kinds.term import TERM
from lending.domain.origination.product import Product, ProductKind

KINDS: Final[Mapping[ProductKind, Kind]] = MappingProxyType({ProductKind.TERM: TERM, ProductKind.LINE: LINE})


def kind_of(product: Product) -> Kind:
    """Return what the product's kind decides."""
    return KINDS[product.kind]
