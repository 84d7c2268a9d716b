"""Enter a product version."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.kernel.money import format_minor
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date
from lending.domain.origination.product import Product, ProductKind
from lending.domain.origination.product_document import DAY_ONE_PRODUCTS, canonical_product, in_currency, parse_product
from lending.operations.products import EntryRefusal, ProductNotEntered, enter_product
from lending.queries.products import preview_product

REFUSED: Final = {
    EntryRefusal.VERSION_USED: "This version of the product was entered with another content: raise the version.",
    EntryRefusal.CALENDAR_UNKNOWN: "The calendar that it names is not entered: use manage.py enter_calendar first.",
}


class Command(BaseCommand):
    help = "Enter a product version (default: the first of a kind); the last entered of a kind and currency is sold."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?")
        parser.add_argument("--kind", type=str.upper, choices=list(ProductKind), default=ProductKind.TERM)
        parser.add_argument("--currency", help="the same figures in another currency than the file's")
        parser.add_argument("--preview", action="store_true", help="say whom it would admit, and enter nothing")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        file: Path = options["file"] or DAY_ONE_PRODUCTS[ProductKind(options["kind"])]
        try:
            text = file.read_text(encoding="utf-8")
            if options["currency"]:
                text = in_currency(text, options["currency"])
            if options["preview"]:
                self._preview(parse_product(*canonical_product(text)))
                return
            version = enter_product(text=text, actor=SYSTEM, now=timezone.now())
        except ProductNotEntered as refused:
            message = REFUSED[refused.reason]
            raise CommandError(message) from refused
        except (OSError, ValueError) as error:
            message = f"{file}: {error}"
            raise CommandError(message) from error
        self.stdout.write(f"{version}: {version.sha256}")

    def _preview(self, product: Product) -> None:
        """Print how many merchants would have an offer, and why the others would not."""
        on = get_business_date()
        if on is None:
            message = "No business day is open: there are no scores to preview with."
            raise CommandError(message)
        found = preview_product(product, on=on)
        offered = format_minor(found.offered_minor, product.currency, grouped=True)
        self.stdout.write(f"{found.offers:,} merchants would be offered {offered} {product.currency} in all.")
        for reason, number in found.without.items():
            self.stdout.write(f"{number:12,} {reason}")
