"""Import the merchants and transactions of a marketplace from files: its own, or what a processor hands out."""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.text import slugify

from config.office.actors import SYSTEM
from config.office.job_runs import run_job
from config.office.models import JobRun
from merchants.domain import merchant as merchant_columns
from merchants.domain import transaction as transaction_columns
from merchants.domain.feeds.registry import FORMATS
from merchants.domain.transaction import Settlement
from merchants.gateways.feed_blocks import blocks_of
from merchants.gateways.feed_files import find_file, open_feed_file, rows_of
from merchants.gateways.feed_head import FeedFile, UnreadableFeed
from merchants.management.formats import FormatImport
from merchants.models import Batch, BatchIssue, Partner
from merchants.operations.file_ingestion import receive_block
from merchants.operations.ingestion import FILL, MAX_ROWS, fill_batch
from merchants.operations.merchants import enter_merchants
from merchants.operations.partners import PartnerNotEntered, enter_partner
from merchants.queries.batches import sum_counts

MERCHANTS_AT_ONCE = 20_000
PATIENCE = 240  # seconds to wait for a worker that claimed a batch first


class Command(BaseCommand):
    help = "Import a marketplace's merchants and transactions; the same files again change nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path, help="with --format also a single file")
        parser.add_argument("--settlement", choices=[kind.value for kind in Settlement], default="IMMEDIATE")
        parser.add_argument("--partner", help="the partner's code (default: the format, or the directory's name)")
        parser.add_argument("--format", choices=sorted(FORMATS), help="whose files these are (docs/feeds.md)")
        parser.add_argument("--merchant", help="with --format: the id of the one merchant whose files these are")
        parser.add_argument("--merchant-name", help="with --merchant: the name (default: the id)")
        parser.add_argument("--currency", help="with --format: of new merchants (default: that of their first row)")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        directory: Path = options["directory"].resolve()
        needed = {"merchant": "format", "currency": "format", "merchant_name": "merchant"}
        for option, other in needed.items():
            if options[option] and not options[other]:
                message = f"--{option.replace('_', '-')} is for --{other} only"
                raise CommandError(message)
        try:
            imported = self._import_format if options["format"] else self._import_own
            batches = imported(directory, options)
        except UnreadableFeed as error:
            raise CommandError(str(error)) from error
        except PartnerNotEntered as refused:
            message = f"The partner is known with another settlement than {options['settlement']}."
            raise CommandError(message) from refused
        self._await_sealing(list(batches))
        self._report(batches)

    def _import_own(self, directory: Path, options: dict[str, Any]) -> dict[int, str]:
        merchants = self._open(directory, "merchants", merchant_columns.REQUIRED, merchant_columns.COLUMNS)
        transactions = self._open(directory, "transactions", transaction_columns.REQUIRED, transaction_columns.COLUMNS)
        partner = self._enter_partner(directory, options)
        self._import_merchants(partner, merchants)
        return dict.fromkeys(self._import_transactions(partner, transactions), "transactions")

    def _import_format(self, path: Path, options: dict[str, Any]) -> dict[int, str]:
        feed = FormatImport(
            FORMATS[options["format"]],
            path,
            merchant=options["merchant"] or "",
            name=options["merchant_name"] or "",
            currency=options["currency"] or "",
        )
        return feed.run(self._enter_partner(path, options), out=self.stdout.write, err=self.stderr.write)

    def _enter_partner(self, path: Path, options: dict[str, Any]) -> Partner:
        # Not a file's name: next month's would be another partner's, and its merchants others.
        known = FORMATS.get(options["format"])
        name = options["partner"] or (path.name if known is None else known.processor)
        return enter_partner(
            code=slugify(name)[:40] or "marketplace",
            name=name,
            settlement=Settlement(options["settlement"]),
            actor=SYSTEM,
            now=timezone.now(),
        )

    def _open(self, directory: Path, name: str, required: tuple[str, ...], known: tuple[str, ...]) -> FeedFile:
        path = find_file(directory, name)
        if path is None:
            message = f"{directory} holds no {name}.csv, {name}.csv.gz or {name}.parquet"
            raise UnreadableFeed(message)
        file = open_feed_file(path, required)
        unknown = file.unknown_columns(known)
        if unknown:
            self.stdout.write(f"{path.name}: not read: {', '.join(unknown)}")
        return file

    def _import_merchants(self, partner: Partner, file: FeedFile) -> None:
        rows = rows_of(file)
        done = rejected = 0
        while chunk := list(islice(rows, MERCHANTS_AT_ONCE)):
            lines = [line for line, raw in chunk if not isinstance(raw, str)]
            entered = enter_merchants(
                partner_id=partner.pk,
                rows=[raw for _, raw in chunk if not isinstance(raw, str)],
                actor=SYSTEM,
                now=timezone.now(),
            )
            for line, words in ((line, raw) for line, raw in chunk if isinstance(raw, str)):
                self.stderr.write(f"merchants, row {line}: MALFORMED: {words}")
            for place, rejection in entered.rejections:
                row = lines[place - 1]
                self.stderr.write(f"merchants, row {row}: {rejection.reason}: {rejection.detail}")
            done += entered.created + entered.changed + entered.unchanged
            rejected += len(chunk) - entered.created - entered.changed - entered.unchanged
        self.stdout.write(f"{partner.code}: {done} merchants, {rejected} rejected")

    def _import_transactions(self, partner: Partner, file: FeedFile) -> Iterator[int]:
        received = 0
        for block in blocks_of(file, wanted=transaction_columns.COLUMNS, lines_a_block=MAX_ROWS):
            first, last = block.span
            source = f"{file.path.name}, rows {first} to {last}"
            batch = receive_block(partner_id=partner.pk, source=source, block=block, actor=SYSTEM, clock=timezone.now)
            received += len(block)
            if sys.stdout.isatty():
                self.stdout.write(f"\r{received} rows received", ending="")
            yield batch.number
        self.stdout.write(f"\r{received} rows received")

    def _await_sealing(self, batches: list[int]) -> None:
        """Store what no worker has stored yet, so that the import is complete when the command returns."""
        for job in JobRun.objects.filter(name=FILL, subject_id__in=batches).order_by("subject_id"):
            run_job(job.pk, fill_batch)
        deadline = time.monotonic() + PATIENCE
        while Batch.objects.unsealed().filter(number__in=batches).exists():
            if time.monotonic() > deadline:
                message = "Some batches are not stored yet: see Jobs in the office."
                raise CommandError(message)
            time.sleep(0.2)

    def _report(self, batches: dict[int, str]) -> None:
        counts = sum_counts(Batch.objects.filter(number__in=batches))
        self.stdout.write(", ".join(f"{count} {name}" for name, count in counts.items()))
        for issue in BatchIssue.objects.filter(batch__in=batches).order_by("batch_id", "line").iterator():
            words = issue.detail or f"stored {issue.stored}, received {issue.received}"
            self.stderr.write(
                f"{batches[issue.batch_id]}, row {issue.line}: {issue.reason}: {issue.external_id}: {words}"
            )
