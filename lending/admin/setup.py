"""What the overview shows before there is anything to survey: what is to be done, in which order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from config.office.display import Card, Cell, Column, Table, chip, linked
from config.office.words import Words
from lending.domain.origination.setup import SetupStep, StepState
from lending.queries.setup import Setup

STATES: Final = {
    StepState.DONE: (_("Done"), "tl-ok"),
    StepState.READY: (_("To do"), "tl-warn"),
    StepState.BY_ITSELF: (_("Starts by itself"), "tl-info"),
    StepState.WAITING: (_("Waiting"), ""),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWords:
    """A step in words: what is done, how; and the page to do it on, for whoever has the right."""

    title: Words
    how: Words
    button: Words = ""
    url: str = ""
    right: str = ""


STEPS: Final = {
    SetupStep.SCHEDULER: StepWords(
        title=_("The scheduler is alive"),
        how=_("Start celery -A config beat and a worker: work that is due begins by itself within half a minute."),
    ),
    SetupStep.BUSINESS_DATE: StepWords(
        title=_("A business date is open"),
        how=_("It opens by itself, by the calendar; an office with a manual clock opens its first day by hand."),
        button=_("Open the first day"),
        url="admin:lending_dayclose_first",
        right="lending.start_dayclose",
    ),
    SetupStep.SCORECARD: StepWords(
        title=_("A scorecard is entered"),
        how=_("The product comes with an expert card to begin with."),
        button=_("Enter the card"),
        url="admin:scoring_scorecardversion_enter",
        right="scoring.add_scorecardversion",
    ),
    SetupStep.HISTORY: StepWords(
        title=_("The trading history is in"),
        how=_("From files: manage.py import_marketplace DIRECTORY. Partners send what is new over the API."),
    ),
    SetupStep.REFERENCE_RUN: StepWords(
        title=_("A reference run has scored the merchants"),
        how=_("It starts by itself a minute after the last rows came in. It has no PD yet, and is not published."),
        button=_("Start it now"),
        url="admin:scoring_scorerun_start",
        right="scoring.start_scorerun",
    ),
    SetupStep.CALIBRATION: StepWords(
        title=_("The scores are calibrated"),
        how=_("A risk owner names the mean PD; each score gets its PD and its grade."),
        button=_("Calibrate"),
        url="admin:scoring_scorerun_calibrate",
        right="scoring.add_calibrationversion",
    ),
    SetupStep.PRODUCT: StepWords(
        title=_("A product is sold"),
        how=_("What is lent, at what price, to whom. One comes with Tradeline."),
        button=_("Enter a first product"),
        url="admin:lending_productversion_enter",
        right="lending.add_productversion",
    ),
    SetupStep.PUBLISHED_RUN: StepWords(
        title=_("Scores are published"),
        how=_("The next run starts by itself once there is a calibration; if its checks pass, offers follow at once."),
        button=_("Start it now"),
        url="admin:scoring_scorerun_start",
        right="scoring.start_scorerun",
    ),
    SetupStep.PARTNER_CLIENT: StepWords(
        title=_("A partner's system may call the API"),
        how=_("manage.py create_partner_client CODE shows its id and secret once."),
    ),
}


def setup_card(setup: Setup, request: HttpRequest) -> Card:
    """Show every step, how it stands, what to do, and where."""
    columns = [Column(label=_("Step")), Column(label=_("State"), style="tl-nowrap"), Column(label="")]
    rows = [list(_step(step, state, setup, request)) for step, state in setup.states.items()]
    return Card(title=_("Before the first loan"), parts=[Table(columns=columns, rows=rows)])


def _step(step: SetupStep, state: StepState, setup: Setup, request: HttpRequest) -> Iterator[object]:
    words = STEPS[step]
    yield Cell(text=words.title, note="" if state == StepState.DONE else words.how)
    working = setup.working if step in {SetupStep.REFERENCE_RUN, SetupStep.PUBLISHED_RUN} else None
    if state == StepState.READY and working is not None:
        yield chip(_("In progress"), "tl-info")
        yield linked(working, _("See how far it is"))
        return
    yield chip(*STATES[state])
    shown = state == StepState.READY and words.url and request.user.has_perm(words.right)
    yield Cell(text=words.button, link=_address(words.url, step, setup)) if shown else ""


def _address(url: str, step: SetupStep, setup: Setup) -> str:
    about = [setup.reference.pk] if step == SetupStep.CALIBRATION and setup.reference is not None else []
    return reverse(url, args=about)
