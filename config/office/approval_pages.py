"""Office pages of approvals: what waits for a second person, what it would do now, and how it was decided."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.actors import actor_of, id_of
from config.office.approvals import (
    Approval,
    get_approval_refusal,
    get_rejection_refusal,
    get_withdrawal_refusal,
    reject_request,
    withdraw_request,
)
from config.office.colleagues import waiting_filter
from config.office.display import Alert, Card, Cell, Facts, Page, Text, chip, linked
from config.office.lists import Filter, ListColumn, choice_filter
from config.office.models import ApprovalRequest
from config.office.models.approval_request import RequestState
from config.office.pages import OfficeAdmin, named, subject_url, subject_words
from config.office.verbs import (
    APPROVAL_REFUSALS,
    TO_BE_GIVEN,
    Asked,
    Effects,
    RefusedInWords,
    Verb,
    VerbForm,
    asked_by,
    entered_facts,
    reason_field,
    refused_by,
    url_name,
)
from config.office.words import Words

STATES: Final = {
    RequestState.OPEN: (_("Waits for a second person"), "tl-warn"),
    RequestState.APPROVED: (_("Approved and done"), "tl-ok"),
    RequestState.REJECTED: (_("Rejected"), "tl-bad"),
    RequestState.WITHDRAWN: (_("Withdrawn"), ""),
}
GONE: Final = _("What this asks for can no longer be done: its verb or its row is gone.")
NO_LONGER_FITS: Final = _("What was entered no longer fits: it has to be asked for again.")
NOT_SHOWN: Final = _("Your role does not show what this is about.")
NO_LONGER_ALLOWED: Final = _("The requester no longer has this permission.")
NOT_YOURS: Final = _("Your role does not approve this.")
SHORT: Final = 40
"""Characters that a column has room for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a request is for: a verb, the row it would be used on (None for a verb of a list), and what was entered."""

    verb: Verb
    row: Any
    form: VerbForm | None

    @property
    def is_readable(self) -> bool:
        """Whether the verb's form still takes what was entered."""
        return self.form is None or self.form.is_valid()

    @property
    def entered(self) -> list[tuple[Words, object]]:
        """What was entered, by the names of the form's fields; as it was sent where the form no longer takes it."""
        if self.form is None:
            return []
        if self.is_readable:
            return entered_facts(self.form)
        fields, sent = self.form.fields, dict(self.form.data.items())
        return [(fields[name].label or name if name in fields else name, value) for name, value in sent.items()]


def wanted_by(request: ApprovalRequest) -> Wanted | None:
    """Return what a request is for; None if its verb or its row is gone."""
    found = _verbs().get(request.verb)
    if found is None:
        return None
    page, verb = found
    row = page.rows().filter(pk=id_of(request.subject)).first() if request.subject else None
    if row is None and request.subject:
        return None
    return Wanted(verb=verb, row=row, form=None if verb.form is None else verb.form(request.entered, row=row))


@cache
def _verbs() -> dict[str, tuple[OfficeAdmin[Any], Verb]]:
    """Return all verbs with their pages, by the names of their addresses."""
    pages = [(model, page) for model, page in admin.site._registry.items() if isinstance(page, OfficeAdmin)]  # noqa: SLF001
    return {url_name(model, verb): (page, verb) for model, page in pages for verb in (*page.verbs, *page.list_verbs)}


def _as_requested(request: ApprovalRequest, asked: Asked) -> tuple[Wanted, Asked]:
    """Return what would be done, and by whom with what: whoever asked for it, approved by whoever looks.

    Raises RefusedInWords.
    """
    wanted = wanted_by(request)
    if wanted is None:
        raise RefusedInWords(GONE)
    staff = User.objects.filter(pk=id_of(request.requested_by), is_active=True).first()
    if staff is None or not staff.has_perm(wanted.verb.right):
        raise RefusedInWords(NO_LONGER_ALLOWED)
    if not wanted.is_readable:
        raise RefusedInWords(NO_LONGER_FITS)
    data = {} if wanted.form is None else wanted.form.cleaned_data
    as_asked = replace(asked, user=staff, data=data, sure=True, approval=Approval(request.pk, asked.actor))
    refusal = wanted.verb.why_off(wanted.row, as_asked)
    if refusal is not None:
        raise RefusedInWords(refusal)
    return wanted, as_asked


def _effects(request: ApprovalRequest, asked: Asked) -> Effects:
    """Return what the request would do now, by the preview of its verb; or why it no longer fits."""
    try:
        wanted, as_asked = _as_requested(request, asked)
    except RefusedInWords as refused:
        return Effects(refusal=refused.words)
    verb, row = wanted.verb, wanted.row
    notes = [Text(verb.note)] if verb.note else []
    about = [] if verb.about is None else verb.about(row, as_asked)
    entered = [Facts(wanted.entered)] if wanted.entered else []
    effects = Effects() if verb.effects is None else verb.effects(row, as_asked)
    return replace(effects, parts=[*notes, *about, *entered, *effects.parts])


def _why_not_yours(request: ApprovalRequest, asked: Asked) -> Words | None:
    """Return why whoever looks may not decide this; what has no verb any more, whoever may decide anything may."""
    found = _verbs().get(request.verb)
    may = found is None or asked.may(settings.DECLARED.approvals[found[1].right])
    return None if may else NOT_YOURS


def _why_not_approve(request: ApprovalRequest, asked: Asked) -> Words | None:
    refusal = get_approval_refusal(request, approver=asked.actor, now=asked.now)
    return _why_not_yours(request, asked) if refusal is None else APPROVAL_REFUSALS[refusal]


def _why_not_reject(request: ApprovalRequest, asked: Asked) -> Words | None:
    refusal = get_rejection_refusal(request, actor=asked.actor, reason=TO_BE_GIVEN)
    return _why_not_yours(request, asked) if refusal is None else APPROVAL_REFUSALS[refusal]


def _seen(request: ApprovalRequest) -> object:
    wanted = wanted_by(request)
    return "" if wanted is None or wanted.verb.seen is None else wanted.verb.seen(wanted.row)


def _approve(request: ApprovalRequest, asked: Asked) -> object:
    wanted, as_asked = _as_requested(request, asked)
    try:
        return wanted.verb.call(wanted.row, as_asked)
    except tuple(wanted.verb.refusals) as error:
        raise RefusedInWords(wanted.verb.said(error)) from error


def requests_for(user: User, now: datetime) -> QuerySet[ApprovalRequest]:
    """Keep what waits for this person: what others ask for, unless another right approves it.

    What is asked for by a verb that is gone waits for whoever approves anything.
    """
    approves = settings.DECLARED.approvals
    others = [
        name for name, (_page, verb) in _verbs().items() if not user.has_perm(approves.get(verb.right, verb.right))
    ]
    return ApprovalRequest.objects.waiting(now).exclude(verb__in=others).exclude(requested_by=str(actor_of(user)))


class RejectForm(VerbForm):
    """Why a request is rejected."""

    reason = reason_field(_("Why is it not approved?"))


def _is_open(request: ApprovalRequest) -> bool:
    return request.state == RequestState.OPEN


VERBS: Final = (
    Verb(
        name="approve",
        label=_("Approve"),
        right="office.decide_approvalrequest",
        note=_("It is done at once, in the name of whoever asked for it, and with yours beside it."),
        effects=_effects,
        seen=_seen,
        why_not=_why_not_approve,
        offered=_is_open,
        call=_approve,
        done=_("It is approved and done."),
        refusals={},
        is_primary=True,
    ),
    Verb(
        name="reject",
        label=_("Reject"),
        right="office.decide_approvalrequest",
        form=RejectForm,
        why_not=_why_not_reject,
        offered=_is_open,
        call=lambda request, asked: reject_request(
            request_id=request.pk, reason=asked.data["reason"], actor=asked.actor, now=asked.now
        ),
        done=_("It is rejected: nothing was done."),
        refusals={},
    ),
    Verb(
        name="withdraw",
        label=_("Withdraw"),
        right="office.view_approvalrequest",
        note=_("Nothing is done. It can be asked for again."),
        why_not=refused_by(
            lambda request, asked: get_withdrawal_refusal(request, actor=asked.actor), APPROVAL_REFUSALS
        ),
        offered=_is_open,
        call=lambda request, asked: withdraw_request(request_id=request.pk, actor=asked.actor, now=asked.now),
        done=_("It is withdrawn: nothing was done."),
        refusals={},
    ),
)


@admin.register(ApprovalRequest)
class ApprovalRequestAdmin(OfficeAdmin[ApprovalRequest]):
    """The inbox of second persons, and the record of what they decided."""

    title = _("Approvals")
    columns = (
        ListColumn(label=_("What"), cell=lambda row: _label(row[0])),
        ListColumn(label=_("About"), cell=lambda row: _subject(row[0])),
        ListColumn(label=_("State"), cell=lambda row: chip(*STATES[RequestState(row[0].state)])),
        ListColumn(label=_("Requested by"), cell=lambda row: row[1]),
        ListColumn(label=_("Requested, UTC"), cell=lambda row: row[0].requested_at, style="tl-nowrap"),
        ListColumn(label=_("Until, UTC"), cell=lambda row: row[0].expires_at, style="tl-nowrap"),
        ListColumn(label=_("Decided by"), cell=lambda row: row[2]),
    )
    filters = (
        choice_filter("state", _("state"), STATES),
        waiting_filter(lambda user: requests_for(user, timezone.now())),
        Filter(name="about", label=_("about, like lending.loan:33"), keep=lambda rows, term: rows.filter(subject=term)),
    )
    verbs = VERBS
    empty = _("Nothing was ever asked for. What needs a second person waits here.")

    def prepare(self, rows: list[ApprovalRequest]) -> Sequence[Any]:
        names = named([actor for row in rows for actor in (row.requested_by, row.decided_by)])
        return [(row, names[row.requested_by], names[row.decided_by]) for row in rows]

    def page_of(self, row: ApprovalRequest, request: HttpRequest) -> Page:
        names = named([row.requested_by, row.decided_by])
        found, wanted = _verbs().get(row.verb), wanted_by(row)
        alerts, about = list[Alert](), _subject(row)
        if found is not None and not found[0].has_view_permission(request):
            cards = [Card(title=_("What it would do"), parts=[Text(NOT_SHOWN)])]
        else:
            entered = list(row.entered.items()) if wanted is None else wanted.entered
            effects = _effects(row, asked_by(request)) if _is_open(row) else Effects(refusal="")
            alerts = [Alert(strong=_("Out of date:"), text=effects.refusal)] if effects.refusal else []
            cards = [Card(title=_("What it would do now"), parts=effects.parts)]
            if effects.refusal is not None:
                cards = [Card(title=_("What was entered"), parts=[Facts(entered)], span=6)]
            about = about if wanted is None or wanted.row is None else linked(wanted.row)
        if not _is_open(row):
            reason = row.reason or None  # only a rejection needs one
            decision = [(_("By"), names[row.decided_by]), (_("At, UTC"), row.decided_at), (_("Reason"), reason)]
            cards.append(Card(title=_("How it was decided"), parts=[Facts(decision)], span=6))
        asked = {"who": names[row.requested_by], "at": f"{row.requested_at:%Y-%m-%d %H:%M}"}
        return Page(
            title=str(_label(row)),
            chips=[chip(*STATES[RequestState(row.state)])],
            sub=[
                about,
                _t("requested by %(who)s, %(at)s UTC") % asked,
                _t("can be approved until %(at)s UTC") % {"at": f"{row.expires_at:%Y-%m-%d %H:%M}"}
                if _is_open(row)
                else None,
            ],
            alerts=alerts,
            cards=cards,
        )


def _subject(row: ApprovalRequest) -> Cell | None:
    """Return what a request is about: the row, else the first short value entered."""
    if row.subject:
        return Cell(text=subject_words(row.subject), link=subject_url(row.subject))
    wanted = wanted_by(row)
    said = [] if wanted is None else [str(value) for _name, value in wanted.entered]
    return next((Cell(text=one) for one in said if 0 < len(one) <= SHORT), None)


def _label(row: ApprovalRequest) -> Words:
    found = _verbs().get(row.verb)
    return row.verb if found is None else found[1].label
