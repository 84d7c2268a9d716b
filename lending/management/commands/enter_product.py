"""Enter a product version."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.office.actors import SYSTEM
from lending.domain.product_document import DAY_ONE_PRODUCT, in_currency
from lending.operations.products import ProductNotEntered, enter_product


class Command(BaseCommand):
    """Enter a product from a file; without one, the first product, in any currency."""

    help = "Enter a product version (default: the first product); the last entered of a currency is sold."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", type=Path, nargs="?", default=DAY_ONE_PRODUCT)
        parser.add_argument("--currency", help="the same figures in another currency than the file's")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        """Enter the product and say its hash."""
        file: Path = options["file"]
        try:
            text = file.read_text(encoding="utf-8")
            if options["currency"]:
                text = in_currency(text, options["currency"])
            version = enter_product(text=text, actor=SYSTEM, now=timezone.now())
        except ProductNotEntered as refused:
            message = "This version of the product was entered with another content: raise the version."
            raise CommandError(message) from refused
        except (OSError, ValueError) as error:
            message = f"{file}: {error}"
            raise CommandError(message) from error
        self.stdout.write(f"{version}: {version.sha256}")
