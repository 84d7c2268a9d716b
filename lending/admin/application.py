"""List the applications, the undecided first, show what one was decided on, and let people decide."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from config.db.transactions import Contended
from config.office.actors import actor_of
from config.office.admin import ReadOnlyAdmin, Verb, Words, found_by, named
from config.office.words import money
from lending.admin.caps import caps_context
from lending.admin.lists import ChipFilter, chip, name_over
from lending.admin.words import APPLICATION_STATES, GROUNDS, OUTCOMES, REVIEW_REFUSALS, UNPROVEN
from lending.domain.origination.application import ApplicationState
from lending.domain.origination.decision import NotDecidable
from lending.domain.origination.product import Band
from lending.domain.origination.product_document import ProductMalformed
from lending.domain.origination.rules import Ground, Outcome
from lending.domain.origination.snapshot import SnapshotMalformed
from lending.models import Application, Decision, Loan
from lending.operations.applications import ApplicationNotReviewed, review_application
from lending.queries.applications import decisions_of, get_review_refusal, replay_decision

REFUSALS: Mapping[Any, Words] = {**REVIEW_REFUSALS, **GROUNDS}
DECISIONS = {"approve": (_("Approve"), Outcome.APPROVE), "decline": (_("Decline"), Outcome.DECLINE)}


class ReviewForm(forms.Form):
    """Ask why."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=UnfoldAdminTextareaWidget({"rows": 3}))


class StateFilter(ChipFilter):
    """Filter by state."""

    title, parameter_name, chips = _("state"), "state", APPLICATION_STATES


def band_of(request: HttpRequest) -> Band | None:
    """Give the widest authority of whoever asks."""
    if request.user.has_perm("lending.decide_any_application"):
        return Band.RISK_MANAGER
    return Band.UNDERWRITER if request.user.has_perm("lending.decide_application") else None


@admin.register(Application)
class ApplicationAdmin(ReadOnlyAdmin):
    """List applications; the page of one shows what was known, which rules fired and which cap binds."""

    list_display = ("who", "state_chip", "asked", "months", "currency", "ground", "entered_at")
    list_display_links = ("who",)
    list_select_related = ("merchant",)
    list_filter = (StateFilter,)
    search_fields = ("external_ref",)
    search_help_text = _("The beginning of the reference.")

    def prepare(self, rows: list[Application]) -> None:
        """Read the decisions of the page in one query."""
        found = Decision.objects.filter(application__in=[row.pk for row in rows]).order_by("pk")
        grounds = dict(found.values_list("application_id", "ground"))
        for row in rows:
            vars(row)["ground"] = grounds.get(row.pk, "")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Application], search_term: str
    ) -> tuple[QuerySet[Application], bool]:
        """Search by the beginning of the reference."""
        term = search_term.strip()
        return (queryset.filter(external_ref__startswith=term), False) if term else (queryset, False)

    @display(description=_("Merchant"))
    def who(self, application: Application) -> str:
        """Show the merchant, with the reference below."""
        return name_over(application.merchant.name, application.external_ref)

    @display(description=_("State"))
    def state_chip(self, application: Application) -> str:
        """Show the state as a chip."""
        return chip(*APPLICATION_STATES[ApplicationState(application.state)])

    @display(description=_("Amount"))
    def asked(self, application: Application) -> str:
        """Show what is asked for."""
        return money(application.amount_minor, application.currency)

    @display(description=_("Because"))
    def ground(self, application: Application) -> str:
        """Say which rule counted."""
        ground = vars(application).get("ground", "")
        return str(GROUNDS[Ground(ground)]) if ground else ""

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of the decisions."""
        wrap = self.admin_site.admin_view
        return [
            *(
                path(
                    f"<int:application_id>/{name}/",
                    wrap(self.decide_view),
                    {"name": name},
                    f"lending_application_{name}",
                )
                for name in DECISIONS
            ),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show what was known, and what was decided on it."""
        application = self._visible(request, object_id)
        return self._page(request, "lending/application.html", application, decision_context(application, request))

    def decide_view(self, request: HttpRequest, application_id: int, name: str) -> HttpResponse:
        """Ask why, then decide."""
        application = self._visible(request, str(application_id))
        label, outcome = DECISIONS[name]
        band = band_of(request)
        if band is None:
            raise PermissionDenied
        form = ReviewForm(request.POST or None)
        if form.is_valid():
            try:
                review_application(
                    application_id=application.pk,
                    outcome=outcome,
                    reason=form.cleaned_data["reason"],
                    band=band,
                    actor=actor_of(request.user),
                    now=timezone.now(),
                )
            except ApplicationNotReviewed as refused:
                messages.error(request, str(REFUSALS[refused.reason]))
            except Contended:
                messages.error(request, _("Someone else is working on this merchant. Please try again."))
            else:
                messages.success(request, str(OUTCOMES[outcome]))
            return redirect("admin:lending_application_change", application.pk)
        context = {
            "form": form,
            "label": label,
            "approves": outcome is Outcome.APPROVE,
            "amount": money(application.amount_minor, application.currency),
            "refusal": _why_not(application, outcome, request),
        }
        return self._page(request, "lending/review.html", application, context)

    def _visible(self, request: HttpRequest, object_id: str) -> Application:
        if not self.has_view_permission(request):
            raise PermissionDenied
        read = Application.objects.select_related("merchant__partner", "product", "offer", "score__run")
        return found_by(read, object_id)

    def _page(
        self, request: HttpRequest, template: str, application: Application, context: dict[str, Any]
    ) -> TemplateResponse:
        ground = self.admin_site.each_context(request)
        request.current_app = self.admin_site.name
        named_ = {
            "title": application.external_ref,
            "opts": self.opts,
            "original": application,
            "application": application,
            "merchant": application.merchant,
        }
        return TemplateResponse(request, template, ground | named_ | context)


def decision_context(application: Application, request: HttpRequest) -> dict[str, Any]:
    """Gather what the decision page shows."""
    decisions = decisions_of(application)
    people = named({application.entered_by, *(decision.actor for decision in decisions)})
    words, tint = APPLICATION_STATES[ApplicationState(application.state)]
    context = {
        "state": words,
        "state_tint": tint,
        "amount": money(application.amount_minor, application.currency),
        "entered_by": people[application.entered_by],
        "loan": Loan.objects.filter(application=application).first(),
        "decisions": [_decision(decision, people) for decision in decisions],
        "verbs": [
            Verb(
                label=label,
                url=reverse(f"admin:lending_application_{name}", args=[application.pk]),
                why=_why_not(application, outcome, request),
                is_primary=outcome is Outcome.APPROVE,
            )
            for name, (label, outcome) in DECISIONS.items()
        ],
    }
    return context | _rules(decisions[-1], application)


def _rules(decision: Decision, application: Application) -> dict[str, Any]:
    """Say which rules fired on the last decision's snapshot, and which cap binds; and prove the stored result."""
    try:
        replayed = replay_decision(decision)
    except NotDecidable as refused:
        return {"unproven": UNPROVEN[refused.reason]}
    except (SnapshotMalformed, ProductMalformed):
        return {"unproven": _("The stored snapshot cannot be read: what was decided cannot be proven.")}
    facts, verdict = replayed.facts, replayed.verdict
    context: dict[str, Any] = {
        "proof": replayed,
        "rules": [(GROUNDS[ground], fired, ground is verdict.ground) for ground, fired in verdict.evaluated],
        "free": money(verdict.free_minor, application.currency),
        "facts": facts,
        "basis": money(facts.merchant.score.sales_basis_minor, application.currency),
        "outstanding": money(facts.merchant.exposure.outstanding_minor, application.currency),
    }
    if verdict.limit is not None:
        context |= caps_context(
            {str(cap): minor for cap, minor in verdict.limit.caps.items()}, verdict.limit.binding, application.currency
        )
    return context


def _decision(decision: Decision, people: dict[str, str]) -> dict[str, Any]:
    return {
        "decision": decision,
        "outcome": OUTCOMES[Outcome(decision.outcome)],
        "ground": GROUNDS[Ground(decision.ground)] if decision.ground else "",
        "who": people[decision.actor],
    }


def _why_not(application: Application, outcome: Outcome, request: HttpRequest) -> Any:  # noqa: ANN401 - lazy words
    refusal = get_review_refusal(
        application, outcome=outcome, band=band_of(request), actor=actor_of(request.user), reason="to be given"
    )
    return None if refusal is None else REVIEW_REFUSALS[refusal]
