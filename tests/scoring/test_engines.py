"""Other engines and other roads give the same integers.

The same measures run on PostgreSQL and, over Parquet written from its rows, on DuckDB; what a score may not
depend on (the future, the order of rows, how they were split into batches) is changed through the database.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from io import StringIO
from operator import itemgetter
from pathlib import Path
from random import Random

import duckdb
import ibis
import pytest
from django.core.management import call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.db.transactions import operation
from config.kernel.calendar import day_number
from merchants.domain.transaction import NO_AMOUNT, Settlement, TransactionKind
from merchants.models import Merchant, Transaction
from merchants.queries.batches import Watermark, current_watermark
from scoring.domain.behaviour import Behaviour
from scoring.domain.features.measures import ALL_MEASURE_NAMES, MEASURE_NAMES, REFERENCE_MEASURE_NAMES
from scoring.domain.features.repayment import BEHAVIOUR_MEASURE_NAMES, behaviour, behaviour_measures
from scoring.domain.features.sets import FEATURE_SETS, current_set
from scoring.domain.score_row import ScoreRow
from scoring.operations.behaviour import record_behaviour
from scoring.queries.measures import Known, Members, measure, measure_behaviour
from scoring.queries.references import members_of_market
from scoring.queries.scores import compute_market
from tests.conftest import NOW, SHARED
from tests.markets import make_merchants, make_partner, receive
from tests.scoring.domain.markets import compiled, day_one

Measured = list[tuple[int | None, ...]]
pytestmark = pytest.mark.django_db(transaction=True)
AS_OF = date(2025, 1, 20)  # more than 400 days before the tests' now: rows after it are no rows of the future
# The filter of HISTORY, said again in DuckDB's words.
HISTORY = """
CREATE VIEW history AS
SELECT t.merchant_id, m.escrow, ($as_of_day - 1 - t.day)::bigint AS d, t.kind, nullif(t.order_ref, '') AS order_ref,
    t.external_id, t.amount_minor, t.buyer, t.value::bigint AS value
FROM '{directory}/transactions.parquet' t JOIN '{directory}/members.parquet' m USING (merchant_id)
WHERE t.day < $as_of_day AND t.batch_id < $high AND NOT list_contains($open, t.batch_id)
    AND (t.superseded_in IS NULL OR t.superseded_in >= $high OR list_contains($open, t.superseded_in))
"""
BEHAVIOUR = """
CREATE VIEW behaviour AS
SELECT merchant_id, ($as_of_day - 1 - (business_date::date - DATE '1970-01-01'))::bigint AS d, dpd, scheduled_minor,
    repaid_minor, loans_repaid
FROM '{directory}/facts.parquet'
WHERE business_date::date - DATE '1970-01-01' < $as_of_day AND batch_id < $high AND NOT list_contains($open, batch_id)
"""
COPIES = {
    "transactions": "SELECT * FROM merchants_transaction",
    "members": "SELECT m.id AS merchant_id, settlement = 'ESCROW' AS escrow FROM merchants_merchant m"
    " JOIN merchants_partner p ON p.id = m.partner_id",
    "facts": "SELECT * FROM scoring_behaviourfact",
}
FACTS = ("id", "merchant_id", "batch_id", "dpd", "scheduled_minor", "repaid_minor", "loans_repaid")
TYPES = {
    "transactions": dict.fromkeys(("external_id", "order_ref", "channel"), "VARCHAR") | {"superseded_in": "BIGINT"},
    "members": {"escrow": "BOOLEAN"},
    "facts": dict.fromkeys(FACTS, "BIGINT"),
}


def lay_down(directory: Path) -> None:
    """Write the rows of PostgreSQL as Parquet."""
    for name, query in COPIES.items():
        path = directory / f"{name}.csv"
        statement = f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE *)"  # an empty text is no null
        with path.open("wb") as file, connection.cursor() as cursor, cursor.copy(statement) as copy:
            file.writelines(bytes(part) for part in copy)
        source = f"read_csv('{path}', nullstr = '', allow_quoted_nulls = false, types = {TYPES[name]})"
        duckdb.sql(f"COPY (SELECT * FROM {source}) TO '{directory}/{name}.parquet' (FORMAT parquet)")


def in_order(rows: Iterable[Sequence[int | None]]) -> Measured:
    return sorted((tuple(row) for row in rows), key=itemgetter(0))


def on_duckdb(directory: Path, known: Known, *, view: str, query: str) -> Measured:
    with duckdb.connect() as engine:
        statement = view.format(directory=directory)
        for name, value in known.parameters.items():  # a view takes no parameters
            statement = statement.replace(f"${name}", f"{value}::bigint[]" if value == [] else str(value))
        engine.execute(statement)
        return in_order(engine.execute(query).fetchall())


def on_postgres(members: Members, known: Known, *, reference: bool) -> Measured:
    of = current_set()
    return in_order(measure(of.reference_measures if reference else of.measures, members=members, known=known))


def assert_engines_agree(directory: Path, known: Known) -> Measured:
    members = members_of_market()
    lay_down(directory)
    for reference, names in ((True, REFERENCE_MEASURE_NAMES), (False, MEASURE_NAMES)):
        expected = on_postgres(members, known, reference=reference)
        found = on_duckdb(directory, known, view=HISTORY, query=compiled(reference=reference))
        assert {len(row) for row in found} == {1 + len(names)}
        assert {type(cell) for row in found for cell in row} <= {int, type(None)}
        assert found == expected
    return found


def test_duckdb_over_parquet_equals_postgres_on_a_simulated_market(tmp_path: Path) -> None:
    call_command("simulate_marketplace", tmp_path, merchants=60, days=540, seed=5, stdout=StringIO())
    call_command("import_marketplace", tmp_path, settlement="ESCROW", stdout=StringIO())
    end = Transaction.objects.latest("day").day
    known = Known(as_of_day=end - 40, watermark=current_watermark())
    found = assert_engines_agree(tmp_path, known)
    assert len(found) > 40
    assert sum(1 for row in found for cell in row if cell) > 40 * len(MEASURE_NAMES) / 2, "hardly a measure is empty"


def test_duckdb_sees_what_was_known_at_a_watermark(tmp_path: Path) -> None:
    partner = make_partner()
    make_merchants(partner, "kiln", "barn")
    rows = [
        row
        for seed in range(8)
        for row in history(Random(seed), ["kiln", "barn"][seed % 2], name=f"{seed}-")  # noqa: S311
    ]
    numbers = [receive(partner, rows[start::5]).number for start in range(5)]
    # Corrected in a batch that is seen, in one that was open, in one that came later: only the first is gone.
    sold = Transaction.objects.filter(kind="SALE", batch=numbers[0]).order_by("pk")[:3]
    for row, number in zip(sold, (numbers[2], numbers[1], numbers[4]), strict=True):
        row.pk, row.superseded_in, row.amount_minor = None, number, row.amount_minor + 1_000_000
        row.external_id += "-before"
        row.save(force_insert=True)
    known = Known(as_of_day=day_number(AS_OF), watermark=Watermark(numbers[-1], (numbers[1],)))
    some = assert_engines_agree(tmp_path, known)
    seen = sum(1 for row in some for cell in row if cell and cell > 1_000_000)
    assert seen, "the two that were not corrected yet count"
    everything = Known(as_of_day=day_number(AS_OF), watermark=current_watermark())
    assert assert_engines_agree(tmp_path, everything) != some


def test_one_pass_measures_what_two_do_and_one_merchant_alone_what_it_does_among_all(tmp_path: Path) -> None:
    """Red if the pass of a run, or the statement of a single score, sees other rows or sums them differently."""
    call_command("simulate_marketplace", tmp_path, merchants=30, days=300, seed=6, stdout=StringIO())
    call_command("import_marketplace", tmp_path, settlement="ESCROW", stdout=StringIO())
    known = Known(as_of_day=Transaction.objects.latest("day").day - 10, watermark=current_watermark())
    market = members_of_market()
    for features in FEATURE_SETS.values():
        whole = in_order(measure(features.all_measures, members=market, known=known))
        for names, measured in (
            (MEASURE_NAMES, features.measures),
            (REFERENCE_MEASURE_NAMES, features.reference_measures),
        ):
            places = [0, *(1 + ALL_MEASURE_NAMES.index(name) for name in names)]
            expected = in_order(measure(measured, members=market, known=known))
            assert [tuple(row[place] for place in places) for row in whole] == expected
        alone = [
            measure(features.measures, members=members_of_market([one]), known=known) for one in market.ids.tolist()
        ]
        assert in_order(row for rows in alone for row in rows) == in_order(
            measure(features.measures, members=market, known=known)
        )


def test_duckdb_measures_behaviour_as_postgres_does(tmp_path: Path) -> None:
    random, names = Random(3), [f"shop-{number}" for number in range(30)]  # noqa: S311
    make_merchants(make_partner(), *names)
    merchants = list(Merchant.objects.order_by("pk").values_list("pk", flat=True))
    for back in (900, 366, 365, 364, 200, 90, 1, 0, -1):
        told = [
            Behaviour(
                merchant_id=merchant,
                dpd=random.choice([0, 1, 5, 6, 15, 16, 90]),
                scheduled_minor=random.randint(0, 10**15),
                repaid_minor=random.randint(0, 10**15),
                loans_repaid=random.randint(0, 3),
            )
            for merchant in random.sample(merchants, 12)
        ]
        with operation():
            record_behaviour(facts=told, on=AS_OF - timedelta(days=back), now=NOW)
    lay_down(tmp_path)
    query = str(ibis.to_sql(behaviour_measures(behaviour()), dialect="duckdb"))
    members, seen = members_of_market(), []
    for watermark in (current_watermark(), Watermark(6, (2,))):
        known = Known(as_of_day=day_number(AS_OF), watermark=watermark)
        rows = measure_behaviour(members=members, known=known)
        found = on_duckdb(tmp_path, known, view=BEHAVIOUR, query=query)
        assert {len(row) for row in found} == {1 + len(BEHAVIOUR_MEASURE_NAMES)}
        assert {type(cell) for row in found for cell in row} == {int}
        assert found == in_order(rows)
        seen.append(found)
    assert len(seen[0]) > 20
    assert seen[0] != seen[1]


@pytest.mark.real
@pytest.mark.parametrize("folder", ["", "bare"])
def test_duckdb_over_parquet_equals_postgres_on_crafted_merchants(tmp_path: Path, folder: str) -> None:
    golden = SHARED / "golden" / "scores" / folder
    if not golden.is_dir():
        pytest.skip(f"no golden scores at {golden}")
    call_command("import_marketplace", golden, stdout=StringIO(), stderr=StringIO())
    last = Transaction.objects.latest("day").day
    for back in (0, 45, 200):
        assert_engines_agree(tmp_path, Known(as_of_day=last - back, watermark=current_watermark()))


KINDS = ["SALE"] * 6 + ["SETTLEMENT"] * 3 + [kind for kind in TransactionKind if kind not in {"SALE", "SETTLEMENT"}]


def history(random: Random, merchant: str, *, newest: int = 0, name: str = "t") -> list[dict[str, str]]:
    """Make a small random history; `newest` is how many days before as_of its last row lies, below 0 after it."""
    rows = []
    for number in range(random.choice([3, 30, 90])):
        kind = random.choice(KINDS)
        day = AS_OF - timedelta(days=newest + 1 + random.choice([0, 13, 44, 89, 90, 179, random.randint(0, 400)]))
        rows.append(
            {
                "external_id": f"{name}{number}",
                "merchant": merchant,
                "order_ref": f"o{random.randint(0, 40)}" if random.random() < 0.7 else "",
                "kind": kind,
                "occurred_at": f"{day}T{random.randint(0, 23):02}:30:00Z",
                "amount": "" if kind in NO_AMOUNT else f"{random.randint(1, 90)}.{random.randint(0, 99):02}",
                "value": str(random.randint(1, 5)) if kind in NO_AMOUNT else "",
                "buyer": f"b{random.randint(0, 9)}" if random.random() < 0.8 else "",
            }
        )
    return rows


def scores_of(code: str) -> list[dict[str, object]]:
    """Score one partner's merchants as of AS_OF: every column but the merchant's id, by external id."""
    merchants = dict(Merchant.objects.filter(partner__code=code).values_list("pk", "external_id"))
    known = Known(as_of_day=day_number(AS_OF), watermark=current_watermark())
    rows = compute_market(known=known, card=day_one(), calibration=None)
    fields = [field for field in ScoreRow.__dataclass_fields__ if field != "merchant_id"]
    found = {merchants[row.merchant_id]: row for row in rows if row.merchant_id in merchants}
    return [{field: getattr(found[name], field) for field in fields} for name in sorted(found)]


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), settlement=st.sampled_from(Settlement))
def test_neither_the_future_nor_the_order_nor_the_batches_change_a_score(seed: int, settlement: Settlement) -> None:
    """Red with `<=` for `<` in HISTORY, and for any measure that takes the first row it meets."""
    random, shops = Random(seed), ["kiln", "barn", "mill"]  # noqa: S311
    rows = [row for shop in shops for row in history(random, shop)]
    future = [row for shop in shops for row in history(random, shop, newest=-401, name="f")]
    assert min(row["occurred_at"] for row in future) >= AS_OF.isoformat()
    plain, other = f"a{seed}-{settlement.lower()}", f"b{seed}-{settlement.lower()}"
    for code, parts in ((plain, [rows]), (other, shuffled(random, rows + future))):
        partner = make_partner(code, settlement)
        make_merchants(partner, *shops, category="tea", region="north")
        for part in parts:
            assert receive(partner, part).rejected == 0

    assert scores_of(plain) == scores_of(other)


def shuffled(random: Random, rows: list[dict[str, str]]) -> list[list[dict[str, str]]]:
    """Permute the rows and split them into a few batches."""
    mixed = random.sample(rows, len(rows))
    cuts = sorted(random.randint(0, len(rows)) for _ in range(random.randint(1, 5)))
    return [mixed[start:end] for start, end in zip([0, *cuts], [*cuts, len(mixed)], strict=True) if start < end]
