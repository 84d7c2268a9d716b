"""Read a market in the import format the way the engine would see it: as a history in DuckDB."""

import csv
import gzip
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile

import duckdb
import ibis
import numpy as np

from scoring.domain.calibration import Calibration
from scoring.domain.features.columns import Column, columns_of
from scoring.domain.features.measures import (
    MEASURE_NAMES,
    NULLABLE_MEASURES,
    REFERENCE_MEASURE_NAMES,
)
from scoring.domain.features.relations import HISTORY_SCHEMA, history
from scoring.domain.features.repayment import BEHAVIOUR_MEASURE_NAMES
from scoring.domain.features.sets import current_set, get_set
from scoring.domain.reference import Attributes, freeze, peers
from scoring.domain.score import Scores, score_columns
from scoring.domain.scorecard import DAY_ONE_CARD, Scorecard, canonical_card, parse_scorecard

SHARED = Path(os.environ.get("TRADELINE_SHARED", Path(__file__).parents[4] / "shared"))

Row = tuple[int, bool, int, str, str | None, str, int, int | None, int | None]
"""A row of the history, in the order of HISTORY_SCHEMA."""

_DUCKDB = {"int64": "BIGINT", "boolean": "BOOLEAN", "string": "VARCHAR"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A market: merchants in file order (their position is their id), rows without repeated ids."""

    names: list[str]
    attributes: Attributes
    transactions: list[dict[str, str]]


@cache
def day_one() -> Scorecard:
    return parse_scorecard(*canonical_card(DAY_ONE_CARD.read_text(encoding="utf-8")))


def read_market(folder: Path) -> Market:
    merchants = _read(folder / "merchants.csv")
    rows = {(row["merchant"], row["external_id"]): row for row in reversed(_read(folder / "transactions.csv"))}
    return Market(
        names=[merchant["external_id"] for merchant in merchants],
        attributes=Attributes(
            partner=[1] * len(merchants),
            currency=[merchant["currency"] for merchant in merchants],
            category=[merchant["category"] for merchant in merchants],
            region=[merchant["region"] for merchant in merchants],
        ),
        transactions=list(rows.values()),
    )


def rows_as_of(market: Market, as_of: Mapping[str, date], *, escrow: bool) -> list[Row]:
    """Keep what lies before each merchant's as_of, 00:00 UTC; a merchant without one has no rows."""
    number = {name: position for position, name in enumerate(market.names)}
    buyers: dict[str, int] = {}
    rows: list[Row] = []
    for row in market.transactions:
        until = as_of.get(row["merchant"])
        day = datetime.fromisoformat(row["occurred_at"]).astimezone(UTC).date()
        if until is None or day >= until:
            continue
        merchant = number[row["merchant"]]
        exponent = 0 if market.attributes.currency[merchant] == "JPY" else 2
        rows.append(
            (
                merchant,
                escrow,
                (until - day).days - 1,
                row["kind"],
                row["order_ref"] or None,
                row["external_id"],
                int(Decimal(row["amount"] or 0).scaleb(exponent)),
                buyers.setdefault(row["buyer"], len(buyers)) if row["buyer"] else None,
                int(row["value"]) if row["value"] else None,
            )
        )
    return rows


def connect(
    rows: Iterable[Sequence[object]], schema: ibis.Schema = HISTORY_SCHEMA, table: str = "history"
) -> duckdb.DuckDBPyConnection:
    """Load a history into an in-process database, by CSV: quick enough for half a million rows."""
    connection = duckdb.connect()
    names = {name: _DUCKDB[str(kind)] for name, kind in schema.items()}
    connection.execute(f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in names.items())})")
    with NamedTemporaryFile("w", encoding="utf-8", newline="", suffix=".csv") as file:
        csv.writer(file).writerows(rows)
        file.flush()
        connection.execute(f"COPY {table} FROM '{file.name}' (FORMAT csv, AUTO_DETECT false, HEADER false, NULL '')")
    return connection


@cache
def compiled(*, reference: bool, version: str = current_set().version) -> str:
    features = get_set(version)
    build = features.reference_measures if reference else features.measures
    return str(ibis.to_sql(build(history()), dialect="duckdb"))


def measured(
    connection: duckdb.DuckDBPyConnection, merchants: int, version: str = current_set().version
) -> dict[str, Column]:
    rows = connection.execute(compiled(reference=False, version=version)).fetchall()
    return {
        **columns_of(rows, MEASURE_NAMES, NULLABLE_MEASURES, np.arange(merchants)),
        **columns_of([], BEHAVIOUR_MEASURE_NAMES, frozenset(), np.arange(merchants)),  # nobody borrowed
    }


def reference_measured(
    connection: duckdb.DuckDBPyConnection, merchants: int, version: str = current_set().version
) -> dict[str, Column]:
    rows = connection.execute(compiled(reference=True, version=version)).fetchall()
    return columns_of(rows, REFERENCE_MEASURE_NAMES, frozenset(), np.arange(merchants))


def score_market(
    rows: Sequence[Row],
    attributes: Attributes,
    *,
    calibration: Calibration | None = None,
    version: str = current_set().version,
) -> tuple[dict[str, Column], Scores]:
    """Score everybody from one history, which is its own reference."""
    connection, size = connect(rows), len(attributes.partner)
    found = measured(connection, size, version)
    references = freeze(attributes, reference_measured(connection, size, version))
    return found, score_columns(
        found, peers(references, attributes), features=get_set(version), card=day_one(), calibration=calibration
    )


def _read(path: Path) -> list[dict[str, str]]:
    packed = path.with_name(path.name + ".gz")
    with gzip.open(packed, "rt", encoding="utf-8") if packed.exists() else path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
