import pytest

from lending.domain.origination.setup import SetupStep, StepState, judge_setup

ORDER = list(SetupStep)
READY, WAITING = StepState.READY, StepState.WAITING


def states(*done: SetupStep) -> dict[SetupStep, StepState]:
    return judge_setup({step: step in done for step in SetupStep}, by_calendar=False)


def test_an_empty_office_begins_with_what_needs_nothing() -> None:
    ready = [step for step, state in states().items() if state == READY]
    assert ready == [SetupStep.SCHEDULER, SetupStep.BUSINESS_DATE, SetupStep.SCORECARD, SetupStep.HISTORY]


@pytest.mark.parametrize("missing", [SetupStep.BUSINESS_DATE, SetupStep.SCORECARD, SetupStep.HISTORY])
def test_a_reference_run_waits_for_all_that_it_reads(missing: SetupStep) -> None:
    before = set(ORDER[:4])
    assert states(*before)[SetupStep.REFERENCE_RUN] == READY
    assert states(*(before - {missing}))[SetupStep.REFERENCE_RUN] == WAITING


def test_steps_become_ready_in_their_order() -> None:
    """Red if a step needed one that stands below it: the list would be read downwards and be stuck."""
    for place, step in enumerate(ORDER):
        assert states(*ORDER[:place])[step] == READY


def test_nobody_is_asked_to_open_a_day_that_the_calendar_opens() -> None:
    found = judge_setup(dict.fromkeys(SetupStep, False), by_calendar=True)
    assert [step for step, state in found.items() if state == StepState.BY_ITSELF] == [SetupStep.BUSINESS_DATE]
