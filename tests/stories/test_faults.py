"""Workers die and brokers forget; a run finishes by itself, equal to an undisturbed one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from celery import current_app

from config.office.actors import SYSTEM
from config.office.models import JobRun
from config.office.models.job_run import JobState
from scoring.domain.run import RunState
from scoring.models import ScoreRun
from scoring.operations import runs
from scoring.operations.runs import RUN, start_run
from tests.conftest import NOW, Enqueued
from tests.scoring.market import SCORE, everything_of, make_market, work_through
from tests.workers import kill, own_broker, wait_until, worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _in_thirty_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Divide the sixty merchants, so that there is a middle in which something can happen."""
    monkeypatch.setattr(runs, "RUN", replace(RUN, rows_a_part=2))


def in_the_middle(run: ScoreRun) -> Callable[[], bool]:
    """Tell whether some parts are scored."""
    return lambda: JobRun.objects.of(SCORE, run.pk).filter(state=JobState.DONE).count() >= 3


def is_done(run: ScoreRun) -> Callable[[], bool]:
    return lambda: not ScoreRun.objects.working().filter(pk=run.pk).exists()


def assert_equal_to_an_undisturbed_run(run: ScoreRun) -> None:
    run.refresh_from_db()
    assert run.state == RunState.UNPUBLISHED
    undisturbed = work_through(start_run(actor=SYSTEM, now=NOW))
    assert undisturbed.watermark_high == run.watermark_high
    assert everything_of(run) == everything_of(undisturbed)
    assert len(everything_of(run)) == 60


def test_a_worker_killed_in_the_middle(tmp_path: Path, enqueued: Enqueued) -> None:  # noqa: ARG001 - an empty queue
    make_market(60)
    run = start_run(actor=SYSTEM, now=NOW)
    with worker(tmp_path / "first.log") as first:
        wait_until(in_the_middle(run))
        kill(first)
    assert not is_done(run)()
    assert JobRun.objects.of(SCORE, run.pk).exclude(state=JobState.DONE).exists()
    with worker(tmp_path / "second.log"):
        wait_until(is_done(run))
    assert_equal_to_an_undisturbed_run(run)


def test_a_broker_flushed_in_the_middle(tmp_path: Path, enqueued: Enqueued) -> None:  # noqa: ARG001
    """Red without the sweep: the messages of the parts that were not done are gone."""
    make_market(60)
    run = start_run(actor=SYSTEM, now=NOW)
    with worker(tmp_path / "worker.log"):
        wait_until(in_the_middle(run))
        with current_app.connection_for_write() as connection:
            connection.channel().client.flushdb()  # type: ignore[attr-defined] # Kombu's Redis
        assert not is_done(run)()
        wait_until(is_done(run))
    assert_equal_to_an_undisturbed_run(run)


def test_a_broker_that_dies_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker and its beat live through the time without one, and connect again by themselves."""
    make_market(60)
    with own_broker(monkeypatch) as broker:
        run = start_run(actor=SYSTEM, now=NOW)
        with worker(tmp_path / "worker.log"):
            wait_until(in_the_middle(run))
            broker.stop()
            wait_until(lambda: "Trying again" in (tmp_path / "worker.log").read_text())
            assert not is_done(run)()
            broker.start()
            wait_until(is_done(run))
    assert_equal_to_an_undisturbed_run(run)
