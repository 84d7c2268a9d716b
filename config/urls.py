"""Map the roots of the two interfaces."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from oauth2_provider.views import RevokeTokenView

from config.problems import NoSuchAddress, problems_page

urlpatterns = [
    path("admin/", admin.site.urls),
    path("oauth/token/", include("merchants.api.token_urls")),
    path("oauth/revoke/", RevokeTokenView.as_view(), name="revoke"),
    path("api/v1/", include("lending.api.urls")),
    path("api/v1/", include("scoring.api.urls")),
    path("api/v1/", include("merchants.api.urls")),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/<path:address>", NoSuchAddress.as_view()),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("docs/problems", problems_page, name="problems"),
]
