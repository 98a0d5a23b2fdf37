"""A message announces a job in a queue; the worker then takes jobs from this queue for a moment."""

import pytest

from mer_platform.jobs.models import Job
from workers import runner

pytestmark = [pytest.mark.services]


@pytest.fixture
def done(transactional_db, project, monkeypatch) -> list[str]:
    """Queue three jobs; return the keys of those that were done."""
    keys: list[str] = []

    def run(claim) -> None:
        keys.append(claim.job.key)
        with claim.commit() as job:
            claim.finish(job)

    monkeypatch.setitem(runner.HANDLERS, "test", runner.Handler(run, lambda _job, _reason: None))
    for n in range(3):
        Job.enqueue("test", "ingest", project.pk, f"test:{n}", "test", {})
    return keys


def test_short_jobs_follow_each_other_after_one_message(done, monkeypatch):
    monkeypatch.setattr(runner, "STAY_SECONDS", 60)
    runner.work("ingest")
    assert done == ["test:0", "test:1", "test:2"]


def test_after_a_moment_other_queues_get_a_turn(done, monkeypatch):
    monkeypatch.setattr(runner, "STAY_SECONDS", 0)
    runner.work("ingest")
    assert done == ["test:0"]
