"""Pages for what does not exist or is not allowed, each with a way back."""

from collections.abc import Callable
from http import HTTPStatus

import structlog
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.db.encryption import KeyMissing, Unreadable
from config.office.display import Button, Page
from config.office.words import Words

log = structlog.get_logger(__name__)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Reply 404."""
    return _lost(request, HTTPStatus.NOT_FOUND, _("There is no such page"), _("The address may be old or mistyped."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Reply 403."""
    lead = _("Your role does not allow it. An administrator can give you another role.")
    return _lost(request, HTTPStatus.FORBIDDEN, _("You may not open this page"), lead)


def explain_unreadable(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Reply 503 where something that is kept encrypted cannot be read, with what to do."""

    def answer(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    answer.process_exception = _unreadable  # type: ignore[attr-defined] # Django looks for it
    return answer


def _unreadable(request: HttpRequest, error: Exception) -> HttpResponse | None:
    if not isinstance(error, Unreadable):
        return None
    log.error("account_unreadable", exc_info=error)
    words = _t("What is kept of “%(what)s” was changed in the database, or is another's.")
    if isinstance(error, KeyMissing):
        words = _t("The key “%(what)s”, under which it is kept, is not in ACCOUNT_KEYS.")
    lead = words % {"what": error}
    return _lost(request, HTTPStatus.SERVICE_UNAVAILABLE, _("Encrypted data cannot be read"), lead)


def _lost(request: HttpRequest, status: HTTPStatus, title: Words, lead: Words) -> HttpResponse:
    buttons = [
        Button(label=_("To the office"), url="/admin/"),
        Button(label=_("To the API's documentation"), url="/docs/", is_primary=False),
    ]
    page = Page(title=title, lead=lead, buttons=buttons)
    context = admin.site.each_context(request) | {"title": title, "page": page}
    return TemplateResponse(request, "office/page.html", context, status=status).render()
