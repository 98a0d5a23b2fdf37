"""A worker process that crashes leaves a report, and a job that crashes its workers fails after the second."""

import os
import signal
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import InterfaceError
from django.utils import timezone

from mer_platform.jobs import crashes
from mer_platform.jobs.crashes import count_crashes
from mer_platform.jobs.models import Job
from workers import runner
from workers.upkeep import upkeep

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]

# A worker process that runs job {job} when it stops.
WORKER = """
import os, signal, sys, types
import django
django.setup()
from mer_platform.jobs.crashes import CrashReport
report = CrashReport()
report.start(types.SimpleNamespace(pk={job}))
{then}
"""


def run_worker(job: Job, then: str) -> int:
    """Run a worker process that runs the job until it ends; return its exit code."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "mer_platform.settings",
        "MER_DATA_DIR": str(settings.DATA_DIR),
    }
    code = WORKER.format(job=job.pk, then=then)
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True).returncode


@pytest.fixture
def job(project) -> Job:
    job = Job.enqueue("ingest", "ingest", project.pk, "ingest:1", "clip:1", {"clip": 0})
    Job.claim(job.pk, "elsewhere:1")
    return job


@pytest.mark.parametrize("fatal", ["SIGABRT", "SIGSEGV", "SIGILL"])
def test_a_crash_is_counted_once(job, fatal):
    assert run_worker(job, f"os.kill(os.getpid(), signal.{fatal})") == -getattr(signal, fatal)
    assert count_crashes() == 1
    assert count_crashes() == 0
    job.refresh_from_db()
    assert job.crashes == 1


def test_an_abort_is_counted_where_the_pool_has_a_handler_of_its_own(job):
    handler = "signal.signal(signal.SIGABRT, lambda *_: sys.exit(70))"  # as billiard's
    run_worker(job, f"{handler}; report.start(types.SimpleNamespace(pk={job.pk})); os.abort()")
    assert count_crashes() == 1


@pytest.mark.parametrize(
    "then",
    ["os.kill(os.getpid(), signal.SIGKILL)", "report.end(); os.abort()", "report.close()", "sys.exit(3)"],
)
def test_any_other_end_is_not_counted(job, then):
    run_worker(job, then)
    assert count_crashes() == 0
    job.refresh_from_db()
    assert job.crashes == 0


def test_a_job_is_tried_again_after_its_first_crash(job):
    Job.objects.update(crashes=Job.MAX_CRASHES - 1, lease_until=timezone.now())
    upkeep()
    job.refresh_from_db()
    assert job.state == Job.State.RUNNING
    assert Job.claim_next("ingest", "elsewhere:2") is not None


def test_a_job_fails_at_its_second_crash(job, monkeypatch):
    reasons: list[str] = []
    handler = runner.Handler(
        lambda _: None, lambda _, reason: reasons.append(reason), lambda _: "Training STSTNet"
    )
    monkeypatch.setitem(runner.HANDLERS, "ingest", handler)
    run_worker(job, "os.abort()")
    run_worker(job, "os.abort()")
    Job.objects.update(lease_until=timezone.now())
    upkeep()
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert job.error.startswith("Training STSTNet crashed its worker process 2 times.")
    assert reasons == [job.error]


def test_a_crash_that_could_not_be_counted_is_counted_later(job, monkeypatch):
    run_worker(job, "os.abort()")
    with monkeypatch.context() as patch:
        patch.setattr(crashes, "_count", database_is_away)
        with pytest.raises(InterfaceError):
            count_crashes()
    assert count_crashes() == 1


def test_the_report_of_a_living_process_is_left_alone(job):
    report = crashes.CrashReport()
    report.start(job)
    assert count_crashes() == 0
    assert len(list((settings.DATA_DIR / "crashes").iterdir())) == 1
    report.end()
    report.close()


def database_is_away(_report):
    raise InterfaceError("connection already closed")
