"""Map the address of tokens."""

from django.urls import path

from merchants.api.tokens import PartnerTokenView

urlpatterns = [path("", PartnerTokenView.as_view(), name="token")]
