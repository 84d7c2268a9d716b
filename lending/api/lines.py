"""Endpoints for credit lines: what is left of them, what a draw would cost, and drawing."""

from functools import partial
from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.authentication import caller_of
from config.api.bodies import LowerField, MinorField, RateField
from config.api.ids import after_of
from config.problems import CODES
from lending.api.applications import AcceptanceSerializer, ApplicationSerializer, applied_for, decided
from lending.api.keys import KEY_PARAMETER
from lending.api.offers import A_PAGE, ChoiceSerializer, QuoteSerializer, asked_merchant, quoted
from lending.api.refusals import REFUSALS, described, refused
from lending.api.words import NO_OFFERS
from lending.domain.origination.assessment import NoOffer
from lending.domain.origination.line import DrawRefusal
from lending.models import Line
from lending.operations.lines import NotDrawn, draw_on_line
from lending.queries.lines import (
    StandingLine,
    get_line_of_partner,
    lines_of_partner,
    loans_of,
    quote_draw,
    with_standings,
)
from merchants.operations.idempotency import RequestNotTaken
from scoring.operations.single import MerchantNotScored


class NotDrawableSerializer(serializers.Serializer[None]):
    """Why nothing can be drawn: the code that a draw would be refused with, and words for the merchant."""

    code = serializers.CharField()
    words = serializers.CharField()


class LineSerializer(serializers.Serializer[Any]):
    """A credit line; amounts as they are now."""

    id = serializers.CharField(source="line")
    merchant = serializers.CharField(source="line.merchant.external_id")
    state = LowerField(source="line.state", help_text="active, frozen, closed")
    limit = MinorField(source="line.limit_minor", help_text="Reviewed every night.")
    used = MinorField(source="drawable.facts.used_minor", help_text="Outstanding principal, and what is on its way.")
    free = MinorField(source="drawable.facts.free_minor")
    minimum = MinorField(source="drawable.minimum_minor", help_text="The least that is drawn at once.")
    daily_rate = RateField(
        source="line.daily_rate", help_text='Simple interest a day on what is outstanding: "0.0004" is 0.04 %.'
    )
    terms = serializers.ListField(
        source="drawable.choices",
        child=serializers.IntegerField(allow_null=True),
        help_text="The months that a draw may have; null: open-ended, with a minimum payment each month.",
    )
    opened_on = serializers.DateField(source="line.opened_on")
    not_drawable = serializers.SerializerMethodField()

    @extend_schema_field(NotDrawableSerializer(allow_null=True))
    def get_not_drawable(self, standing: StandingLine) -> dict[str, str] | None:
        return _not_drawable(standing)


class DrawnLoanSerializer(serializers.Serializer[Any]):
    """A loan under a line, as its books have it."""

    id = serializers.CharField(source="*")
    status = LowerField(help_text="approved, active, closed, written_off, cancelled")
    amount = MinorField(source="amount_minor")
    principal = MinorField(source="principal_minor", help_text="Outstanding.")


class LineWithLoansSerializer(LineSerializer):
    loans = DrawnLoanSerializer(many=True, help_text="The latest hundred, the last first.")


class LinePageSerializer(serializers.Serializer[None]):
    lines = LineSerializer(many=True)
    next_after = serializers.CharField(allow_null=True)


class LinesView(APIView):
    """List the credit lines."""

    scopes = {"GET": "loans:read"}

    @extend_schema(
        operation_id="lines_list",
        responses={200: LinePageSerializer, **described(400, 404)},
        parameters=[
            OpenApiParameter("merchant", str, description="Your id of a merchant: its lines alone."),
            OpenApiParameter("after", str, description="`next_after` of the page before."),
        ],
    )
    def get(self, request: Request) -> Response:
        """List the credit lines of your merchants, closed ones too, 100 a page."""
        found = lines_of_partner(
            partner_id=caller_of(request).partner_id,
            merchant_id=asked_merchant(request),
            after=after_of(request, "line"),
            limit=A_PAGE,
        )
        following = f"line_{found[-1].pk}" if len(found) == A_PAGE else None
        return Response({"lines": [_body(one) for one in with_standings(found)], "next_after": following})


class LineView(APIView):
    """Show one credit line."""

    scopes = {"GET": "loans:read"}

    @extend_schema(responses={200: LineWithLoansSerializer, **described(404)})
    def get(self, request: Request, line_id: int) -> Response:
        """Return the line: what is drawn, what is left, whether it may be drawn on, and its loans."""
        line = own_line(request, line_id)
        [standing] = with_standings([line])
        loans = DrawnLoanSerializer(loans_of(line, most=A_PAGE), many=True, context={"currency": line.currency})
        return Response({**_body(standing), "loans": loans.data})


class DrawQuoteView(APIView):
    """Quote a draw."""

    scopes = {"POST": "loans:read"}

    @extend_schema(request=ChoiceSerializer, responses={200: QuoteSerializer, **described(400, 404, 409, 422, 503)})
    def post(self, request: Request, line_id: int) -> Response:
        """Quote an amount over a term, or open-ended, by the very function that makes the loan; nothing is stored."""
        line = own_line(request, line_id)
        return quoted(request, line.currency, partial(quote_draw, line))


class DrawsView(APIView):
    """Draw on a line."""

    scopes = {"POST": "offers:write"}

    @extend_schema(
        request=AcceptanceSerializer,
        responses={201: ApplicationSerializer, **described(400, 404, 409, 422, 503)},
        parameters=[KEY_PARAMETER],
    )
    def post(self, request: Request, line_id: int) -> Response:
        """Draw an amount: scored afresh, decided at once as an acceptance is, and paid out if it is approved."""
        line = own_line(request, line_id)
        try:
            application = draw_on_line(line_id=line_id, **applied_for(request, line.currency))
        except (NotDrawn, RequestNotTaken, MerchantNotScored) as denied:
            return refused(denied.reason)
        return decided(request, application)


def own_line(request: Request, line_id: int) -> Line:
    """Get a line of one of the caller's merchants. Raises Http404."""
    try:
        return get_line_of_partner(partner_id=caller_of(request).partner_id, line_id=line_id)
    except Line.DoesNotExist as error:
        raise Http404 from error


def _body(standing: StandingLine) -> dict[str, object]:
    return LineSerializer(standing, context={"currency": standing.line.currency}).data


def _not_drawable(standing: StandingLine) -> dict[str, str] | None:
    """Return why nothing can be drawn; what a review froze a line for is told as the lack of an offer is."""
    if standing.refusal is None:
        return None
    _, code = REFUSALS[DrawRefusal][standing.refusal]
    frozen_for = standing.line.frozen_for
    return {"code": code, "words": NO_OFFERS[NoOffer(frozen_for)] if frozen_for else CODES[code]}
