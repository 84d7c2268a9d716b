"""Declare the app."""

from django.apps import AppConfig


class LendingConfig(AppConfig):
    """Configure the app."""

    name = "lending"
