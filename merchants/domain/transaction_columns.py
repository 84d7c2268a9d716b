"""Accept rows in columns, many at once: the fast lane beside `judge_row`, which stays the only judge.

It rejects nothing. It accepts what `judge_row` certainly accepts, with the same values, and leaves it the rest.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from config.kernel.money import MAX_MINOR, exponent_of
from merchants.domain.time_columns import Bools, Integers, Texts, bytes_of, days_of, moments_in
from merchants.domain.transaction import (
    ANY_VALUE,
    COLUMNS,
    IDENTIFIERS,
    MAX_LENGTHS,
    NO_AMOUNT,
    REQUIRED,
    VALUES,
    KnownMerchant,
    RawRow,
    RowRejection,
    TransactionKind,
    TransactionRow,
    buyer_hash,
    judge_row,
)

Table = Any

ROWS = pa.schema(
    {
        "merchant_id": pa.int64(),
        "external_id": pa.string(),
        "order_ref": pa.string(),
        "kind": pa.string(),
        "occurred_at": pa.string(),  # as PostgreSQL reads it, with an offset
        "day": pa.int64(),
        "amount_minor": pa.int64(),
        "buyer": pa.int64(),
        "value": pa.int64(),
        "channel": pa.string(),
        "corrects": pa.string(),
        "recorded_day": pa.int64(),
    }
)
"""Rows of transactions in columns, by the fields of TransactionRow."""

# A row that has anything in another column is left to judge_row.
_READ = {*ROWS.names, "merchant", "amount", "currency", "buyer_hash", "recorded_at"} - {"corrects"}
_KINDS = list(TransactionKind)
_LACKS_AMOUNT = np.array([kind in NO_AMOUNT for kind in _KINDS])
_NEEDS_VALUE = np.array([kind in VALUES for kind in _KINDS])
_LOWEST = np.array([VALUES.get(kind, ANY_VALUE)[0] for kind in _KINDS])
_HIGHEST = np.array([VALUES.get(kind, ANY_VALUE)[-1] for kind in _KINDS])
_KEPT_HASH = "^-?([1-9][0-9]{0,17}|[1-8][0-9]{18})$"  # certainly of 64 bits
_MOST_DIGITS = 14  # with four decimals more still a 64-bit integer
_SURE_DIGITS = 4  # of a value: fewer than a 16-bit integer may have


def judge_columns(
    cells: Table, *, merchants: Mapping[str, KnownMerchant], latest: datetime, zone: tzinfo
) -> tuple[Table, Bools]:
    """Return the certainly valid rows, by ROWS, and for each row of the cells whether it is one of them.

    `cells` are texts by column name, of UTF-8 without NULs or nulls; the other arguments are those of `judge_row`.
    """
    texts = {name: _column(cells, name) for name in COLUMNS}
    size = {name: _numpy(pc.binary_length(column)) for name, column in texts.items()}
    # Who is not known comes last.
    known = [*merchants.values(), KnownMerchant(0, "")]
    merchant = _places(texts["merchant"], list(merchants), missing=len(merchants))
    kind = _places(texts["kind"], [kind.value for kind in _KINDS], missing=0)
    certain = (merchant < len(merchants)) & _numpy(pc.is_in(texts["kind"], pa.array([kind.value for kind in _KINDS])))
    certain &= _are_fit(texts, size)
    currency = pa.array([one.currency for one in known]).take(pa.array(merchant))
    certain &= (size["currency"] == 0) | _numpy(pc.equal(texts["currency"], currency))
    seconds, are_times = moments_in(texts["occurred_at"], size["occurred_at"])
    certain &= are_times & (seconds < int(latest.timestamp()))
    days, are_days = days_of(np.where(certain, seconds, 0), zone)
    recorded, are_recorded = moments_in(texts["recorded_at"], size["recorded_at"])
    are_recorded &= recorded < int(latest.timestamp())
    recorded_days, are_recorded_days = days_of(np.where(are_recorded, recorded, 0), zone)
    is_recorded = size["recorded_at"] > 0
    certain &= ~is_recorded | (are_recorded & are_recorded_days)
    exponents = np.array([exponent_of(one.currency) if one.currency else 0 for one in known])
    amounts, are_amounts = _amounts(texts["amount"], size["amount"], exponents[merchant])
    nothing = (size["amount"] == 0) | (are_amounts & (amounts == 0))
    certain &= are_days & np.where(_LACKS_AMOUNT[kind], nothing, are_amounts & (amounts > 0))
    values, are_values = _values(texts["value"], size["value"], kind)
    buyers, are_buyers = _buyers(texts, size)
    certain &= are_values & are_buyers
    columns = {
        **texts,
        "merchant_id": pa.array(np.array([one.id for one in known], np.int64)[merchant]),
        "day": pa.array(days),
        "amount_minor": pa.array(amounts),
        "buyer": buyers,
        "value": values,
        "recorded_day": pa.array(recorded_days, mask=~is_recorded),
    }
    table = pa.table([columns[name] for name in ROWS.names], schema=ROWS)
    return (table if certain.all() else table.filter(pa.array(certain))), certain


def judge_in_both_lanes(
    cells: Table,
    lines: Integers,
    others: Sequence[tuple[int, RawRow]],
    *,
    merchants: Mapping[str, KnownMerchant],
    latest: datetime,
    zone: tzinfo,
) -> tuple[Table, list[tuple[int, RowRejection]]]:
    """Judge the cells in columns, and by `judge_row` the others and whatever is not certain; each has its line.

    Returns the valid rows, by ROWS and `line`, and the rejected ones in order of lines.
    """
    fast, certain = judge_columns(cells, merchants=merchants, latest=latest, zone=zone)
    unsure = zip(lines[~certain].tolist(), cells.filter(pa.array(~certain)).to_pylist(), strict=True)
    valid, rejected = [], []
    for line, raw in (*unsure, *others):
        judged = judge_row(raw, merchants=merchants, latest=latest, zone=zone, needs_offset=False)
        if isinstance(judged, RowRejection):
            rejected.append((line, judged))
        else:
            valid.append((line, judged))
    slow = pa.table({name: [_stored(judged, name) for _, judged in valid] for name in ROWS.names}, schema=ROWS)
    every = np.concatenate([lines[certain], np.array([line for line, _ in valid], np.int64)])
    return pa.concat_tables([fast, slow]).append_column("line", pa.array(every)), sorted(rejected, key=itemgetter(0))


def _stored(row: TransactionRow, name: str) -> object:
    return row.occurred_at.isoformat() if name == "occurred_at" else getattr(row, name)


def _column(cells: Table, name: str) -> Texts:
    if name not in cells.column_names:
        return pa.repeat(pa.scalar(""), cells.num_rows)
    return cells.column(name).combine_chunks()


def _numpy(array: Any) -> npt.NDArray[Any]:  # noqa: ANN401 - pyarrow has no types
    found: npt.NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return found


def _places(texts: Texts, among: Sequence[str], *, missing: int) -> Integers:
    return _numpy(pc.index_in(texts, pa.array(among, pa.string())).fill_null(missing))


def _are_fit(texts: Mapping[str, Texts], size: Mapping[str, Integers]) -> Bools:
    fit = np.ones(len(texts["kind"]), np.bool_)
    for name in COLUMNS:
        if name not in _READ:
            fit &= size[name] == 0
    for name in REQUIRED:
        fit &= size[name] > 0
    for name, limit in MAX_LENGTHS.items():
        fit &= size[name] <= limit  # of bytes: a text has no more characters than bytes
    for name in IDENTIFIERS:
        data, places = bytes_of(texts[name])
        for end in (places[:-1], places[1:] - 1):
            filled = np.flatnonzero(size[name])
            marks = data[end[filled]]
            fit[filled] &= (marks > ord(" ")) & (marks <= ord("~"))
    return fit


def _amounts(texts: Texts, size: Integers, exponents: Integers) -> tuple[Integers, Bools]:
    """Return minor units, and which texts are amounts without a sign or more decimals than the currency has."""
    point = _numpy(pc.find_substring(texts, "."))
    decimals = np.where(point < 0, 0, size - point - 1)
    digits = pc.replace_substring(texts, ".", "", max_replacements=1)
    certain = _numpy(pc.ascii_is_decimal(digits)) & (size <= _MOST_DIGITS) & (decimals <= exponents)
    certain &= (point < 0) | ((point > 0) & (decimals > 0))
    minor = _integers(digits, certain) * 10 ** np.where(certain, exponents - decimals, 0)
    return minor, certain & (minor <= MAX_MINOR)


def _integers(texts: Texts, certain: Bools) -> Integers:
    return _numpy(pc.cast(pc.if_else(pa.array(certain), texts, "0"), pa.int64()))


def _values(texts: Texts, size: Integers, kind: Integers) -> tuple[Any, Bools]:
    is_short = _numpy(pc.ascii_is_decimal(texts)) & (size <= _SURE_DIGITS)
    values = _integers(texts, is_short)
    fits = is_short & (_LOWEST[kind] <= values) & (values <= _HIGHEST[kind])
    return pa.array(values, mask=size == 0), np.where(size == 0, ~_NEEDS_VALUE[kind], fits)


def _buyers(texts: Mapping[str, Texts], size: Mapping[str, Integers]) -> tuple[Any, Bools]:
    encoded = texts["buyer"].dictionary_encode()
    hashes = np.array([buyer_hash(name) for name in encoded.dictionary.to_pylist()], np.int64)
    buyers, is_empty = hashes[_numpy(encoded.indices)], size["buyer"] == 0
    is_kept = size["buyer_hash"] > 0
    if not is_kept.any():
        return pa.array(buyers, mask=is_empty), ~is_kept
    is_hash = _numpy(pc.match_substring_regex(texts["buyer_hash"], _KEPT_HASH))
    buyers = np.where(is_kept, _integers(texts["buyer_hash"], is_hash), buyers)
    return pa.array(buyers, mask=is_empty & ~is_kept), ~is_kept | (is_hash & is_empty)
