"""Routes of the scoring API."""

from django.urls import path

from scoring.api.scores import ScoreView

urlpatterns = [
    path("merchants/<path:external_id>/score", ScoreView.as_view(), name="merchant-score"),
]
