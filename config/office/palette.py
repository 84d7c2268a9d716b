"""The command palette: what each app finds for a term."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string
from unfold.dataclasses import SearchResult


def search(request: HttpRequest, term: str) -> list[SearchResult]:
    """Ask every app that declared a search, in the order of the apps, for the term as it was typed."""
    typed = request.GET.get("s", term).strip()  # the theme passes it on in lower case
    found: list[SearchResult] = []
    for path in settings.DECLARED.search:
        found += import_string(path)(request, typed)
    return found
