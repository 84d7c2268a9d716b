"""Endpoints for platforms that collect: what is due from their merchants, and what they withheld."""

from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.authentication import caller_of
from config.api.bodies import ClosedSerializer, LowerField, MoneySerializer, minor_of, money
from config.api.ids import after_of
from lending.api.offers import A_PAGE
from lending.api.refusals import described, refused
from lending.models import Transfer
from lending.operations.platform_collections import ResultNotTaken, take_result
from lending.queries.platform_collections import due_from, get_collection


class CollectionSerializer(serializers.Serializer[Any]):
    """What one loan owes: to be withheld from what you settle to its merchant, as far as there is anything."""

    id = serializers.UUIDField(source="key")
    merchant = serializers.CharField(source="loan.merchant.external_id")
    loan = serializers.SerializerMethodField()
    amount = serializers.SerializerMethodField()
    on = serializers.DateField(help_text="The day that it is due on, and that what you withhold counts for.")
    state = LowerField(help_text="pending: post its result; done, failed: you did.")
    withheld = serializers.SerializerMethodField(help_text="What you reported.")

    @extend_schema_field(MoneySerializer)
    def get_amount(self, transfer: Transfer) -> dict[str, str]:
        return money(transfer.amount_minor, transfer.loan.currency)

    @extend_schema_field(MoneySerializer)
    def get_withheld(self, transfer: Transfer) -> dict[str, str]:
        return money(transfer.moved_minor, transfer.loan.currency)

    def get_loan(self, transfer: Transfer) -> str:
        return f"loan_{transfer.loan_id}"


class CollectionPageSerializer(serializers.Serializer[None]):
    collections = CollectionSerializer(many=True)
    next_after = serializers.CharField(allow_null=True)


class WithheldSerializer(ClosedSerializer):
    amount = MoneySerializer(help_text="What you withheld: all, part or nothing of what is due.")


class CollectionsView(APIView):
    """Fetch what is to be withheld."""

    scopes = {"GET": "loans:read"}

    @extend_schema(
        operation_id="collections_list",
        responses={200: CollectionPageSerializer, **described(400)},
        parameters=[OpenApiParameter("after", str, description="`next_after` of the page before.")],
    )
    def get(self, request: Request) -> Response:
        """List what your merchants owe and you have not reported on yet, the oldest first, 100 at a time."""
        found = due_from(partner_id=caller_of(request).partner_id, after=after_of(request, "collection"), limit=A_PAGE)
        following = f"collection_{found[-1].pk}" if len(found) == A_PAGE else None
        return Response({"collections": CollectionSerializer(found, many=True).data, "next_after": following})


class CollectionResultView(APIView):
    """Report what was withheld."""

    scopes = {"POST": "loans:write"}

    @extend_schema(
        request=WithheldSerializer, responses={200: CollectionSerializer, **described(400, 404, 409, 422, 503)}
    )
    def post(self, request: Request, key: UUID) -> Response:
        """Say once what you withheld; what is missing is due again the next day. The same again changes nothing."""
        try:
            transfer = get_collection(partner_id=caller_of(request).partner_id, key=key)
        except Transfer.DoesNotExist as error:
            raise Http404 from error
        sent = WithheldSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        try:
            taken = take_result(
                transfer_id=transfer.pk,
                amount_minor=minor_of(sent.validated_data["amount"], transfer.loan.currency),
                actor=caller_of(request).actor,
                clock=timezone.now,
            )
        except ResultNotTaken as denied:
            return refused(denied.reason)
        return Response(CollectionSerializer(taken).data)
