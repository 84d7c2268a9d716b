"""Office pages of documents, and the one address at which their files are handed out."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.display import Alert, Button, Card, Cell, Facts, Page, change_url, chip, mono
from config.office.document_kinds import MEDIA_TYPES, DocumentKind
from config.office.documents import (
    DocumentRefused,
    is_theirs,
    judge_opening,
    judge_withdrawal,
    open_document,
    withdraw_document,
)
from config.office.lists import Filter, ListColumn, choice_filter
from config.office.models import Document
from config.office.note_pages import AboutAdmin, about_cell, about_filter
from config.office.note_words import DOCUMENT_REFUSALS, KINDS, WITHDRAWN
from config.office.pages import name_of, named
from config.office.staff_tasks import MANAGE, WRITE
from config.office.verbs import TO_BE_GIVEN, Asked, Verb, VerbForm, asked_by, reason_field, refused_by

SEE_WITHDRAWN: Final = "office.view_withdrawn_document"
KEPT: Final = (_("Kept"), "tl-ok")
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
"""With which a file is handed out: a browser saves it, shows none of it as a page of the office, and keeps no copy."""


class WithdrawForm(VerbForm):
    """Why a document is withdrawn."""

    reason = reason_field(help_text=_("The reason is kept with the document, with your name."))


def _is_standing(document: Document) -> bool:
    return document.withdrawn_at is None


def _state(document: Document) -> Cell:
    return chip(*(KEPT if _is_standing(document) else WITHDRAWN))


def _may_open(document: Document, asked: Asked) -> bool:
    is_withdrawn, sees = not _is_standing(document), asked.may(SEE_WITHDRAWN)
    return judge_opening(is_withdrawn=is_withdrawn, sees_withdrawn=sees) is None


def _withdraw(document: Document, asked: Asked) -> Document:
    return withdraw_document(
        document_id=document.pk,
        reason=asked.data["reason"],
        manages=asked.may(MANAGE),
        actor=asked.actor,
        now=asked.now,
    )


WITHDRAW: Final = Verb(
    name="withdraw",
    label=_("Withdraw"),
    right=WRITE,
    form=WithdrawForm,
    note=_(
        "For a document that does not belong here. It is kept, and handed out to auditors and controllers alone: "
        "nobody can take this back."
    ),
    why_not=refused_by(
        lambda document, asked: judge_withdrawal(
            is_withdrawn=not _is_standing(document),
            is_theirs=is_theirs(document, asked.actor, manages=asked.may(MANAGE)),
            reason=TO_BE_GIVEN,
        ),
        DOCUMENT_REFUSALS,
    ),
    offered=_is_standing,
    call=_withdraw,
    done=_("The document is withdrawn."),
    refusals={DocumentRefused: DOCUMENT_REFUSALS},
)


def _with_state(rows: QuerySet[Document], value: str) -> QuerySet[Document]:
    return rows.filter(withdrawn_at__isnull=value == "kept")


@admin.register(Document)
class DocumentAdmin(AboutAdmin[Document]):
    """Files about rows, without what is in them."""

    title = _("Documents")
    columns = (
        ListColumn(label=_("Document"), cell=lambda row: Cell(text=row[0].name, title=row[0].name)),
        ListColumn(label=_("State"), cell=lambda row: _state(row[0])),
        ListColumn(label=_("About"), cell=lambda row: about_cell(row[0].about)),
        ListColumn(label=_("Kind"), cell=lambda row: KINDS[DocumentKind(row[0].kind)], style="tl-nowrap"),
        ListColumn(label=_("Size"), cell=lambda row: filesizeformat(row[0].size), number=True),
        ListColumn(label=_("Added by"), cell=lambda row: row[1]),
        ListColumn(label=_("Added, UTC"), cell=lambda row: row[0].added_at, style="tl-nowrap"),
    )
    filters = (
        Filter(
            name="state",
            label=_("state"),
            choices=lambda: [("kept", KEPT[0]), ("withdrawn", WITHDRAWN[0])],
            keep=_with_state,
        ),
        choice_filter("kind", _("kind"), KINDS),
        about_filter(),
    )
    verbs = (WITHDRAW,)
    empty = _("No document yet. They are added on the pages of merchants, applications, loans and arrears cases.")

    def rows(self) -> QuerySet[Document]:
        return Document.objects.without_content()

    def prepare(self, rows: list[Document]) -> Sequence[Any]:
        names = named([document.added_by for document in rows])
        return [(document, names[document.added_by]) for document in rows]

    def further_urls(self, wrap: Callable[..., Any]) -> list[URLPattern]:
        return [path("<int:object_id>/file/", wrap(self.hand_out), name="office_document_file")]

    def hand_out(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Return a document's file, to be saved; HEAD is refused, as it would be recorded as opened."""
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        self.require_view(request)
        row, asked = self.seen(request, object_id), asked_by(request)
        try:
            document, content = open_document(
                document_id=row.pk, sees_withdrawn=asked.may(SEE_WITHDRAWN), actor=asked.actor, now=asked.now
            )
        except DocumentRefused as refused:
            messages.error(request, DOCUMENT_REFUSALS[refused.reason])
            return redirect(change_url(row))
        answer = HttpResponse(content, content_type=MEDIA_TYPES[DocumentKind(document.kind)], headers=HEADERS)
        name = content_disposition_header(as_attachment=True, filename=document.name)
        answer["Content-Disposition"] = name or "attachment"
        return answer

    def page_of(self, row: Document, request: HttpRequest) -> Page:
        added = {"who": name_of(row.added_by), "at": f"{row.added_at:%Y-%m-%d %H:%M}"}
        address = reverse("admin:office_document_file", args=[row.pk])
        facts = [
            (_("Kind"), KINDS[DocumentKind(row.kind)]),
            (_("Size"), filesizeformat(row.size)),
            (_("SHA-256"), mono(row.sha256)),
        ]
        alerts = []
        if not _is_standing(row):
            by = _t("%(reason)s (%(who)s, %(at)s UTC)") % {
                "reason": row.withdrawn_why,
                "who": name_of(row.withdrawn_by),
                "at": f"{row.withdrawn_at:%Y-%m-%d %H:%M}",
            }
            alerts = [Alert(strong=_("Withdrawn, and handed out to auditors and controllers alone:"), text=by)]
        return Page(
            title=row.name,
            chips=[_state(row)],
            sub=[about_cell(row.about), _t("added by %(who)s, %(at)s UTC") % added],
            alerts=alerts,
            buttons=[Button(label=_("Download"), url=address)] if _may_open(row, asked_by(request)) else [],
            cards=[Card(title=_("File"), parts=[Facts(facts)])],
        )
