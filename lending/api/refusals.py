"""Lending's refusals for partners: one table from reason to status and stable code, complete by test."""

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

from rest_framework import serializers
from rest_framework.response import Response

from config.problems import CODES, problem
from lending.domain.books.booking import BookingRefusal
from lending.domain.books.transfer import ResultRefusal
from lending.domain.contract.refusal import LoanRefusal
from lending.domain.origination.application import ApplicationRefusal
from lending.domain.origination.calendars import CalendarRefusal
from lending.domain.origination.line import DrawRefusal
from lending.domain.origination.offer import AcceptanceRefusal, MoveRefusal
from merchants.domain.idempotency import KeyRefusal
from scoring.domain.run import SingleRefusal

Told = tuple[HTTPStatus, str]

_CONFLICT, _UNFIT, _SHUT = HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE
_CONTRACT: Final[Told] = (_CONFLICT, "not_bookable")
_OF_STAFF: Final[Told] = (_CONFLICT, "payout_account_not_verified")  # no partner's system verifies accounts

# By the kind of reason first: reasons of two kinds may be equal, as texts.
REFUSALS: Final[Mapping[type[StrEnum], Mapping[Any, Told]]] = {
    AcceptanceRefusal: {
        AcceptanceRefusal.NOT_OPEN: (_CONFLICT, "offer_not_open"),
        AcceptanceRefusal.EXPIRED: (_CONFLICT, "offer_expired"),
        AcceptanceRefusal.MONTHS_OUT_OF_RANGE: (_UNFIT, "months_out_of_range"),
        AcceptanceRefusal.AMOUNT_BELOW_MINIMUM: (_UNFIT, "amount_below_minimum"),
        AcceptanceRefusal.AMOUNT_ABOVE_LIMIT: (_UNFIT, "amount_above_limit"),
        AcceptanceRefusal.INSTALMENTS_TOO_LARGE: (_UNFIT, "instalments_too_large"),
        AcceptanceRefusal.EVIDENCE_MISSING: (_UNFIT, "evidence_missing"),
        AcceptanceRefusal.EVIDENCE_MALFORMED: (_UNFIT, "evidence_malformed"),
        AcceptanceRefusal.PAYOUT_ACCOUNT_NOT_VERIFIED: (_CONFLICT, "payout_account_not_verified"),
        AcceptanceRefusal.VERIFIED_THE_ACCOUNT: _OF_STAFF,
        AcceptanceRefusal.LINE_OPEN: (_CONFLICT, "line_open"),
    },
    DrawRefusal: {
        DrawRefusal.LINE_CLOSED: (_CONFLICT, "line_closed"),
        DrawRefusal.LINE_FROZEN: (_CONFLICT, "line_frozen"),
        DrawRefusal.PAYOUT_ACCOUNT_NOT_VERIFIED: (_CONFLICT, "payout_account_not_verified"),
        DrawRefusal.VERIFIED_THE_ACCOUNT: _OF_STAFF,
        DrawRefusal.NOTHING_LEFT: (_CONFLICT, "nothing_left"),
        DrawRefusal.MONTHS_NOT_OFFERED: (_UNFIT, "months_not_offered"),
        DrawRefusal.AMOUNT_BELOW_MINIMUM: (_UNFIT, "amount_below_draw_minimum"),
        DrawRefusal.AMOUNT_ABOVE_FREE: (_UNFIT, "amount_above_free"),
        DrawRefusal.EVIDENCE_MALFORMED: (_UNFIT, "evidence_malformed"),
    },
    ApplicationRefusal: {
        ApplicationRefusal.NO_BUSINESS_DATE: (_SHUT, "no_business_date"),
        ApplicationRefusal.SCORES_OUTDATED: (_SHUT, "scores_outdated"),
        ApplicationRefusal.FEED_RED: (_SHUT, "feed_red"),
        ApplicationRefusal.REFERENCE_USED: (_CONFLICT, "reference_used"),
    },
    CalendarRefusal: {CalendarRefusal.TERM_BEYOND_CALENDAR: (_UNFIT, "term_beyond_calendar")},
    MoveRefusal: {MoveRefusal.NOT_OPEN: (_CONFLICT, "offer_not_moved")},
    BookingRefusal: {
        **dict.fromkeys(BookingRefusal, _CONTRACT),  # what people alone are told
        BookingRefusal.NO_BUSINESS_DATE: (_SHUT, "no_business_date"),
        BookingRefusal.NOT_DISBURSED: (_CONFLICT, "not_disbursed"),
        BookingRefusal.IN_THE_FUTURE: (_UNFIT, "in_the_future"),
        BookingRefusal.TOO_FAR_BACK: (_UNFIT, "too_far_back"),
        BookingRefusal.BEFORE_THE_LOAN: (_UNFIT, "before_the_loan"),
        BookingRefusal.REFERENCE_USED: (_CONFLICT, "reference_used"),
        BookingRefusal.AMOUNT_IMPLAUSIBLE: (_UNFIT, "amount_implausible"),
    },
    # Of what makes no loan, a repayment meets one fault alone; the others share a code, should they ever come.
    LoanRefusal: {
        **dict.fromkeys(LoanRefusal, _CONTRACT),
        LoanRefusal.AMOUNT_NOT_POSITIVE: (_UNFIT, "amount_not_positive"),
    },
    KeyRefusal: {
        KeyRefusal.STILL_RUNNING: (_CONFLICT, "request_running"),
        KeyRefusal.OTHER_BODY: (_UNFIT, "idempotency_key_reused"),
    },
    ResultRefusal: {
        ResultRefusal.NEGATIVE: (_UNFIT, "amount_negative"),
        ResultRefusal.ABOVE_WHAT_IS_DUE: (_UNFIT, "amount_above_due"),
        ResultRefusal.REPORTED_OTHERWISE: (_CONFLICT, "reported_otherwise"),
    },
    SingleRefusal: {
        SingleRefusal.NOTHING_PUBLISHED: (_SHUT, "nothing_published"),
        SingleRefusal.FEATURE_SET_GONE: (_SHUT, "scores_outdated"),
    },
}


class ProblemSerializer(serializers.Serializer[None]):
    """A refusal (RFC 9457); `fields` comes with `invalid` alone."""

    type = serializers.CharField(help_text="The page that explains the code.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    fields = serializers.JSONField(required=False)  # type: ignore[assignment] # the name that RFC 9457 leaves to us


def refused(reason: StrEnum) -> Response:
    """Return the reply to what the business refuses."""
    status, code = REFUSALS[type(reason)][reason]
    reply = problem(status=status, code=code, detail=CODES[code])
    if reason is KeyRefusal.STILL_RUNNING:
        reply["Retry-After"] = "1"
    return reply


def described(*statuses: int) -> dict[tuple[int, str], type[ProblemSerializer]]:
    """Return the refusals of a call for the OpenAPI schema."""
    return dict.fromkeys(((status, "application/problem+json") for status in statuses), ProblemSerializer)
