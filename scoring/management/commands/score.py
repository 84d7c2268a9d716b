"""Score merchants as of any date, without storing anything."""

import json
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from config.kernel.calendar import day_number
from merchants.gateways.feed_files import open_feed_file, rows_of
from merchants.gateways.feed_head import UnreadableFeed
from merchants.models import Merchant
from merchants.queries.batches import current_watermark
from scoring.domain.calibration import Calibration
from scoring.domain.features.sets import FEATURE_SETS, FeatureSet, FeatureSetGone, current_set, get_set
from scoring.domain.outcomes import REQUIRED, BadOutcome, Outcome, read_outcome
from scoring.domain.score_row import ScoreRow, explained
from scoring.domain.scorecard import DAY_ONE_CARD, Scorecard, canonical_card, parse_scorecard
from scoring.domain.validation import rank
from scoring.queries.measures import Known
from scoring.queries.runs import active_calibration, active_scorecard
from scoring.queries.scores import calibration_of, card_of, compute_market


class Command(BaseCommand):
    help = "Score all merchants (or one) as of a date, or back-test the card on loans made elsewhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        when = parser.add_mutually_exclusive_group(required=True)
        when.add_argument("--as-of", type=date.fromisoformat, help="score what is known of the days before this one")
        when.add_argument("--outcomes", type=Path, help="a file of loans: external_id, merchant, granted_on, bad")
        parser.add_argument("--merchant", help="only the merchant with this external id")
        sets = ", ".join(FEATURE_SETS)
        parser.add_argument("--features", default=current_set().version, help=f"version of the characteristics: {sets}")
        parser.add_argument("--to", type=Path, help="write one JSON object a merchant and line")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        version = active_scorecard()
        if version is None:
            self.stderr.write("No scorecard is entered: scored by the card of day one, without grades.")
            card, calibration = parse_scorecard(*canonical_card(DAY_ONE_CARD.read_text(encoding="utf-8"))), None
        else:
            card, calibration = card_of(version), calibration_of(active_calibration(scorecard=version))
        try:
            features = get_set(options["features"])
        except FeatureSetGone as error:
            message = f"There is no version {error} of the characteristics, only {', '.join(FEATURE_SETS)}."
            raise CommandError(message) from error
        if options["outcomes"]:
            self._back_test(options["outcomes"], features, card, calibration, options["to"])
            return
        known = Known(as_of_day=day_number(options["as_of"]), watermark=current_watermark())
        only = None
        if options["merchant"]:
            only = list(Merchant.objects.filter(external_id=options["merchant"]).values_list("pk", flat=True))
            if not only:
                message = f"There is no merchant {options['merchant']}."
                raise CommandError(message)
        rows = compute_market(known=known, features=features, card=card, calibration=calibration, only=only)
        self._write(rows, features, card, options["to"])
        self._summarise(rows)

    def _write(self, rows: Iterable[ScoreRow], features: FeatureSet, card: Scorecard, path: Path | None) -> None:
        if path is None:
            return
        names = dict(Merchant.objects.values_list("pk", "external_id"))
        with nullcontext(sys.stdout) if str(path) == "-" else path.open("w", encoding="utf-8") as output:
            for row in rows:
                said = {"merchant": names[row.merchant_id], **explained(row, features, card)}
                output.write(json.dumps(said, ensure_ascii=False) + "\n")

    def _summarise(self, rows: Sequence[ScoreRow]) -> None:
        reasons = Counter(row.not_scored or "scored" for row in rows)
        for reason, count in sorted(reasons.items()):
            self._count(reason, count, len(rows))
        grades = Counter(row.grade for row in rows if row.grade and not row.not_scored)
        for grade, count in sorted(grades.items()):
            self._count(str(grade), count, reasons["scored"])

    def _count(self, name: str, count: int, of: int) -> None:
        self.stderr.write(f"{name:16}{count:8}{count / of:8.1%}")

    def _back_test(
        self, path: Path, features: FeatureSet, card: Scorecard, calibration: Calibration | None, to: Path | None
    ) -> None:
        loans = self._read_outcomes(path)
        ids = dict(Merchant.objects.values_list("external_id", "pk"))
        if len(ids) < Merchant.objects.count():
            message = "Several partners use the same merchant ids: the file does not say whose loans these are."
            raise CommandError(message)
        unknown = [loan for loan in loans if loan.merchant not in ids]
        loans = [loan for loan in loans if loan.merchant in ids]
        if unknown:
            self.stderr.write(f"{len(unknown)} loans of unknown merchants left out, the first of {unknown[0].merchant}")
        watermark = current_watermark()
        scored: list[tuple[Outcome, ScoreRow]] = []
        for on in sorted({loan.granted_on for loan in loans}):
            granted = [loan for loan in loans if loan.granted_on == on]
            rows = compute_market(
                known=Known(as_of_day=day_number(on), watermark=watermark),
                features=features,
                card=card,
                calibration=calibration,
                only=sorted({ids[loan.merchant] for loan in granted}),
            )
            by_merchant = {row.merchant_id: row for row in rows}
            scored += [(loan, by_merchant[ids[loan.merchant]]) for loan in granted]
        self._write((row for _, row in scored), features, card, to)
        self._summarise([row for _, row in scored])
        self._rank("all", scored)
        self._rank("only those who would be scored", [(loan, row) for loan, row in scored if not row.not_scored])

    def _read_outcomes(self, path: Path) -> list[Outcome]:
        outcomes = []
        try:
            for line, raw in rows_of(open_feed_file(path, REQUIRED)):
                try:
                    outcomes.append(read_outcome(raw))
                except BadOutcome as error:
                    self.stderr.write(f"{path.name}, row {line}: {error}")
        except UnreadableFeed as error:
            raise CommandError(str(error)) from error
        return outcomes

    def _rank(self, words: str, scored: Sequence[tuple[Outcome, ScoreRow]]) -> None:
        ranking = rank(
            np.array([row.score for _, row in scored], np.int64), np.array([loan.bad for loan, _ in scored], np.bool_)
        )
        if ranking is None:
            self.stderr.write(f"AUC ({words}): needs good and bad loans")
            return
        interval = "(too few to give an interval)"
        if ranking.interval is not None:
            interval = "[{:.3f}, {:.3f}]".format(*ranking.interval)
        self.stderr.write(
            f"AUC ({words}): {ranking.auc:.3f} {interval}, {ranking.good + ranking.bad} loans, {ranking.bad} bad"
        )
