import csv
import gzip
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from random import Random

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from config.office.models import JobRun, OperationEvent
from merchants.domain.transaction import RowRefusal
from merchants.models import Batch, BatchIssue, Merchant, Owner, Partner, StagedRow, Transaction
from merchants.models.batch import BatchState

pytestmark = pytest.mark.django_db(transaction=True)
SHOPS = [f"shop-{number}" for number in range(30)]
GOOD = 3_000
COLUMNS = ["external_id", "merchant", "order_ref", "kind", "occurred_at", "amount", "buyer", "value", "channel"]
Line = Mapping[str, str]


def line(number: int, **changes: str) -> dict[str, str]:
    row = {
        "external_id": f"t{number}",
        "merchant": SHOPS[number % len(SHOPS)],
        "order_ref": f"o{number // 2}",
        "kind": "SALE",
        "occurred_at": f"2026-01-{number % 28 + 1:02}T12:00:00+00:00",
        "amount": f"{number % 90 + 1}.{number % 100:02}",
        "buyer": f"b{number % 400}",
        "value": "",
        "channel": "app",
    }
    if number % 10 == 9:
        row |= {"kind": "REVIEW", "amount": "", "value": str(number % 5 + 1)}
    return row | changes


def write_merchants(directory: Path) -> None:
    directory.mkdir(exist_ok=True)
    with (directory / "merchants.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["external_id", "name", "currency", "owner_ref", "category"])
        writer.writerows([shop, f"Shop {shop[5:]}, Ltd", "EUR", f"o{shop[-1]}", "tea"] for shop in SHOPS)


def write_market(directory: Path, lines: Iterable[Line]) -> Path:
    write_merchants(directory)
    with (directory / "transactions.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(lines)
    return directory


def import_market(directory: Path, **options: str) -> tuple[str, list[str]]:
    """Import, and give back what was said on both outputs."""
    out, err = StringIO(), StringIO()
    call_command("import_marketplace", str(directory), stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue().splitlines()


def stored() -> set[tuple[object, ...]]:
    columns = ("merchant__external_id", "external_id", "order_ref", "kind", "occurred_at", "day", "amount_minor")
    rows = list(Transaction.objects.values_list(*columns, "buyer", "value", "channel"))
    assert len(set(rows)) == len(rows)
    return set(rows)


def counted() -> tuple[int, ...]:
    models = (Partner, Merchant, Owner, Transaction, Batch, BatchIssue, StagedRow, JobRun, OperationEvent)
    return tuple(model.objects.count() for model in models)


def test_the_same_directory_twice_changes_nothing(tmp_path: Path) -> None:
    directory = write_market(tmp_path / "bazaar", map(line, range(400)))
    out, err = import_market(directory)
    assert "bazaar: 30 merchants, 0 rejected" in out
    assert "400 received, 400 accepted, 0 duplicate, 0 conflict, 0 rejected" in out
    assert err == []
    once, merchants = stored(), list(Merchant.objects.order_by("pk").values())

    out, err = import_market(directory)

    assert "400 received, 0 accepted, 400 duplicate, 0 conflict, 0 rejected" in out
    assert err == []
    assert stored() == once
    assert list(Merchant.objects.order_by("pk").values()) == merchants
    assert (Partner.objects.count(), Owner.objects.count(), StagedRow.objects.count()) == (1, 10, 0)
    assert set(Batch.objects.values_list("state", flat=True)) == {BatchState.SEALED}


def test_a_changed_row_is_a_conflict_that_shows_both_versions_and_the_rest_comes_in(tmp_path: Path) -> None:
    directory = write_market(tmp_path / "bazaar", map(line, range(400)))
    import_market(directory)
    once = stored()
    changed = [line(number, **({"amount": "77.77"} if number == 41 else {})) for number in range(410)]
    write_market(directory, changed)

    out, err = import_market(directory)

    assert "410 received, 10 accepted, 399 duplicate, 1 conflict, 0 rejected" in out
    [said] = err
    assert said.startswith("transactions, row 42: CONFLICT: t41: ")
    assert "'amount_minor': 4241" in said
    assert "'amount_minor': 7777" in said
    assert once < stored()
    assert len(stored()) == 410


BREAK: dict[str, tuple[RowRefusal, Callable[[int], str | bytes]]] = {
    "bad UTF-8": (RowRefusal.BAD_TEXT, lambda n: cells(line(n, channel="caf?")).encode().replace(b"caf?", b"caf\xe9")),
    "not a number": (RowRefusal.BAD_AMOUNT, lambda n: cells(line(n, kind="SALE", amount="NaN"))),
    "10^30": (RowRefusal.BAD_AMOUNT, lambda n: cells(line(n, kind="SALE", amount="1" + "0" * 30))),
    "1e30": (RowRefusal.BAD_AMOUNT, lambda n: cells(line(n, kind="SALE", amount="1e30"))),
    "a stranger": (RowRefusal.UNKNOWN_MERCHANT, lambda n: cells(line(n, merchant="nobody"))),
    "tomorrow's": (RowRefusal.IN_THE_FUTURE, lambda n: cells(line(n, occurred_at="2999-01-01T00:00:00Z"))),
    "too few cells": (RowRefusal.MALFORMED, lambda n: f"t{n},{SHOPS[0]},SALE"),
    "too many cells": (RowRefusal.MALFORMED, lambda n: cells(line(n)) + ",more"),
    "an empty cell": (RowRefusal.MISSING_FIELD, lambda n: cells(line(n, occurred_at=""))),
    "no time": (RowRefusal.BAD_TIME, lambda n: cells(line(n, occurred_at="31/12/2025"))),
    "a NUL": (RowRefusal.BAD_TEXT, lambda n: cells(line(n, order_ref="a\x00b"))),
    "a monster": (RowRefusal.MALFORMED, lambda n: cells(line(n, order_ref="x" * 150_000))),
}


def cells(row: Line) -> str:
    return ",".join(row[column] for column in COLUMNS)


def test_one_per_cent_of_broken_rows_is_reported_row_by_row_and_the_good_ones_come_in(tmp_path: Path) -> None:
    directory = write_market(tmp_path / "bazaar", [])
    places = sorted(Random(1).sample(range(GOOD), GOOD // 100))  # noqa: S311
    broken = dict(zip(places, [*BREAK] * 3, strict=False))
    with (directory / "transactions.csv").open("ab") as file:
        for number in range(GOOD):
            made = BREAK[broken[number]][1](number) if number in broken else cells(line(number))
            file.write((made if isinstance(made, bytes) else made.encode()) + b"\r\n")

    out, err = import_market(directory)

    assert f"{GOOD} received, {GOOD - 30} accepted, 0 duplicate, 0 conflict, 30 rejected" in out
    assert [said.split(": ")[:2] for said in err] == [
        [f"transactions, row {number + 1}", BREAK[kind][0].value] for number, kind in sorted(broken.items())
    ]
    assert {external_id for _, external_id, *_ in stored()} == {f"t{n}" for n in range(GOOD) if n not in broken}
    "".join(err).encode()  # every byte of them can be printed


def test_broken_merchants_are_reported_and_their_rows_are_of_strangers(tmp_path: Path) -> None:
    directory = write_market(tmp_path / "bazaar", [line(0), line(1), line(30)])
    with (directory / "merchants.csv").open("wb") as file:
        file.write(b"external_id,name,currency\nshop-0,Zero,EUR\nshop-1,Caf\xe9,EUR\nshop-2,Two,euro\nshop-3,Three\n")
    out, err = import_market(directory)
    assert "bazaar: 1 merchants, 3 rejected" in out
    assert [said.split(": ")[:2] for said in err] == [
        ["merchants, row 4", "MALFORMED"],
        ["merchants, row 2", "BAD_TEXT"],
        ["merchants, row 3", "BAD_CURRENCY"],
        ["transactions, row 2", "UNKNOWN_MERCHANT"],
    ]
    assert len(stored()) == 2


def test_unknown_columns_are_said_and_the_known_ones_read_in_any_order(tmp_path: Path) -> None:
    directory = write_market(tmp_path / "bazaar", [])
    head, row = "amount,colour,kind,external_id,merchant,occurred_at,mood\n", "5.00,red,SALE,1,shop-0,2026-01-01,good\n"
    (directory / "transactions.csv").write_text(head + row)
    out, err = import_market(directory)
    assert "transactions.csv: not read: colour, mood" in out
    assert err == []
    assert [row[:2] for row in stored()] == [("shop-0", "1")]


def without_column(directory: Path) -> None:
    (directory / "transactions.csv").write_text("external_id,merchant,occurred_at,amount\n1,shop-0,2026-01-01,5\n")


def without_header(directory: Path) -> None:
    (directory / "transactions.csv").write_bytes(b"")


def without_file(directory: Path) -> None:
    (directory / "transactions.csv").unlink()


def with_cut_gzip(directory: Path) -> None:
    content = gzip.compress((directory / "transactions.csv").read_bytes())
    (directory / "transactions.csv.gz").write_bytes(content[: len(content) // 2])
    (directory / "transactions.csv").unlink()


def with_false_gzip(directory: Path) -> None:
    (directory / "transactions.csv").rename(directory / "transactions.csv.gz")


def with_false_parquet(directory: Path) -> None:
    (directory / "transactions.csv").rename(directory / "transactions.parquet")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without_column, "transactions.csv: no column kind (found external_id, merchant, occurred_at, amount)"),
        (without_header, "transactions.csv: no column external_id, merchant, kind, occurred_at (found none)"),
        (without_file, "holds no transactions.csv, transactions.csv.gz or transactions.parquet"),
        (with_cut_gzip, "transactions.csv.gz breaks off after row "),
        (with_false_gzip, "transactions.csv.gz: Not a gzipped file"),
        (with_false_parquet, "transactions.parquet: "),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(tmp_path: Path, spoil: Callable[[Path], None], words: str) -> None:
    directory = write_market(tmp_path / "bazaar", map(line, range(500)))
    spoil(directory)
    with pytest.raises(CommandError) as refused:
        import_market(directory)
    assert words in str(refused.value)
    assert not Transaction.objects.exists()
    assert not Batch.objects.exists()


def test_a_partner_does_not_change_how_it_settles(tmp_path: Path) -> None:
    """Red without the comparison in enter_partner: scores already computed would rest on another rule."""
    directory = write_market(tmp_path / "bazaar", map(line, range(40)))
    import_market(directory, settlement="ESCROW")
    before, rows = counted(), stored()
    with pytest.raises(CommandError, match="another settlement than IMMEDIATE"):
        import_market(directory)
    assert counted() == before
    assert stored() == rows
    import_market(directory, settlement="ESCROW", partner="Bazaar")
    assert Partner.objects.count() == 1


def test_another_partner_may_use_the_same_ids(tmp_path: Path) -> None:
    directory = write_market(tmp_path / "bazaar", map(line, range(40)))
    import_market(directory)
    out, _ = import_market(directory, partner="Other Bazaar")
    assert "other-bazaar: 30 merchants" in out
    assert "40 received, 40 accepted" in out
    assert Transaction.objects.count() == 80


@pytest.mark.parametrize("typed", [False, True])
def test_a_parquet_import_equals_a_csv_import(tmp_path: Path, typed: bool) -> None:  # noqa: FBT001
    directory = write_market(tmp_path / "bazaar", map(line, range(1_000)))
    import_market(directory)
    merchants = list(Merchant.objects.order_by("external_id").values_list("external_id", "name", "category"))
    columnar = tmp_path / "columnar"
    columnar.mkdir()
    columns = (
        "* REPLACE (occurred_at::timestamptz AS occurred_at, amount::decimal(38, 10) AS amount, value::double AS value)"
        if typed
        else "*"
    )
    for name, selected in (("merchants", "*"), ("transactions", columns)):
        source = duckdb.read_csv(str(directory / f"{name}.csv"), all_varchar=True)
        duckdb.sql(f"SELECT {selected} FROM source").write_parquet(str(columnar / f"{name}.parquet"))
        assert source is not None

    out, err = import_market(columnar, partner="bazaar")

    assert "1000 received, 0 accepted, 1000 duplicate, 0 conflict, 0 rejected" in out
    assert err == []
    assert list(Merchant.objects.order_by("external_id").values_list("external_id", "name", "category")) == merchants


def write_parquet(path: Path, **columns: pa.Array) -> None:
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), path)


def write_columnar(directory: Path, amount: pa.Array, **columns: pa.Array) -> Path:
    """Write one merchant, and as many sales of it as there are amounts."""
    write_parquet(
        directory / "merchants.parquet",
        external_id=pa.array(["shop"]),
        name=pa.array(["Shop"]),
        currency=pa.array(["EUR"]),
        opened_on=columns.pop("opened_on", pa.array([date(2024, 2, 29)])),
    )
    size = len(amount)
    at = pa.array([datetime(2026, 1, 5, 9, 30)] * size, pa.timestamp("us"))  # noqa: DTZ001 - as pandas has it
    rows = {
        "external_id": pa.array([f"t{number}" for number in range(size)]),
        "merchant": pa.array(["shop"] * size),
        "kind": pa.array(["SALE"] * size),
        "occurred_at": at,
    }
    write_parquet(directory / "transactions.parquet", **rows | {"amount": amount} | columns)
    return directory


AMOUNTS = pa.array([12.34, 5.0, 0.1])


@pytest.mark.parametrize(
    "kind",
    [pa.date32(), *(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")), pa.timestamp("ns", "UTC")],
    ids=str,
)
def test_a_midnight_is_the_date_on_which_a_merchant_opened(tmp_path: Path, kind: pa.DataType) -> None:
    """Red if what pandas and date_trunc write for a date refused the merchant, and then all its rows."""
    opened_on = pa.array([date(2024, 2, 29)]).cast(pa.timestamp("s")).cast(kind)
    out, err = import_market(write_columnar(tmp_path / "bazaar", AMOUNTS, opened_on=opened_on))
    assert err == []
    assert "3 received, 3 accepted" in out
    assert Merchant.objects.get().opened_on == date(2024, 2, 29)


def test_a_time_of_day_is_no_date(tmp_path: Path) -> None:
    noon = pa.array([datetime(2024, 2, 29, 12)], pa.timestamp("us"))  # noqa: DTZ001
    _, err = import_market(write_columnar(tmp_path / "bazaar", AMOUNTS, opened_on=noon))
    assert err[0] == "merchants, row 1: BAD_DATE: 2024-02-29 12:00:00"


def test_one_bad_cell_is_one_rejected_row_and_no_traceback(tmp_path: Path) -> None:
    """Red if a cell that Python cannot hold lost the 50,000 rows that are read with it."""
    second = 10**9
    start = 1_767_603_600 * second
    at = pa.array([start, start + 1, start + 1_000, None]).cast(pa.timestamp("ns"))
    names = pa.array([b"a", b"b", b"c", b"d"]).cast(pa.string())
    broken = pa.StringArray.from_buffers(1, *pa.array([b"\xff"]).buffers()[1:])
    columns = {"occurred_at": at, "channel": names}
    out, err = import_market(write_columnar(tmp_path / "bazaar", pa.array([1.5] * 4), **columns))
    assert "4 received, 2 accepted, 0 duplicate, 0 conflict, 2 rejected" in out
    assert err == [
        "transactions, row 2: BAD_TIME: t1: 2026-01-05 09:00:00 and some nanoseconds",
        "transactions, row 4: MISSING_FIELD: t3: occurred_at",
    ]
    years = pa.array([start // second, 10**12]).cast(pa.timestamp("s"))
    out, err = import_market(
        write_columnar(tmp_path / "years", pa.array([1.5] * 2), occurred_at=years), partner="years"
    )
    assert "2 received, 1 accepted, 0 duplicate, 0 conflict, 1 rejected" in out
    assert err[0].startswith("transactions, row 2: BAD_TIME: t1: unreadable: ")
    out, err = import_market(write_columnar(tmp_path / "texts", pa.array([1.5]), channel=broken), partner="texts")
    assert err == ["transactions, row 1: BAD_TEXT: t0: channel is not UTF-8, or holds a NUL"]


def test_nan_in_an_optional_column_is_empty(tmp_path: Path) -> None:
    """Red if the NaN by which pandas says that there is nothing were a value."""
    columns = {"kind": pa.array(["SALE", "REVIEW"]), "value": pa.array([float("nan"), 5.0])}
    out, err = import_market(write_columnar(tmp_path / "bazaar", pa.array([10.0, float("nan")]), **columns))
    assert err == []
    assert "2 received, 2 accepted" in out
    assert list(Transaction.objects.order_by("external_id").values_list("amount_minor", "value")) == [
        (1_000, None),
        (0, 5),
    ]


def test_amounts_of_32_bits_are_told_as_what_they_are(tmp_path: Path) -> None:
    """Red if 12.34 were said to have more than two decimals, or an integer that 32 bits cannot hold were taken."""
    amount = pa.array([12.34, 5.0, 16_777_216.0], pa.float32())
    out, err = import_market(write_columnar(tmp_path / "bazaar", amount))
    assert "3 received, 1 accepted" in out
    assert err == [
        "transactions, row 1: BAD_AMOUNT: t0: '32-bit float loses cents: 12.34' is not a decimal amount",
        "transactions, row 3: BAD_AMOUNT: t2: '32-bit float loses cents: 1.677722e+07' is not a decimal amount",
    ]
