"""Endpoints to enter, list and read a partner's merchants."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.authentication import caller_of
from config.api.parsers import printable
from merchants.domain.merchant import COLUMNS
from merchants.models import Merchant
from merchants.operations.merchants import enter_merchants
from merchants.queries.merchants import get_merchant, merchants_after

MOST = 1_000
A_PAGE = 100


class MerchantSerializer(serializers.Serializer[Merchant]):
    """A merchant, for output and documentation only: entries are judged by the domain."""

    external_id = serializers.CharField(max_length=100)
    name = serializers.CharField(max_length=200)
    currency = serializers.CharField(max_length=3)
    owner_ref = serializers.CharField(required=False, source="owner.external_ref", default="")
    category = serializers.CharField(required=False)
    region = serializers.CharField(required=False)
    city = serializers.CharField(required=False)
    membership = serializers.CharField(required=False)
    opened_on = serializers.DateField(required=False, allow_null=True)


class MerchantsSerializer(serializers.Serializer[None]):
    merchants = MerchantSerializer(many=True)


class RejectionSerializer(serializers.Serializer[None]):
    line = serializers.IntegerField(help_text="Its place in the list, from 1.")
    reason = serializers.CharField()
    external_id = serializers.CharField()
    detail = serializers.CharField()


class EnteredSerializer(serializers.Serializer[None]):
    created = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = RejectionSerializer(many=True)


class MerchantPageSerializer(serializers.Serializer[None]):
    merchants = MerchantSerializer(many=True)
    next_after = serializers.CharField(allow_null=True)


class MerchantsView(APIView):
    """Enter merchants, one or many, and list them."""

    scopes = {"POST": "merchants:write", "GET": "merchants:write"}

    @extend_schema(request=MerchantsSerializer, responses=EnteredSerializer)
    def post(self, request: Request) -> Response:
        """Create new merchants and change known ones; sending them again is safe."""
        entered = enter_merchants(
            partner_id=caller_of(request).partner_id,
            rows=_rows(request.data),
            actor=caller_of(request).actor,
            now=timezone.now(),
        )
        rejected = [{"line": line, **asdict(one)} for line, one in entered.rejections]
        return Response(
            {
                "created": entered.created,
                "changed": entered.changed,
                "unchanged": entered.unchanged,
                "rejected": rejected,
            }
        )

    @extend_schema(
        operation_id="merchants_list",
        responses=MerchantPageSerializer,
        parameters=[OpenApiParameter("after", str, description="`next_after` of the page before.")],
    )
    def get(self, request: Request) -> Response:
        """List merchants by external id, 100 a page."""
        found = merchants_after(
            partner_id=caller_of(request).partner_id, external_id=request.query_params.get("after", ""), limit=A_PAGE
        )
        following = found[-1].external_id if len(found) == A_PAGE else None
        return Response(
            {"merchants": [MerchantSerializer(merchant).data for merchant in found], "next_after": following}
        )


class MerchantView(APIView):
    """Show one merchant."""

    scopes = {"GET": "merchants:write"}

    @extend_schema(responses=MerchantSerializer)
    def get(self, request: Request, external_id: str) -> Response:
        """Return the merchant."""
        try:
            merchant = get_merchant(partner_id=caller_of(request).partner_id, external_id=external_id)
        except Merchant.DoesNotExist as error:
            raise Http404 from error
        return Response(MerchantSerializer(merchant).data)


def _rows(sent: Any) -> list[Mapping[str, str]]:  # noqa: ANN401 - from JSON
    """Return each row as texts by column. Raises ValidationError for other types, which the domain cannot judge."""
    rows = sent.get("merchants") if isinstance(sent, dict) else None
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST:
        raise ValidationError({"merchants": [f"A list of 1 to {MOST} merchants is needed."]})
    for line, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or not all(isinstance(row.get(column) or "", str) for column in COLUMNS):
            raise ValidationError({"merchants": [f"{line}: an object of texts is needed."]})
        unknown = sorted(row.keys() - COLUMNS)
        if unknown:
            raise ValidationError({"merchants": [f"{line}: unknown: {', '.join(map(printable, unknown))[:200]}."]})
    return [{column: row.get(column) or "" for column in COLUMNS} for row in rows]
