"""Pin the members of a run and store their scores, as parts of the caller's operation."""

from collections.abc import Sequence
from typing import Final

from django.db import connection

from config.db.transactions import require_transaction
from merchants.models import Merchant
from merchants.models.transaction import PARTITIONS
from merchants.queries.partitions import partition_sql
from scoring.domain.features.integrity import Mark
from scoring.domain.features.measures import MEASURE_NAMES, REFERENCE_MEASURE_NAMES
from scoring.domain.features.sets import get_set
from scoring.domain.integrity import MEASURES, Finding, bits_of
from scoring.domain.score_row import ScoreRow
from scoring.models import FlaggedSale, IntegrityFinding, ScoreRun
from scoring.queries.measures import MEASURES_VERSION, Known, Members, measuring, measuring_cursor
from scoring.queries.references import ATTRIBUTES, members_of_rows
from scoring.queries.scores import ROW_FIELDS, known_to

MEMBERS: Final = """
SELECT m.id AS merchant_id, m.partner_id, m.currency, m.category, m.region, p.settlement = 'ESCROW' AS escrow,
    {shard} AS shard
FROM merchants_merchant m JOIN merchants_partner p ON p.id = m.partner_id
"""
PINNED: Final = "merchant_id, partner_id, currency, category, region, escrow, shard"
PIN: Final = f"""
WITH pinned AS MATERIALIZED (
    SELECT {PINNED} FROM ({MEMBERS}) m WHERE shard IS NOT NULL
), found AS MATERIALIZED (
    SELECT * FROM pinned LEFT JOIN (SELECT TRUE AS is_found, * FROM ({{measured}}) one) measured USING (merchant_id)
), kept AS (
    INSERT INTO scoring_measuredmerchant (run_id, merchant_id, shard, version, measures)
    SELECT %(run)s, merchant_id, shard, %(version)s, CASE WHEN is_found THEN ARRAY[{", ".join(MEASURE_NAMES)}] END
    FROM found
)
INSERT INTO scoring_referencemerchant (run_id, {PINNED}, {", ".join(REFERENCE_MEASURE_NAMES)})
SELECT %(run)s, {PINNED}, {", ".join(f"coalesce({name}, 0)" for name in REFERENCE_MEASURE_NAMES)} FROM found
"""  # noqa: S608
PIN_ONE: Final = f"""
INSERT INTO scoring_referencemerchant (run_id, {PINNED}, {", ".join(REFERENCE_MEASURE_NAMES)})
SELECT %(run)s, {PINNED}, {", ".join("0" for _ in REFERENCE_MEASURE_NAMES)}
FROM ({MEMBERS.format(shard=partition_sql("m.id", range(PARTITIONS)))} WHERE m.id = %(merchant)s) m
RETURNING {ATTRIBUTES}
"""  # noqa: S608
STORE: Final = f"COPY scoring_score (run_id, {', '.join(ROW_FIELDS)}) FROM STDIN"


def pin_members(run: ScoreRun, *, partitions: Sequence[int]) -> int:
    """Pin the merchants of some partitions with their reference measures, and keep their measures for the scoring.

    One pass over their histories gives both. Returns how many. Raises NoTransaction, FeatureSetGone.
    """
    require_transaction()
    features = get_set(run.feature_set)
    measured = measuring(features.all_measures, members="SELECT merchant_id, escrow FROM pinned", partitions=partitions)
    with measuring_cursor(is_limited=True) as cursor:
        cursor.execute(
            PIN.format(shard=partition_sql("m.id", partitions), measured=measured),
            {"run": run.pk, "version": MEASURES_VERSION, **known_to(run).parameters},
        )
        return int(cursor.rowcount)


def pin_member(run: ScoreRun, *, merchant_id: int) -> Members:
    """Pin one merchant, without reference measures: nothing is frozen from them. Raises NoTransaction, DoesNotExist."""
    require_transaction()
    with connection.cursor() as cursor:
        cursor.execute(PIN_ONE, {"run": run.pk, "merchant": merchant_id})
        rows = cursor.fetchall()
    if not rows:
        raise Merchant.DoesNotExist
    return members_of_rows(rows, select="", parameters={})


def pin_findings(*, run_id: int, findings: Sequence[Finding], known: Known) -> None:
    """Keep what a run found of merchants for whom a mark fired, with the very sales. Raises NoTransaction."""
    require_transaction()
    IntegrityFinding.objects.bulk_create(
        [
            IntegrityFinding(
                run_id=run_id,
                merchant_id=finding.merchant_id,
                fired=bits_of(finding.fired),
                measures=[finding.measures[name] for name in MEASURES],
                flagged_share_bp=finding.flagged_share,
                first_known_day=_day_of(finding, known),
            )
            for finding in findings
        ],
        batch_size=2_000,
    )
    FlaggedSale.objects.bulk_create(
        [
            FlaggedSale(
                run_id=run_id,
                merchant_id=finding.merchant_id,
                external_id=sale.external_id,
                order_key=sale.order_key,
                day=known.as_of_day - 1 - sale.d,
                amount_minor=sale.amount_minor,
                buyer=sale.buyer,
                marks=bits_of(sale.marks),
            )
            for finding in findings
            for sale in finding.flagged
        ],
        batch_size=2_000,
    )


def _day_of(finding: Finding, known: Known) -> int | None:
    """Return the day on which the first SALE was known, where LATE fired."""
    if finding.first_known_d is None or Mark.LATE not in finding.fired:
        return None
    return known.as_of_day - 1 - finding.first_known_d


def store_scores(run: ScoreRun, rows: list[ScoreRow]) -> None:
    """Append the scores of a run. Raises NoTransaction."""
    require_transaction()
    with connection.cursor() as cursor, cursor.copy(STORE) as copy:
        for row in rows:
            copy.write_row((run.pk, *(getattr(row, field) for field in ROW_FIELDS)))
