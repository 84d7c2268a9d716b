"""Endpoints to apply for a merchant, and to read the decision."""

from http import HTTPStatus
from typing import Any, Final

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.authentication import caller_of
from config.api.bodies import (
    ClosedSerializer,
    MomentField,
    MoneySerializer,
    MonthsField,
    TextField,
    minor_of,
    money,
)
from config.office.actors import SYSTEM
from lending.api.keys import KEY_PARAMETER, request_key
from lending.api.offers import own_offer
from lending.api.refusals import described, refused
from lending.api.words import ground
from lending.domain.books.transfer import TransferState
from lending.domain.origination.offer import SignedTerms
from lending.domain.origination.rules import Outcome
from lending.models import Application
from lending.operations.applications import OfferNotAccepted, accept_offer
from lending.queries.applications import Progress, get_progress_of_partner
from merchants.operations.idempotency import RequestNotTaken
from scoring.operations.single import MerchantNotScored

OUTCOMES: Final = {Outcome.APPROVE: "approved", Outcome.REFER: "referred", Outcome.DECLINE: "declined"}
PAYOUTS: Final = {
    TransferState.DUE: "waiting",
    TransferState.SENT: "under_way",
    TransferState.UNKNOWN: "under_way",  # the bank is asked until it says
    TransferState.PENDING: "under_way",  # the bank has it, and reports what became of it
    TransferState.DONE: "paid_out",
    TransferState.FAILED: "failed",
    TransferState.RETURNED: "returned",
}


class EvidenceSerializer(ClosedSerializer):
    """Evidence that the terms were signed."""

    signatory = TextField(max_length=200, help_text="Who signed.")
    signed_at = MomentField(help_text="ISO 8601 with offset.")
    document_sha256 = TextField(max_length=100, help_text="Of the signed document, 64 hexadecimal digits.")
    address = serializers.IPAddressField(help_text="The IP address that it was signed from.")


class AcceptanceSerializer(ClosedSerializer):
    amount = MoneySerializer()
    months = MonthsField(allow_null=True, help_text="Null for a line, and for an open-ended draw on one.")
    external_ref = TextField(max_length=100, help_text="Your own id of the application, unique for ever.")
    evidence = EvidenceSerializer()


class GroundSerializer(serializers.Serializer[None]):
    """Why an application was not approved: a stable code, and words for the merchant."""

    code = serializers.CharField()
    words = serializers.CharField()


class ApplicationSerializer(serializers.Serializer[None]):
    id = serializers.CharField()
    offer = serializers.CharField()
    merchant = serializers.CharField()
    external_ref = serializers.CharField()
    amount = MoneySerializer()
    months = serializers.IntegerField(allow_null=True)
    applied_on = serializers.DateField()
    outcome = serializers.ChoiceField(choices=list(OUTCOMES.values()))
    ground = GroundSerializer(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    line = serializers.CharField(allow_null=True, help_text="That was opened, or drawn on.")
    loan = serializers.CharField(allow_null=True)
    payout = serializers.ChoiceField(choices=list(dict.fromkeys(PAYOUTS.values())), allow_null=True)


def applied_for(request: Request, currency: str) -> dict[str, Any]:
    """Read what is applied for, under an offer or a line, as the operations take it. Raises ValidationError."""
    sent = AcceptanceSerializer(data=request.data)
    sent.is_valid(raise_exception=True)
    wish = sent.validated_data
    return {
        "amount_minor": minor_of(wish["amount"], currency),
        "months": wish["months"],
        "evidence": SignedTerms(**wish["evidence"]),
        "external_ref": wish["external_ref"],
        "actor": caller_of(request).actor,
        "now": timezone.now(),
        "key": request_key(request),
    }


class AcceptView(APIView):
    """Accept an offer."""

    scopes = {"POST": "offers:write"}

    @extend_schema(
        request=AcceptanceSerializer,
        responses={201: ApplicationSerializer, **described(400, 404, 409, 422, 503)},
        parameters=[KEY_PARAMETER],
    )
    def post(self, request: Request, offer_id: int) -> Response:
        """Apply for an amount over a term: scored afresh, decided at once; if approved, paid out or its line opened."""
        offer = own_offer(request, offer_id)
        try:
            application = accept_offer(offer_id=offer_id, **applied_for(request, offer.currency))
        except (OfferNotAccepted, RequestNotTaken, MerchantNotScored) as denied:
            return refused(denied.reason)
        return decided(request, application)


class ApplicationView(APIView):
    """Show one application."""

    scopes = {"GET": "offers:read"}

    @extend_schema(responses={200: ApplicationSerializer, **described(404)})
    def get(self, request: Request, application_id: int) -> Response:
        """Return the decision, and how far the payout is."""
        try:
            progress = get_progress_of_partner(partner_id=caller_of(request).partner_id, application_id=application_id)
        except Application.DoesNotExist as error:
            raise Http404 from error
        return Response(_body(progress))


def decided(request: Request, application: Application) -> Response:
    """Return the reply to an application that was just decided."""
    progress = get_progress_of_partner(partner_id=caller_of(request).partner_id, application_id=application.pk)
    reply = Response(_body(progress), status=HTTPStatus.CREATED)
    reply["Location"] = f"/api/v1/applications/application_{application.pk}"
    return reply


def _body(progress: Progress) -> dict[str, object]:
    application, decision = progress.application, progress.decision
    outcome, payout = Outcome(decision.outcome), progress.payout
    return {
        "id": f"application_{application.pk}",
        "offer": f"offer_{application.offer_id}",
        "merchant": application.merchant.external_id,
        "external_ref": application.external_ref,
        "amount": money(application.amount_minor, application.currency),
        "months": application.months,
        "applied_on": application.applied_on.isoformat(),
        "outcome": OUTCOMES[outcome],
        "ground": ground(decided_by_person=decision.actor != str(SYSTEM), outcome=outcome, rule=decision.ground),
        "decided_at": application.decided_at,
        "line": None if progress.line is None else f"line_{progress.line.pk}",
        "loan": None if progress.loan is None else f"loan_{progress.loan.pk}",
        "payout": None if payout is None else PAYOUTS[TransferState(payout.state)],
    }
