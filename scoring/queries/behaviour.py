"""How merchants repay, as recorded."""

from collections.abc import Sequence
from datetime import date

from scoring.domain.behaviour import BEHAVIOUR_FIELDS, Behaviour
from scoring.models import BehaviourFact


def changed_behaviours(facts: Sequence[Behaviour], *, on: date) -> list[Behaviour]:
    """Filter to those that differ from their merchant's latest fact up to a day or, without one, from all zeros.

    A merchant whose latest fact is of that very day is skipped: the first of a day stands.
    """
    merchants = [fact.merchant_id for fact in facts]
    recorded = BehaviourFact.objects.filter(merchant__in=merchants, business_date__lte=on)
    latest = {
        fact.merchant_id: fact for fact in recorded.order_by("merchant_id", "-business_date").distinct("merchant_id")
    }
    found = []
    for fact in facts:
        known = latest.get(fact.merchant_id)
        told = Behaviour(merchant_id=fact.merchant_id) if known is None else _behaviour(known)
        if fact != told and (known is None or known.business_date != on):
            found.append(fact)
    return found


def _behaviour(fact: BehaviourFact) -> Behaviour:
    return Behaviour(**{name: getattr(fact, name) for name in BEHAVIOUR_FIELDS})
