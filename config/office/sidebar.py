"""The sidebar: what each app has in it."""

from functools import cache
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from config.declarations import Section

SECTIONS: Final = {
    Section.MERCHANTS: _("Merchants"),
    Section.SCORING: _("Scoring"),
    Section.LENDING: _("Lending"),
    Section.BOOKS: _("Books"),
    Section.BANKS: _("Banks"),
    Section.WORK: _("Work"),
    Section.ADMINISTRATION: _("Administration"),
}
# Made once for all pages, not by a template for each.
LINK: Final = (
    '<li><a href="{}" class="flex h-[38px] items-center -mx-3 px-3 rounded-default hover:text-primary-600 '
    'dark:hover:text-primary-500{}"><span aria-hidden="true" class="material-symbols-outlined md-18 mr-3 w-[18px]">'
    "{}</span><span>{}</span></a></li>"
)
ACTIVE: Final = " bg-base-100 font-semibold text-primary-600 dark:bg-white/[.06] dark:text-primary-500 active"
address_of = cache(reverse)


def navigation(request: HttpRequest) -> list[dict[str, object]]:
    """Return the sidebar's groups and links, as far as whoever asks may see them."""
    home, whole = address_of("admin:index"), address_of("admin:overview")
    first = [
        _link(_("My desk"), "inbox_customize", home, is_active=request.path == home),
        _link(_("Overview"), "monitoring", whole, is_active=request.path == whole),
    ]
    groups: list[dict[str, object]] = [{"title": _("Start"), "items": first}]
    for section, title in SECTIONS.items():
        items = []
        for link in settings.DECLARED.links:
            if link.section is section and request.user.has_perm(f"{link.app}.view_{link.model}"):
                address = address_of(f"admin:{link.app}_{link.model}_changelist")
                items.append(_link(link.title, link.icon, address, is_active=request.path.startswith(address)))
        if items:
            groups.append({"title": title, "items": items})
    return groups


@cache
def _link(title: str | Promise, icon: str, address: str, *, is_active: bool) -> SafeString:
    return format_html(LINK, address, ACTIVE if is_active else "", icon, title)
