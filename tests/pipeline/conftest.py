import pytest

from mer_platform.jobs.models import Job
from tests.platform_fixtures import *  # noqa: F403


@pytest.fixture
def work(transactional_db):
    """Do every job that is due, as a worker would, in this process."""
    from workers.app import app  # noqa: F401  (registers the handlers)
    from workers.runner import run_job

    def until_idle() -> None:
        while due := list(Job.objects.filter(state=Job.State.QUEUED).order_by("pk")):
            for job in due:
                run_job(job.pk)

    return until_idle
