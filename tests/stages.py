"""Do the work of pipelines in this process."""

from config.office.job_runs import run_job
from config.office.models import JobRun
from config.office.models.job_run import JobState
from config.office.stages import Pipeline


def do_stages(pipeline: Pipeline, subject_id: int) -> None:
    """Do all jobs of a subject, stage by stage."""
    for name in pipeline.names:
        for job in JobRun.objects.of(name, subject_id).exclude(state=JobState.DONE).order_by("part"):
            do_job(pipeline, job)


def do_job(pipeline: Pipeline, job: JobRun) -> None:
    attempt_job(pipeline, job)
    assert job.state == JobState.DONE, job.error


def attempt_job(pipeline: Pipeline, job: JobRun) -> None:
    """Do a job, which may fail."""
    [stage] = [stage for stage in pipeline.stages if stage.name == job.name]
    run_job(job.pk, stage.work)
    job.refresh_from_db()
