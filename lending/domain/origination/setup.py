"""What an office does before it lends, and in which order."""

from collections.abc import Mapping
from enum import StrEnum


class SetupStep(StrEnum):
    """The steps from an empty office to published scores and offers, in their order."""

    SCHEDULER = "SCHEDULER"
    BUSINESS_DATE = "BUSINESS_DATE"
    SCORECARD = "SCORECARD"
    HISTORY = "HISTORY"
    REFERENCE_RUN = "REFERENCE_RUN"
    CALIBRATION = "CALIBRATION"
    PRODUCT = "PRODUCT"
    PUBLISHED_RUN = "PUBLISHED_RUN"
    PARTNER_CLIENT = "PARTNER_CLIENT"


class StepState(StrEnum):
    """The state of a step: done, to be done now, happening by itself, or waiting for others before it."""

    DONE = "DONE"
    READY = "READY"
    BY_ITSELF = "BY_ITSELF"
    WAITING = "WAITING"


NEEDS = {
    SetupStep.REFERENCE_RUN: {SetupStep.BUSINESS_DATE, SetupStep.SCORECARD, SetupStep.HISTORY},
    SetupStep.CALIBRATION: {SetupStep.REFERENCE_RUN},
    SetupStep.PRODUCT: {SetupStep.HISTORY},
    SetupStep.PUBLISHED_RUN: {SetupStep.CALIBRATION},
    SetupStep.PARTNER_CLIENT: {SetupStep.HISTORY},
}


def judge_setup(done: Mapping[SetupStep, bool], *, by_calendar: bool) -> dict[SetupStep, StepState]:
    """Return the state of each step; `done` has them all. by_calendar: the calendar opens days, and people cannot."""

    def state(step: SetupStep) -> StepState:
        if done[step]:
            return StepState.DONE
        if by_calendar and step is SetupStep.BUSINESS_DATE:
            return StepState.BY_ITSELF
        return StepState.READY if all(done[need] for need in NEEDS.get(step, ())) else StepState.WAITING

    return {step: state(step) for step in SetupStep}
