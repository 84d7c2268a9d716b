"""The formats that can be imported, by the name given to `import_marketplace --format`."""

from merchants.domain.feeds.adyen import ADYEN
from merchants.domain.feeds.amazon import AMAZON
from merchants.domain.feeds.format import Format
from merchants.domain.feeds.paypal import PAYPAL, PAYPAL_DAY_FIRST
from merchants.domain.feeds.shopify import SHOPIFY
from merchants.domain.feeds.square import SQUARE
from merchants.domain.feeds.stripe import STRIPE

FORMATS: dict[str, Format] = {
    "adyen": ADYEN,
    "amazon": AMAZON,
    "paypal": PAYPAL,
    "paypal-day-first": PAYPAL_DAY_FIRST,
    "shopify": SHOPIFY,
    "square": SQUARE,
    "stripe": STRIPE,
}
