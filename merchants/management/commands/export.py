"""Export a partner's merchants or transactions in the format that import_marketplace reads."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from merchants.gateways.feed_files import UnreadableFeed, write_feed_file
from merchants.models import Partner
from merchants.queries.exports import (
    MERCHANT_COLUMNS,
    TRANSACTION_COLUMNS,
    merchants_of_feed,
    transactions_of_feed,
)

FEEDS = {
    "merchants": (MERCHANT_COLUMNS, merchants_of_feed),
    "transactions": (TRANSACTION_COLUMNS, transactions_of_feed),
}


class Command(BaseCommand):
    """Streams to FILE; memory does not grow with the rows."""

    help = (
        "Write a partner's merchants or transactions in the import format. Buyers are written as the hashes that"
        " are kept of them: imported again they are told apart as before, and named no more."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=FEEDS)
        parser.add_argument("--to", type=Path, required=True, help="a file that ends with .csv, .csv.gz or .parquet")
        parser.add_argument("--partner", help="the partner's code; needed if there are several")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        columns, rows_of_feed = FEEDS[options["what"]]
        path: Path = options["to"]
        try:
            written = write_feed_file(path, columns, rows_of_feed(partner_id=self._partner(options["partner"]).pk))
        except (UnreadableFeed, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{written:,} {options['what']} written to {path}")

    def _partner(self, code: str | None) -> Partner:
        partners = list(Partner.objects.order_by("code"))
        found = [partner for partner in partners if code in {None, partner.code}]
        if len(found) != 1:
            message = f"Say --partner, one of: {', '.join(partner.code for partner in partners) or 'none yet'}."
            raise CommandError(message)
        return found[0]
