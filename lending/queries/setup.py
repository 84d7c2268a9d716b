"""How far the office is with what it does before it lends."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from config.office.business_date import get_business_date
from config.office.heartbeat import get_pulse
from lending.domain.origination.setup import SetupStep, StepState, judge_setup
from lending.models import ProductVersion
from merchants.models import Batch, Merchant, PartnerClient
from scoring.models import LiveRun, ScoreRun
from scoring.queries.runs import active_calibration, active_scorecard, reference_run, unfinished_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The state of each step, the run to calibrate on, and the run in progress."""

    states: dict[SetupStep, StepState]
    reference: ScoreRun | None
    working: ScoreRun | None


def get_setup(*, now: datetime) -> Setup:
    """Return how far the office is."""
    card = active_scorecard()
    reference = None if card is None else reference_run(scorecard=card)
    done = {
        SetupStep.SCHEDULER: get_pulse(now=now).is_alive,
        SetupStep.BUSINESS_DATE: get_business_date() is not None,
        SetupStep.SCORECARD: card is not None,
        SetupStep.HISTORY: Merchant.objects.exists() and Batch.objects.exists(),
        SetupStep.REFERENCE_RUN: reference is not None,
        SetupStep.CALIBRATION: card is not None and active_calibration(scorecard=card) is not None,
        SetupStep.PRODUCT: ProductVersion.objects.exists(),
        SetupStep.PUBLISHED_RUN: LiveRun.objects.exists(),
        SetupStep.PARTNER_CLIENT: PartnerClient.objects.exists(),
    }
    return Setup(
        states=judge_setup(done, by_calendar=settings.BUSINESS_CLOCK != "manual"),
        reference=reference,
        working=unfinished_run(),
    )
