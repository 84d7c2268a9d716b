"""Look for sales that may be made up, as of any date, without storing anything."""

import csv
import json
import sys
from argparse import ArgumentParser
from collections import Counter
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel.calendar import day_number
from merchants.models import Merchant
from merchants.queries.batches import current_watermark
from scoring.domain.detection import BadTruth, detect, read_truth
from scoring.domain.features.integrity import MARKS
from scoring.domain.integrity import nothing_of
from scoring.queries.integrity import find, find_rings
from scoring.queries.measures import Known


class Command(BaseCommand):
    help = "Look for sales that may be made up, as known now of the days before a date."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", type=date.fromisoformat, required=True, help="look at the days before this one")
        parser.add_argument("--truth", type=Path, help="schemes.csv of a simulated market: print recall and precision")
        parser.add_argument("--to", type=Path, help="write one JSON object a merchant and line; - is the screen")
        parser.add_argument("--rings", type=Path, help="write one line for each buyer that two shops of a ring share")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        known = Known(as_of_day=day_number(options["as_of"]), watermark=current_watermark())
        found = find(known=known)
        names = dict(Merchant.objects.values_list("pk", "external_id"))
        by_merchant = {finding.merchant_id: finding for finding in found}
        findings = [by_merchant.get(merchant, nothing_of(merchant)) for merchant in sorted(names)]
        path: Path | None = options["to"]
        if path is not None:
            with nullcontext(sys.stdout) if str(path) == "-" else path.open("w", encoding="utf-8") as output:
                for finding in findings:
                    measures = dict(finding.measures)
                    said = {
                        "merchant": names[finding.merchant_id],
                        "flagged_share_90_bp": measures["flagged_share_90"],
                        "measures": measures,
                        "flagged": [sale.external_id for sale in finding.flagged],
                        "to_review": finding.to_review,
                    }
                    output.write(json.dumps(said, ensure_ascii=False) + "\n")
        if options["rings"] is not None:
            with options["rings"].open("w", encoding="utf-8") as output:
                for merchant, other, buyer in find_rings(known=known):
                    said = {"merchant": names[merchant], "other": names[other], "buyer_hash": str(buyer)}
                    output.write(json.dumps(said, ensure_ascii=False) + "\n")
        fired = Counter(mark for finding in findings for mark in finding.fired)
        for mark in MARKS:
            self.stderr.write(f"{mark:16}{fired[mark]:8}")
        reviewed = {names[finding.merchant_id] for finding in findings if finding.to_review}
        self.stderr.write(f"{'to review':16}{len(reviewed):8}{len(reviewed) / max(len(findings), 1):8.1%}")
        if options["truth"] is not None:
            if Merchant.objects.values("partner").distinct().count() > 1:
                message = "--truth names merchants of one partner, and there are several here."
                raise CommandError(message)
            self._compare(options["truth"], reviewed, set(names.values()))

    def _compare(self, path: Path, reviewed: set[str], merchants: set[str]) -> None:
        try:
            with path.open(encoding="utf-8", newline="") as file:
                truth = read_truth(csv.DictReader(file), known=merchants)
        except (BadTruth, OSError, UnicodeDecodeError, csv.Error) as error:
            message = f"{path}: {error}"
            raise CommandError(message) from error
        detection = detect(truth, reviewed=reviewed, merchants=len(merchants))
        for told in detection.cheaters:
            self.stderr.write(f"{told.scheme:10}{told.strength:5} %{told.found:6} of {told.merchants}")
        self.stderr.write(f"honest merchants to review: {detection.false_alarms} of {detection.honest}")
        for name, share in (("recall", detection.recall), ("precision", detection.precision)):
            self.stderr.write(f"{name}: {'nobody to count' if share is None else f'{share:.3f}'}")
