"""The merchants app: the registry of merchants and their history."""

from django.apps import AppConfig


class MerchantsConfig(AppConfig):
    name = "merchants"
