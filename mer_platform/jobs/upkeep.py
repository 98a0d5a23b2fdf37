"""Upkeep: end the leases of dead workers and announce due jobs again, so that no job is left behind."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Q

from mer_platform.jobs import clock
from mer_platform.jobs.models import Job, Worker
from mer_platform.processes import is_alive


def expire_dead_leases() -> int:
    """End the leases of processes that this one sees to be dead. All other leases expire by themselves."""
    ended = 0
    for job in Job.objects.filter(state=Job.State.RUNNING, lease_until__gt=clock.now()):
        if not is_alive(job.lease_owner):
            same = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, attempt=job.attempt)
            ended += same.update(lease_until=clock.now(-1))
    return ended


def forget_dead_workers() -> int:
    """Delete the workers that did not sign off: dead processes of this host, and any that has not reported for long."""
    silent = clock.now(-10 * Worker.SEEN_SECONDS)
    dead = [worker.pk for worker in Worker.objects.all() if not is_alive(worker.name)]
    return Worker.objects.filter(Q(pk__in=dead) | Q(last_seen__lt=silent)).delete()[0]


def announce_due() -> int:
    """Announce every due job again that was not announced recently, and return how many.

    The interval doubles with each announcement, so that a long queue does not flood the broker.
    """
    now = clock.read()
    count = 0
    for job in Job.objects.filter(Job.due(now)).iterator():
        wait = timedelta(seconds=settings.JOB_REQUEUE_SECONDS * 2 ** min(max(job.announcements - 1, 0), 5))
        abandoned = job.state == Job.State.RUNNING
        if abandoned or job.announced_at is None or job.announced_at + wait < now:
            job.announce()
            count += 1
    return count


def abandoned_jobs() -> list[Job]:
    """Return the jobs that ended too many worker processes to be tried again."""
    return list(Job.objects.filter(Job.worn_out(), lease_until__lt=clock.now()))
