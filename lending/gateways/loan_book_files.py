"""Read the files of a loan book: each loan with its schedule and its history, whatever the order of the rows.

The rows are first gathered by loan in a temporary file of SQLite, so that memory does not grow with the book.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from config.kernel.documents import load
from lending.domain.books.book_rows import (
    EVENT_COLUMNS,
    EVENT_REQUIRED,
    LOAN_COLUMNS,
    LOAN_REQUIRED,
    SCHEDULE_REQUIRED,
    RawLoan,
    Row,
)
from merchants.domain.text import storable
from merchants.gateways.feed_files import find_file, open_feed_file, rows_of
from merchants.gateways.feed_head import FeedFile, UnreadableFeed

FAULTS_SHOWN: Final = 20
TABLES: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE loans (line INTEGER PRIMARY KEY, number TEXT, partner TEXT, cells TEXT, fault TEXT);
CREATE TABLE schedule (number TEXT, line INTEGER, cells TEXT, PRIMARY KEY (number, line)) WITHOUT ROWID;
CREATE TABLE events (number TEXT, line INTEGER, cells TEXT, reference TEXT, PRIMARY KEY (number, line)) WITHOUT ROWID;
"""
INDEXES: Final = """
CREATE INDEX by_number ON loans (number);
CREATE TABLE shared (number TEXT, reference TEXT, PRIMARY KEY (number, reference)) WITHOUT ROWID;
CREATE TEMP TABLE references_of AS SELECT DISTINCT e.number, e.line, l.partner, e.reference
    FROM events e JOIN loans l ON l.number = e.number WHERE e.reference <> '';
CREATE INDEX temp.by_reference ON references_of (partner, reference);
INSERT OR IGNORE INTO shared SELECT number, reference FROM references_of WHERE (partner, reference) IN (
    SELECT partner, reference FROM references_of GROUP BY partner, reference HAVING count(*) > 1);
DROP TABLE references_of;
"""
LOANS: Final = """
SELECT line, coalesce(number, ''), cells, fault,
    (SELECT count(*) FROM loans other WHERE other.number = loans.number) > 1 FROM loans ORDER BY line
"""


@dataclass(slots=True, kw_only=True)
class _Faults:
    """Rows that belong to no loan: the first ones, and how many."""

    shown: list[str]
    number: int = 0

    def note(self, fault: str) -> None:
        self.number += 1
        if self.number <= FAULTS_SHOWN:
            self.shown.append(fault)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanBookFiles:
    """A loan book as its files have it.

    loans: its rows. faults: the first rows of schedules and events that belong to no loan or cannot be read, and how
    many there are. ignored: columns that mean nothing here, by file.
    """

    loans: int
    faults: Sequence[str]
    faulty: int
    ignored: Sequence[str]
    _database: sqlite3.Connection
    _columns: dict[str, tuple[str, ...]]

    def __iter__(self) -> Iterator[RawLoan]:
        """Yield each loan, in the order of the file of loans."""
        for line, number, cells, fault, is_twice in self._database.execute(LOANS):
            shared = self._database.execute("SELECT reference FROM shared WHERE number = ?", [number])
            yield RawLoan(
                line=line,
                number=number,
                is_twice=bool(is_twice),
                shared=[reference for (reference,) in shared],
                row=fault or self._row("loans", cells),
                schedule=self._rows("schedule", number),
                events=self._rows("events", number),
            )

    def _rows(self, name: str, number: str) -> list[Row]:
        statement = f"SELECT line, cells FROM {name} WHERE number = ? ORDER BY line"  # noqa: S608 - of two names
        return [(line, self._row(name, cells)) for line, cells in self._database.execute(statement, [number])]

    def _row(self, name: str, cells: str) -> dict[str, str]:
        return dict(zip(self._columns[name], load(cells), strict=True))


@contextmanager
def open_loan_book(folder: Path) -> Iterator[LoanBookFiles]:
    """Open a loan book; what is gathered of it is forgotten at the end. Raises UnreadableFeed."""
    files = {
        "loans": _open(folder, "loans", LOAN_REQUIRED),
        "schedule": _open(folder, "schedule", SCHEDULE_REQUIRED),
        "events": _open(folder, "events", EVENT_REQUIRED),
    }
    known = {"loans": LOAN_COLUMNS, "schedule": SCHEDULE_REQUIRED, "events": EVENT_COLUMNS}
    with TemporaryDirectory() as directory:
        database = sqlite3.connect(Path(directory) / "book", isolation_level=None)
        try:
            database.executescript(TABLES)
            database.execute("BEGIN")
            database.executemany("INSERT INTO loans VALUES (?, ?, ?, ?, ?)", _loans(files["loans"]))
            faults = _Faults(shown=[])
            for name, cells in (("schedule", "?, ?, ?"), ("events", "?, ?, ?, ?")):
                rows = _rows_of(files[name], faults, with_reference=name == "events")
                database.executemany(f"INSERT INTO {name} VALUES ({cells})", rows)  # noqa: S608 - of two names
            database.execute("COMMIT")
            database.executescript(INDEXES)
            _note_strays(database, faults)
            [(loans,)] = database.execute("SELECT count(*) FROM loans")
            yield LoanBookFiles(
                loans=loans,
                faults=faults.shown,
                faulty=faults.number,
                ignored=[f"{name}: {one}" for name, file in files.items() for one in file.unknown_columns(known[name])],
                _database=database,
                _columns={name: file.columns for name, file in files.items()},
            )
        finally:
            database.close()


def read_control_file(folder: Path) -> str:
    """Read the control totals' text. Raises UnreadableFeed."""
    path = folder / "control.json"
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: {error}"
        raise UnreadableFeed(message) from error


def _open(folder: Path, name: str, required: Sequence[str]) -> FeedFile:
    path = find_file(folder, name)
    if path is None:
        message = f"{folder}: no {name}.csv, {name}.csv.gz or {name}.parquet"
        raise UnreadableFeed(message)
    return open_feed_file(path, required)


def _loans(file: FeedFile) -> Iterator[tuple[int, str | None, str | None, str | None, str | None]]:
    for line, row in rows_of(file):
        fault = _fault(row)
        if isinstance(row, str) or fault:
            yield line, None, None, None, fault
        else:
            yield line, row["loan"], row["partner"], json.dumps(list(row.values())), None


def _rows_of(file: FeedFile, faults: "_Faults", *, with_reference: bool) -> Iterator[tuple[object, ...]]:
    for line, row in rows_of(file):
        fault = _fault(row)
        if isinstance(row, str) or fault:
            faults.note(f"{file.path.name}, row {line}: {fault}")
            continue
        stored = (row["loan"], line, json.dumps(list(row.values())))
        yield (*stored, row.get("external_ref", "")) if with_reference else stored


def _fault(row: dict[str, str] | str) -> str | None:
    if isinstance(row, str):
        return row
    bad = next((column for column, cell in row.items() if not storable(cell)), None)
    return None if bad is None else f"{bad} is not text that can be stored"


def _note_strays(database: sqlite3.Connection, faults: "_Faults") -> None:
    """Note the rows of schedules and events whose loan has no row of its own."""
    for name in ("schedule", "events"):
        statement = f"SELECT number, line FROM {name} WHERE number NOT IN (SELECT number FROM loans WHERE number <> '')"  # noqa: S608
        for number, line in database.execute(statement):
            faults.note(f"{name}, row {line}: loan {number[:40]!r} is not among the loans")
