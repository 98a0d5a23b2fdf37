"""Upkeep: end the leases of dead workers and announce due jobs again, so that no job is left behind."""

import socket
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from mer_platform.jobs.models import Job, Worker
from mer_platform.processes import is_alive


def expire_dead_leases() -> int:
    """End the leases held by dead processes of this host. Leases of other hosts expire by themselves."""
    prefix = f"{socket.gethostname()}:"
    dead = [
        job.pk
        for job in Job.objects.filter(state=Job.State.RUNNING, lease_owner__startswith=prefix)
        if not is_alive(int(job.lease_owner.rpartition(":")[2]))
    ]
    return Job.objects.filter(pk__in=dead, state=Job.State.RUNNING).update(lease_until=timezone.now())


def forget_dead_workers() -> int:
    """Delete the workers that did not sign off: dead processes of this host, and any that has not reported for long."""
    silent = timezone.now() - timedelta(seconds=10 * Worker.SEEN_SECONDS)
    here = Worker.objects.filter(host=socket.gethostname())
    dead = [worker.pk for worker in here if not is_alive(worker.pid)]
    return Worker.objects.filter(Q(pk__in=dead) | Q(last_seen__lt=silent)).delete()[0]


def announce_due() -> int:
    """Announce every due job again that was not announced recently, and return how many.

    The interval doubles with each announcement, so that a long queue does not flood the broker.
    """
    now = timezone.now()
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
    return list(Job.objects.filter(Job.worn_out(), lease_until__lt=timezone.now()))
