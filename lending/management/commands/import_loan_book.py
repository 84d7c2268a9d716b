"""Take over a loan book at a cut-over date."""

import json
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import IO, Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.db.transactions import Contended
from config.kernel.documents import Unfit, date_of
from config.kernel.money import format_minor
from config.office.actors import SYSTEM
from lending.domain.books.book_rows import BookRefusal
from lending.domain.books.loan_book import ControlLine, CutOverRefusal, Totals, compare, read_control
from lending.gateways.loan_book_files import LoanBookFiles, open_loan_book, read_control_file
from lending.operations.loan_book import BookNotTaken, import_loans
from lending.queries.loan_book import Prepared, Verdict, get_cut_over_refusal, judge_book
from merchants.gateways.feed_head import UnreadableFeed

REFUSALS_SHOWN: Final = 20
PAUSE: Final = 1.0
PATIENCE: Final = 600.0
"""Seconds."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the loans of a book."""

    book: Totals = field(default_factory=Totals)
    taken: Totals = field(default_factory=Totals)
    known: int = 0
    new: int = 0
    differing: int = 0
    refused: Counter[BookRefusal] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)

    def count(self, verdict: Verdict) -> None:
        """Count one loan more."""
        if verdict.head is None:
            self.book.loans += 1
        else:
            self.book.add(verdict.head.currency, verdict.head.balances)
        if verdict.refused is not None:
            self.refused[verdict.refused.reason] += 1
            if len(self.shown) < REFUSALS_SHOWN:
                self.shown.append(
                    f"row {verdict.line}, loan {verdict.number}: {verdict.refused.reason}: {verdict.refused}"
                )
        elif verdict.head is not None:
            self.taken.add(verdict.head.currency, verdict.head.balances)
            self.known += verdict.is_known
            self.new += not verdict.is_known
            self.differing += verdict.prepared is not None and bool(verdict.prepared.taken.differences)


class Command(BaseCommand):
    """Judges all loans of a book first; books them, some hundred a transaction, only if all of it agrees."""

    help = "Take over a loan book: loans.csv, schedule.csv, events.csv (or .parquet) and control.json of a folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--cut-over", required=True, help="the first day that this office keeps, YYYY-MM-DD")
        parser.add_argument("--check", action="store_true", help="judge the book, and book nothing")
        parser.add_argument("--to", type=Path, help="a file for every refused loan, one JSON object a line")
        parser.add_argument(
            "--tolerance",
            type=int,
            default=0,
            help="minor units by which a loan's interest and penalty may differ; the difference is booked",
        )
        parser.add_argument("--accept-refused", action="store_true", help="book the others though some are refused")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        try:
            cut_over = date_of({"cut-over": options["cut_over"]}, "cut-over")
            control = read_control(read_control_file(options["folder"]))
        except (Unfit, UnreadableFeed) as error:
            raise CommandError(str(error)) from error
        if control.cut_over != cut_over:
            message = f"The control totals are of {control.cut_over}, not of {cut_over}."
            raise CommandError(message)
        if options["tolerance"] < 0:
            message = "--tolerance: minor units of 0 or more are needed."
            raise CommandError(message)
        self._require_cut_over(cut_over)
        asked = {"cut_over": cut_over, "tolerance_minor": options["tolerance"]}
        try:
            with open_loan_book(options["folder"]) as book:
                tally = self._judge(book, options["to"], **asked)
                lines = compare(control.totals, tally.book)
                self._report(book, tally, lines)
                self._require_agreement(book, tally, lines, accept_refused=options["accept_refused"])
                if not options["check"]:
                    self._book(book, tally, **asked)
        except (UnreadableFeed, OSError) as error:
            raise CommandError(str(error)) from error

    def _require_cut_over(self, cut_over: date) -> None:
        refusal = get_cut_over_refusal(cut_over)
        if refusal is not None:
            message = f"{refusal}: no loan can be booked as of {cut_over} now."
            raise CommandError(message)

    def _judge(self, book: LoanBookFiles, to: Path | None, *, cut_over: date, tolerance_minor: int) -> Tally:
        tally = Tally()
        with ExitStack() as opened:
            report = None if to is None else opened.enter_context(to.open("w", encoding="utf-8"))
            for some in judge_book(book, cut_over=cut_over, tolerance_minor=tolerance_minor):
                for verdict in some:
                    tally.count(verdict)
                    _write(report, verdict)
        return tally

    def _report(self, book: LoanBookFiles, tally: Tally, lines: Sequence[ControlLine]) -> None:
        for column in book.ignored:
            self.stdout.write(f"ignored: column {column}")
        self.stdout.write(
            f"{tally.book.loans:,} loans: {tally.new:,} to import, {tally.known:,} imported before, "
            f"{tally.refused.total():,} refused; {tally.differing:,} with a difference that will be booked"
        )
        for reason, number in tally.refused.most_common():
            self.stdout.write(f"{number:10,} {reason}")
        for shown in tally.shown:
            self.stdout.write(f"  {shown}")
        self.stdout.write(f"{'':23}{'control':>22}{'book':>22}{'taken':>22}")
        for line in lines:
            sums = tally.taken.sums.get(line.currency, {})
            taken = tally.taken.loans if not line.currency else sums.get(line.name, 0)
            columns = (
                format_minor(minor, line.currency, grouped=True) if line.currency else f"{minor:,}"
                for minor in (line.control, line.book, taken)
            )
            figures = "".join(f"{figure:>22}" for figure in columns)
            self.stdout.write(f"{line.name:19}{line.currency:4}{figures}{'' if line.agrees else '   differs'}")

    def _require_agreement(
        self, book: LoanBookFiles, tally: Tally, lines: Sequence[ControlLine], *, accept_refused: bool
    ) -> None:
        """Stop before anything is booked, unless everything agrees."""
        wrong = []
        if book.faulty:
            wrong.append(f"{book.faulty:,} rows of schedules and events belong to no loan: " + "; ".join(book.faults))
        differing = [f"{line.name} {line.currency}".strip() for line in lines if not line.agrees]
        if differing:
            wrong.append(f"control totals differ: {', '.join(differing)}")
        if tally.refused and not accept_refused:
            wrong.append(f"{tally.refused.total():,} loans are refused")
        if wrong:
            message = f"Nothing is booked: {'; '.join(wrong)}."
            raise CommandError(message)

    def _book(self, book: LoanBookFiles, tally: Tally, *, cut_over: date, tolerance_minor: int) -> None:
        done = 0
        for some in judge_book(book, cut_over=cut_over, tolerance_minor=tolerance_minor):
            prepared = [verdict.prepared for verdict in some if verdict.prepared is not None]
            if prepared:
                done += _import(prepared, cut_over=cut_over)
        self.stdout.write(f"{done:,} loans are imported as of {cut_over}.")
        if done != tally.new:
            message = (
                f"{tally.new - done:,} loans were judged otherwise meanwhile, or imported by another: run it again."
            )
            raise CommandError(message)


def _import(prepared: Sequence[Prepared], *, cut_over: date) -> int:
    """Book a batch; a close that began meanwhile, or holds the books, is waited for."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return import_loans(prepared, cut_over=cut_over, actor=SYSTEM, now=timezone.now())
        except (BookNotTaken, Contended) as refused:
            reason = refused.reason if isinstance(refused, BookNotTaken) else CutOverRefusal.CLOSE_UNDER_WAY
            if reason is not CutOverRefusal.CLOSE_UNDER_WAY or time.monotonic() > until:
                message = f"{reason}: run it again later, and it goes on where it stopped."
                raise CommandError(message) from refused
            time.sleep(PAUSE)


def _write(report: IO[str] | None, verdict: Verdict) -> None:
    if report is not None and verdict.refused is not None:
        refused = verdict.refused
        line = {"line": verdict.line, "loan": verdict.number, "reason": refused.reason, "message": str(refused)}
        report.write(json.dumps(line, ensure_ascii=False) + "\n")
