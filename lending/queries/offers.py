"""Read offers."""

from django.db.models import F
from django.db.models.functions import Mod

from lending.domain.offer import Offered, OfferState
from lending.models import Offer, OfferRound
from scoring.models import Score


def get_offer(*, offer_id: int) -> Offer:
    """Get an offer with its merchant and product. Raises Offer.DoesNotExist."""
    return Offer.objects.select_related("merchant__partner", "merchant__owner", "product").get(pk=offer_id)


def assessed_after(found: OfferRound, *, part: int, after: int, limit: int) -> list[Score]:
    """Read the scores of a part of a round's merchants, in order of merchants, from the one after the given."""
    later = Score.objects.filter(run=found.run_id, merchant__gt=after).annotate(part=Mod(F("merchant_id"), found.parts))
    named = later.select_related("merchant", "run__scorecard", "run__calibration")
    return list(named.filter(part=part).order_by("merchant_id")[:limit])


def offered_of(offer: Offer) -> Offered:
    """Read what an offer holds, as the rules take it."""
    return Offered(
        state=OfferState(offer.state),
        expires_on=offer.expires_on,
        minimum_minor=offer.minimum_minor,
        most_by_months={int(months): most for months, most in offer.most_by_months.items()},
    )
