"""Look for sales that may be made up, as of any date, without storing anything."""

import json
import sys
from argparse import ArgumentParser
from collections import Counter
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from config.kernel.calendar import day_number
from merchants.models import Merchant
from merchants.queries.batches import current_watermark
from scoring.domain.features.integrity import MARKS
from scoring.domain.integrity import nothing_of
from scoring.queries.integrity import find
from scoring.queries.measures import Known


class Command(BaseCommand):
    help = "Look for sales that may be made up, as known now of the days before a date."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", type=date.fromisoformat, required=True, help="look at the days before this one")
        parser.add_argument("--to", type=Path, help="write one JSON object a merchant and line; - is the screen")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        found = find(known=Known(as_of_day=day_number(options["as_of"]), watermark=current_watermark()))
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
        fired = Counter(mark for finding in findings for mark in finding.fired)
        for mark in MARKS:
            self.stderr.write(f"{mark:16}{fired[mark]:8}")
        count = sum(finding.to_review for finding in findings)
        self.stderr.write(f"{'to review':16}{count:8}{count / max(len(findings), 1):8.1%}")
