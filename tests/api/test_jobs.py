"""Claims, leases and upkeep: one worker at a time, and no job is lost."""

from datetime import timedelta

import pytest
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from mer_platform import processes
from mer_platform.jobs import upkeep
from mer_platform.jobs.models import Job, JobCancelled, LeaseLost, Worker
from workers import presence

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def job(project) -> Job:
    return Job.enqueue("ingest", "ingest", project.pk, "ingest:1", "clip:1", {"clip": 1})


def expire_lease(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_the_same_work_is_queued_once(project, job):
    again = Job.enqueue("ingest", "ingest", project.pk, "ingest:1", "clip:1", {"clip": 1})
    assert again.pk == job.pk


def test_one_worker_gets_the_job(job):
    assert Job.claim(job.pk, "host:1") is not None
    assert Job.claim(job.pk, "host:2") is None


def test_an_expired_lease_allows_another_worker_the_next_attempt(job):
    Job.claim(job.pk, "host:1")
    expire_lease(job)
    assert Job.claim(job.pk, "host:2").attempt == 2


def test_a_worker_that_lost_its_lease_cannot_write(job):
    first = Job.claim(job.pk, "host:1")
    expire_lease(job)
    Job.claim(job.pk, "host:2")
    with pytest.raises(LeaseLost), first.commit():
        pytest.fail("a lost claim entered its transaction")
    with pytest.raises(LeaseLost):
        first.heartbeat()
    assert not first.end(Job.State.FAILED, "late")


def test_a_heartbeat_keeps_the_job_and_learns_of_its_cancellation(job):
    claim = Job.claim(job.pk, "host:1")
    expire_lease(job)
    claim.heartbeat()
    assert Job.claim(job.pk, "host:2") is None
    Job.cancel_group("clip:1")
    claim.heartbeat()
    with pytest.raises(JobCancelled):
        claim.check()


def test_a_finished_job_is_not_claimed_again(job):
    claim = Job.claim(job.pk, "host:1")
    with claim.commit() as row:
        claim.finish(row)
    assert Job.claim(job.pk, "host:2") is None


def queue_up(project, key: str, **fields) -> Job:
    return Job.enqueue("bundle", "training", project.pk, key, "group", {}, **fields)


def taken(owner: str = "host:1") -> str:
    return Job.claim_next("training", owner).job.key


def test_the_highest_priority_runs_first_and_then_the_oldest(project, job):
    for key, priority in (("low", -1), ("first", 0), ("second", 0), ("high", 5)):
        queue_up(project, key, priority=priority)
    assert [taken() for _ in range(4)] == ["high", "first", "second", "low"]
    assert Job.claim_next("training", "host:1") is None  # the ingest job is in another queue


def test_projects_take_turns(project, other_project):
    for key in ("a1", "a2", "a3"):
        queue_up(project, key)
    for key in ("b1", "b2"):
        queue_up(other_project, key)
    assert [taken() for _ in range(5)] == ["a1", "b1", "a2", "b2", "a3"]


def test_a_held_job_is_not_claimed_until_it_is_released(project):
    queue_up(project, "held", held=True)
    assert Job.claim_next("training", "host:1") is None
    assert upkeep.announce_due() == 0
    Job.release_group("group")
    assert taken() == "held"


def test_a_job_whose_worker_died_is_claimed_again_up_to_a_limit(project):
    job = queue_up(project, "again")
    taken()
    expire_lease(job)
    assert taken("host:2") == "again"
    Job.objects.update(attempt=Job.MAX_ATTEMPTS)
    expire_lease(job)
    assert Job.claim_next("training", "host:3") is None


def test_a_worker_can_ask_at_any_time_whether_to_stop(job):
    claim = Job.claim(job.pk, "host:1")
    assert not claim.should_stop()
    Job.cancel_group("clip:1")
    assert claim.should_stop()
    with pytest.raises(JobCancelled):
        claim.check()


def test_workers_that_are_gone_are_forgotten(monkeypatch):
    presence.register(["training"])
    assert [worker.queues for worker in Worker.serving("training")] == [["training"]]
    assert Worker.serving("gpu") == []
    assert upkeep.forget_dead_workers() == 0
    Worker.objects.create(name="elsewhere:1", host="elsewhere", pid=1, device="cpu", last_seen=timezone.now())
    end_all(monkeypatch)
    assert upkeep.forget_dead_workers() == 1
    assert [worker.name for worker in Worker.alive()] == ["elsewhere:1"]


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_worker_leaves_quietly_while_the_database_does_not_answer(monkeypatch, error):
    def refuse(**_fields):
        raise error("the connection is closed")

    monkeypatch.setattr(Worker.objects, "filter", refuse)
    presence.leave()


def test_upkeep_ends_the_lease_of_a_dead_process_of_this_host(job, monkeypatch):
    Job.claim(job.pk, processes.owner_name())
    end_all(monkeypatch)
    assert upkeep.expire_dead_leases() == 1
    assert Job.claim(job.pk, "host:2").attempt == 2


def test_upkeep_leaves_living_workers_and_other_hosts_alone(job):
    Job.claim(job.pk, processes.owner_name())
    assert upkeep.expire_dead_leases() == 0
    Job.objects.update(lease_owner="elsewhere:1")
    assert upkeep.expire_dead_leases() == 0


def test_upkeep_announces_lost_jobs_but_none_that_was_just_announced(job, settings):
    assert (
        upkeep.announce_due() == 1
    )  # the transaction of this test never commits, so the job is not announced yet
    assert upkeep.announce_due() == 0
    Job.objects.update(announced_at=timezone.now() - timedelta(seconds=settings.JOB_REQUEUE_SECONDS + 1))
    assert upkeep.announce_due() == 1


def test_upkeep_finds_jobs_that_crash_their_workers(job):
    Job.claim(job.pk, "host:1")
    Job.objects.update(attempt=Job.MAX_ATTEMPTS)
    expire_lease(job)
    assert upkeep.abandoned_jobs() == [job]


def test_a_broker_that_is_down_does_not_break_the_request(job, monkeypatch):
    from kombu.exceptions import OperationalError

    from mer_platform.jobs import broker
    from mer_platform.jobs.publishing import Publisher

    def refuse(*_args, **_kwargs):
        raise OperationalError("connection refused")

    monkeypatch.setattr(broker, "publisher", Publisher())
    monkeypatch.setattr(broker.app, "send_task", refuse)
    assert broker.announce("ingest") is False


def end_all(monkeypatch) -> None:
    """Let every process of this host have ended."""
    monkeypatch.setattr(processes, "_start_of", lambda _process: "gone")
