"""Endpoint for the live score of a partner's merchant."""

from http import HTTPStatus

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.authentication import caller_of
from config.problems import problem
from merchants.models import Merchant
from merchants.queries.merchants import get_merchant
from scoring.domain.features.declarations import FEATURES
from scoring.domain.features.sets import FeatureSetGone
from scoring.domain.policy import FAILED_GATES, NEEDS, Gate, NotScored
from scoring.domain.scorecard import Scorecard
from scoring.models import Score
from scoring.queries.explanations import characteristics_of
from scoring.queries.scores import card_of, get_live_score


class ReasonSerializer(serializers.Serializer[None]):
    """A reason: a stable code, words for the merchant, and its own value."""

    code = serializers.CharField()
    words = serializers.CharField()
    value = serializers.IntegerField(allow_null=True)
    unit = serializers.CharField(allow_null=True)


class NotScoredSerializer(serializers.Serializer[None]):
    """Why a merchant is not scored, and how much is needed to change that."""

    code = serializers.CharField()
    words = serializers.CharField()
    needed = serializers.IntegerField()


class ScoreSerializer(serializers.Serializer[Score]):
    """A score; score and grade are null where the merchant is not scored."""

    merchant = serializers.CharField()
    as_of = serializers.DateField()
    score = serializers.IntegerField(allow_null=True)
    grade = serializers.CharField(allow_null=True)
    reasons = ReasonSerializer(many=True)
    not_scored = NotScoredSerializer(allow_null=True)


class ScoreView(APIView):
    """Show the live score of one merchant."""

    scopes = {"GET": "scores:read"}

    @extend_schema(responses=ScoreSerializer)
    def get(self, request: Request, external_id: str) -> Response:
        """Return grade and reasons; nothing that would teach a merchant to game them."""
        try:
            merchant = get_merchant(partner_id=caller_of(request).partner_id, external_id=external_id)
        except Merchant.DoesNotExist as error:
            raise Http404 from error
        score = get_live_score(merchant_id=merchant.pk)
        if score is None:
            return problem(
                status=HTTPStatus.NOT_FOUND,
                code="no_score_yet",
                detail="The merchant came after the last published run: ask again after the next night.",
            )
        said = {"merchant": merchant.external_id, "as_of": score.run.as_of.isoformat()}
        if score.not_scored is not None:
            reason = NotScored(score.not_scored)
            missing = "" if reason is NotScored.NO_RECENT_SALE else f"; {score.needed} more are missing"
            words = f"{NEEDS[reason]}{missing}."
            why = {"code": reason.lower(), "words": words, "needed": score.needed}
            return Response(said | {"score": None, "grade": None, "reasons": [], "not_scored": why})
        card = card_of(score.run.scorecard)
        reasons = [_reason(code, score, card) for code in score.reasons]
        return Response(said | {"score": score.score, "grade": score.grade, "reasons": reasons, "not_scored": None})


def _reason(code: str, score: Score, card: Scorecard) -> dict[str, object]:
    """Return a reason; `code` is a gate, or a row of the card."""
    if code in set(Gate):
        return {"code": code.lower(), "words": FAILED_GATES[Gate(code)], "value": None, "unit": None}
    feature = FEATURES[next(row.reads for row in card.rows if row.name == code)]
    try:
        value = characteristics_of(score).get(feature.name)
    except FeatureSetGone:
        value = None
    return {
        "code": code,
        "words": feature.reason,
        "value": value,
        "unit": feature.unit.lower(),
    }
