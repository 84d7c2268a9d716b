"""Endpoints of how merchants are reached."""

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
from merchants.domain.contact_detail import LONGEST, DetailKind, DetailRefusal, Language
from merchants.domain.text import storable
from merchants.models import ContactDetail, Merchant
from merchants.operations.contact_details import DetailNotMoved, enter_detail, retire_detail
from merchants.queries.contact_details import details_of, get_detail_of_partner
from merchants.queries.merchants import get_merchant

CODES_OF: dict[DetailRefusal, tuple[str, HTTPStatus]] = {
    DetailRefusal.PHONE_MALFORMED: ("phone_malformed", HTTPStatus.UNPROCESSABLE_ENTITY),
    DetailRefusal.EMAIL_MALFORMED: ("email_malformed", HTTPStatus.UNPROCESSABLE_ENTITY),
    DetailRefusal.TOO_MANY: ("too_many_contact_details", HTTPStatus.CONFLICT),
    DetailRefusal.RETIRED: ("contact_detail_retired", HTTPStatus.CONFLICT),
}


class ContactDetailSerializer(serializers.Serializer[ContactDetail]):
    id = serializers.SerializerMethodField()
    kind = serializers.ChoiceField(choices=[kind.value for kind in DetailKind])
    value = serializers.CharField(
        write_only=True, max_length=LONGEST, help_text="A telephone number as +8613800138000, or an address."
    )
    language = serializers.ChoiceField(choices=[language.value for language in Language])
    masked = serializers.CharField(read_only=True)
    entered_at = serializers.DateTimeField(read_only=True)

    def get_id(self, detail: ContactDetail) -> str:
        return f"contact_detail_{detail.pk}"


class ContactDetailsSerializer(serializers.Serializer[None]):
    contact_details = ContactDetailSerializer(many=True)


class ContactDetailsView(APIView):
    """Enter how one merchant is reached, and list what is in use."""

    scopes = {"PUT": "merchants:write", "GET": "merchants:write"}

    @extend_schema(responses=ContactDetailsSerializer)
    def get(self, request: Request, external_id: str) -> Response:
        """List the merchant's numbers and addresses, masked, the last entered first."""
        found = details_of(_merchant(request, external_id).pk)
        return Response({"contact_details": [ContactDetailSerializer(one).data for one in found]})

    @extend_schema(request=ContactDetailSerializer, responses=ContactDetailSerializer)
    def put(self, request: Request, external_id: str) -> Response:
        """Enter a number or address; entering it again changes nothing."""
        merchant = _merchant(request, external_id)
        entry = ContactDetailSerializer(data=request.data)
        entry.is_valid(raise_exception=True)
        said = entry.validated_data
        try:
            detail = enter_detail(
                merchant_id=merchant.pk,
                kind=DetailKind(said["kind"]),
                text=said["value"],
                language=Language(said["language"]),
                actor=caller_of(request).actor,
                now=timezone.now(),
            )
        except DetailNotMoved as refused:
            return _refused(refused)
        return Response(ContactDetailSerializer(detail).data)


class RetirementView(APIView):
    """Retire a contact detail."""

    scopes = {"POST": "merchants:write"}

    @extend_schema(request=None, responses=ContactDetailSerializer)
    def post(self, request: Request, contact_detail_id: int) -> Response:
        """Let nobody be reached by it any more."""
        caller = caller_of(request)
        try:
            found = get_detail_of_partner(partner_id=caller.partner_id, detail_id=contact_detail_id)
            detail = retire_detail(detail_id=found.pk, actor=caller.actor, now=timezone.now())
        except ContactDetail.DoesNotExist as error:
            raise Http404 from error
        except DetailNotMoved as refused:
            return _refused(refused)
        return Response(ContactDetailSerializer(detail).data)


def _merchant(request: Request, external_id: str) -> Merchant:
    if not storable(external_id):
        raise Http404
    try:
        return get_merchant(partner_id=caller_of(request).partner_id, external_id=external_id)
    except Merchant.DoesNotExist as error:
        raise Http404 from error


def _refused(refused: DetailNotMoved) -> Response:
    code, status = CODES_OF[refused.reason]
    return problem(status=status, code=code, detail=CODES[code])
