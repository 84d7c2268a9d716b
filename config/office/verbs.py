"""Verbs: what people may do from a page. One mechanism asks, shows every effect, and acts once it is confirmed.

A verb is one entry in the `verbs` of its model's admin page, one operation and one permission.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from config.db.transactions import Contended
from config.kernel.money import BadAmount, parse_typed
from config.office.actors import Actor, actor_of
from config.office.approvals import Act, Approval, ApprovalRefusal, NotApproved, request_approval
from config.office.display import Facts, Part
from config.office.words import Words, money

NO_RIGHT: Final = _("Your role may not do this.")
CONTENDED: Final = _("Another user is working on the same thing. Nothing was changed: please look again.")
SECOND: Final = _("A second person has to approve this: nothing happens before.")
ASKED: Final = _("A second person has been asked to approve it. Nothing has happened yet.")
APPROVAL_REFUSALS: Final = {
    ApprovalRefusal.MISSING: SECOND,
    ApprovalRefusal.NOT_OPEN: _("This request is no longer open."),
    ApprovalRefusal.EXPIRED: _("This request has expired: it has to be asked for again."),
    ApprovalRefusal.SAME_PERSON: _("You cannot decide your own request."),
    ApprovalRefusal.OTHER_PERSON: _("Somebody else asked for this."),
    ApprovalRefusal.OTHER_ACT: _("This is no longer what was asked for: it has to be asked for again."),
    ApprovalRefusal.ALREADY_REQUESTED: _("Exactly this waits for approval already."),
    ApprovalRefusal.REASON_MISSING: _("Please give a reason."),
}
REASON: Final = _("Reason")
REASON_KEPT: Final = _("The reason is kept in the audit trail, with your name.")
SHOW_EFFECTS: Final = _("Show the effects")
TO_BE_GIVEN: Final = "…"  # stands for a reason that nobody was asked for yet
STEP, CHANGE, CONFIRM, SEEN, SURE = "step", "change", "confirm", "seen", "sure"


class VerbForm(forms.Form):
    """The form for what a verb needs to know about a row."""

    def __init__(self, *args: Any, row: Any, **kwargs: Any) -> None:  # noqa: ANN401 - of any model
        super().__init__(*args, **kwargs)
        self.row = row
        self.prepare()

    def prepare(self) -> None:
        """Adapt the fields to the row."""


def reason_field(label: Words = REASON, help_text: Words = REASON_KEPT) -> forms.CharField:
    """Return a field for a reason."""
    return forms.CharField(
        label=label,
        max_length=500,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text=help_text,
        error_messages={"required": _("Please give a reason.")},
    )


class ReasonForm(VerbForm):
    """A form that asks for a reason."""

    reason = reason_field()


def text_field(label: Words, *, longest: int, **options: Any) -> forms.CharField:  # noqa: ANN401 - the field's own
    """Return a field for a line of text."""
    return forms.CharField(label=label, max_length=longest, widget=UnfoldAdminTextInputWidget, **options)


def date_field(label: Words, **options: Any) -> forms.DateField:  # noqa: ANN401 - the field's own
    """Return a field for a date."""
    return forms.DateField(label=label, widget=UnfoldAdminTextInputWidget({"type": "date"}), **options)


def choice_field(label: Words, *, coerce: Callable[[str], Any] = int, **options: Any) -> forms.TypedChoiceField:  # noqa: ANN401 - the field's own
    """Return a field for one of few choices."""
    return forms.TypedChoiceField(label=label, coerce=coerce, widget=UnfoldAdminSelectWidget, **options)


def share_field(label: Words, **options: Any) -> forms.DecimalField:  # noqa: ANN401 - the field's own
    """Return a field for a share in percent, above 0 and below 100."""
    widget = UnfoldAdminTextInputWidget({"inputmode": "decimal"})
    least = Decimal("0.01")
    return forms.DecimalField(
        label=label, min_value=least, max_value=100 - least, decimal_places=2, widget=widget, **options
    )


def number_field(label: Words, *, most: int | None = None, required: bool = True) -> forms.IntegerField:
    """Return a field for a whole number from 1 on."""
    widget = UnfoldAdminTextInputWidget({"inputmode": "numeric"})
    return forms.IntegerField(label=label, min_value=1, max_value=most, required=required, widget=widget)


class AmountField(forms.CharField):
    """An amount of money, in minor units; the form sets the currency from its row."""

    def __init__(self) -> None:
        widget = UnfoldAdminTextInputWidget({"inputmode": "decimal"})
        super().__init__(label=_("Amount"), max_length=24, widget=widget)
        self.currency = ""

    def use(self, currency: str) -> None:
        self.currency = currency
        self.label = _("Amount, %(currency)s") % {"currency": currency}

    def clean(self, value: Any) -> int:  # noqa: ANN401 - Django's signature
        """Parse the amount to minor units. Raises ValidationError."""
        try:
            return parse_typed(str(super().clean(value)), self.currency)
        except BadAmount as error:
            raise forms.ValidationError(str(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks for a verb, when, and with which data; what the row looked like when its effects were shown.

    sure: the warning that came with the effects was ticked. approval: of a second person, who is at the screen.
    """

    user: User
    now: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    seen: str | None = None
    sure: bool = False
    approval: Approval | None = None

    @property
    def actor(self) -> Actor:
        return actor_of(self.user)

    def may(self, right: str) -> bool:
        return self.user.has_perm(right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What a verb would do with what was entered, or why not; warning: something to be confirmed by a tick."""

    parts: Sequence[Part] = ()
    refusal: Words | None = None
    warning: Words | None = None


Refusals = Mapping[type[Exception], Mapping[Any, Words] | Words]
"""The errors of an operation, each with its words, or with a table of words by its `reason`."""


class RefusedInWords(Exception):
    """An operation refuses, in words that only this case has."""

    def __init__(self, words: Words) -> None:
        super().__init__(words)
        self.words = words


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """Something that may be done to a row, or to the whole list (then `row` is None).

    label, done: the button's text, and the text shown afterwards (of the operation's result). right: the permission.
    call: the operation; the page of the row it returns is shown next. refusals: the operation's errors in words.
    form: what is asked; asked_last: which of its fields are asked beside the confirmation. about: shown above the form.
    effects: what would happen, shown before it is confirmed; without it the form is sent at once. why_not: why the
    verb is off for a row. offered, offered_to: whether a page shows it at all, to anybody and to whoever looks. seen:
    what the effects depend on, passed to `call` as it was when they were shown, so that a stale page does only what it
    showed. group: the heading over it on a page with many verbs; those of one group follow each other.
    act: exactly what would be done, where a second person has to approve it; None where one may do it alone. Then a
    confirmed verb asks for approval, and `call` is used once another person approves.
    shown: what of the result is shown once, in the answer itself: a message would be kept in a cookie.
    """

    name: str
    label: Words
    right: str
    done: Words | Callable[[Any], Words]
    call: Callable[[Any, Asked], object]
    refusals: Refusals
    form: type[VerbForm] | None = None
    asked_last: tuple[str, ...] = ()
    note: Words = ""
    about: Callable[[Any, Asked], Sequence[Part]] | None = None
    effects: Callable[[Any, Asked], Effects] | None = None
    why_not: Callable[[Any, Asked], Words | None] | None = None
    offered: Callable[[Any], bool] = lambda _row: True
    offered_to: Callable[[Any, Asked], bool] = lambda _row, _asked: True
    seen: Callable[[Any], object] | None = None
    preview_label: Words = SHOW_EFFECTS
    is_primary: bool = False
    group: Words = ""
    act: Callable[[Any, Asked], Act | None] | None = None
    shown: Callable[[Any], Sequence[Part]] | None = None

    def why_off(self, row: Any, asked: Asked) -> Words | None:  # noqa: ANN401 - of any model
        """Return why the asker may not do it now; None if they may."""
        if not asked.may(self.right):
            return NO_RIGHT
        return None if self.why_not is None else self.why_not(row, asked)

    def act_of(self, row: Any, asked: Asked) -> Act | None:  # noqa: ANN401 - of any model
        """Return what a second person has to approve; None if nobody has to, or somebody does."""
        return None if self.act is None or asked.approval is not None else self.act(row, asked)

    def said(self, error: Exception) -> Words:
        if isinstance(error, RefusedInWords):
            return error.words
        if isinstance(error, NotApproved):
            return APPROVAL_REFUSALS[error.reason]
        found = next(words for kind, words in self.refusals.items() if isinstance(error, kind))
        return found[error.reason] if isinstance(found, Mapping) else found  # type: ignore[attr-defined] # of Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a verb's page is. previews: its form leads to the effects, not the operation; confirms: they are shown.

    second: said where what was entered needs the approval of a second person. result: what the operation returned, once
    it is done.
    """

    form: VerbForm | None
    about: Sequence[Part] = ()
    effects: Effects | None = None
    refusal: Words | None = None
    seen: str | None = None
    previews: bool = False
    confirms: bool = False
    second: Words | None = None
    is_done: bool = False
    result: object = None


def refused_by(judge: Callable[[Any, Asked], Any], words: Mapping[Any, Words]) -> Callable[[Any, Asked], Words | None]:
    """Make a verb's `why_not` of what judges it and the words of its refusals."""

    def why_not(row: Any, asked: Asked) -> Words | None:  # noqa: ANN401 - of any model
        refusal = judge(row, asked)
        return None if refusal is None else words[refusal]

    return why_not


def asked_by(request: HttpRequest) -> Asked:
    """Return who asks, now. Raises PermissionDenied for a stranger."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return Asked(user=request.user, now=timezone.now())


def take_step(verb: Verb, row: Any, request: HttpRequest, *, name: str) -> Step:  # noqa: ANN401 - of any model
    """Ask, show the effects, or act, depending on the request; name: of the verb's URL. Raises PermissionDenied."""
    if not request.user.has_perm(verb.right):
        raise PermissionDenied
    sent = request.method == "POST"
    confirms = sent and (verb.effects is None or request.POST.get(STEP) == CONFIRM)
    asked = asked_by(request)
    form = _form(verb, row, request, with_last=confirms)
    page = _VerbPage(
        verb=verb,
        name=name,
        row=row,
        request=request,
        form=form,
        about=[] if verb.about is None else verb.about(row, asked),
        seen=None if verb.seen is None else str(verb.seen(row)),
    )
    asking = Step(
        form=form,
        about=page.about,
        seen=page.seen,
        previews=form is not None and verb.effects is not None,
        refusal=verb.why_off(row, asked),
    )
    if asking.refusal is not None or request.POST.get(STEP) == CHANGE:
        return asking
    if not sent:
        shows_at_once = form is None and verb.effects is not None
        return page.preview(asked) if shows_at_once else asking
    if form is not None and not form.is_valid():
        late = verb.effects is not None and set(form.errors) <= set(verb.asked_last)
        return page.preview(asked) if late else asking
    data = {} if form is None else form.cleaned_data
    seen = request.POST.get(SEEN) if confirms else page.seen
    asked = replace(asked, data=data, seen=seen, sure=confirms and SURE in request.POST)
    return page.confirm(asked) if confirms else page.preview(asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class _VerbPage:
    """The page of a verb: of which row, with which form, and what is shown above it."""

    verb: Verb
    name: str
    row: Any
    request: HttpRequest
    form: VerbForm | None
    about: Sequence[Part]
    seen: str | None

    def confirm(self, asked: Asked) -> Step:
        """Do what was confirmed, or ask a second person to approve it; not without the tick that a warning needs."""
        effects = Effects() if self.verb.effects is None else self.verb.effects(self.row, asked)
        act = self.verb.act_of(self.row, asked)
        if act is not None and effects.refusal is not None:
            messages.error(self.request, effects.refusal)
            return self.preview(asked)
        if effects.warning is not None and not asked.sure:
            return self.preview(asked)
        refusals: tuple[type[Exception], ...] = (RefusedInWords, NotApproved, *self.verb.refusals)
        try:
            result = self.verb.call(self.row, asked) if act is None else self._ask(asked, act)
        except Contended:
            messages.error(self.request, CONTENDED)
        except refusals as error:
            messages.error(self.request, self.verb.said(error))
        else:
            done = self.verb.done if not callable(self.verb.done) else self.verb.done(result)
            messages.success(self.request, done if act is None else ASKED)
            return Step(form=self.form, is_done=True, result=result)
        if self.verb.effects is None:
            return Step(form=self.form, about=self.about, seen=self.seen)
        return self.preview(asked)

    def _ask(self, asked: Asked, act: Act) -> object:
        entered = {} if self.form is None else {name: self.form[name].value() for name in self.form.fields}
        return request_approval(act, verb=self.name, entered=entered, actor=asked.actor, now=asked.now)

    def preview(self, asked: Asked) -> Step:
        """Show the effects of what was entered, beside what is asked last."""
        data = self.form.cleaned_data if self.form is not None else {}
        asked = replace(asked, data=data, seen=self.seen)
        effects = Effects() if self.verb.effects is None else self.verb.effects(self.row, asked)
        if self.form is not None:
            entered = Facts(entered_facts(self.form, without=self.verb.asked_last))
            effects = replace(effects, parts=[entered, *effects.parts])
        return Step(
            form=self.form,
            about=self.about,
            effects=effects,
            seen=self.seen,
            previews=self.form is not None,
            confirms=effects.refusal is None,
            second=SECOND if effects.refusal is None and self.verb.act_of(self.row, asked) is not None else None,
        )


def entered_facts(form: VerbForm, *, without: Sequence[str] = ()) -> list[tuple[Words, object]]:
    """Return what was entered in a valid form, by the names of its fields; what was left empty is left out."""
    return [
        (part.label or name, _as_text(part, form.cleaned_data[name]))
        for name, part in form.fields.items()
        if form.cleaned_data.get(name) not in (None, "") and name not in without
    ]


def _form(verb: Verb, row: Any, request: HttpRequest, *, with_last: bool) -> VerbForm | None:  # noqa: ANN401
    if verb.form is None:
        return None
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = verb.form(*sent, row=row, initial=request.GET.dict())
    if not with_last:
        for name in verb.asked_last:
            form.fields[name].required = False
    return form


def _as_text(part: forms.Field, value: Any) -> object:  # noqa: ANN401 - of any field
    if isinstance(part, AmountField):
        return money(value, part.currency)
    if isinstance(part, forms.ChoiceField):
        choices: Any = part.choices
        return {str(key): words for key, words in choices}.get(str(value), value)  # its key, before it was coerced
    return value if isinstance(value, (date, datetime)) else str(value)


def url_name(model: type[Model], verb: Verb) -> str:
    """Return the name of a verb's URL."""
    return f"{model._meta.app_label}_{model._meta.model_name}_{verb.name}"
