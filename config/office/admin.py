"""Show staff, roles, jobs and the audit trail, and be the ground of every list that is only read."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import AccessToken, Application, Grant, IDToken, RefreshToken
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.views import ChangeList

from config.db.transactions import Contended
from config.office.actors import Actor, ActorKind, actor_of
from config.office.events import Fact, record_event
from config.office.job_runs import resume_job
from config.office.models import JobRun, OperationEvent
from config.office.models.job_run import JobState
from config.office.roles import ROLES

M = TypeVar("M", bound=Model)
Words = str | Promise
AFTER, BEFORE = "after", "before"
COUNTED = 10_000
JOB_STATES = {
    JobState.WAITING: _("Waiting"),
    JobState.RUNNING: _("Running"),
    JobState.DONE: _("Done"),
    JobState.PARKED: _("Parked"),
    JobState.DROPPED: _("Dropped, its work was given up"),
}
JOB_LABELS = {
    JobState.WAITING: "info",
    JobState.RUNNING: "info",
    JobState.DONE: "success",
    JobState.PARKED: "danger",
    JobState.DROPPED: "",
}


@dataclass(frozen=True, slots=True)
class Keyset:
    """Page through a list by its keys; stands where Unfold looks for a paginator. Queries are None at the ends."""

    count: str
    previous: str | None
    next: str | None
    template_name: str = "office/pagination.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """Offer a verb of a page; one that is not allowed is shown all the same, and says why."""

    label: Words
    url: str
    why: Words | None = None
    is_primary: bool = True


class KeysetChangeList(ChangeList):
    """Page by primary key instead of OFFSET, and count no further than 10,000.

    Every page costs the same, however deep; the price is that one walks, and cannot jump to page 317.
    """

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Keep the places of pages apart from the filters."""
        found: dict[str, Any] = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in {AFTER, BEFORE}}

    def get_results(self, request: HttpRequest) -> None:
        """Read one page, and one row more to know whether another follows."""
        after, before = _key(self.params.pop(AFTER, None)), _key(self.params.pop(BEFORE, None))
        newest_first = self.model_admin.ordering[0].startswith("-")
        rows = self.queryset.order_by("-pk" if newest_first else "pk")
        if before is not None:
            rows = rows.reverse().filter(**{"pk__gt" if newest_first else "pk__lt": before})
        elif after is not None:
            rows = rows.filter(**{"pk__lt" if newest_first else "pk__gt": after})
        page = list(rows[: self.list_per_page + 1])
        more, page = len(page) > self.list_per_page, page[: self.list_per_page]
        if before is not None:
            page.reverse()
        follows, precedes = (True, more) if before is not None else (more, after is not None)
        self.result_list = page
        self.result_count = self.full_result_count = len(page)
        self.show_admin_actions = self.can_show_all = self.multi_page = False
        self.paginator = Keyset(
            count=self._count(),
            previous=self.get_query_string({BEFORE: page[0].pk}) if page and precedes else None,
            next=self.get_query_string({AFTER: page[-1].pk}) if page and follows else None,
        )
        self.model_admin.prepare(page)

    def _count(self) -> str:
        if not (self.query or self.has_active_filters):
            estimate = _estimate(self.model)
            if estimate > COUNTED:
                return _t("about %(number)s") % {"number": _rounded(estimate)}
        number = self.queryset.order_by()[: COUNTED + 1].count()
        return _t("more than %(number)s") % {"number": f"{COUNTED:,}"} if number > COUNTED else f"{number:,}"


def _key(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise IncorrectLookupParameters from error


def _estimate(model: type[Model]) -> int:
    """Read how many rows the last ANALYZE found; -1 before the first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])
        return int(cursor.fetchone()[0])


def _rounded(number: int) -> str:
    return f"{number / 1_000_000:.1f} M" if number >= 1_000_000 else f"{round(number, -3):,}"  # noqa: PLR2004


class ReadOnlyAdmin(ModelAdmin):
    """List and show rows that operations write; every change is a verb with a URL of its own."""

    ordering: tuple[str, ...] = ("-pk",)
    actions = None
    list_per_page = 50
    show_full_result_count = False
    sortable_by = ()
    list_filter_sheet = True
    show_facets = admin.ShowFacets.NEVER  # it would count every filter's rows

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[ChangeList]:
        """Page by keys."""
        return KeysetChangeList

    def prepare(self, rows: list[Any]) -> None:
        """Add to the rows of a page what its columns need, in as many queries as for one row."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: an operation adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: this also makes every field read-only and puts no Save button on the page."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: nothing is forgotten."""
        return False


def found_by(queryset: QuerySet[M], object_id: str) -> M:
    """Find the row of a page's URL. Raises Http404."""
    try:
        return queryset.get(pk=int(object_id))
    except (ValueError, queryset.model.DoesNotExist) as error:  # type: ignore[attr-defined]
        raise Http404 from error


def named(actors: Iterable[str]) -> dict[str, str]:
    """Name actors as people know them, in one query: log-ins of staff, else what kind of system it was."""
    texts = set(actors)
    staff = {text: int(text.rpartition(":")[2]) for text in texts if text.startswith(f"{ActorKind.STAFF}:")}
    logins = dict(User.objects.filter(pk__in=staff.values()).values_list("pk", "username")) if staff else {}
    names = {
        ActorKind.PARTNER: _t("partner %(number)s"),
        ActorKind.SYSTEM: _t("this system"),
        ActorKind.STAFF: _t("staff %(number)s"),
    }
    found = {}
    for text in texts:
        kind, _sep, number = text.partition(":")
        found[text] = logins.get(staff.get(text, -1)) or names[ActorKind(kind)] % {"number": number}
    return found


def job_words(name: str) -> str:
    """Say a job's dotted name as words."""
    return name.rpartition(".")[2].replace("_", " ").capitalize()


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdmin):
    """Show what the workers have to do, and let staff send parked jobs again."""

    list_display = ("what", "subject_id", "part", "state_label", "progress", "attempts", "claimed_at", "finished_at")
    list_display_links = ("what",)
    list_filter = ("state",)
    fields = (
        "what",
        "subject_id",
        "part",
        "state_label",
        "progress",
        "attempts",
        "error",
        "started",
        "sent_at",
        "claimed_at",
        "lease_until",
        "finished_at",
    )
    readonly_fields = ("what", "state_label", "progress", "started")
    actions_detail = ("resume",)

    @display(description=_("Job"))
    def what(self, job: JobRun) -> str:
        """Say what the job does."""
        return job_words(job.name)

    @display(description=_("State"), label=JOB_LABELS)
    def state_label(self, job: JobRun) -> tuple[str, str]:
        """Say the state."""
        return job.state, str(JOB_STATES[JobState(job.state)])

    @display(description=_("Done"))
    def progress(self, job: JobRun) -> str:
        """Say how far it is."""
        return f"{job.done:,}" if job.total is None else f"{job.done:,} / {job.total:,}"

    @display(description=_("Started by"))
    def started(self, job: JobRun) -> str:
        """Say who started it."""
        return named([job.started_by])[job.started_by]

    def has_resume_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Ask for the right to resume."""
        return request.user.has_perm("office.resume_jobrun")

    @action(description=_("Send again"), url_path="resume", permissions=["resume"])
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what failed (GET), then give the job its attempts again (POST)."""
        job = found_by(JobRun.objects.all(), object_id)
        if request.method == "POST":
            _resume(request, job, actor_of(request.user))
            return redirect("admin:office_jobrun_change", job.pk)
        context = self.admin_site.each_context(request) | {
            "title": _("Send the job again"),
            "opts": self.opts,
            "original": job,
            "job": job,
            "what": job_words(job.name),
            "state": JOB_STATES[JobState(job.state)],
            "may_resume": JobRun.objects.filter(pk=job.pk, state=JobState.PARKED).exists(),
        }
        return TemplateResponse(request, "office/resume_job.html", context)


def _resume(request: HttpRequest, job: JobRun, actor: Actor) -> None:
    try:
        resumed = resume_job(job_id=job.pk, actor=actor, now=timezone.now())
    except Contended:
        messages.error(request, _("Someone else is working on this job. Please try again."))
        return
    if resumed:
        messages.success(request, _("The job is sent again, with all its attempts."))
    else:
        messages.error(request, _("The job is no longer parked: there is nothing to resume."))


@admin.register(OperationEvent)
class OperationEventAdmin(ReadOnlyAdmin):
    """Show the audit trail."""

    list_display = ("booked_at", "name", "subject", "who", "change")
    list_display_links = ("name",)
    search_fields = ("subject",)
    search_help_text = _("Subject, as merchants.partner:1, or the beginning of an operation's name.")
    fields = ("booked_at", "name", "subject", "who", "actor", "before", "after")
    readonly_fields = ("who",)

    def prepare(self, rows: list[OperationEvent]) -> None:
        """Name the actors of the page in one query."""
        names = named(event.actor for event in rows)
        for event in rows:
            vars(event)["who"] = names[event.actor]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[OperationEvent], search_term: str
    ) -> tuple[QuerySet[OperationEvent], bool]:
        """Search by subject through its index, or by the beginning of the name, newest first."""
        term = search_term.strip()
        if not term:
            return queryset, False
        by = Q(subject__startswith=term) if ":" in term else Q(name__startswith=term)
        return queryset.filter(by), False

    @display(description=_("Who"))
    def who(self, event: OperationEvent) -> str:
        """Name the actor."""
        return vars(event).get("who") or named([event.actor])[event.actor]

    @display(description=_("After"))
    def change(self, event: OperationEvent) -> str:
        """Say what was true afterwards, in short."""
        return ", ".join(f"{key} {value}" for key, value in event.after.items() if value)[:120]


for model in (User, Group, AccessToken, Application, Grant, IDToken, RefreshToken):
    # OAuth's own pages would show tokens and hashes of secrets: partners' clients are made by a command.
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg] # no generic at run time
    """Let administrators keep the staff; only a superuser makes or touches a superuser."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "roles", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    filter_horizontal = ("groups",)
    ordering = ("username",)
    actions = None
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("Access"), {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Read the groups of a page at once."""
        return super().get_queryset(request).prefetch_related("groups")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Close what nobody but a superuser may set, and to everybody the roles they hold themselves."""
        privileged = () if request.user.is_superuser else ("is_superuser",)
        own = ("groups",) if obj is not None and obj.pk == request.user.pk else ()
        return ("last_login", "date_joined", *privileged, *own)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Refuse a superuser's account, and its password, to anyone else."""
        guarded = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not guarded and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Refuse: the audit trail names them; an account is made inactive."""
        return False

    def log_addition(self, request: HttpRequest, obj: User, message: object) -> LogEntry:
        """Leave the new account in the audit trail, which cannot be changed as Django's log can."""
        _record_account("office.add_user", obj, request)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: User, message: object) -> LogEntry:
        """Leave a change of rights, or of a password, in the audit trail."""
        _record_account("office.change_user", obj, request)
        return super().log_change(request, obj, message)

    @display(description=_("Roles"))
    def roles(self, user: User) -> str:
        """List the roles."""
        return ", ".join(sorted(group.name for group in user.groups.all()))


@admin.register(Group)
class GroupAdmin(ReadOnlyAdmin):
    """Show the roles with their rights, which the code declares."""

    ordering = ("pk",)
    list_display = ("name", "rights")
    fields = ("name", "rights")
    readonly_fields = ("rights",)

    @display(description=_("Rights"))
    def rights(self, group: Group) -> str:
        """List what the role may do."""
        return ", ".join(sorted(right for role, held in ROLES.items() if role == group.name for right in held))


def _record_account(name: str, user: User, request: HttpRequest) -> None:
    roles = ", ".join(sorted(user.groups.values_list("name", flat=True)))
    after: dict[str, Fact] = {"roles": roles, "active": user.is_active, "superuser": user.is_superuser}
    with transaction.atomic():
        record_event(name=name, subject=user, actor=actor_of(request.user), before={}, after=after, now=timezone.now())
