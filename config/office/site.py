"""The admin site."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminOwnPasswordChangeForm
from unfold.sites import UnfoldAdminSite

from config.office.sidebar import navigation
from config.office.staff import change_own_password


class OwnPasswordForm(AdminOwnPasswordChangeForm):  # type: ignore[misc] # which has no types
    """A person's own new password."""

    def clean_new_password1(self) -> str:
        """Refuse the one that there is: whoever set it would still know it. Raises ValidationError."""
        password: str = self.cleaned_data["new_password1"]
        if self.user.check_password(password):
            raise ValidationError(_("This is the password that you have: choose another."))
        return password

    def save(self, commit: bool = True) -> User:  # noqa: FBT001, FBT002 - as Django calls it
        """Set it, with its event."""
        change_own_password(self.user, self.cleaned_data["new_password1"], now=timezone.now())
        user: User = self.user
        return user


class OfficeSite(UnfoldAdminSite):  # type: ignore[misc] # which has no types
    """Unfold's site without the list of all models, which no page shows: the sidebar is declared."""

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, object]]:
        """Return the models of one app; nothing for every page, each of which would sort all of them."""
        return [] if app_label is None else super().get_app_list(request, app_label)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Add how the office stands as a whole to Django's own addresses."""
        return [path("overview/", self.admin_view(self.overview), name="overview"), *super().get_urls()]

    def overview(self, request: HttpRequest) -> TemplateResponse:
        """Show how the office stands as a whole, as an app declares it."""
        page = import_string(settings.DECLARED.overview)(request)
        request.current_app = self.name
        context = {**self.each_context(request), "title": page.title, "page": page}
        return TemplateResponse(request, "office/page.html", context)

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, object]]:
        """Return the sidebar as it is declared: the theme would copy it, and look for what none of its links has."""
        return navigation(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """Change one's own password, with an event: from then on nobody else knows it."""
        request.current_app = self.name
        view = PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse(f"{self.name}:password_change_done", current_app=self.name),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return view(request)
