"""List the closings of days, show one with its progress and its proof, and start the next."""

from datetime import date
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from config.db.transactions import Contended
from config.office.actors import actor_of
from config.office.admin import ReadOnlyAdmin, Verb, found_by, named
from config.office.models import JobRun
from config.office.models.job_run import JobState
from config.office.words import money
from lending.admin.lists import chip
from lending.admin.words import ACCOUNTS, CLOSE_REFUSALS, CLOSE_STATES, OPENING_REFUSALS
from lending.domain.books.day_close import ACCRUE, COLLECT, PROVE, STAGES, VERIFY, CloseState
from lending.domain.books.ledger import Account
from lending.models import DayClose, Loan, ProofLine
from lending.operations.day_close import DayNotClosed, DayNotOpened, close_day, open_next_day
from lending.queries.closes import get_close_refusal, get_opening, get_opening_refusal, next_day, postings_of, stages_of

STAGE_WORDS = {
    COLLECT: _("Collect what is due"),
    ACCRUE: _("Book what was earned"),
    VERIFY: _("Compare every loan with its events"),
    PROVE: _("Compare the ledger with the loans"),
}
RIGHT = "lending.start_dayclose"
NO_RIGHT = _("Your role may not close days.")
SHOWN = 20


@admin.register(DayClose)
class DayCloseAdmin(ReadOnlyAdmin):
    """List the closings, the last first."""

    list_display = ("day", "state_chip", "loans", "started_at", "finished_at")
    list_filter = ("state",)
    list_before_template = "lending/closes_before.html"

    @display(description=_("State"))
    def state_chip(self, close: DayClose) -> str:
        """Show the state as a chip."""
        return chip(*CLOSE_STATES[CloseState(close.state)])

    def get_urls(self) -> list[URLPattern]:
        """Add the page that starts a closing, and the part of a page that follows one."""
        wrap = self.admin_site.admin_view
        return [
            path("start/", wrap(self.start_view), name="lending_dayclose_start"),
            path("live/", wrap(self.live_view), name="lending_dayclose_live"),
            path("<int:close_id>/progress/", wrap(self.progress_view), name="lending_dayclose_progress"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Offer to close the next day above the list."""
        refusal = get_close_refusal()
        why = CLOSE_REFUSALS[refusal] if refusal is not None else None
        verb = Verb(
            label=_("Close the next day"),
            url=reverse("admin:lending_dayclose_start"),
            why=why if request.user.has_perm(RIGHT) else NO_RIGHT,
        )
        context = {"verbs": [verb, live_verb(request)]}
        return super().changelist_view(request, (extra_context or {}) | context)  # type: ignore[no-any-return]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a closing with its stages, entries and proof."""
        close = self._visible(request, object_id)
        return self._page(request, "lending/day_close.html", close, _context(close))

    def progress_view(self, request: HttpRequest, close_id: int) -> HttpResponse:
        """Show only how far a closing is, for the page to look at again and again."""
        close = self._visible(request, str(close_id))
        progress = _progress(close)
        response = TemplateResponse(request, "lending/close_progress.html", progress | {"close": close})
        if not progress["is_working"]:
            response["HX-Refresh"] = "true"
        return response

    def start_view(self, request: HttpRequest) -> HttpResponse:
        """Say which day is closed next (GET), then start (POST)."""
        if not request.user.has_perm(RIGHT):
            raise PermissionDenied
        if request.method == "POST":
            try:
                close = close_day(actor=actor_of(request.user), now=timezone.now())
            except DayNotClosed as refused:
                messages.error(request, str(CLOSE_REFUSALS[refused.reason]))
            except Contended:
                messages.error(request, _("Someone else is at it. Please look again."))
            else:
                messages.success(request, _("The closing is started; the workers are at it."))
                return redirect("admin:lending_dayclose_change", close.pk)
            return redirect("admin:lending_dayclose_changelist")
        refusal = get_close_refusal()
        context = self.admin_site.each_context(request) | {
            "title": _("Close the next day"),
            "opts": self.opts,
            "refusal": None if refusal is None else CLOSE_REFUSALS[refusal],
            "next_day": next_day(),
            "active": Loan.objects.active().count(),
        }
        return TemplateResponse(request, "lending/start_close.html", context)

    def live_view(self, request: HttpRequest) -> HttpResponse:
        """Say what the next day brings (GET), then open it (POST)."""
        if not request.user.has_perm(RIGHT):
            raise PermissionDenied
        verb, opening = live_verb(request), get_opening()
        listed = redirect("admin:lending_dayclose_changelist")
        if request.method == "POST" and verb.why is None:
            try:
                after = date.fromisoformat(request.POST.get("after", ""))
                close = open_next_day(after=after, actor=actor_of(request.user), now=timezone.now())
            except ValueError as error:
                raise BadRequest from error
            except DayNotOpened as refused:
                messages.error(request, str(OPENING_REFUSALS[refused.reason]))
                return listed
            except DayNotClosed:
                messages.warning(request, _("The day is open; what is behind it is not closed yet."))
                return listed
            except Contended:
                messages.error(request, _("Someone else is at it. Please look again."))
                return listed
            messages.success(request, _("The next day is open; the one behind is being closed."))
            return redirect("admin:lending_dayclose_change", close.pk)
        context = self.admin_site.each_context(request) | {
            "title": verb.label,
            "opts": self.opts,
            "refusal": verb.why,
            "today": opening.after,
            "closes": opening.closes,
            "dues": [(row.loans, money(row.minor, row.currency), row.currency) for row in opening.dues],
        }
        return TemplateResponse(request, "lending/live_next_day.html", context)

    def _visible(self, request: HttpRequest, object_id: str) -> DayClose:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return found_by(DayClose.objects.all(), object_id)

    def _page(self, request: HttpRequest, template: str, close: DayClose, context: dict[str, Any]) -> TemplateResponse:
        ground = self.admin_site.each_context(request)
        request.current_app = self.admin_site.name
        named_ = {"title": str(close), "opts": self.opts, "original": close, "close": close}
        return TemplateResponse(request, template, ground | named_ | context)


def live_verb(request: HttpRequest) -> Verb:
    """Offer to open the next day, or say why not."""
    refusal = get_opening_refusal()
    why = None if refusal is None else OPENING_REFUSALS[refusal]
    if not request.user.has_perm(RIGHT):
        why = NO_RIGHT
    url = reverse("admin:lending_dayclose_live")
    return Verb(label=_("Open the next day"), url=url, why=why, is_primary=False)


def _context(close: DayClose) -> dict[str, Any]:
    words, tint = CLOSE_STATES[CloseState(close.state)]
    proof = ProofLine.objects.filter(close=close).order_by("currency", "pk")
    return {
        "state": words,
        "state_tint": tint,
        "who": named([close.started_by])[close.started_by],
        "took": None
        if close.finished_at is None
        else f"{(close.finished_at - close.started_at).total_seconds():,.1f} s",
        "proof": [_line(line) for line in proof],
        "postings": [
            (ACCOUNTS[Account(debit)], ACCOUNTS[Account(credit)], currency, money(total, currency))
            for debit, credit, currency, total in postings_of(close)
        ],
        "drifted": list(Loan.objects.filter(pk__in=close.drifted[:SHOWN])),
        **_progress(close),
    }


def _progress(close: DayClose) -> dict[str, Any]:
    return {
        "is_working": close.state == CloseState.WORKING,
        "stages": [
            {
                "words": STAGE_WORDS[part.stage],
                "part": part,
                "unit": _("accounts") if part.stage == PROVE else _("loans"),
            }
            for part in stages_of(close)
        ],
        "failures": [
            (job, STAGE_WORDS[job.name])
            for job in JobRun.objects.filter(name__in=STAGES, subject_id=close.pk, state=JobState.PARKED).order_by("pk")
        ],
    }


def _line(line: ProofLine) -> dict[str, Any]:
    return {
        "account": ACCOUNTS[Account(line.account)],
        "currency": line.currency,
        "ledger": money(line.ledger_minor, line.currency),
        "loans": money(line.loans_minor, line.currency),
        "holds": line.ledger_minor == line.loans_minor,
        "gap": money(line.ledger_minor - line.loans_minor, line.currency),
    }
