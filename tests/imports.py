"""Whole imports of files as platforms and processors hand them out."""

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from django.core.management import call_command

from merchants.models import Transaction

Cells = Sequence[str]


def write(path: Path, columns: Cells, rows: Sequence[Cells], **options: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, **options).writerows([columns, *rows])  # type: ignore[arg-type]
    return path


def write_tabs(path: Path, columns: Cells, rows: Sequence[Cells]) -> Path:
    path.write_text("".join("\t".join(row) + "\n" for row in [columns, *rows]), encoding="utf-8")
    return path


def run(path: Path, **options: str) -> tuple[str, list[str]]:
    out, err = StringIO(), StringIO()
    call_command("import_marketplace", str(path), stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue().splitlines()


def figures(out: str) -> dict[str, str]:
    """The lines of the reconciliation, by their words."""
    return {line[2:34].strip(): line[34:].strip() for line in out.splitlines() if line.startswith("  ")}


def stored() -> set[tuple[str, str, str, int]]:
    return set(Transaction.objects.values_list("merchant__external_id", "external_id", "kind", "amount_minor"))
