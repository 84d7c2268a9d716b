"""Do the work of pipelines in this process."""

from config.office.job_runs import run_job
from config.office.models import JobRun
from config.office.models.job_run import JobState
from config.office.stages import Pipeline


def do_stages(pipeline: Pipeline, subject_id: int) -> None:
    """Do all jobs of a subject, stage by stage: each is asked once whether it is done, with the next that are not."""
    tried = set[int]()
    jobs = JobRun.objects.filter(name__in=pipeline.names, subject_id=subject_id).order_by("part")
    while waiting := list(jobs.exclude(state=JobState.DONE)):
        for job in waiting:
            assert job.pk not in tried, job.error
            tried.add(job.pk)
            attempt_job(pipeline, job)


def do_job(pipeline: Pipeline, job: JobRun) -> None:
    attempt_job(pipeline, job)
    job.refresh_from_db()
    assert job.state == JobState.DONE, job.error


def attempt_job(pipeline: Pipeline, job: JobRun) -> None:
    """Do a job, which may fail."""
    [stage] = [stage for stage in pipeline.stages if stage.name == job.name]
    run_job(job.pk, stage.work)
