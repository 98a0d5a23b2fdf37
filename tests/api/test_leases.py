"""Leases with wrong clocks, and workers of the same host name in different containers."""

import shutil
import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from mer_platform import processes
from mer_platform.jobs import clock, upkeep
from mer_platform.jobs.models import Job, Worker
from tests.conftest import ROOT
from workers import presence

pytestmark = [pytest.mark.django_db, pytest.mark.services]
HOUR = timedelta(hours=1)
NAME = "from mer_platform.processes import owner_name; print(owner_name())"


@pytest.fixture
def job(project) -> Job:
    return Job.enqueue("ingest", "ingest", project.pk, "ingest:1", "clip:1", {"clip": 1})


@pytest.fixture(params=[HOUR, -HOUR], ids=["fast", "slow"])
def wrong_clock(request, monkeypatch):
    """The clock of this process, one hour wrong."""
    right, wrong = timezone.now, request.param
    monkeypatch.setattr("django.utils.timezone.now", lambda: right() + wrong)
    monkeypatch.setattr("time.time", lambda: right().timestamp() + wrong.total_seconds())


@pytest.fixture
def claimed(job) -> Job:
    assert Job.claim(job.pk, "right:1")
    return job


def test_a_worker_with_a_wrong_clock_cannot_steal(claimed, wrong_clock):
    job = claimed
    assert Job.claim(job.pk, "wrong:1") is None
    assert upkeep.expire_dead_leases() == 0
    assert upkeep.abandoned_jobs() == []


def test_a_worker_with_a_wrong_clock_that_dies_blocks_its_job_no_longer_than_a_lease(job, settings):
    with pytest.MonkeyPatch.context() as patch:
        right = timezone.now
        patch.setattr("django.utils.timezone.now", lambda: right() + HOUR)
        Job.claim(job.pk, "wrong:1").heartbeat()
    job.refresh_from_db()
    assert timedelta(0) < job.lease_until - clock.read() <= timedelta(seconds=settings.JOB_LEASE_SECONDS)


def test_a_job_of_a_worker_with_a_wrong_clock_waits_as_long_as_it_should(job, wrong_clock):
    Job.claim(job.pk, "wrong:1").release("", seconds=30)
    job.refresh_from_db()
    assert timedelta(seconds=20) < job.not_before - clock.read() <= timedelta(seconds=30)


def test_a_lease_longer_than_any_lease_is_none(job):
    Job.claim(job.pk, "host:1")
    Job.objects.update(lease_until=clock.read() + HOUR)  # the clock of the database was set back
    assert Job.claim(job.pk, "host:2").attempt == 2


def test_a_worker_with_a_wrong_clock_is_listed(wrong_clock):
    presence.register(["training"])
    assert len(Worker.serving("training")) == 1


def test_this_process_is_alive_and_its_number_in_another_process_is_not():
    name = processes.owner_name()
    host, place, number = processes.split(name)
    assert processes.is_alive(name)
    boot, namespace, start = place.split("-")
    assert not processes.is_alive(
        f"{host}:{boot}-{namespace}-{int(start) - 1}:{number}"
    )  # the number was used again
    assert processes.is_alive(f"{host}:{boot}-1-{start}:999999")  # in another container
    assert processes.is_alive(
        f"{host}:00000000-{namespace}-{start}:999999"
    )  # before the last start, or another machine
    assert processes.is_alive("elsewhere:1")


def test_a_process_of_the_same_host_name_in_another_namespace_never_looks_dead(job):
    if shutil.which("unshare") is None:
        pytest.skip("unshare not found")
    inside = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", NAME]
    done = subprocess.run(inside, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        pytest.skip(f"this process may not create namespaces: {done.stderr}")
    name = done.stdout.strip()
    assert processes.split(name)[0] == processes.host_name()
    assert processes.split(name)[2] == "1"
    Job.claim(job.pk, name)
    assert upkeep.expire_dead_leases() == 0
