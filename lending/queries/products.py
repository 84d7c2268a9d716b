"""Read product versions."""

from lending.domain.product import Product
from lending.domain.product_document import parse_product
from lending.models import ProductVersion


def product_of(version: ProductVersion) -> Product:
    """Load a stored product; every load proves its hash. Raises ProductMalformed."""
    return parse_product(version.content, version.sha256)


def sold_product(*, currency: str) -> ProductVersion | None:
    """Get the version that is sold in a currency: the last entered."""
    return ProductVersion.objects.filter(currency=currency).order_by("-pk").first()


def sold_products() -> list[ProductVersion]:
    """List the versions that are sold, one a currency."""
    return list(ProductVersion.objects.order_by("currency", "-pk").distinct("currency"))
