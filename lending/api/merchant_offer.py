"""Endpoint for what one merchant is offered, or why nothing is."""

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.authentication import caller_of
from lending.api.offers import OfferSerializer, asked_kind, offer_body
from lending.api.refusals import described
from lending.api.words import HAS_LINE, no_offer
from lending.domain.origination.product import ProductKind
from lending.queries.borrowing import offerings_of
from lending.queries.offers import open_offers_to
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

    @extend_schema(
        responses={200: MerchantOfferSerializer, **described(400, 404)},
        parameters=[OpenApiParameter("kind", str, description="term or line; term if left out.")],
    )
    def get(self, request: Request, external_id: str) -> Response:
        """Return the open offer of a kind, or why there is none and what would change that."""
        kind = asked_kind(request) or next(iter(ProductKind))
        try:
            merchant = get_merchant(partner_id=caller_of(request).partner_id, external_id=external_id)
        except Merchant.DoesNotExist as error:
            raise Http404 from error
        offers = open_offers_to(merchant_id=merchant.pk)
        if kind in offers:
            return Response({"offer": offer_body(offers[kind]), "no_offer": None})
        found = {one.kind: one for one in offerings_of(merchant, [])}.get(kind)
        if found is not None and found.has_line:
            return Response({"offer": None, "no_offer": HAS_LINE})
        without = None if found is None else found.without
        return Response({"offer": None, "no_offer": no_offer(without, merchant.currency)})
