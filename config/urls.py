"""Map the roots of the two interfaces."""

from csp.decorators import csp_replace
from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from oauth2_provider.views import RevokeTokenView, TokenView

from config.problems import problems_page

# Swagger UI draws its icons from data: and sets styles of its own; scripts come from this server alone.
_docs = csp_replace({"script-src": ["'self'", "'unsafe-inline'"]})

urlpatterns = [
    path("admin/", admin.site.urls),
    path("oauth/token/", TokenView.as_view(), name="token"),
    path("oauth/revoke/", RevokeTokenView.as_view(), name="revoke"),
    path("api/v1/", include("merchants.api.urls")),
    path("api/v1/", include("scoring.api.urls")),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", _docs(SpectacularSwaggerView.as_view(url_name="schema")), name="docs"),
    path("docs/problems", problems_page, name="problems"),
]
