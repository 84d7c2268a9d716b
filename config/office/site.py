"""The admin site."""

from django.http import HttpRequest
from unfold.sites import UnfoldAdminSite


class OfficeSite(UnfoldAdminSite):  # type: ignore[misc] # which has no types
    """Unfold's site without the list of all models, which no page shows: the sidebar is declared."""

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, object]]:
        """Return the models of one app; nothing for every page, each of which would sort all of them."""
        return [] if app_label is None else super().get_app_list(request, app_label)
