"""Record how merchants repay, as lending reports it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime

from config.db.transactions import require_transaction
from config.office.actors import SYSTEM
from merchants.models import Batch, Merchant
from merchants.models.batch import BEHAVIOUR, BatchState
from merchants.queries.batches import lock_batch_numbers
from scoring.domain.behaviour import Behaviour
from scoring.models import BehaviourFact
from scoring.queries.behaviour import changed_behaviours


def record_behaviour(*, facts: Sequence[Behaviour], on: date, now: datetime) -> int:
    """Record how merchants, each given once, stood at the end of a day; return how many had changed.

    Part of the caller's operation. A fact equal to the latest up to that day is skipped, so that a day done twice
    writes once; one that differs from an earlier fact of that very day corrects it. Each partner's facts go into a
    batch, sealed as it is numbered: whoever takes a watermark sees all of them, or waits. Raises NoTransaction.
    """
    require_transaction()
    if not changed_behaviours(facts, on=on):
        return 0  # nobody waits for a number that is not needed
    lock_batch_numbers()
    # Checked again under the lock: another may have recorded the same meanwhile.
    changed = {fact.merchant_id: fact for fact in changed_behaviours(facts, on=on)}
    by_partner = defaultdict[int, list[Behaviour]](list)
    for merchant, partner in Merchant.objects.filter(pk__in=changed).order_by("pk").values_list("pk", "partner_id"):
        by_partner[partner].append(changed[merchant])
    for partner, told in sorted(by_partner.items()):
        _record(told, partner_id=partner, on=on, now=now)
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
    BehaviourFact.objects.bulk_create(
        [BehaviourFact(business_date=on, batch=batch, **asdict(fact)) for fact in facts], batch_size=2_000
    )
