"""Score one merchant between nights."""

from datetime import datetime

from config.db.locking import lock_rows
from config.db.planning import plan_once
from config.db.rows import insert
from config.db.transactions import operation
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.business_date import get_business_date
from config.office.events import record_event
from merchants.models import Merchant
from merchants.queries.batches import current_watermark
from scoring.domain.features.sets import FEATURE_SETS
from scoring.domain.run import RunKind, RunState, SingleRefusal, judge_single
from scoring.models import Score, ScoreRun
from scoring.operations.members import pin_member
from scoring.queries.scores import ROW_FIELDS, compute_scores, get_live_run, known_to, pins_of


class MerchantNotScored(Refused[SingleRefusal]):
    """The merchant was not scored afresh."""


def score_merchant(*, merchant_id: int, actor: Actor, now: datetime) -> Score:
    """Score one merchant as of the business date, as known now, with the references and feature set of the live run.

    Its set, not the newest: a newer one may read references that the run did not freeze. The score is stored as a row
    of its own; what is live stays live. Raises MerchantNotScored, Contended, Merchant.DoesNotExist.
    """
    watermark = current_watermark()  # in its own transaction: no one waits for a number while this merchant is scored
    with operation():
        plan_once()
        lock_rows(Merchant, [merchant_id])
        live, on = get_live_run(), get_business_date()
        refusal = judge_single(
            has_live_run=live is not None, has_feature_set=live is not None and live.feature_set in FEATURE_SETS
        )
        if refusal is not None or live is None or on is None:
            raise MerchantNotScored(refusal or SingleRefusal.NOTHING_PUBLISHED)
        run = insert(
            ScoreRun(
                kind=RunKind.SINGLE,
                state=RunState.UNPUBLISHED,
                as_of=on,
                watermark_high=watermark.high,
                watermark_open=list(watermark.open),
                feature_set=live.feature_set,
                scorecard=live.scorecard,
                calibration=live.calibration,
                references=live,
                parts=1,
                started_by=str(actor),
                started_at=now,
                finished_at=now,
            )
        )
        member = pin_member(run, merchant_id=merchant_id)
        [row] = compute_scores(members=member, known=known_to(run), pins=pins_of(run, member))
        score = insert(Score(run=run, **{field: getattr(row, field) for field in ROW_FIELDS}))
        record_event(
            name="scoring.score_merchant", subject=run, actor=actor, before={}, after={"merchant": merchant_id}, now=now
        )
        return score
