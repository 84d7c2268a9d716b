"""Prove the audit trail."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.office.seal_files import records_in
from config.office.seal_proof import Count, FaultySeal, faulty_records, faulty_seals
from config.office.seals import count_waiting

TOLD: Final = 20
"""So many seals that do not hold are named."""


class Command(BaseCommand):
    """Computes every seal of the audit trail again; exits 1 if one does not hold."""

    help = "Prove the audit trail: every seal is the digest of its events and of the seal before it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seals", type=Path, help="the file of seals; by default AUDIT_SEALS_FILE")
        parser.add_argument("--json", action="store_true", help="print what was found as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        path: Path | None = options["seals"] or settings.AUDIT_SEALS_FILE
        count = Count()
        faults = list(islice(faulty_seals(count), TOLD))
        waiting = 0 if faults else count_waiting(count.last_event)
        if path is not None and (count.seals or path.exists()):  # before the first seal there is no file
            faults += _compare(path, count)
        found = {"seals": count.seals, "events": count.events, "waiting": waiting, "written": count.written}
        if options["json"]:
            self.stdout.write(json.dumps({**found, "faults": [asdict(one) for one in faults], "holds": not faults}))
        else:
            self.stdout.write(f"{count.events:,} events under {count.seals:,} seals; {waiting:,} events wait for one.")
            compared = f"compared with {count.written:,} lines of {path}" if count.written else "compared with no file"
            self.stdout.write(f"The seals were {compared}.")
        if faults:
            message = "The audit trail does not hold:\n" + "\n".join(str(one) for one in faults)
            raise CommandError(message)


def _compare(path: Path, count: Count) -> list[FaultySeal]:
    try:
        with path.open("rb") as file:
            faults = list(islice(faulty_records(records_in(file), count), TOLD))
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        raise CommandError(message) from error
    if not count.written:
        message = f"{path} holds no seal."
        raise CommandError(message)
    return faults
