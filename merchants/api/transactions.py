"""Endpoints to send transactions and to read what became of them."""

from http import HTTPStatus

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.authentication import caller_of
from merchants.api.rows import NDJSONParser, SentRows, TransactionsJSONParser
from merchants.models import Batch, BatchIssue
from merchants.operations.ingestion import receive_batch
from merchants.queries.batches import get_batch, issues_of

ISSUES_A_PAGE = 1_000


class TransactionSerializer(serializers.Serializer[None]):
    """One row, for documentation only: rows are judged by the domain."""

    external_id = serializers.CharField()
    merchant = serializers.CharField(help_text="Your id of the merchant.")
    order_ref = serializers.CharField(required=False)
    kind = serializers.CharField(help_text="SALE, SETTLEMENT, REFUND, CHARGEBACK, CANCEL, FEE, PAYOUT, …")
    occurred_at = serializers.CharField(help_text="ISO 8601 with offset.")
    amount = serializers.CharField(required=False, help_text='Decimal text in the merchant\'s currency: "123.45".')
    currency = serializers.CharField(required=False, help_text="If sent, it must be the merchant's.")
    buyer = serializers.CharField(required=False, help_text="Only a hash of it is kept.")
    buyer_hash = serializers.CharField(required=False, help_text="In place of `buyer`: the hash, from an export.")
    value = serializers.IntegerField(required=False, help_text="REVIEW: 1 to 5. DISPATCH: days late.")
    channel = serializers.CharField(required=False)
    recorded_at = serializers.CharField(required=False, help_text="When you recorded it; ISO 8601 with offset.")
    corrects = serializers.CharField(required=False, help_text="The external_id of the row that this one replaces.")


class TransactionsSerializer(serializers.Serializer[None]):
    transactions = TransactionSerializer(many=True)


class BatchSerializer(serializers.Serializer[Batch]):
    id = serializers.SerializerMethodField()
    state = serializers.CharField()
    received = serializers.IntegerField()
    accepted = serializers.IntegerField()
    duplicate = serializers.IntegerField()
    conflict = serializers.IntegerField()
    rejected = serializers.IntegerField()
    opened_at = serializers.DateTimeField()
    sealed_at = serializers.DateTimeField(allow_null=True)

    def get_id(self, batch: Batch) -> str:
        return f"batch_{batch.number}"


class IssueSerializer(serializers.Serializer[BatchIssue]):
    line = serializers.IntegerField()
    reason = serializers.CharField()
    external_id = serializers.CharField()
    detail = serializers.CharField()
    stored = serializers.JSONField(allow_null=True)
    received = serializers.JSONField(allow_null=True)


class BatchWithIssuesSerializer(BatchSerializer):
    issues = IssueSerializer(many=True)
    next_after_line = serializers.IntegerField(allow_null=True)


class ReceiptSerializer(BatchSerializer):
    unknown_fields = serializers.ListField(child=serializers.CharField())


class TransactionsView(APIView):
    """Receive transactions."""

    scopes = {"POST": "transactions:write"}
    parser_classes = [NDJSONParser, TransactionsJSONParser]

    @extend_schema(request=TransactionsSerializer, responses={202: ReceiptSerializer})
    def post(self, request: Request) -> Response:
        """Receive at most 100,000 rows as one batch; sending rows again is safe."""
        sent = request.data
        if not isinstance(sent, SentRows) or not sent.rows:
            raise ValidationError({"transactions": ["There is no row."]})
        batch = receive_batch(
            partner_id=caller_of(request).partner_id,
            source="api",
            rows=sent.rows,
            needs_offset=True,
            actor=caller_of(request).actor,
            now=timezone.now(),
        )
        receipt = BatchSerializer(batch).data | {"unknown_fields": sent.unknown_fields}
        reply = Response(receipt, status=HTTPStatus.ACCEPTED)
        reply["Location"] = f"/api/v1/batches/{receipt['id']}"
        return reply


class BatchView(APIView):
    """Show a batch."""

    scopes = {"GET": "transactions:write"}

    @extend_schema(
        responses=BatchWithIssuesSerializer,
        parameters=[OpenApiParameter("after_line", int, description="Show the issues of the lines after this one.")],
    )
    def get(self, request: Request, number: int) -> Response:
        """Return the counts, and at most 1,000 issues in order of lines."""
        after = request.query_params.get("after_line", "0")
        if not after.isdecimal() or not after.isascii() or len(after) > 9:  # noqa: PLR2004 - longer than any line number
            raise ValidationError({"after_line": ["A line's number is needed."]})
        try:
            batch = get_batch(partner_id=caller_of(request).partner_id, number=number)
        except Batch.DoesNotExist as error:
            raise Http404 from error
        issues = issues_of(batch=batch, after_line=int(after), limit=ISSUES_A_PAGE)
        following = issues[-1].line if len(issues) == ISSUES_A_PAGE else None
        said = [IssueSerializer(issue).data for issue in issues]
        return Response(BatchSerializer(batch).data | {"issues": said, "next_after_line": following})
