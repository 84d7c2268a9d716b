"""Applications, and the replay of decisions on them."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from config.office.actors import Actor
from lending.domain.books.transfer import TransferKind
from lending.domain.origination.application import ApplicationState
from lending.domain.origination.decision import Decision as Verdict
from lending.domain.origination.decision import DecisionFacts, canonical_decision, decide
from lending.domain.origination.line import LineState
from lending.domain.origination.product import Band
from lending.domain.origination.review import ReviewRefusal, judge_review, most_of
from lending.domain.origination.rules import RULES, Outcome, Rules
from lending.domain.origination.snapshot import SnapshotMalformed, parse_snapshot
from lending.models import Application, Decision, Line, Loan, ProductVersion, Transfer
from lending.queries.lines import open_lines
from lending.queries.products import product_of, product_then
from merchants.queries.payout_accounts import verified_account_of, verified_by, verifiers_of
from scoring.domain.features.sets import FEATURE_SETS


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedDecision:
    """A stored decision, the facts known then, and what they decide now."""

    stored: str
    facts: DecisionFacts
    verdict: Verdict

    @property
    def equal(self) -> bool:
        """Whether both decisions are the same, to the last bit."""
        return self.stored == canonical_decision(self.verdict)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an application is: the last decision on it, its loan with its last payout, or the line it opened."""

    application: Application
    decision: Decision
    loan: Loan | None
    payout: Transfer | None
    line: Line | None


def get_application(*, application_id: int) -> Application:
    """Get an application with all that deciding it reads. Raises Application.DoesNotExist."""
    read = Application.objects.select_related(
        "merchant__partner", "merchant__owner", "offer", "product", "score__run", "line"
    )
    return read.get(pk=application_id)


def get_progress_of_partner(*, partner_id: int, application_id: int) -> Progress:
    """Get the progress of a partner's application. Raises Application.DoesNotExist."""
    application = Application.objects.select_related("merchant", "line").get(pk=application_id, partner=partner_id)
    payouts = Transfer.objects.filter(loan__application=application, kind=TransferKind.PAYOUT)
    return Progress(
        application=application,
        decision=Decision.objects.filter(application=application).latest("pk"),
        loan=Loan.objects.filter(application=application).first(),
        payout=payouts.order_by("pk").last(),
        line=line_of(application),
    )


def waiting_applications(*, actor: Actor, band: Band | None) -> QuerySet[Application]:
    """Keep the referred applications that `judge_review` lets a person decide in one way at least.

    Within the band, entered by somebody else, and to be paid to an account that others verified.
    """
    referred = Application.objects.referred()
    products = ProductVersion.objects.filter(pk__in=referred.values("product")).order_by("pk")
    mosts = {version.pk: most_of(product_of(version), band) for version in products}
    within = Q(pk__in=[])
    for product, most in mosts.items():
        within |= Q(product=product) if most is None else Q(product=product, amount_minor__lte=most)
    verified = verified_by(actor).values("merchant")
    return referred.filter(within).exclude(entered_by=str(actor)).exclude(merchant__in=verified)


def get_review_refusal(
    application: Application, *, outcome: Outcome, band: Band | None, actor: Actor, reason: str
) -> ReviewRefusal | None:
    """Decide from what is stored whether a person may decide an application this way."""
    account = verified_account_of(merchant_id=application.merchant_id)
    verifiers = verifiers_of(account)
    return judge_review(
        product_of(application.product),
        state=ApplicationState(application.state),
        version_known=rules_of(application) is not None and application.score.run.feature_set in FEATURE_SETS,
        outcome=outcome,
        amount_minor=application.amount_minor,
        band=band,
        same_person=application.entered_by == str(actor),
        reason=reason,
        payout_account_verified=account is not None,
        is_verifier=str(actor) in verifiers,
        applicant_is_verifier=application.entered_by in verifiers,
        line_state=None if application.line is None else LineState(application.line.state),
        has_line=application.line is None
        and open_lines(kind=application.product.kind).filter(merchant=application.merchant_id).exists(),
    )


def rules_of(application: Application) -> Rules | None:
    """Return the rules that last decided an application, by which it is judged until it is settled.

    Not today's: its score was made before them, and may lack what they read. None if they are gone, or if the
    snapshot that names them is damaged.
    """
    decision = Decision.objects.filter(application=application).latest("pk")
    try:
        return RULES.get(parse_snapshot(decision.snapshot, decision.snapshot_sha256).rules_version)
    except SnapshotMalformed:
        return None


def decisions_of(application: Application) -> list[Decision]:
    """List the decisions on an application, in order."""
    return list(Decision.objects.filter(application=application).order_by("pk"))


def replay_decision(decision: Decision) -> ReplayedDecision:
    """Decide again from a decision's snapshot. Raises SnapshotMalformed, ProductMalformed, NotDecidable."""
    facts = parse_snapshot(decision.snapshot, decision.snapshot_sha256)
    verdict = decide(facts, product_then(decision.application.product, calendar_sha256=facts.calendar_sha256))
    return ReplayedDecision(stored=decision.result, facts=facts, verdict=verdict)


def grounds_of(applications: Sequence[Application]) -> dict[int, str]:
    """Return the ground of the last decision of several applications, by application."""
    found = Decision.objects.filter(application__in=[row.pk for row in applications]).order_by("pk")
    return dict(found.values_list("application_id", "ground"))


def line_of(application: Application) -> Line | None:
    """Get the line that an application opened, or drew on."""
    return application.line or Line.objects.filter(application=application).first()


def loan_of(application: Application) -> Loan | None:
    """Get the loan that an application led to."""
    return Loan.objects.filter(application=application).first()
