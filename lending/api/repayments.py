"""Endpoints to report repayments, and those that bounced."""

from http import HTTPStatus

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.authentication import caller_of
from config.api.bodies import ClosedSerializer, MoneySerializer, TextField, minor_of, money
from lending.api.keys import KEY_PARAMETER, request_key
from lending.api.loans import AllocationSerializer, BalancesSerializer, balances_body, own_loan
from lending.api.refusals import described, refused
from lending.models import LoanEvent
from lending.operations.loans import EventNotBooked, book_bounce, book_repayment
from lending.queries.servicing import projection_when_booked, receipt_of
from merchants.operations.idempotency import RequestNotTaken


class PaymentSerializer(ClosedSerializer):
    amount = MoneySerializer()
    on = serializers.DateField(help_text="The day the money came in.")
    external_ref = TextField(max_length=100, help_text="Your own id of the payment, unique for ever.")


class RepaymentSerializer(serializers.Serializer[None]):
    """A booked payment: where it went, and how the loan stood on its date."""

    loan = serializers.CharField()
    seq = serializers.IntegerField(help_text="Its place among the loan's events.")
    external_ref = serializers.CharField()
    amount = MoneySerializer()
    on = serializers.DateField()
    allocation = AllocationSerializer()
    status = serializers.CharField()
    balances = BalancesSerializer()


class BouncedSerializer(ClosedSerializer):
    on = serializers.DateField(help_text="The day the bank took the money back.")


class BounceSerializer(serializers.Serializer[None]):
    """A repayment that bounced: the loan is as if it had never been paid."""

    loan = serializers.CharField()
    seq = serializers.IntegerField(help_text="Its place among the loan's events.")
    bounces = serializers.IntegerField(help_text="That of the repayment.")
    on = serializers.DateField()
    status = serializers.CharField()
    balances = BalancesSerializer()


class RepaymentsView(APIView):
    """Book repayments."""

    scopes = {"POST": "loans:write"}

    @extend_schema(
        request=PaymentSerializer,
        responses={201: RepaymentSerializer, **described(400, 404, 409, 422, 503)},
        parameters=[KEY_PARAMETER],
    )
    def post(self, request: Request, loan_id: int) -> Response:
        """Book a payment, allocated by the loan's waterfall; what is too much becomes credit."""
        loan = own_loan(request, loan_id)
        sent = PaymentSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        payment = sent.validated_data
        try:
            event = book_repayment(
                loan_id=loan_id,
                amount_minor=minor_of(payment["amount"], loan.currency),
                on=payment["on"],
                external_ref=payment["external_ref"],
                actor=caller_of(request).actor,
                now=timezone.now(),
                key=request_key(request),
            )
        except (EventNotBooked, RequestNotTaken) as denied:
            return refused(denied.reason)
        return Response(_body(event), status=HTTPStatus.CREATED)


class BounceView(APIView):
    """Book a bounced repayment."""

    scopes = {"POST": "loans:write"}

    @extend_schema(
        request=BouncedSerializer,
        responses={201: BounceSerializer, **described(400, 404, 409, 422, 503)},
        parameters=[KEY_PARAMETER],
    )
    def post(self, request: Request, loan_id: int, seq: int) -> Response:
        """Take out a repayment that you reported and the bank took back; what of it was refunded is owed again."""
        own_loan(request, loan_id)
        sent = BouncedSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        try:
            event = book_bounce(
                loan_id=loan_id,
                seq=seq,
                on=sent.validated_data["on"],
                actor=caller_of(request).actor,
                now=timezone.now(),
                key=request_key(request),
            )
        except LoanEvent.DoesNotExist as error:
            raise Http404 from error
        except (EventNotBooked, RequestNotTaken) as denied:
            return refused(denied.reason)
        projection, currency = projection_when_booked(event), event.loan.currency
        body = {
            "loan": f"loan_{loan_id}",
            "seq": event.seq,
            "bounces": seq,
            "on": event.on,
            "status": projection.status.lower(),
            "balances": balances_body(projection.position, currency),
        }
        return Response(body, status=HTTPStatus.CREATED)


def _body(event: LoanEvent) -> dict[str, object]:
    """Return the receipt: from the payment alone, so that a request sent again is answered alike."""
    receipt, currency = receipt_of(event), event.loan.currency
    return {
        "loan": f"loan_{event.loan_id}",
        "seq": event.seq,
        "external_ref": event.external_ref,
        "amount": money(event.amount_minor or 0, currency),
        "on": event.on,
        "allocation": AllocationSerializer(receipt.allocation, context={"currency": currency}).data,
        "status": receipt.projection.status.lower(),
        "balances": balances_body(receipt.projection.position, currency),
    }
