"""Export a partner's merchants or transactions in the format that import_marketplace reads, or the ledger."""

from argparse import ArgumentParser
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from config.disk import written_beside
from lending.domain.books.journal import Journal
from lending.gateways.ledger_files import write_lines, write_parquet
from lending.queries.ledger import streamed_journal, streamed_postings
from merchants.gateways.feed_files import write_feed_file
from merchants.gateways.feed_head import UnreadableFeed
from merchants.models import Partner
from merchants.queries.exports import (
    MERCHANT_COLUMNS,
    TRANSACTION_COLUMNS,
    merchants_of_feed,
    transactions_of_feed,
)

FEEDS: Final = {
    "merchants": (MERCHANT_COLUMNS, merchants_of_feed),
    "transactions": (TRANSACTION_COLUMNS, transactions_of_feed),
}
CSV, PARQUET = "csv", "parquet"
Written = Callable[[Path, date | None, date | None], str]


def _postings(path: Path, first: date | None, through: date | None, *, is_parquet: bool) -> str:
    with written_beside(path) as file, streamed_postings(first=first, through=through) as stream:
        if is_parquet:
            written = write_parquet(file, stream.head, stream.rows)
        else:
            written = write_lines(file, stream.head, stream.rows, stream.tail)
    return f"{written:,} postings"


def _journal(path: Path, first: date | None, through: date | None, *, journal: Journal) -> str:
    with written_beside(path) as file, streamed_journal(journal, first=first, through=through) as stream:
        return f"{write_lines(file, stream.head, stream.rows, stream.tail):,} entries"


FORMATS: Final[dict[str, Written]] = {
    CSV: partial(_postings, is_parquet=False),
    PARQUET: partial(_postings, is_parquet=True),
    **{journal.value: partial(_journal, journal=journal) for journal in Journal},
}


class Command(BaseCommand):
    """Streams to FILE; memory does not grow with the rows."""

    help = (
        "Write a partner's merchants or transactions in the import format, or the ledger's postings. Buyers are written"
        " as the hashes that are kept of them: imported again they are told apart as before, and named no more."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        kinds = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
        for name in FEEDS:
            feed = kinds.add_parser(name, help=f"{name} of a partner")
            feed.add_argument("--to", type=Path, required=True, help="a file that ends with .csv, .csv.gz or .parquet")
            feed.add_argument("--partner", help="the partner's code; needed if there are several")
        ledger = kinds.add_parser("ledger", help="the postings of the ledger")
        ledger.add_argument("--to", type=Path, required=True, help="the file, replaced at once when it is whole")
        ledger.add_argument("--format", choices=FORMATS, required=True)
        ledger.add_argument("--from", type=date.fromisoformat, metavar="DATE", help="the first effective date in it")
        ledger.add_argument("--until", type=date.fromisoformat, metavar="DATE", help="the last effective date in it")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        path: Path = options["to"]
        try:
            written = self._ledger(path, options) if options["what"] == "ledger" else self._feed(path, options)
        except (UnreadableFeed, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{written} written to {path}")

    def _feed(self, path: Path, options: dict[str, Any]) -> str:
        columns, rows_of_feed = FEEDS[options["what"]]
        written = write_feed_file(path, columns, rows_of_feed(partner_id=self._partner(options["partner"]).pk))
        return f"{written:,} {options['what']}"

    def _ledger(self, path: Path, options: dict[str, Any]) -> str:
        first, until = options["from"], options["until"]
        if first is not None and until is not None and first > until:
            message = f"The period ends on {until}, before it begins on {first}."
            raise CommandError(message)
        return FORMATS[options["format"]](path, first, until)

    def _partner(self, code: str | None) -> Partner:
        partners = list(Partner.objects.order_by("code"))
        found = [partner for partner in partners if code in {None, partner.code}]
        if len(found) != 1:
            message = f"Say --partner, one of: {', '.join(partner.code for partner in partners) or 'none yet'}."
            raise CommandError(message)
        return found[0]
