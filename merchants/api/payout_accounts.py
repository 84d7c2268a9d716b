"""Endpoints of merchants' payout accounts."""

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
from merchants.domain.payout_account import EntryRefusal, payment_reference
from merchants.domain.text import storable
from merchants.models import Merchant, PayoutAccount
from merchants.operations.payout_accounts import (
    PayoutAccountNotClosed,
    PayoutAccountNotEntered,
    enter_payout_account,
    withdraw_payout_account,
)
from merchants.queries.merchants import get_merchant
from merchants.queries.payout_accounts import get_payout_account_of_partner, payout_accounts_of

STATUSES = dict.fromkeys(EntryRefusal, HTTPStatus.UNPROCESSABLE_ENTITY) | {
    EntryRefusal.HOLDER_DIFFERS: HTTPStatus.CONFLICT,
}


class PayoutAccountSerializer(serializers.Serializer[PayoutAccount]):
    id = serializers.SerializerMethodField()
    number = serializers.CharField(write_only=True, max_length=80)
    holder = serializers.CharField(max_length=200)
    masked_number = serializers.CharField(read_only=True)
    form = serializers.CharField(read_only=True)
    state = serializers.CharField(read_only=True)
    reason = serializers.CharField(read_only=True, help_text="Why the office rejected or withdrew it.")
    entered_at = serializers.DateTimeField(read_only=True)
    payment_reference = serializers.SerializerMethodField(
        help_text="What a payment from the account says, if it is to show whose account it is."
    )

    def get_id(self, account: PayoutAccount) -> str:
        return f"payout_account_{account.pk}"

    def get_payment_reference(self, account: PayoutAccount) -> str:
        return payment_reference(account.pk)


class PayoutAccountsSerializer(serializers.Serializer[None]):
    payout_accounts = PayoutAccountSerializer(many=True)


class PayoutAccountView(APIView):
    """Enter the payout account of one merchant, and list those that it has or had."""

    scopes = {"PUT": "merchants:write", "GET": "merchants:write"}

    @extend_schema(responses=PayoutAccountsSerializer)
    def get(self, request: Request, external_id: str) -> Response:
        """List the merchant's accounts, the last entered first."""
        if not storable(external_id):
            raise Http404
        try:
            merchant = get_merchant(partner_id=caller_of(request).partner_id, external_id=external_id)
        except Merchant.DoesNotExist as error:
            raise Http404 from error
        found = payout_accounts_of(merchant_id=merchant.pk)
        return Response({"payout_accounts": [PayoutAccountSerializer(account).data for account in found]})

    @extend_schema(request=PayoutAccountSerializer, responses=PayoutAccountSerializer)
    def put(self, request: Request, external_id: str) -> Response:
        """Enter the account; entering it again while it is open changes nothing. Staff verify it before money is sent.

        An account that was verified before is withdrawn then.
        """
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


class WithdrawalView(APIView):
    """Withdraw a payout account."""

    scopes = {"POST": "merchants:write"}

    @extend_schema(request=None, responses=PayoutAccountSerializer)
    def post(self, request: Request, payout_account_id: int) -> Response:
        """Withdraw an account that waits for verification."""
        caller = caller_of(request)
        try:
            account = get_payout_account_of_partner(partner_id=caller.partner_id, payout_account_id=payout_account_id)
            account = withdraw_payout_account(payout_account_id=account.pk, actor=caller.actor, now=timezone.now())
        except PayoutAccount.DoesNotExist as error:
            raise Http404 from error
        except PayoutAccountNotClosed:
            code = "account_not_pending"
            return problem(status=HTTPStatus.CONFLICT, code=code, detail=CODES[code])
        return Response(PayoutAccountSerializer(account).data)
