"""The command palette: what each app finds for a term."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string
from unfold.dataclasses import SearchResult


def search(request: HttpRequest, term: str) -> list[SearchResult]:
    """Ask every app that declared a search, in the order of the apps."""
    found: list[SearchResult] = []
    for path in settings.DECLARED.search:
        found += import_string(path)(request, term)
    return found
