"""Both lanes, row by row: what the columns accept, `judge_row` accepts with the same values."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchants.domain.text import storable
from merchants.domain.transaction import COLUMNS, RowRejection, TransactionKind, TransactionRow, buyer_hash, judge_row
from merchants.domain.transaction_columns import judge_columns, judge_in_both_lanes
from merchants.gateways.feed_blocks import blocks_of
from merchants.gateways.feed_files import open_feed_file, rows_of
from tests.merchants.domain.test_transaction import LATEST, MERCHANTS, ZONES, raw_rows

Judged = TransactionRow | RowRejection
NAMES = [*COLUMNS, "note"]
SPOILS = [
    *(
        b'"',
        b'"a,b"',
        b'"a\nb"',
        b'""',
        b"\r",
        b"\r\n",
        b"\n",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\\",
        b"\t",
        b"\x1c",
        b"\x7f",
    ),
    *(
        b"",
        b" ",
        b",",
        b"-",
        b"+",
        b"0",
        b"7",
        b".",
        b"e5",
        b"nan",
        b"0x1",
        b"\xe4\xb8\xad",
        b"\xe3\x80\x80",
        b"\xc2\xa0",
    ),
    *(
        b"T",
        b"Z",
        b"z",
        b"24:00:00",
        b":60",
        b"02-30",
        b"1970-12-31",
        b"1969",
        b"9999",
        b"+16:00",
        b"+15:59",
        b"-00:00",
    ),
    *(b"2024-02-29T23:59:59Z", b"2026-02-29T00:00:00Z", b"2026-03-03T09:30:00Z", b"2026-03-03T09:29:59.999999Z"),
    *(b"2018-11-04 00:30:00-02:00", b"1971-01-01T00:00:00.123+08:00", b"2026-01-01T00:00:00", b"2026-01-01"),
    *(
        b"99999999999999",
        b"10000000000000.00",
        b"9999999999999.99",
        b"0.00",
        b"0.001",
        b"5.100",
        b".5",
        b"5.",
        b"1.2.3",
        b"-1",
    ),
    *(
        b"6",
        b"5",
        b"32767",
        b"-32768",
        b"00009",
        b"REVIEW",
        b"SALE",
        b"DISPATCH",
        b"sale",
        b"EUR",
        b"JPY",
        b"KWD",
        b"USD",
    ),
    *(
        b"-9223372036854775808",
        b"9223372036854775808",
        b"-7",
        b"007",
        b"kiln",
        b"sakura",
        b"x" * 101,
        b"\xe4\xb8\xad" * 34,
    ),
]


def good_lines(chance: Random, count: int) -> Iterator[list[bytes]]:
    for number in range(count):
        merchant, amount, currency = chance.choice(
            [("kiln", "12.34", "EUR"), ("sakura", "1200", "JPY"), ("dhow", "7.125", "KWD")]
        )
        kind = chance.choice(list(TransactionKind))
        value = {"REVIEW": "4", "DISPATCH": "12"}.get(kind, chance.choice(["", "3"]))
        at = f"{chance.randrange(1971, 2026)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
        at += f"{chance.choice('T ')}{chance.randrange(24):02}:15:{chance.randrange(60):02}"
        at += chance.choice(["", ".500", ".000001"]) + chance.choice(["Z", "+08:00", "-03:30", "+00:00"])
        named = {
            "external_id": f"t{number}",
            "merchant": merchant,
            "kind": kind,
            "occurred_at": at,
            "order_ref": chance.choice(["", f"o {number}"]),
            "amount": "" if value and kind in {"REVIEW", "DISPATCH"} else amount,
            "currency": chance.choice(["", currency]),
            "corrects": chance.choice([""] * 50 + ["t0"]),
            "channel": chance.choice(["app", "", "\u8336", "tea \\ coffee"]),
            "value": value,
            "recorded_at": chance.choice(["", at] * 20 + ["2999-01-01T00:00:00Z", "yesterday"]),
        }
        if chance.random() < 0.8:
            buyer = f"buyer {chance.randrange(200)}"
            named |= chance.choice([{"buyer": buyer}, {"buyer_hash": str(buyer_hash(buyer))}])
        yield [named.get(name, "").encode() for name in NAMES]


def spoilt(chance: Random, cells: list[bytes]) -> bytes:
    for _ in range(chance.choice([1, 1, 2])):
        place, piece = chance.randrange(len(cells)), chance.choice(SPOILS)
        cell = cells[place]
        at = chance.randrange(len(cell) + 1)
        cells[place] = chance.choice(
            [
                piece,
                cell[:at] + piece + cell[at:],
                cell[:at] + cell[at + 1 :],
                cell[:at] + piece + cell[at + len(piece) :],
            ]
        )
    if chance.random() < 0.04:
        cells = [*cells, b"more"] if chance.random() < 0.5 else cells[:-1]
    return b",".join(cells)


def from_table(rows: pa.Table) -> dict[int, Judged]:
    judged: dict[int, Judged] = {}
    for row in rows.to_pylist():
        line = row.pop("line")
        assert line not in judged
        judged[line] = TransactionRow(**row | {"occurred_at": datetime.fromisoformat(row["occurred_at"])})
    return judged


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/Sao_Paulo"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_thirty_thousand_lines_a_third_of_them_spoilt(tmp_path: Path, zone: str, ends: bytes) -> None:
    """Red where a column is surer than the judge, or a block frames rows otherwise: value, reason, detail, line."""
    chance = Random(f"{zone}{ends!r}")  # noqa: S311
    lines = [
        spoilt(chance, cells) if chance.random() < 0.33 else b",".join(cells) for cells in good_lines(chance, 5_000)
    ]
    for place in range(0, 5_000, 500):
        lines[place] = b""
    path = tmp_path / "transactions.csv"
    path.write_bytes(b"\xef\xbb\xbf" + ends.join([",".join(NAMES).encode(), *lines]))
    file = open_feed_file(path, COLUMNS)
    one = partial(judge_row, merchants=MERCHANTS, latest=LATEST, zone=ZoneInfo(zone), needs_offset=False)
    some = partial(judge_columns, merchants=MERCHANTS, latest=LATEST, zone=ZoneInfo(zone))
    both = partial(judge_in_both_lanes, merchants=MERCHANTS, latest=LATEST, zone=ZoneInfo(zone))
    expected = {line: one(raw) for line, raw in rows_of(file)}
    for lines_a_block in (50, 100_000):
        found, fast = dict[int, Judged](), 0
        for block in blocks_of(file, wanted=COLUMNS, lines_a_block=lines_a_block):
            rows, rejected = both(block.cells, block.lines, block.others)
            fast += int(some(block.cells)[1].sum())
            for judged in (from_table(rows), dict(rejected)):
                assert not judged.keys() & found.keys()
                found |= judged
        assert found == expected
        accepted = [row for row in expected.values() if isinstance(row, TransactionRow)]
        assert len(accepted) > 2_700
        assert fast > 0.8 * len(accepted)
    assert {row.reason for row in expected.values() if isinstance(row, RowRejection)} >= {"BAD_TEXT", "BAD_TIME"}


@given(st.lists(raw_rows, max_size=5), st.sampled_from(ZONES))
def test_whatever_the_columns_accept_the_judge_accepts(raws: Sequence[dict[str, str] | str], zone: ZoneInfo) -> None:
    rows = [
        {name: raw.get(name, "") for name in COLUMNS}
        for raw in raws
        if not isinstance(raw, str) and all(map(storable, raw.values()))
    ]
    cells = pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in COLUMNS})
    fast, certain = judge_columns(cells, merchants=MERCHANTS, latest=LATEST, zone=zone)
    lines = np.flatnonzero(certain)
    found = from_table(fast.append_column("line", pa.array(lines)))
    for line in lines.tolist():
        judged = judge_row(rows[line], merchants=MERCHANTS, latest=LATEST, zone=zone, needs_offset=True)
        assert found[line] == judged


def test_no_row_and_no_merchant_is_no_error() -> None:
    cells = pa.table({"external_id": pa.array(["1"]), "merchant": ["kiln"], "kind": ["SALE"], "occurred_at": ["now"]})
    for some in (cells, cells.slice(0, 0)):
        fast, certain = judge_columns(some, merchants={}, latest=LATEST, zone=ZONES[0])
        assert (fast.num_rows, certain.tolist()) == (0, [False] * some.num_rows)
