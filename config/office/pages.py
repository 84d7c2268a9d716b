"""The base of the office's pages: rows that operations write, listed, shown, and changed by verbs alone."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar

from django.contrib import admin, messages
from django.contrib.auth import get_permission_codename
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from config.db.planning import planned_for_its_values
from config.office.actors import ActorKind, id_of
from config.office.display import Alert, Button, Card, Cell, Page, Part, change_url, linked
from config.office.events import subject_of
from config.office.exports import count_rows
from config.office.list_verbs import EXPORT, LIST_VERBS, SAVE, Wanted
from config.office.lists import BadQuery, Filter, ListColumn, Listing, ListOf, Search
from config.office.models import ApprovalRequest, ListExport
from config.office.saved_views import SHARE, roles_that_see
from config.office.verbs import NO_RIGHT, Step, Verb, asked_by, take_step, url_name
from config.office.view_links import view_links
from config.office.words import Words

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class RowNotes:
    """What rows that have notes get: further verbs, and a card at the end of their page."""

    verbs: Sequence[Verb]
    card: Callable[[Model, HttpRequest], Card]


class OfficeAdmin(ModelAdmin, Generic[M]):
    """A list of rows, a page of each, and verbs; nothing is added, edited or deleted by a form of Django's.

    title, columns, filters, search: the list. related: what a page of one row reads with it. verbs: what may be done
    to a row; list_verbs: what may be done from the list. list_page: the page that lists, None if none does. notes: if
    rows have notes, tasks and documents.
    """

    columns: ClassVar[Sequence[ListColumn]] = ()
    filters: ClassVar[Sequence[Filter]] = ()
    list_key = "-pk"
    search: ClassVar[Search | None] = None
    empty: ClassVar[Words] = _("Nothing here yet.")
    related: ClassVar[Sequence[str]] = ()
    list_related: ClassVar[Sequence[str]] = ()
    verbs: ClassVar[Sequence[Verb]] = ()
    list_verbs: ClassVar[Sequence[Verb]] = ()
    notes: ClassVar[RowNotes | None] = None
    title: ClassVar[Words] = ""
    list_page: ClassVar[str | None] = "changelist"
    offers_export: ClassVar[bool] = True

    @property
    def row_verbs(self) -> Sequence[Verb]:
        """All that may be done to a row."""
        return self.verbs if self.notes is None else (*self.verbs, *self.notes.verbs)

    def page_of(self, row: M, request: HttpRequest) -> Page | HttpResponse:
        """Return the page of a row, or a redirect to one that shows it; by default a page with its name only."""
        return Page(title=str(row))

    def rows(self) -> QuerySet[M]:
        """Return the rows that the list and the pages are about."""
        found: QuerySet[M] = self.model._default_manager.all()  # noqa: SLF001 - Django says so
        return found

    def listed(self) -> QuerySet[M]:
        """Return the rows of the list, with what its columns show."""
        return self.rows().select_related(*self.list_related) if self.list_related else self.rows()

    def shown_to(self, user: User, rows: QuerySet[M]) -> QuerySet[M]:
        """Keep the rows that somebody who may view the model may see; by default all."""
        return rows

    def completed(self, asked: QueryDict) -> QueryDict:
        """Return what an address asks of the list, with what it leaves open: the day, where a list is of a day."""
        return asked

    def subjects_of(self, row: M) -> Sequence[str]:
        """Name what a row's page is about: requests for approval of it are told there."""
        return [subject_of(row)]

    def prepare(self, rows: list[M]) -> Sequence[Any]:
        """Return what the columns are passed, in as many queries for a page as for one row."""
        return rows

    def described(self, asked: QueryDict) -> ListOf:
        """Return how the rows are listed for an address. Raises BadQuery."""
        return ListOf(
            columns=self.columns,
            filters=self.filters,
            key=self.list_key,
            search=self.search,
            prepare=self.prepare,
            link=change_url,
        )

    def list_parts(self, listing: Listing) -> Sequence[Part]:
        """Return what is shown above the list."""
        return ()

    def get_urls(self) -> list[URLPattern]:
        wrap, meta = self.admin_site.admin_view, self.opts
        named = f"{meta.app_label}_{meta.model_name}"
        return [
            *self.list_urls(),
            *(
                path(f"{verb.name}/", wrap(self.verb_view), {"verb": verb}, url_name(self.model, verb))
                for verb in self.list_verbs
            ),
            *(
                path(f"<int:row_id>/{verb.name}/", wrap(self.verb_view), {"verb": verb}, url_name(self.model, verb))
                for verb in self.row_verbs
            ),
            *self.further_urls(wrap),
            path("<int:object_id>/change/", wrap(self.change_view), name=f"{named}_change"),
        ]

    def list_urls(self, place: str = "") -> list[URLPattern]:
        """Return the addresses of the list, at a place below the model's own."""
        wrap, named = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path(place, wrap(self.changelist_view), name=f"{named}_{self.list_page}"),
            *(
                path(f"{place}{verb.name}/", wrap(self.list_verb_view), {"verb": verb}, url_name(self.model, verb))
                for verb in LIST_VERBS
            ),
        ]

    def further_urls(self, wrap: Callable[..., Any]) -> list[URLPattern]:
        """Return the addresses of further pages."""
        return []

    def changelist_view(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:
        """List the rows; a query that the list does not know is reported, and the whole list shown."""
        self.require_view(request)
        asked, user = self.completed(request.GET), asked_by(request).user
        try:
            with planned_for_its_values():
                described = self.described(asked)
                listing = described.read(self.shown_to(user, self.listed()), asked)
                parts = self.list_parts(listing)
        except BadQuery as error:
            return self.shown_whole(request, error)
        given = described.normal(request.GET)
        views = view_links(self.opts.label_lower, self.list_url(), user, current=given, names=named)
        is_new = bool(given) and not any(view.is_current for view in views)
        context = {
            "listing": listing,
            "parts": parts,
            "buttons": [
                *self.buttons(request, None),
                *([self.list_button(EXPORT, user, described.normal(asked))] if self.offers_export else []),
            ],
            "views": views,
            "save": self.list_button(SAVE, user, given) if is_new else None,
            "search": self.search,
            "empty": self.empty,
            "title": self.list_title,
        }
        return self.render(request, "office/list.html", context)

    def list_verb_view(self, request: HttpRequest, verb: Verb) -> HttpResponse:
        """Export the list, or save a view of it, as the address asks for it."""
        self.require_view(request)
        try:
            wanted = self.wanted(request.GET, asked_by(request).user, is_exported=verb is EXPORT)
        except BadQuery as error:
            return self.shown_whole(request, error)
        step = take_step(verb, wanted, request, name=url_name(self.model, verb))
        if step.is_done:
            return redirect(change_url(step.result) if isinstance(step.result, ListExport) else wanted.url)
        return self.render(
            request, "office/verb.html", {"title": verb.label, "verb": verb, "step": step, "subject": wanted.link}
        )

    def wanted(self, given: QueryDict, user: User, *, is_exported: bool) -> Wanted:
        """Return what somebody asks of the list, for a file counted and with what is left open. Raises BadQuery."""
        asked = self.completed(given)
        with planned_for_its_values():
            described = self.described(asked)
            found = described.narrow(self.shown_to(user, self.listed()), asked)
            rows = count_rows(found) if is_exported else 0
        query, sorts = described.normal(asked if is_exported else given), found.too_many is None
        return Wanted(
            listed=self.opts.label_lower,
            title=self.list_title,
            query=query,
            url=f"{self.list_url()}?{query}",
            said=described.said(QueryDict(query), sorts=sorts),
            rows=rows,
            unsorted_by="" if found.too_many is None else found.too_many.label,
            seen_by=roles_that_see(self.view_rights),
            may_share=user.has_perm(SHARE),
        )

    def shown_whole(self, request: HttpRequest, error: BadQuery) -> HttpResponse:
        """Redirect to the whole list, as it does not know what was asked for."""
        messages.error(request, _t("This list does not know “%(what)s”: here is all of it.") % {"what": error})
        return redirect(self.list_url())

    @property
    def list_title(self) -> Words:
        return self.title or self.opts.verbose_name_plural.capitalize()

    def list_url(self) -> str:
        """Return the address of the list."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{self.list_page}")

    def list_button(self, verb: Verb, user: User, query: str) -> Button:
        """Return the button of what may be done with any list."""
        url = f"{reverse(f'admin:{url_name(self.model, verb)}')}?{query}".rstrip("?")
        why = None if user.has_perm(verb.right) else NO_RIGHT
        return Button(label=verb.label, url=url, why=why, is_primary=False)

    def change_view(
        self, request: HttpRequest, object_id: str | int, form_url: str = "", extra_context: object = None
    ) -> HttpResponse:
        self.require_view(request)
        row = self.seen(request, object_id)
        page = self.page_of(row, request)
        if isinstance(page, HttpResponse):
            return page
        waiting = [
            Alert(link=linked(asked, _("A request for approval")), text=_("it is waiting; nothing has been done yet."))
            for asked in ApprovalRequest.objects.waiting(timezone.now()).about(*self.subjects_of(row))
        ]
        cards = page.cards if self.notes is None else [*page.cards, self.notes.card(row, request)]
        buttons = self.buttons(request, row)
        return self.show(request, replace(page, alerts=[*page.alerts, *waiting], verbs=buttons, cards=cards))

    def verb_view(self, request: HttpRequest, verb: Verb, row_id: int | None = None) -> HttpResponse:
        """Ask for a verb's fields, show its effects, and do it."""
        self.require_view(request)
        row = None if row_id is None else self.seen(request, row_id)
        step = take_step(verb, row, request, name=url_name(self.model, verb))
        if step.is_done and verb.shown is None:
            return redirect(self.after(row, step))
        shown = verb.shown(step.result) if step.is_done and verb.shown is not None else None
        subject = None if row is None else linked(row)
        context = {"title": verb.label, "verb": verb, "step": step, "subject": subject, "shown": shown}
        return self.render(request, "office/verb.html", context)

    def after(self, row: M | None, step: Step) -> str:
        """Return the address shown after a verb: the page of its result, else of the row, else the list."""
        result = step.result
        if not isinstance(result, Model) or not self.admin_site.is_registered(type(result)):
            result = row
        meta = self.opts
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist") if result is None else change_url(result)

    def buttons(self, request: HttpRequest, row: M | None) -> list[Button]:
        """Return the buttons of a row's verbs, or of the list's, each with why it is off."""
        asked = asked_by(request)
        return [
            Button(
                label=verb.label,
                url=reverse(f"admin:{url_name(self.model, verb)}", args=[] if row is None else [row.pk]),
                why=verb.why_off(row, asked),
                is_primary=verb.is_primary,
                group=verb.group,
                is_forbidden=not asked.may(verb.right),
            )
            for verb in (self.list_verbs if row is None else self.row_verbs)
            if verb.offered(row) and verb.offered_to(row, asked)
        ]

    def found(self, object_id: str | int) -> M:
        """Return the row of a page. Raises Http404."""
        rows = self.rows().select_related(*self.related) if self.related else self.rows()
        return found_by(rows, object_id)

    def seen(self, request: HttpRequest, object_id: str | int) -> M:
        """Return the row of a page, if whoever asks may see it. Raises Http404, as for one that does not exist."""
        row = self.found(object_id)
        if not self.admits(asked_by(request).user, row):
            raise Http404
        return row

    def admits(self, user: User, row: M) -> bool:
        """Tell whether somebody who may view the model may see a row, as `shown_to` does of many."""
        return True

    def require_view(self, request: HttpRequest) -> None:
        """Admit whoever may view the model. Raises PermissionDenied."""
        if not self.has_view_permission(request):
            raise PermissionDenied

    @property
    def view_rights(self) -> list[str]:
        """The rights of which any lets see the model: to view it and, as Django has it, to change it."""
        return [f"{self.opts.app_label}.{get_permission_codename(name, self.opts)}" for name in ("view", "change")]

    def may_be_viewed_by(self, user: User | AnonymousUser) -> bool:
        """Check whether somebody may see the model's list and pages."""
        return any(user.has_perm(right) for right in self.view_rights)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may_be_viewed_by(request.user)

    def show(self, request: HttpRequest, page: Page, template: str = "office/page.html") -> TemplateResponse:
        return self.render(request, template, {"title": page.title, "page": page})

    def render(self, request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
        request.current_app = self.admin_site.name  # as Django's own views do
        return TemplateResponse(
            request, template, self.admin_site.each_context(request) | {"opts": self.opts} | context
        )

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: an operation adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: a verb changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: nothing is forgotten."""
        return False


def found_by(rows: QuerySet[M], object_id: str | int) -> M:
    """Return the row of a page's address. Raises Http404."""
    try:
        return rows.get(pk=int(object_id))
    except (ValueError, OverflowError, rows.model.DoesNotExist) as error:  # type: ignore[attr-defined]
        raise Http404 from error


def subject_url(subject: str) -> str | None:
    """Return the address of the page of an event's subject, `app.model:id`; None if it has none."""
    model, number = _row_of(subject)
    if model is None or not number.isdecimal():
        return None
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[number])


def subject_words(subject: str) -> str:
    """Name an event's subject for people, as "Loan 33"; one that has no page as it is."""
    model, number = _row_of(subject)
    return subject if model is None else f"{capfirst(model._meta.verbose_name)} {number}"


def _row_of(subject: str) -> tuple[type[Model] | None, str]:
    label, _sep, number = subject.partition(":")
    models = admin.site._registry  # noqa: SLF001
    return next((found for found in models if found._meta.label_lower == label), None), number


def named(actors: Iterable[str | None]) -> dict[str | None, str | None]:
    """Return actors' names for people, in one query: log-ins of staff, else what kind of system it was."""
    texts = {text for text in actors if text}
    staff = {text: id_of(text) for text in texts if text.startswith(f"{ActorKind.STAFF}:")}
    logins = dict(User.objects.filter(pk__in=staff.values()).values_list("pk", "username")) if staff else {}
    names = {
        ActorKind.PARTNER: _t("partner %(number)s"),
        ActorKind.SYSTEM: _t("the system"),
        ActorKind.STAFF: _t("staff %(number)s"),
    }
    found: dict[str | None, str | None] = {None: None, "": None}
    for text in texts:
        kind, _sep, number = text.partition(":")
        found[text] = logins.get(staff.get(text, -1)) or names[ActorKind(kind)] % {"number": number}
    return found


def name_of(actor: str | None) -> str | None:
    """Return the name of one actor."""
    return named([actor])[actor]


def name_over(name: str, below: str, link: str | None = None) -> Cell:
    """Return a name, cut where it is too long, with an identifier below."""
    return Cell(text=name, title=name, note=below, link=link)
