"""Endpoint to enter a merchant's payout account."""

from http import HTTPStatus

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.authentication import caller_of
from config.problems import CODES, problem
from merchants.domain.payout_account import EntryRefusal
from merchants.domain.text import storable
from merchants.models import Merchant, PayoutAccount
from merchants.operations.payout_accounts import PayoutAccountNotEntered, enter_payout_account

STATUSES = dict.fromkeys(EntryRefusal, HTTPStatus.UNPROCESSABLE_ENTITY) | {
    EntryRefusal.HOLDER_DIFFERS: HTTPStatus.CONFLICT,
}


class PayoutAccountSerializer(serializers.Serializer[PayoutAccount]):
    number = serializers.CharField(write_only=True, max_length=80)
    holder = serializers.CharField(max_length=200)
    masked_number = serializers.CharField(read_only=True)
    form = serializers.CharField(read_only=True)
    state = serializers.CharField(read_only=True)
    entered_at = serializers.DateTimeField(read_only=True)


class PayoutAccountView(APIView):
    """Enter the payout account of one merchant."""

    scopes = {"PUT": "merchants:write"}

    @extend_schema(request=PayoutAccountSerializer, responses=PayoutAccountSerializer)
    def put(self, request: Request, external_id: str) -> Response:
        """Enter the account; entering it again changes nothing. Staff verify it before money is sent."""
        if not storable(external_id):
            raise Http404
        entry = PayoutAccountSerializer(data=request.data)
        entry.is_valid(raise_exception=True)
        try:
            account = enter_payout_account(
                partner_id=caller_of(request).partner_id,
                external_id=external_id,
                number=entry.validated_data["number"],
                holder=entry.validated_data["holder"],
                actor=caller_of(request).actor,
                now=timezone.now(),
            )
        except Merchant.DoesNotExist as error:
            raise Http404 from error
        except PayoutAccountNotEntered as refused:
            code = refused.reason.lower()
            return problem(status=STATUSES[refused.reason], code=code, detail=CODES[code])
        return Response(PayoutAccountSerializer(account).data)
