"""Office pages of staff, roles, jobs and the audit trail."""

from collections.abc import Sequence
from typing import Any, Final

from celery import current_app
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import AccessToken, Application, Grant, IDToken, RefreshToken
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from config.office.actors import Actor, ActorKind, actor_of
from config.office.display import Card, Cell, Facts, Page, Text, chip
from config.office.events import Fact, record_event
from config.office.job_runs import resume_job
from config.office.lists import Filter, ListColumn, Search, choice_filter, date_filter
from config.office.models import JobRun, OperationEvent
from config.office.models.job_run import JobState
from config.office.pages import OfficeAdmin, name_of, named
from config.office.roles import ROLES
from config.office.verbs import Asked, Verb

JOB_STATES: Final = {
    JobState.WAITING: (_("Waiting"), "tl-info"),
    JobState.RUNNING: (_("Running"), "tl-info"),
    JobState.DONE: (_("Done"), "tl-ok"),
    JobState.PARKED: (_("Parked after its last attempt failed"), "tl-bad"),
    JobState.DROPPED: (_("Dropped: the work was abandoned"), ""),
}
NOT_PARKED: Final = _("Only a parked job is sent again; this one is not parked.")


def job_words(name: str) -> str:
    """Format a job's dotted name as words."""
    return name.rpartition(".")[2].replace("_", " ").capitalize()


def _job_names() -> list[tuple[str, str]]:
    """List the tasks of workers; not from the rows, of which there may be millions."""
    apps = {label.rpartition(".")[2] for label in settings.APPS}
    return [(name, job_words(name)) for name in sorted(current_app.tasks) if name.partition(".")[0] in apps]


def _done(job: JobRun) -> str:
    return f"{job.done:,}" if job.total is None else f"{job.done:,} of {job.total:,}"


class JobNotResumed(Exception):
    """The job is not parked."""


def _resume(job: JobRun, asked: Asked) -> JobRun:
    if not resume_job(job_id=job.pk, actor=asked.actor, now=asked.now):
        raise JobNotResumed
    return job


@admin.register(JobRun)
class JobRunAdmin(OfficeAdmin[JobRun]):
    """The workers' jobs; parked ones can be sent again."""

    columns = (
        ListColumn(label=_("Job"), cell=lambda job: job_words(job.name)),
        ListColumn(label=_("Of"), cell=lambda job: str(job.subject_id), number=True),
        ListColumn(label=_("Part"), cell=lambda job: job.part, number=True),
        ListColumn(label=_("State"), cell=lambda job: chip(*JOB_STATES[JobState(job.state)])),
        ListColumn(label=_("Done"), cell=_done, number=True),
        ListColumn(label=_("Attempts"), cell=lambda job: job.attempts, number=True),
        ListColumn(label=_("Claimed"), cell=lambda job: job.claimed_at, style="tl-nowrap"),
        ListColumn(label=_("Finished"), cell=lambda job: job.finished_at, style="tl-nowrap"),
    )
    filters = (
        choice_filter("state", _("state"), JOB_STATES),
        Filter(
            name="job",
            label=_("job"),
            choices=_job_names,
            keep=lambda rows, name: rows.filter(name=name),
        ),
    )
    verbs = (
        Verb(
            name="resume",
            label=_("Send again"),
            right="office.resume_jobrun",
            note=_("The job gets all its attempts again and is sent to the workers at once."),
            about=lambda job, _asked: [Facts([(_("Attempts"), job.attempts), (_("Last error"), job.error or None)])],
            done=_("The job was sent again, with all its attempts."),
            call=_resume,
            refusals={JobNotResumed: NOT_PARKED},
            why_not=lambda job, _asked: None if job.state == JobState.PARKED else NOT_PARKED,
            is_primary=True,
        ),
    )

    def page_of(self, row: JobRun, request: HttpRequest) -> Page:
        facts = Facts(
            [
                (_("Attempts"), row.attempts),
                (_("Done"), _done(row)),
                (_("Started by"), name_of(row.started_by)),
                (_("Sent"), row.sent_at),
                (_("Claimed"), row.claimed_at),
                (_("Lease runs until"), row.lease_until),
                (_("Finished"), row.finished_at),
            ]
        )
        cards = [Card(title=_("Progress"), parts=[facts], span=6)]
        if row.error:
            cards.append(Card(title=_("Last error"), parts=[Text(row.error, "tl-mono")], span=6))
        return Page(
            title=job_words(row.name),
            chips=[chip(*JOB_STATES[JobState(row.state)])],
            sub=[_("of %(number)s") % {"number": row.subject_id}, _("part %(number)s") % {"number": row.part}],
            cards=cards,
        )


def _by_person(rows: QuerySet[OperationEvent], login: str) -> QuerySet[OperationEvent]:
    staff = User.objects.filter(username__iexact=login).values_list("pk", flat=True)
    return rows.filter(actor__in=[login, *(str(Actor(ActorKind.STAFF, pk)) for pk in staff)])


def _about(rows: QuerySet[OperationEvent], term: str) -> QuerySet[OperationEvent]:
    model, _sep, number = term.partition("_")
    if number.isdecimal() and "." not in term:
        return rows.filter(subject__endswith=f".{model.lower()}:{number}")
    return rows.filter(Q(subject__istartswith=term) if ":" in term else Q(name__istartswith=term))


def _changes(facts: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items() if value not in (None, ""))


def subject_url(subject: str) -> str | None:
    """Return the address of the page of an event's subject, `app.model:id`; None if it has none."""
    label, _sep, number = subject.partition(":")
    model = next((found for found in admin.site._registry if found._meta.label_lower == label), None)  # noqa: SLF001
    if model is None or not number.isdecimal():
        return None
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[number])


@admin.register(OperationEvent)
class OperationEventAdmin(OfficeAdmin[OperationEvent]):
    """The audit trail."""

    title = _("Audit trail")
    columns = (
        ListColumn(label=_("When, UTC"), cell=lambda row: f"{row[0].booked_at:%Y-%m-%d %H:%M:%S}", style="tl-nowrap"),
        ListColumn(label=_("What"), cell=lambda row: Cell(text=job_words(row[0].name), note=row[0].name)),
        ListColumn(label=_("About"), cell=lambda row: Cell(text=row[0].subject, link=subject_url(row[0].subject))),
        ListColumn(label=_("Who"), cell=lambda row: row[1]),
        ListColumn(label=_("Before"), cell=lambda row: _changes(row[0].before)[:120]),
        ListColumn(label=_("After"), cell=lambda row: _changes(row[0].after)[:120]),
    )
    search = Search(
        help=_("Subject, like lending.loan:33 or loan_33, or an operation, like lending.return_payout"), keep=_about
    )
    filters = (
        Filter(name="who", label=_("who (log-in, or like partner:1)"), keep=_by_person),
        date_filter("since", _("since"), "booked_at__date__gte"),
        date_filter("until", _("until"), "booked_at__date__lte"),
    )

    def prepare(self, rows: list[OperationEvent]) -> Sequence[Any]:
        names = named(event.actor for event in rows)
        return [(event, names[event.actor]) for event in rows]

    def page_of(self, row: OperationEvent, request: HttpRequest) -> Page:
        names = sorted({*row.before, *row.after})
        facts = Facts([(name.replace("_", " "), _change(row, name)) for name in names])
        return Page(
            title=job_words(row.name),
            sub=[Cell(text=row.subject, link=subject_url(row.subject)), name_of(row.actor), row.booked_at],
            cards=[Card(title=_("Before → after"), parts=[facts if names else Text(_("Nothing but the fact."))])],
        )


def _change(event: OperationEvent, name: str) -> str:
    before, after = event.before.get(name), event.after.get(name)
    return f"{'–' if before in (None, '') else before} → {'–' if after in (None, '') else after}"  # noqa: RUF001


for model in (User, Group, AccessToken, Application, Grant, IDToken, RefreshToken):
    # OAuth's own pages would show tokens and hashes of secrets: partners' clients are created by a command.
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class NewUserForm(UserCreationForm):
    """A new account; it asks for roles too, as an account without one can do nothing."""

    class Meta(UserCreationForm.Meta):
        fields = ("username", "first_name", "last_name", "email", "groups")


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg] # no generic at run time
    """Staff accounts, kept by administrators; only a superuser creates or changes a superuser."""

    form = UserChangeForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "roles", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    ordering = ("username",)
    actions = None
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("Access"), {"fields": ("is_active", "is_superuser", "groups")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "password1", "password2")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("Roles"), {"fields": ("groups",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:  # noqa: ANN401
        options = kwargs | {"widget": UnfoldAdminCheckboxSelectMultipleWidget, "help_text": "", "label": _("Roles")}
        return db_field.formfield(**options)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Make read-only what only a superuser may set, and for everybody the roles they hold themselves."""
        privileged = () if request.user.is_superuser else ("is_superuser",)
        own = ("groups",) if obj is not None and obj.pk == request.user.pk else ()
        return ("last_login", "date_joined", *privileged, *own)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Refuse a superuser's account, and its password, to anyone else."""
        guarded = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not guarded and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Refuse: the audit trail names accounts, which are made inactive instead."""
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: ANN401, FBT001
        """Make every account here staff, so that it can sign in."""
        obj.is_staff = True
        super().save_model(request, obj, form, change)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> User:  # noqa: ANN401, FBT001
        """Remember what the account could do before the change."""
        before = User.objects.filter(pk=form.instance.pk).first() if change else None
        form.facts_before = {} if before is None else _facts(before)
        saved: User = super().save_form(request, form, change)
        saved.facts_before = form.facts_before  # type: ignore[attr-defined] # for the audit trail
        return saved

    def log_addition(self, request: HttpRequest, obj: User, message: object) -> LogEntry:
        """Record the new account in the audit trail, which unlike Django's log cannot be changed."""
        _record_account("office.add_user", obj, request)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: User, message: object) -> LogEntry:
        """Record a change of rights, or of a password, in the audit trail."""
        _record_account("office.change_user", obj, request)
        return super().log_change(request, obj, message)

    @display(description=_("Roles"))
    def roles(self, user: User) -> str:
        return ", ".join(sorted(group.name for group in user.groups.all()))


def rights_of(group: Group) -> str:
    """List the rights of a role, as declared in code."""
    return ", ".join(sorted(right for role, held in ROLES.items() if role == group.name for right in held))


@admin.register(Group)
class GroupAdmin(OfficeAdmin[Group]):
    """Roles with their rights, as declared in code."""

    list_key = "pk"
    columns = (
        ListColumn(label=_("Role"), cell=lambda group: group.name),
        ListColumn(label=_("Rights"), cell=rights_of, style="tl-break"),
    )

    def page_of(self, row: Group, request: HttpRequest) -> Page:
        people = ", ".join(row.user_set.order_by("username").values_list("username", flat=True))
        return Page(
            title=row.name,
            cards=[
                Card(title=_("Rights"), parts=[Text(rights_of(row) or "–", "tl-break")], span=8),  # noqa: RUF001
                Card(title=_("Who has it"), parts=[Text(people or _("Nobody yet."))], span=4),
            ],
        )


def _facts(user: User) -> dict[str, Fact]:
    roles = ", ".join(sorted(user.groups.values_list("name", flat=True)))
    return {"roles": roles, "active": user.is_active, "superuser": user.is_superuser}


def _record_account(name: str, user: User, request: HttpRequest) -> None:
    before: dict[str, Fact] = getattr(user, "facts_before", {})
    with transaction.atomic():
        record_event(
            name=name,
            subject=user,
            actor=actor_of(request.user),
            before=before,
            after=_facts(user),
            now=timezone.now(),
        )
