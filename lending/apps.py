"""The lending app: offers, loans, and the books."""

from django.apps import AppConfig


class LendingConfig(AppConfig):
    name = "lending"
