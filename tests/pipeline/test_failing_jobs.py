"""A job that goes wrong ends in one clear state, for any kind of error."""

import pytest
from django.db import DataError, OperationalError

from mer_platform.jobs.models import Job
from workers import runner

pytestmark = [pytest.mark.services]


@pytest.fixture
def job(project, transactional_db) -> Job:
    return Job.enqueue("test", "ingest", project.pk, "test:1", "test:1", {})


@pytest.fixture
def handler(monkeypatch):
    """Register a handler that raises the given errors, one per attempt; return the reasons with which it failed."""
    reasons: list[str] = []

    def register(*errors: Exception) -> list[str]:
        queue = list(errors)

        def run(claim) -> None:
            raise queue.pop(0)

        monkeypatch.setitem(
            runner.HANDLERS, "test", runner.Handler(run, lambda _job, reason: reasons.append(reason))
        )
        return reasons

    return register


def test_a_job_is_tried_again_after_an_unexpected_error_and_then_fails(job, handler):
    reasons = handler(ValueError("first"), ValueError("second"))
    runner.take_next("ingest")
    job.refresh_from_db()
    assert (job.state, reasons) == (Job.State.QUEUED, [])
    runner.take_next("ingest")
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert f"Internal error in job {job.pk}" in job.error
    assert reasons == [job.error]


def test_a_worker_that_died_does_not_use_up_the_second_try(job, handler):
    handler(ValueError("first"))
    Job.objects.filter(pk=job.pk).update(attempt=3)
    runner.take_next("ingest")
    job.refresh_from_db()
    assert job.state == Job.State.QUEUED


def test_data_that_the_database_refuses_are_an_unexpected_error(job, handler):
    handler(DataError("value too long"))
    runner.take_next("ingest")
    job.refresh_from_db()
    assert job.state == Job.State.QUEUED
    assert "Internal error" in job.error


def test_a_job_waits_for_its_lease_if_the_database_is_down(job, handler):
    handler(OperationalError("server closed the connection"))
    runner.take_next("ingest")
    job.refresh_from_db()
    assert (job.state, job.error) == (Job.State.RUNNING, "")
