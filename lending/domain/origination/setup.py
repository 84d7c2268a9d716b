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
    """How a step stands: done, to be done now, or waiting for others before it."""

    DONE = "DONE"
    READY = "READY"
    WAITING = "WAITING"


NEEDS = {
    SetupStep.REFERENCE_RUN: {SetupStep.BUSINESS_DATE, SetupStep.SCORECARD, SetupStep.HISTORY},
    SetupStep.CALIBRATION: {SetupStep.REFERENCE_RUN},
    SetupStep.PRODUCT: {SetupStep.HISTORY},
    SetupStep.PUBLISHED_RUN: {SetupStep.CALIBRATION},
    SetupStep.PARTNER_CLIENT: {SetupStep.HISTORY},
}


def judge_setup(done: Mapping[SetupStep, bool]) -> dict[SetupStep, StepState]:
    """Judge how each step stands; `done` has them all."""

    def state(step: SetupStep) -> StepState:
        if done[step]:
            return StepState.DONE
        return StepState.READY if all(done[need] for need in NEEDS.get(step, ())) else StepState.WAITING

    return {step: state(step) for step in SetupStep}
