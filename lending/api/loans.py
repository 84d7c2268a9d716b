"""Endpoints for loans: balances, schedule, events and payoff."""

from datetime import date, timedelta
from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.authentication import caller_of
from config.api.bodies import LowerField, MinorField, MoneySerializer, RateField, money
from config.api.ids import after_of
from lending.api.offers import A_PAGE, asked_merchant
from lending.api.refusals import described, refused
from lending.domain.books.booking import BookingRefusal
from lending.domain.books.ledger import Position
from lending.domain.contract.events import EventType
from lending.models import Loan
from lending.queries.closes import with_standings
from lending.queries.loans import get_loan_of_partner, loans_of_partner, projection_of
from lending.queries.servicing import current_date_of, events_after, get_instalments

QUOTED_AHEAD = timedelta(days=60)
"""A payoff is quoted so far ahead: beyond, too much may happen before."""


class BalancesSerializer(serializers.Serializer[None]):
    """What is outstanding: principal, and what was earned to date and is not paid."""

    principal = MoneySerializer()
    interest = MoneySerializer()
    penalty = MoneySerializer()
    fees = MoneySerializer()
    written_off = MoneySerializer(help_text="What of a loan that was written off is still owed.")
    refund_owed = MoneySerializer(help_text="Credit that was paid back before the payment it came from bounced.")
    credit = MoneySerializer(help_text="What was paid too much; not netted.")


class LoanSerializer(serializers.Serializer[None]):
    """A loan as of a date."""

    id = serializers.CharField()
    application = serializers.CharField(allow_null=True, help_text="null for a loan that was taken over from a book.")
    line = serializers.CharField(allow_null=True, help_text="That it was drawn on.")
    merchant = serializers.CharField()
    status = serializers.CharField(help_text="approved, active, closed, written_off, cancelled")
    amount = MoneySerializer()
    disbursed_on = serializers.DateField(allow_null=True)
    closed_on = serializers.DateField(allow_null=True)
    as_of = serializers.DateField(allow_null=True, help_text="In the list, the date its books reach.")
    balances = BalancesSerializer()
    due = MoneySerializer(help_text="All that is due and unpaid.")
    days_past_due = serializers.IntegerField()
    next_due = serializers.DateField(allow_null=True)


class LoanPageSerializer(serializers.Serializer[None]):
    loans = LoanSerializer(many=True)
    next_after = serializers.CharField(allow_null=True)


class InstalmentSerializer(serializers.Serializer[Any]):
    """An instalment as drawn, what is left of its principal, and its state."""

    no = serializers.IntegerField(source="drawn.no")
    due = serializers.DateField(source="drawn.due")
    principal = MinorField(source="drawn.principal_minor")
    interest = MinorField(source="drawn.interest_minor")
    fee = MinorField(source="drawn.fee_minor", help_text="Falls due with it, if principal is outstanding by then.")
    total = MinorField(source="drawn.total_minor")
    principal_left = MinorField(source="principal_left_minor")
    state = LowerField(help_text="ahead, due, late, paid, written_off")


class ScheduleSerializer(serializers.Serializer[None]):
    """A schedule; it is drawn when the money leaves."""

    as_of = serializers.DateField()
    instalments = InstalmentSerializer(many=True)


class AllocationSerializer(serializers.Serializer[Any]):
    """Where a payment went."""

    penalty = MinorField(source="penalty_minor")
    fee = MinorField(source="fee_minor")
    interest = MinorField(source="interest_minor")
    principal = MinorField(source="principal_minor")
    recovered = MinorField(source="claim_minor", help_text="Of what had been written off.")
    credit = MinorField(source="credit_minor", help_text="What was too much, or settled a refund that was owed back.")


class EventSerializer(serializers.Serializer[Any]):
    """What happened to a loan."""

    seq = serializers.IntegerField(source="event.seq")
    type = serializers.CharField(source="event.type", help_text=", ".join(EventType))
    on = serializers.DateField(source="event.on", help_text="The day it takes effect.")
    amount = MinorField(source="event.amount_minor", allow_null=True)
    yearly_rate = RateField(source="event.rate", allow_null=True, help_text='Of a rate_change: "0.146" is 14.6 %.')
    periods = serializers.IntegerField(
        source="event.periods", allow_null=True, help_text="Of a pause, extend, re_amortise or re_age: instalments."
    )
    external_ref = serializers.CharField(
        source="event.external_ref", help_text="Yours, of a repayment that you reported; else empty."
    )
    allocation = AllocationSerializer(allow_null=True, help_text="Of a payment that stands, as later events have it.")
    reverses = serializers.IntegerField(
        source="event.of.seq",
        allow_null=True,
        default=None,
        help_text="The seq of the event that a reversal or bounce removes.",
    )
    reversed_by = serializers.IntegerField(source="reversed_by.seq", allow_null=True, default=None)
    booked_at = serializers.DateTimeField(source="event.booked_at")


class EventPageSerializer(serializers.Serializer[None]):
    events = EventSerializer(many=True)
    next_after = serializers.IntegerField(allow_null=True)


class PayoffSerializer(serializers.Serializer[None]):
    """What closes a loan on a date, unless something is booked before."""

    on = serializers.DateField()
    payoff = MoneySerializer()
    balances = BalancesSerializer()


class LoansView(APIView):
    """List the loans."""

    scopes = {"GET": "loans:read"}

    @extend_schema(
        operation_id="loans_list",
        responses={200: LoanPageSerializer, **described(400, 404)},
        parameters=[
            OpenApiParameter("merchant", str, description="Your id of a merchant: its loans alone."),
            OpenApiParameter("after", str, description="`next_after` of the page before."),
        ],
    )
    def get(self, request: Request) -> Response:
        """List the loans to your merchants as their books have them, 100 a page."""
        found = loans_of_partner(
            partner_id=caller_of(request).partner_id,
            merchant_id=asked_merchant(request),
            after=after_of(request, "loan"),
            limit=A_PAGE,
        )
        following = f"loan_{found[-1].pk}" if len(found) == A_PAGE else None
        loans = [
            {
                **_loan_body(one.loan, one.standing.position, as_of=one.standing.as_of),
                "due": money(one.standing.due_minor, one.loan.currency),
                "days_past_due": one.standing.dpd,
                "next_due": one.loan.next_due,
            }
            for one in with_standings(found)
        ]
        return Response({"loans": loans, "next_after": following})


class LoanView(APIView):
    """Show one loan."""

    scopes = {"GET": "loans:read"}

    @extend_schema(responses={200: LoanSerializer, **described(404)})
    def get(self, request: Request, loan_id: int) -> Response:
        """Return the loan as of today, with interest to date."""
        loan = own_loan(request, loan_id)
        as_of = current_date_of(loan)
        projection = projection_of(loan, as_of=as_of)
        return Response(
            {
                **_loan_body(loan, projection.position, as_of=as_of),
                "due": money(projection.due_minor, loan.currency),
                "days_past_due": projection.dpd,
                "next_due": projection.next_due,
            }
        )


class ScheduleView(APIView):
    """Show the schedule of one loan."""

    scopes = {"GET": "loans:read"}

    @extend_schema(responses={200: ScheduleSerializer, **described(404)})
    def get(self, request: Request, loan_id: int) -> Response:
        """Return the instalments as drawn, each with its state."""
        loan = own_loan(request, loan_id)
        as_of = current_date_of(loan)
        found = get_instalments(loan, as_of=as_of)
        rows = InstalmentSerializer(found, many=True, context={"currency": loan.currency})
        return Response({"as_of": as_of, "instalments": rows.data})


class EventsView(APIView):
    """List the events of one loan."""

    scopes = {"GET": "loans:read"}

    @extend_schema(
        responses={200: EventPageSerializer, **described(400, 404)},
        parameters=[OpenApiParameter("after", int, description="`next_after` of the page before.")],
    )
    def get(self, request: Request, loan_id: int) -> Response:
        """List the events in the order of booking, 100 a page."""
        loan, after = own_loan(request, loan_id), request.query_params.get("after", "0")
        if not after.isdecimal() or not after.isascii() or len(after) > 9:  # noqa: PLR2004 - beyond every event
            raise ValidationError({"after": ["`next_after` of the page before is needed."]})
        later = events_after(loan, int(after), most=A_PAGE + 1)
        shown = later[:A_PAGE]
        following = shown[-1].event.seq if len(later) > A_PAGE else None
        events = EventSerializer(shown, many=True, context={"currency": loan.currency})
        return Response({"events": events.data, "next_after": following})


class PayoffView(APIView):
    """Quote what closes one loan."""

    scopes = {"GET": "loans:read"}

    @extend_schema(
        responses={200: PayoffSerializer, **described(400, 404, 409)},
        parameters=[
            OpenApiParameter("on", date, description="From today on, at most 60 days ahead; today if left out.")
        ],
    )
    def get(self, request: Request, loan_id: int) -> Response:
        """Return what closes the loan on a date, with interest up to it; credit is not netted."""
        loan = own_loan(request, loan_id)
        today = current_date_of(loan)
        on = _asked_date(request, today)
        if loan.disbursed_on is None:
            return refused(BookingRefusal.NOT_DISBURSED)
        projection = projection_of(loan, as_of=on)
        return Response(
            {
                "on": on,
                "payoff": money(projection.payoff_minor, loan.currency),
                "balances": balances_body(projection.position, loan.currency),
            }
        )


def own_loan(request: Request, loan_id: int) -> Loan:
    """Get a loan to one of the caller's merchants. Raises Http404."""
    try:
        return get_loan_of_partner(partner_id=caller_of(request).partner_id, loan_id=loan_id)
    except Loan.DoesNotExist as error:
        raise Http404 from error


def balances_body(position: Position, currency: str) -> dict[str, object]:
    """Return what is outstanding at a position."""
    return {
        "principal": money(position.principal_minor, currency),
        "interest": money(position.interest_open_minor, currency),
        "penalty": money(position.penalty_open_minor, currency),
        "fees": money(position.fees_open_minor, currency),
        "written_off": money(position.lost_minor - position.recovered_minor, currency),
        "refund_owed": money(position.receivable_minor, currency),
        "credit": money(position.credit_minor, currency),
    }


def _loan_body(loan: Loan, position: Position, *, as_of: date | None) -> dict[str, object]:
    return {
        "id": f"loan_{loan.pk}",
        "application": None if loan.application_id is None else f"application_{loan.application_id}",
        "line": None if loan.line_id is None else f"line_{loan.line_id}",
        "merchant": loan.merchant.external_id,
        "status": loan.status.lower(),
        "amount": money(loan.amount_minor, loan.currency),
        "disbursed_on": loan.disbursed_on,
        "closed_on": loan.closed_on,
        "as_of": as_of,
        "balances": balances_body(position, loan.currency),
    }


def _asked_date(request: Request, today: date) -> date:
    """Return the date a payoff is asked for. Raises ValidationError."""
    text = request.query_params.get("on")
    try:
        on = today if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise ValidationError({"on": ["A date like 2026-03-01 is needed."]}) from error
    if not today <= on <= today + QUOTED_AHEAD:
        raise ValidationError({"on": [f"From {today} on, at most {QUOTED_AHEAD.days} days ahead."]})
    return on
