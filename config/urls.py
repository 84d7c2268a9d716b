"""The root URL configuration."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from config.api import schema  # noqa: F401 - describes the tokens
from config.api.tokens import IssueTokenView, RevokeTokenView
from config.health import live, ready
from config.problems import NoSuchAddress, problems_page

urlpatterns = [
    path("admin/", admin.site.urls),
    path("oauth/token/", IssueTokenView.as_view(), name="token"),
    path("oauth/revoke/", RevokeTokenView.as_view(), name="revoke"),
    # A partner's ids may have slashes, so the longer addresses come first: those of the upper apps.
    *(path("api/v1/", include(f"{app}.api.urls")) for app in reversed(settings.APPS) if app != "config.office"),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/<path:address>", NoSuchAddress.as_view()),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("health/live", live),
    path("health/ready", ready),
    path("docs/problems", problems_page, name="problems"),
]

handler403 = "config.office.errors.forbidden"
handler404 = "config.office.errors.not_found"
