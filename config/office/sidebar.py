"""The sidebar: what each app has in it, as far as whoever asks may see it."""

from functools import cache
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
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
address_of = cache(reverse)


def navigation(request: HttpRequest) -> list[dict[str, object]]:
    """Return the sidebar's groups and links, as Unfold takes them.

    Links are left out here rather than by Unfold's `permission`, which makes a class for each link of each request.
    """
    overview = {"title": _("Overview"), "icon": "monitoring", "link": address_of("admin:index")}
    groups = [{"title": _("Overview"), "items": [overview]}]
    for section, title in SECTIONS.items():
        links = [
            {"title": link.title, "icon": link.icon, "link": address_of(f"admin:{link.app}_{link.model}_changelist")}
            for link in settings.DECLARED.links
            if link.section is section and request.user.has_perm(f"{link.app}.view_{link.model}")
        ]
        if links:
            groups.append({"title": title, "items": links})
    return groups
