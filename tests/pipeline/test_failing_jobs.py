"""What a job that goes wrong leaves behind: one honest ending, whatever went wrong."""

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
    """Register a handler that raises what it is told to, attempt by attempt; returns the reasons it was failed with."""
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


def test_an_unexpected_error_is_tried_once_more_and_then_told(job, handler):
    reasons = handler(ValueError("first"), ValueError("second"))
    runner.take_next("ingest")
    job.refresh_from_db()
    assert (job.state, reasons) == (Job.State.QUEUED, [])
    runner.take_next("ingest")
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert "ValueError: second" in job.error
    assert reasons == [job.error]


def test_a_worker_that_died_does_not_use_up_the_second_try(job, handler):
    handler(ValueError("first"))
    Job.objects.filter(pk=job.pk).update(attempt=3)
    runner.take_next("ingest")
    job.refresh_from_db()
    assert job.state == Job.State.QUEUED


def test_data_that_the_database_refuses_is_an_error_like_any_other(job, handler):
    handler(DataError("value too long"))
    runner.take_next("ingest")
    job.refresh_from_db()
    assert job.state == Job.State.QUEUED
    assert "value too long" in job.error


def test_a_database_that_is_away_leaves_the_job_to_its_lease(job, handler):
    handler(OperationalError("server closed the connection"))
    runner.take_next("ingest")
    job.refresh_from_db()
    assert (job.state, job.error) == (Job.State.RUNNING, "")
