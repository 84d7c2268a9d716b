"""The scoring app: what a history says about its merchant."""

from django.apps import AppConfig


class ScoringConfig(AppConfig):
    name = "scoring"
