"""Endpoints to read offers, to quote them, and to answer them."""

from collections.abc import Callable
from enum import StrEnum
from functools import partial

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.authentication import caller_of
from config.api.bodies import (
    ClosedSerializer,
    LowerField,
    MinorField,
    MoneySerializer,
    MonthsField,
    NothingSerializer,
    RateField,
    minor_of,
    money,
)
from config.api.ids import after_of
from config.office.business_date import get_business_date
from lending.api.refusals import described, refused
from lending.domain.contract.quote import Quote
from lending.domain.contract.refusal import LoanRefused
from lending.domain.origination.application import ApplicationRefusal
from lending.domain.origination.offer import read_choices
from lending.domain.origination.product import ProductKind
from lending.models import Offer
from lending.operations.offers import OfferNotMoved, decline_offer, deliver_offer
from lending.queries.offers import get_offer_of_partner, open_offers_of_partner, quote_offer
from merchants.models import Merchant
from merchants.queries.merchants import get_merchant

A_PAGE = 100
KIND_PARAMETER = OpenApiParameter("kind", str, description="term or line: the offers of this kind alone.")


class TermSerializer(serializers.Serializer[None]):
    """A term that may be chosen, and the most that is lent over it; null where the term is no part of the offer."""

    months = serializers.IntegerField(allow_null=True)
    most = MoneySerializer()


class OfferSerializer(serializers.Serializer[Offer]):
    id = serializers.SerializerMethodField()
    merchant = serializers.CharField(source="merchant.external_id")
    kind = LowerField(help_text="term: a loan over months; line: a limit to draw on, for which months is null")
    state = LowerField(help_text="made, delivered; accepted, declined, expired, replaced, withdrawn")
    grade = serializers.CharField()
    minimum = MinorField(source="minimum_minor", help_text="The product minimum.")
    limit = MinorField(source="limit_minor", help_text="The most that is lent, over the longest term.")
    daily_rate = RateField(help_text='Simple interest a day on what is outstanding: "0.0004" is 0.04 %.')
    terms = serializers.SerializerMethodField()
    made_on = serializers.DateField()
    expires_on = serializers.DateField(help_text="The first day on which it can no longer be accepted.")

    def get_id(self, offer: Offer) -> str:
        return f"offer_{offer.pk}"

    @extend_schema_field(TermSerializer(many=True))
    def get_terms(self, offer: Offer) -> list[dict[str, object]]:
        most = read_choices(offer.most_by_months)
        return [{"months": months, "most": money(minor, offer.currency)} for months, minor in most.items() if minor]


class OfferPageSerializer(serializers.Serializer[None]):
    offers = OfferSerializer(many=True)
    next_after = serializers.CharField(allow_null=True)


class ChoiceSerializer(ClosedSerializer):
    amount = MoneySerializer()
    months = MonthsField(allow_null=True)


class DrawnSerializer(serializers.Serializer[None]):
    """An instalment as it would be drawn."""

    no = serializers.IntegerField()
    due = serializers.DateField()
    principal = MinorField(source="principal_minor")
    interest = MinorField(source="interest_minor")
    fee = MinorField(source="fee_minor")
    total = MinorField(source="total_minor")


class CostSerializer(serializers.Serializer[Quote]):
    total_interest = MinorField(source="total_interest_minor")
    total_fees = MinorField(source="total_fees_minor")
    total_cost = MinorField(source="total_cost_minor", help_text="All that is repaid beyond the amount.")
    apr = serializers.CharField(help_text="The effective yearly rate (EU), in per cent.")
    schedule = DrawnSerializer(many=True)


class QuoteSerializer(CostSerializer):
    disbursed_on = serializers.DateField(help_text="The business date: paid out later, the dates move with it.")


class OffersView(APIView):
    """List the open offers."""

    scopes = {"GET": "offers:read"}

    @extend_schema(
        operation_id="offers_list",
        responses={200: OfferPageSerializer, **described(400, 404)},
        parameters=[
            OpenApiParameter("merchant", str, description="Your id of a merchant: its offers alone."),
            KIND_PARAMETER,
            OpenApiParameter("after", str, description="`next_after` of the page before."),
        ],
    )
    def get(self, request: Request) -> Response:
        """List the open offers to your merchants, 100 a page."""
        found = open_offers_of_partner(
            partner_id=caller_of(request).partner_id,
            merchant_id=asked_merchant(request),
            kind=asked_kind(request),
            after=after_of(request, "offer"),
            limit=A_PAGE,
        )
        following = f"offer_{found[-1].pk}" if len(found) == A_PAGE else None
        return Response({"offers": [offer_body(offer) for offer in found], "next_after": following})


class OfferView(APIView):
    """Show one offer."""

    scopes = {"GET": "offers:read"}

    @extend_schema(responses={200: OfferSerializer, **described(404)})
    def get(self, request: Request, offer_id: int) -> Response:
        """Return the offer and its state."""
        return Response(offer_body(own_offer(request, offer_id)))


def quoted(request: Request, currency: str, quote: Callable[..., Quote | StrEnum]) -> Response:
    """Reply with what the amount and term that are asked for would cost, or why there is no quote.

    quote: of the date, amount and term. Raises ValidationError.
    """
    choice = ChoiceSerializer(data=request.data)
    choice.is_valid(raise_exception=True)
    amount, on = minor_of(choice.validated_data["amount"], currency), get_business_date()
    if on is None:
        return refused(ApplicationRefusal.NO_BUSINESS_DATE)
    try:
        found = quote(on=on, amount_minor=amount, months=choice.validated_data["months"])
    except LoanRefused as unfit:
        return refused(unfit.reason)
    if not isinstance(found, Quote):
        return refused(found)
    return Response({"disbursed_on": on, **CostSerializer(found, context={"currency": currency}).data})


class QuoteView(APIView):
    """Quote an offer."""

    scopes = {"POST": "offers:read"}

    @extend_schema(request=ChoiceSerializer, responses={200: QuoteSerializer, **described(400, 404, 409, 422, 503)})
    def post(self, request: Request, offer_id: int) -> Response:
        """Quote an amount over a term, by the very function that makes the loan; nothing is stored."""
        offer = own_offer(request, offer_id)
        return quoted(request, offer.currency, partial(quote_offer, offer))


class DeclineView(APIView):
    """Decline an offer."""

    scopes = {"POST": "offers:write"}

    @extend_schema(request=None, responses={200: OfferSerializer, **described(400, 404, 409)})
    def post(self, request: Request, offer_id: int) -> Response:
        """Record that the merchant does not want it."""
        return _moved(request, offer_id, decline_offer)


class DeliveredView(APIView):
    """Mark an offer as delivered."""

    scopes = {"POST": "offers:write"}

    @extend_schema(request=None, responses={200: OfferSerializer, **described(400, 404, 409)})
    def post(self, request: Request, offer_id: int) -> Response:
        """Record that the merchant has seen it."""
        return _moved(request, offer_id, deliver_offer)


def own_offer(request: Request, offer_id: int) -> Offer:
    """Get an offer to one of the caller's merchants. Raises Http404."""
    try:
        return get_offer_of_partner(partner_id=caller_of(request).partner_id, offer_id=offer_id)
    except Offer.DoesNotExist as error:
        raise Http404 from error


def asked_merchant(request: Request) -> int | None:
    """Return the merchant that a list is asked for, `?merchant=kiln-1`; None without one. Raises Http404."""
    external_id = request.query_params.get("merchant")
    if external_id is None:
        return None
    try:
        return get_merchant(partner_id=caller_of(request).partner_id, external_id=external_id).pk
    except Merchant.DoesNotExist as error:
        raise Http404 from error


def asked_kind(request: Request) -> ProductKind | None:
    """Return the kind that is asked for, `?kind=line`; None without one. Raises ValidationError."""
    text = request.query_params.get("kind")
    if text is None:
        return None
    found = {kind.lower(): kind for kind in ProductKind}.get(text)
    if found is None:
        raise serializers.ValidationError({"kind": [f"One of {', '.join(kind.lower() for kind in ProductKind)}."]})
    return found


def offer_body(offer: Offer) -> dict[str, object]:
    """Return the JSON of an offer."""
    return OfferSerializer(offer, context={"currency": offer.currency}).data


def _moved(request: Request, offer_id: int, move: Callable[..., Offer]) -> Response:
    own_offer(request, offer_id)
    NothingSerializer(data=request.data).is_valid(raise_exception=True)
    try:
        offer = move(offer_id=offer_id, actor=caller_of(request).actor, now=timezone.now())
    except OfferNotMoved as unmoved:
        return refused(unmoved.reason)
    return Response(offer_body(offer))
