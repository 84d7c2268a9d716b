"""How merchants repay, as recorded."""

from collections.abc import Sequence
from datetime import date

from scoring.domain.behaviour import BEHAVIOUR_FIELDS, Behaviour
from scoring.models import BehaviourFact


def changed_behaviours(facts: Sequence[Behaviour], *, on: date) -> list[Behaviour]:
    """Filter to those that differ from their merchant's latest fact up to a day or, without one, from all zeros."""
    merchants = [fact.merchant_id for fact in facts]
    recorded = BehaviourFact.objects.filter(merchant__in=merchants, business_date__lte=on)
    latest = recorded.order_by("merchant_id", "-business_date", "-batch_id").distinct("merchant_id")
    known = {fact.merchant_id: _behaviour(fact) for fact in latest}
    return [fact for fact in facts if fact != known.get(fact.merchant_id, Behaviour(merchant_id=fact.merchant_id))]


def _behaviour(fact: BehaviourFact) -> Behaviour:
    return Behaviour(**{name: getattr(fact, name) for name in BEHAVIOUR_FIELDS})
