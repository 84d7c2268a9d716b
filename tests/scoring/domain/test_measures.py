"""The product against the slow oracle, on histories that crowd the edges of the windows."""

from fractions import Fraction
from random import Random

import ibis
import numpy as np
import pytest
import sqlglot
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from scoring.domain.features.characteristics import CHARACTERISTIC_NAMES, Peers, characteristics
from scoring.domain.features.declarations import Feed
from scoring.domain.features.measures import MEASURE_NAMES, REFERENCE_MEASURE_NAMES
from scoring.domain.features.relations import HISTORY_SCHEMA, history
from scoring.domain.features.sets import current_set
from tests.scoring.domain.markets import Row, compiled, connect, measured, reference_measured
from tests.scoring.domain.oracle import Oracle, Surroundings, facts_of

EDGES = [0, 1, 13, 14, 29, 30, 44, 45, 88, 89, 90, 91, 103, 104, 179, 180, 181, 182, 193, 194, 224, 225]
EDGES += [274, 275, 359, 360, 364, 365, 449, 450]
KINDS = ["SALE"] * 8 + ["SETTLEMENT"] * 5 + ["REFUND"] * 2
KINDS += ["CHARGEBACK", "CHARGEBACK", "CHARGEBACK_WON", "CANCEL", "FEE", "FEE_RETURNED", "DEPOSIT", "REVIEW"]
KINDS += ["DISPATCH", "PAYOUT", "PAYOUT"]
AMOUNTS = [[1, 2], [100, 100, 125, 333, 2_000], [1, 125, 9_999, 10**7, 10**10], [10**13, 10**16, 10**16 + 1]]
MERCHANTS = 24


def random_history(random: Random, merchant: int, *, escrow: bool) -> list[Row]:
    size, oldest = random.choice([0, 1, 12, 60, 150]), random.choice([40, 185, 240, 500])
    amounts, refs = random.choice(AMOUNTS), [f"o{number}" for number in range(random.choice([4, 60]))]
    days = [day for day in EDGES if day <= oldest]
    rows: list[Row] = []
    for number in range(size):
        kind = random.choice(KINDS)
        day = random.choice(days) if random.random() < 0.5 else random.randint(0, oldest)
        value = {"REVIEW": random.randint(1, 5), "DISPATCH": random.choice([0, 0, 3])}.get(kind)
        rows.append(
            (
                merchant,
                escrow,
                day,
                kind,
                random.choice(refs) if random.random() < 0.7 else None,
                # Some ids are also order references: a row without a reference is an order of that name.
                refs[number] if number < 2 else f"x{number}",
                0 if value is not None else random.choice(amounts),
                random.randint(1, 12) if random.random() < 0.8 else None,
                value,
            )
        )
    return rows


def random_surroundings(random: Random) -> tuple[Surroundings, int, int]:
    total, count = random.choice([(0, 0), (13, 3), (4_444, 1_000)])
    cuts = sorted(random.choice([-5, 0, 100, 5_000, 10**11]) for _ in range(99)) if random.random() < 0.8 else None
    carried = frozenset(feed.value for feed in Feed if random.random() < 0.8)
    mean = Fraction(total, count) if count else None
    return Surroundings(cuts=cuts, mean=mean, carried=carried), total, count


@given(seed=st.integers(0, 2**32), escrow=st.booleans())
@settings(max_examples=25)
def test_characteristics_agree_with_the_oracle(seed: int, escrow: bool) -> None:  # noqa: FBT001
    random = Random(seed)  # noqa: S311
    histories = [random_history(random, merchant, escrow=escrow) for merchant in range(MERCHANTS)]
    around = [random_surroundings(random) for _ in range(MERCHANTS)]
    peers = Peers(
        cell=np.array([-1 if one.cuts is None else row for row, (one, _, _) in enumerate(around)]),
        cuts=np.array([one.cuts or [0] * 99 for one, _, _ in around]),
        rating_sum=np.array([total for _, total, _ in around]),
        rating_count=np.array([count for _, _, count in around]),
        carried={feed: np.array([feed.value in one.carried for one, _, _ in around]) for feed in Feed},
    )

    columns = characteristics(measured(connect([row for rows in histories for row in rows]), MERCHANTS), peers)

    values = {name: column.tolist() for name, column in columns.items()}
    for merchant, rows in enumerate(histories):
        expected = Oracle(facts_of(rows), around[merchant][0], escrow=escrow).characteristics()
        assert {name: values[name][merchant] for name in CHARACTERISTIC_NAMES} == expected


@given(seed=st.integers(0, 2**32), escrow=st.booleans())
@example(seed=3302, escrow=False)  # nobody sold anything
@settings(max_examples=10)
def test_the_order_of_rows_does_not_count(seed: int, escrow: bool) -> None:  # noqa: FBT001
    random = Random(seed)  # noqa: S311
    rows = [row for merchant in range(4) for row in random_history(random, merchant, escrow=escrow)]
    ordered, shuffled = connect(rows), connect(random.sample(rows, len(rows)))
    for read in (measured, reference_measured):
        left, right = (read(connection, 4) for connection in (ordered, shuffled))
        assert {name: column.tolist() for name, column in left.items()} == {
            name: column.tolist() for name, column in right.items()
        }


def test_reference_measures_use_the_same_s_and_count_what_a_feed_carries() -> None:
    kinds = ["REFUND", "CHARGEBACK", "CANCEL", "REVIEW", "DISPATCH", "PAYOUT"]
    rows: list[Row] = [
        (7, False, day, kind, None, f"{kind}{day}", 0, None, 4) for kind in kinds for day in (364, 364, 365)
    ]
    rows += [(7, False, 0, "SALE", "a", "1", 500, 9, None), (7, False, 89, "SALE", "b", "2", 70, None, None)]
    rows += [(7, False, 179, "SALE", "c", "3", 1, 9, None), (7, False, 180, "SALE", "d", "4", 1, 9, None)]
    rows += [(7, False, 0, "REFUND", "a", "5", 30, None, None), (7, False, 1, "REFUND", "a", "6", 2, None, None)]
    rows += [(7, False, 179, "REVIEW", None, "7", 0, None, 3), (7, False, 180, "REVIEW", None, "8", 0, None, 5)]

    found = {name: column.tolist()[7] for name, column in reference_measured(connect(rows), 8).items()}

    assert found == {
        "s_90": 538,
        "sale_rows_90": 2,
        "rating_sum_180": 3,
        "ratings_180": 1,
        "refund_rows_365": 4,
        "chargeback_rows_365": 2,
        "cancel_rows_365": 2,
        "review_rows_365": 4,
        "dispatch_rows_365": 2,
        "payout_rows_365": 2,
        "sale_rows_180": 3,
        "named_sale_rows_180": 2,
        "unsold_reversals_365": 0,
        "settled_above_paid_365": 0,
    }


def test_what_does_not_add_up_in_a_feed_is_counted() -> None:
    """Red if orders settled in parts, refunded after their settlement, or older than 365 days were counted."""
    orders: dict[str, list[tuple[str, int, int]]] = {
        "good": [("SALE", 9, 100), ("SETTLEMENT", 8, 60), ("SETTLEMENT", 7, 40), ("REFUND", 6, 30)],
        "above": [("SALE", 9, 100), ("SETTLEMENT", 8, 60), ("SETTLEMENT", 7, 41)],
        "old": [("SALE", 380, 100), ("SETTLEMENT", 365, 101)],
        "unsold": [("REFUND", 5, 10), ("CHARGEBACK", 365, 10)],
        "before": [("SETTLEMENT", 5, 10), ("CHARGEBACK", 4, 10)],
    }
    rows: list[Row] = [
        (merchant, not merchant, day, kind, order, f"{order}{number}", amount, None, None)
        for merchant in (0, 1)
        for order, sent in orders.items()
        for number, (kind, day, amount) in enumerate(sent)
    ]
    found = reference_measured(connect(rows), 2)
    names = ("unsold_reversals_365", "settled_above_paid_365")
    assert [found[name].tolist() for name in names] == [[2, 2], [1, 0]]


@pytest.mark.parametrize(("reference", "names"), [(False, MEASURE_NAMES), (True, REFERENCE_MEASURE_NAMES)])
def test_an_engine_returns_int64_only(reference: bool, names: tuple[str, ...]) -> None:  # noqa: FBT001
    cursor = connect([(1, True, 3, "SETTLEMENT", "a", "1", 10, None, None)]).execute(compiled(reference=reference))
    described = cursor.description or []
    assert [column[0] for column in described] == ["merchant_id", *names]
    assert {str(column[1]) for column in described} == {"BIGINT"}


@pytest.mark.parametrize("dialect", ["postgres", "duckdb", "pyspark"])
def test_the_query_divides_nothing_casts_every_sum_and_reads_one_table(dialect: str) -> None:
    features = current_set()
    for build in (features.measures, features.reference_measures, features.all_measures):
        text = str(ibis.to_sql(build(history()), dialect=dialect))
        tree = sqlglot.parse_one(text, dialect={"pyspark": "spark"}.get(dialect, dialect))
        assert not list(tree.find_all(exp.Div, exp.IntDiv))
        assert {cast.to.this for cast in tree.find_all(exp.Cast)} <= {exp.DataType.Type.BIGINT}
        for total in tree.find_all(exp.Sum):
            parent = total.parent
            while isinstance(parent, exp.Filter | exp.Coalesce | exp.Window | exp.Least | exp.Greatest):
                parent = parent.parent
            assert isinstance(parent, exp.Cast)
        names = {table.name for table in tree.find_all(exp.Table)} - {cte.alias for cte in tree.find_all(exp.CTE)}
        assert names == {"history"}
    assert HISTORY_SCHEMA.names == history().columns
