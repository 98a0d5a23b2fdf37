import pytest

from mer_platform.jobs.models import Job
from tests.platform_fixtures import *  # noqa: F403


@pytest.fixture
def work(transactional_db):
    """Do every job that is due, as a worker would, in this process."""
    from workers import runner
    from workers.app import app  # noqa: F401  (registers the handlers)

    def until_idle() -> None:
        while (
            due := Job.objects.filter(state=Job.State.QUEUED, held=False, not_before=None)
            .order_by("pk")
            .first()
        ):
            runner.take_next(due.queue)

    return until_idle
