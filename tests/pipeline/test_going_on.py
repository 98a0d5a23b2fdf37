"""A message says that something is due in a queue; a worker then does what is due there for a while."""

import pytest

from mer_platform.jobs.models import Job
from workers import runner

pytestmark = [pytest.mark.services]


@pytest.fixture
def done(transactional_db, project, monkeypatch) -> list[str]:
    """Three jobs are due; what was done of them."""
    keys: list[str] = []

    def run(claim) -> None:
        keys.append(claim.job.key)
        with claim.commit() as job:
            claim.finish(job)

    monkeypatch.setitem(runner.HANDLERS, "test", runner.Handler(run, lambda _job, _reason: None))
    for n in range(3):
        Job.enqueue("test", "ingest", project.pk, f"test:{n}", "test", {})
    return keys


def test_short_jobs_follow_each_other_without_a_message_each(done, monkeypatch):
    monkeypatch.setattr(runner, "GO_ON_SECONDS", 60)
    runner.work("ingest")
    assert done == ["test:0", "test:1", "test:2"]


def test_after_a_while_other_queues_are_heard(done, monkeypatch):
    monkeypatch.setattr(runner, "GO_ON_SECONDS", 0)
    runner.work("ingest")
    assert done == ["test:0"]
