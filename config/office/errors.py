"""Pages for what does not exist or is not allowed, each with a way back."""

from http import HTTPStatus

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from config.office.display import Button, Page
from config.office.words import Words


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Reply 404."""
    return _lost(request, HTTPStatus.NOT_FOUND, _("There is no such page"), _("The address may be old or mistyped."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Reply 403."""
    lead = _("Your role does not allow it. An administrator can give you another role.")
    return _lost(request, HTTPStatus.FORBIDDEN, _("You may not open this page"), lead)


def _lost(request: HttpRequest, status: HTTPStatus, title: Words, lead: Words) -> HttpResponse:
    buttons = [
        Button(label=_("To the office"), url="/admin/"),
        Button(label=_("To the API's documentation"), url="/docs/", is_primary=False),
    ]
    page = Page(title=title, lead=lead, buttons=buttons)
    context = admin.site.each_context(request) | {"title": title, "page": page}
    return TemplateResponse(request, "office/page.html", context, status=status).render()
