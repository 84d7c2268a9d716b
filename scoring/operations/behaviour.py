"""Record how merchants repay, as lending reports it."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Final

from django.db import connection

from config.db.transactions import require_transaction
from config.office.actors import SYSTEM
from merchants.models import Batch
from merchants.models.batch import BEHAVIOUR, BatchState
from merchants.queries.batches import lock_batch_numbers
from scoring.domain.behaviour import Behaviour
from scoring.queries.behaviour import any_changed, changed_behaviours

RECORD: Final = """
INSERT INTO scoring_behaviourfact
    (business_date, batch_id, merchant_id, dpd, scheduled_minor, repaid_minor, loans_repaid)
SELECT %s, %s, n.* FROM unnest(%b::bigint[], %b::int[], %b::bigint[], %b::bigint[], %b::int[]) n
"""


def record_behaviour(*, facts: Sequence[Behaviour], on: date, now: datetime) -> int:
    """Record how merchants, each given once, stood at the end of a day; return how many had changed.

    Part of the caller's operation. A fact equal to the latest up to that day is skipped, so that a day done twice
    writes once; one that differs from an earlier fact of that very day corrects it. Each partner's facts go into a
    batch, sealed as it is numbered: whoever takes a watermark sees all of them, or waits. Raises NoTransaction.
    """
    require_transaction()
    if not any_changed(facts, on=on):
        return 0  # nobody waits for a number that is not needed
    lock_batch_numbers()
    # Read under the lock: another may have recorded the same meanwhile.
    changed = changed_behaviours(facts, on=on)
    for partner, told in groupby(changed, key=itemgetter(0)):
        _record([fact for _, fact in told], partner_id=partner, on=on, now=now)
    return len(changed)


def _record(facts: Sequence[Behaviour], *, partner_id: int, on: date, now: datetime) -> None:
    batch = Batch.objects.create(
        number=lock_batch_numbers(),
        partner_id=partner_id,
        source=BEHAVIOUR,
        state=BatchState.SEALED,
        received=len(facts),
        accepted=len(facts),
        opened_by=str(SYSTEM),
        opened_at=now,
        sealed_at=now,
    )
    with connection.cursor() as cursor:
        cursor.execute(RECORD, [on, batch.pk, *map(list, zip(*facts, strict=True))])
