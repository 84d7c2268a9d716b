"""Make a small market that is worth scoring."""

from datetime import UTC, date, datetime, time, timedelta
from random import Random

from config.db.transactions import operation
from config.kernel.calendar import day_number
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date, open_day
from merchants.domain.transaction import Settlement
from merchants.queries.batches import current_watermark
from scoring.domain.features.sets import current_set
from scoring.domain.run import RunKind, RunState
from scoring.domain.scorecard import DAY_ONE_CARD
from scoring.models import CalibrationVersion, Score, ScoreRun
from scoring.operations.members import store_scores
from scoring.operations.runs import RUN, start_run
from scoring.operations.versions import create_calibration, enter_scorecard
from scoring.queries.measures import Known
from scoring.queries.runs import active_scorecard
from scoring.queries.scores import card_of, compute_market
from tests.beginnings import begin
from tests.conftest import NOW
from tests.markets import make_merchants, make_partner, receive
from tests.stages import do_stages

AS_OF = date(2026, 3, 1)
GATHER, FREEZE, SCORE, CONCLUDE = RUN.names


def market_rows(merchants: int, *, seed: int = 7, days: int = 420) -> list[dict[str, str]]:
    """Make rows of shops that trade more or less often, so that their scores spread over the grades."""
    random = Random(seed)  # noqa: S311
    noon = datetime.combine(AS_OF, time(12), UTC)
    rows = []
    for shop in range(merchants):
        rate, age = random.uniform(0.1, 0.95), random.randint(60, days)
        for day in range(age):
            if random.random() > rate:
                continue
            at = noon - timedelta(days=day + 1)
            order = f"{shop}-{day}"
            base = {"merchant": f"shop-{shop}", "order_ref": order, "occurred_at": at.isoformat()}
            amount = f"{random.uniform(5, 60):.2f}"
            rows.append(base | {"external_id": f"s{order}", "kind": "SALE", "amount": amount, "buyer": f"b{day % 37}"})
            if random.random() < 0.1 * (1 - rate):
                rows.append(base | {"external_id": f"r{order}", "kind": "REFUND", "amount": amount})
    return rows


def make_market(merchants: int = 60) -> None:
    """Import the market, open the business day, enter the card."""
    begin(f"a market of {merchants}", lambda: _make_market(merchants))


def _make_market(merchants: int) -> None:
    partner = make_partner(settlement=Settlement.IMMEDIATE)
    make_merchants(partner, *[f"shop-{shop}" for shop in range(merchants)], category="tea", region="north")
    rows = market_rows(merchants)
    for start in range(0, len(rows), 5_000):
        receive(partner, rows[start : start + 5_000])
    if get_business_date() is None:
        open_day(on=AS_OF, actor=SYSTEM, now=NOW)
    enter_scorecard(text=DAY_ONE_CARD.read_text(), actor=SYSTEM, now=NOW)


def work_through(run: ScoreRun) -> ScoreRun:
    """Do all jobs of the run in this process, stage by stage."""
    do_stages(RUN, run.pk)
    run.refresh_from_db()
    return run


def run_once() -> ScoreRun:
    return work_through(start_run(actor=SYSTEM, now=NOW))


def calibrate() -> CalibrationVersion:
    """Make a calibration on a reference run that is made in one piece, without its 66 jobs."""
    version, on = active_scorecard(), get_business_date()
    assert version is not None
    assert on is not None
    watermark = current_watermark()
    known = Known(as_of_day=day_number(on), watermark=watermark)
    run = ScoreRun.objects.create(
        kind=RunKind.FULL,
        state=RunState.UNPUBLISHED,
        as_of=on,
        watermark_high=watermark.high,
        watermark_open=list(watermark.open),
        feature_set=current_set().version,
        scorecard=version,
        started_by=str(SYSTEM),
        started_at=NOW,
        finished_at=NOW,
    )
    with operation():
        store_scores(run, compute_market(known=known, card=card_of(version), calibration=None))
    return create_calibration(run_id=run.pk, actor=SYSTEM, now=NOW)


def everything_of(run: ScoreRun) -> list[tuple[object, ...]]:
    """Give all columns of a run's scores but its own id."""
    fields = [field.attname for field in Score._meta.fields if field.attname not in {"id", "run_id"}]
    return sorted(Score.objects.filter(run=run).values_list(*fields), key=lambda row: row[0])
