"""Do the work of pipelines in this process."""

from config.db.rows import select
from config.office.job_runs import run_job
from config.office.models import JobRun
from config.office.models.job_run import JobState
from config.office.stages import Pipeline

LEFT = """
SELECT {j} FROM office_jobrun j WHERE j.name = ANY(%(names)s) AND j.subject_id = %(subject)s AND j.state <> 'DONE'
ORDER BY j.part
"""


def do_stages(pipeline: Pipeline, subject_id: int) -> None:
    """Do all jobs of a subject, stage by stage: each is asked once whether it is done, with the next that are not."""
    tried = set[int]()
    asked = {"names": list(pipeline.names), "subject": subject_id}
    while waiting := select(LEFT, asked, j=JobRun):
        for (job,) in waiting:
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
