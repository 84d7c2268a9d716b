#!/bin/sh
# pyarrow 26.0.1.
# Guess: with ignore_empty_lines=False, an empty line in a file of two columns has one cell too few, so that
# invalid_row_handler is asked about it, as about any other line with a wrong number of cells.
# Seen: it becomes a row of empty cells, and the handler never hears of it. Whoever counts lines to say where a broken
# one stands, and therefore keeps empty lines, receives rows that nobody sent; a line of one cell is still refused.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyarrow==26.0.1
"$folder/venv/bin/python" - <<'PY'
import io

from pyarrow import csv

asked = []


def leave_out(row):
    asked.append((row.number, row.actual_columns))
    return "skip"


table = csv.read_csv(
    io.BytesIO(b"1,2\n\n3\n4,5\n"),
    read_options=csv.ReadOptions(column_names=["a", "b"], use_threads=False),
    parse_options=csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=leave_out),
)
print("rows:", table.to_pylist(), "asked about:", asked)
assert table.to_pylist() == [{"a": 1, "b": 2}, {"a": None, "b": None}, {"a": 4, "b": 5}]
assert asked == [(3, 1)]
PY
