"""Endpoint for what one merchant is offered, or why nothing is."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.authentication import caller_of
from lending.api.offers import OfferSerializer, offer_body
from lending.api.refusals import described
from lending.api.words import no_offer
from lending.domain.origination.no_offer import explain_no_offer
from lending.queries.borrowing import assess_merchant
from lending.queries.offers import get_open_offer
from merchants.models import Merchant
from merchants.queries.merchants import get_merchant


class ThresholdSerializer(serializers.Serializer[None]):
    """How far a merchant has come, and how far it must."""

    measure = serializers.CharField()
    have = serializers.CharField(help_text="Decimal text, in the unit.")
    need = serializers.CharField()
    unit = serializers.CharField(help_text="order, sale, day, month, basis_point, point, night, or a currency")
    at_most = serializers.BooleanField(help_text="The threshold is reached from above.")
    words = serializers.CharField()


class NoOfferSerializer(serializers.Serializer[None]):
    """Why a merchant has no offer: a stable code, words for the merchant, the next threshold if there is one."""

    code = serializers.CharField()
    words = serializers.CharField()
    threshold = ThresholdSerializer(allow_null=True)


class MerchantOfferSerializer(serializers.Serializer[None]):
    """The open offer of a merchant, or why there is none: one of the two is null."""

    offer = OfferSerializer(allow_null=True)
    no_offer = NoOfferSerializer(allow_null=True)


class MerchantOfferView(APIView):
    """Show the open offer of one merchant."""

    scopes = {"GET": "offers:read"}

    @extend_schema(responses={200: MerchantOfferSerializer, **described(404)})
    def get(self, request: Request, external_id: str) -> Response:
        """Return the open offer, or why there is none and what would change that."""
        try:
            merchant = get_merchant(partner_id=caller_of(request).partner_id, external_id=external_id)
        except Merchant.DoesNotExist as error:
            raise Http404 from error
        offer = get_open_offer(merchant_id=merchant.pk)
        if offer is not None:
            return Response({"offer": offer_body(offer), "no_offer": None})
        assessment = assess_merchant(merchant)
        without = None if assessment is None else explain_no_offer(assessment)
        return Response({"offer": None, "no_offer": no_offer(without, merchant.currency)})
