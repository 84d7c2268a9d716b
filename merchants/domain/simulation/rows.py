"""Simulated transactions as arrays, and their lines in the import format."""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from merchants.domain.simulation.catalogue import CHANNELS
from merchants.domain.simulation.merchant import SimulatedMerchant, Window
from merchants.domain.transaction import TransactionKind

Rows: TypeAlias = NDArray[np.void]
Ints: TypeAlias = NDArray[np.int64]

NONE = -1
REGIONAL_BUYERS = 100_000
"""Buyers from this number on live nowhere: their names are the same in shops of all regions."""
HEADER = "external_id,merchant,order_ref,kind,occurred_at,amount,buyer,value,channel\n"
RECORDED_HEADER = HEADER.replace("\n", ",recorded_at\n")
OFFSET = "+08:00"
OPENS, CLOSES = 8 * 3600, 24 * 3600
"""Seconds of the day, in the market's time zone: from 8:00 on, the date there is also the date in UTC."""

KINDS = tuple(TransactionKind)
_CODES = {kind: code for code, kind in enumerate(KINDS)}
_FIELDS = ("kind", "day", "second", "number", "amount", "buyer", "value", "channel")
_DTYPE = np.dtype([(field, np.int64) for field in _FIELDS])
CASH = frozenset({TransactionKind.FEE, TransactionKind.PAYOUT, TransactionKind.DEPOSIT})
_CLOCK = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}{OFFSET}" for s in range(CLOSES)]


def make_rows(
    kind: TransactionKind, *, day: Ints, second: Ints, number: Ints, amount: Ints | None = None,
    buyer: Ints | None = None, value: Ints | None = None, channel: Ints | None = None,
) -> Rows:  # fmt: skip
    """Build rows of one kind from columns. `number` is the order's, or the row's own where it has no order."""
    rows = np.empty(len(day), _DTYPE)
    rows["kind"] = _CODES[kind]
    rows["day"], rows["second"], rows["number"] = day, second, number
    rows["amount"] = 0 if amount is None else amount
    for field, column in (("buyer", buyer), ("value", value), ("channel", channel)):
        rows[field] = NONE if column is None else column
    return rows


def of_kind(rows: Rows, kind: TransactionKind) -> Rows:
    """Select the rows of a kind."""
    picked: Rows = rows[rows["kind"] == _CODES[kind]]
    return picked


def in_order(*parts: Rows) -> Rows:
    """Merge all rows of a merchant in order of time."""
    rows = np.concatenate(parts)
    return rows[np.lexsort((rows["number"], rows["kind"], rows["second"], rows["day"]))]


def lines_of(merchant: SimulatedMerchant, window: Window, rows: Rows) -> Iterator[str]:
    """Format rows as CSV lines; nothing in them needs quotes."""
    shop, region = merchant.external_id, merchant.region.name[:2].upper()
    dates = [f"{window.on(day).isoformat()}T" for day in range(window.days)]
    names = [kind.value for kind in KINDS]
    cash = [kind in CASH for kind in KINDS]
    # Plain lists and one format: numpy's own text functions are slower.
    for kind, day, second, number, amount, buyer, value, channel in zip(
        *(rows[field].tolist() for field in _FIELDS), strict=True
    ):
        order = f"{shop}-{number:06d}"
        yield (
            f"{order}-{names[kind]},{shop},{'' if cash[kind] else order},{names[kind]},{dates[day]}{_CLOCK[second]},"
            f"{f'{amount // 100}.{amount % 100:02d}' if amount else ''},{_name_of(region, buyer)},"
            f"{value if value >= 0 else ''},{CHANNELS[channel] if channel >= 0 else ''}\n"
        )


def _name_of(region: str, buyer: int) -> str:
    if buyer < 0:
        return ""
    return f"{region}{buyer}" if buyer < REGIONAL_BUYERS else f"XX{buyer}"


def recorded_lines(lines: Iterable[str], window: Window, recorded: Ints) -> Iterator[str]:
    """Add to lines when each row was recorded: in the evening of a day."""
    for line, day in zip(lines, recorded.tolist(), strict=True):
        yield f"{line[:-1]},{window.on(day).isoformat()}T23:59:59{OFFSET}\n"
