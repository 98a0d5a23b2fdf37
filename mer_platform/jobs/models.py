"""A job: a durable unit of work. Its row is the truth; the broker only announces that a queue has a job due.

A worker *claims* a job by compare-and-set on its attempt number and renews the lease while it works. Every write carries
the attempt number, so a worker that has lost its lease cannot write.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Self

from django.apps import apps
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, models, transaction
from django.db.models import Count, F, Min, OuterRef, Q, Subquery
from django.utils import timezone

from mer_platform.jobs import clock
from mer_platform.jobs.broker import announce
from mer_platform.jobs.workers import Worker
from mer_platform.rest.request_ids import request_id


def asking_request() -> str:
    """Return the id of the request that this thread works for; empty outside requests."""
    found = request_id()
    return "" if found == "-" else found


__all__ = ["Claim", "Job", "JobCancelled", "LeaseLost", "Worker"]


class LeaseLost(Exception):
    """The job has ended, or another worker has claimed it: stop without writing."""


class JobCancelled(Exception):
    """A user has asked for this job to stop."""


class Job(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    # Priorities: the highest in a queue runs first. Experiments choose between -10 and 10.
    LOW, NORMAL = -20, 0
    INTERACTIVE = 20  # short, and a person waits for it at a page
    LAST_STEP = 1  # added to the priority of the last job of something, so that it goes before the first of something else
    MAX_ATTEMPTS = 10  # restarts of the platform count too, and a long job may see several
    MAX_ERRORS = 2  # unexpected ones
    MAX_CRASHES = 2  # a single crash may be the machine's fault
    # The wait after a first outage, which doubles with each further one: so jobs wait about as long as the storage was away.
    FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 2.0, 300.0
    MOST_MESSAGES = 32  # for jobs that are queued together
    OPEN = (State.QUEUED, State.RUNNING)

    kind = models.CharField(max_length=40)
    queue = models.CharField(max_length=20)
    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="jobs")
    key = models.CharField(
        max_length=120, unique=True, help_text="Identifies the work: the same work is never queued twice."
    )
    group = models.CharField(
        max_length=60, db_index=True, help_text="The run, clip or batch that the job belongs to."
    )
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    priority = models.IntegerField(default=NORMAL, help_text="The highest in a queue runs first.")
    held = models.BooleanField(default=False, help_text="Neither started nor resumed until released.")
    not_before = models.DateTimeField(
        null=True, blank=True, help_text="The earliest time of the next attempt."
    )
    attempt = models.PositiveIntegerField(default=0)
    crashes = models.PositiveIntegerField(
        default=0, help_text="Number of worker processes that crashed while they ran it."
    )
    outages = models.PositiveIntegerField(
        default=0,
        help_text="Number of attempts that a full disk, or a storage that did not answer, has ended.",
    )
    unexpected_errors = models.PositiveIntegerField(
        default=0, help_text="Number of attempts that ended in an internal error."
    )
    lease_owner = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
    request_id = models.CharField(
        max_length=64,
        blank=True,
        default=asking_request,
        db_default="",
        help_text="Of the request that asked for the job.",
    )
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    announced_at = models.DateTimeField(null=True, blank=True)
    announcements = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["state", "lease_until"]),
            models.Index(fields=["queue", "state", "priority"]),
            models.Index(fields=["queue", "project", "started_at"]),  # whose turn it is
            models.Index(fields=["finished_at"]),  # what has ended recently
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} ({self.state})"

    @classmethod
    def enqueue(
        cls,
        kind: str,
        queue: str,
        project_id: int,
        key: str,
        group: str,
        payload: dict[str, Any],
        priority: int = NORMAL,
        held: bool = False,
    ) -> "Job":
        """Create the job, or return the one with the same key. A new job is announced after the commit."""
        job, created = cls.objects.get_or_create(
            key=key,
            defaults={
                "kind": kind,
                "queue": queue,
                "project_id": project_id,
                "group": group,
                "payload": payload,
                "priority": priority,
                "held": held,
            },
        )
        if created and not held:
            transaction.on_commit(job.announce)
        return job

    @classmethod
    def enqueue_many(cls, jobs: "Sequence[Self]") -> None:
        """Store new jobs whose keys no job has, in one statement, and announce them after the commit."""
        stored = cls.objects.bulk_create(jobs, batch_size=1000)
        queues: dict[str, list[int]] = {}
        for job in stored:
            queues.setdefault(job.queue, []).append(job.pk)
        for queue, ids in queues.items():
            transaction.on_commit(partial(cls._announce_many, queue, ids))

    @classmethod
    def _announce_many(cls, queue: str, ids: list[int]) -> None:
        # A worker stays at a queue while jobs are due in it, so that a message per worker is enough.
        if all(announce(queue) for _ in ids[: cls.MOST_MESSAGES]):
            for start in range(0, len(ids), 1000):
                some = cls.objects.filter(pk__in=ids[start : start + 1000])
                some.update(announced_at=timezone.now(), announcements=F("announcements") + 1)

    def announce(self) -> None:
        if announce(self.queue):
            Job.objects.filter(pk=self.pk).update(
                announced_at=timezone.now(), announcements=F("announcements") + 1
            )

    @classmethod
    def claim_next(cls, queue: str, owner: str) -> "Claim | None":
        """Claim the next due job of a queue. Return None if no job is due.

        The highest priority comes first. Among jobs of equal priority, it is the turn of the project with the fewest
        running jobs, then of the one whose last turn in this queue is the longest ago. A project's oldest job comes first.
        """
        for among in (1, 8, 64, 512):
            # Workers that ask at the same time would all try the same row. A worker that comes too late considers more rows.
            candidates = cls._first_due(queue, among)
            if not candidates:
                return None
            random.shuffle(candidates)
            for pk in candidates[:8]:
                if claim := cls.claim(pk, owner):
                    return claim
        return None  # other workers are faster; upkeep announces what they leave

    @classmethod
    def _first_due(cls, queue: str, count: int) -> list[int]:
        now = clock.now()
        due = cls.objects.filter(cls.due(now), queue=queue).exclude(cls.worn_out()).order_by()
        heads = list(due.values_list("priority", "project").annotate(oldest=Min("pk")))
        if not heads:
            return []
        active = cls.objects.filter(queue=queue, state=cls.State.RUNNING, lease_until__gte=now).order_by()
        running = dict(active.values_list("project").annotate(count=Count("pk")))
        highest = max(priority for priority, _, _ in heads)
        fewest = min(running.get(project, 0) for priority, project, _ in heads if priority == highest)
        tied = {
            project: pk
            for priority, project, pk in heads
            if priority == highest and running.get(project, 0) == fewest
        }
        project = cls._longest_waiting(queue, tied)
        if count == 1:
            return [tied[project]]
        first = due.filter(priority=highest, project=project).order_by("pk")
        return list(first.values_list("pk", flat=True)[:count])

    @classmethod
    def _longest_waiting(cls, queue: str, oldest: dict[int, int]) -> int:
        """Return which project had its last turn in a queue the longest ago. ``oldest``: each project's oldest due job.

        With few workers, all projects have no running job at the moment of a claim, so this decides most of the time.
        """
        if len(oldest) == 1:
            return next(iter(oldest))
        # One read of the index per project. An aggregate would read all jobs that a project ever had.
        turns = cls.objects.filter(queue=queue, project=OuterRef("pk"), started_at__isnull=False)
        last = turns.order_by("-started_at").values("started_at")[:1]
        projects = apps.get_model("projects", "Project").objects.filter(pk__in=oldest).order_by()
        served = dict(projects.annotate(served=Subquery(last)).values_list("pk", "served"))
        never = datetime.min.replace(tzinfo=UTC)
        return min(oldest, key=lambda project: (served.get(project) or never, oldest[project]))

    @classmethod
    def claim(cls, pk: int, owner: str) -> "Claim | None":
        """Claim the job if it is due: queued, or running under an expired lease. Otherwise return None."""
        now = clock.now()
        job = cls.objects.filter(cls.due(now), pk=pk).first()
        if job is None:
            return None
        taken = cls.objects.filter(cls.due(now), pk=pk, attempt=job.attempt).update(
            state=cls.State.RUNNING,
            attempt=job.attempt + 1,
            lease_owner=owner,
            lease_until=clock.now(settings.JOB_LEASE_SECONDS),
            started_at=clock.stamp(),
        )
        if not taken:
            return None
        job.refresh_from_db()
        return Claim(job)

    @classmethod
    def open_in(cls, project: Any, queue: str) -> "models.QuerySet[Job]":
        """Return the project's queued and running jobs of one queue."""
        return cls.objects.filter(project=project, queue=queue, state__in=cls.OPEN)

    @classmethod
    def worn_out(cls) -> Q:
        """Match running jobs with too many attempts or crashes. Upkeep fails them when their lease expires."""
        return Q(state=cls.State.RUNNING) & (
            Q(attempt__gte=cls.MAX_ATTEMPTS + F("outages")) | Q(crashes__gte=cls.MAX_CRASHES)
        )

    @staticmethod
    def due(now: Any) -> Q:
        """Match jobs that a worker may claim: not held, and waiting or abandoned by a worker whose lease has expired.

        No lease is longer than twice the usual: one that seems to be was granted before the database's clock was set back.
        """
        too_late = now + timedelta(seconds=2 * max(settings.JOB_LEASE_SECONDS, 60))
        abandoned = Q(state=Job.State.RUNNING) & (Q(lease_until__lt=now) | Q(lease_until__gt=too_late))
        waiting = Q(state=Job.State.QUEUED) & (Q(not_before=None) | Q(not_before__lt=now))
        return Q(held=False) & (waiting | abandoned)

    @classmethod
    def cancel_group(cls, group: str) -> None:
        """Cancel the group's queued jobs and ask its running jobs to stop."""
        cls.cancel(cls.objects.filter(group=group))

    @classmethod
    def cancel(cls, jobs: "models.QuerySet[Job]") -> None:
        """Cancel the queued jobs and ask the running jobs to stop."""
        jobs.filter(state=cls.State.QUEUED).update(state=cls.State.CANCELLED, finished_at=timezone.now())
        jobs.filter(state=cls.State.RUNNING).update(cancel_requested=True)

    @classmethod
    def hold_group(cls, group: str) -> None:
        """Start no further jobs of the group. Running jobs continue to their end."""
        cls.objects.filter(group=group, state__in=cls.OPEN).update(held=True)

    @classmethod
    def release_group(cls, group: str) -> None:
        """Undo ``hold_group`` and announce the waiting jobs."""
        held = cls.objects.filter(group=group, held=True)
        waiting = list(held.filter(state=cls.State.QUEUED))
        held.update(held=False)
        for job in waiting:
            transaction.on_commit(job.announce)


class Claim:
    """One worker's hold on one attempt at a job."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.attempt = job.attempt
        self.cancelled = False
        self.lost = False

    def _mine(self) -> models.QuerySet[Job]:
        return Job.objects.filter(pk=self.job.pk, attempt=self.attempt, state=Job.State.RUNNING)

    def heartbeat(self) -> None:
        """Renew the lease and note whether the job was cancelled. Raises LeaseLost."""
        if not self._mine().update(lease_until=clock.now(settings.JOB_LEASE_SECONDS)):
            raise LeaseLost(str(self.job))
        self.cancelled = self._mine().filter(cancel_requested=True).exists()

    def check(self) -> None:
        """Call between steps: raises JobCancelled or LeaseLost if the last heartbeat said so."""
        if self.lost:
            raise LeaseLost(str(self.job))
        if self.cancelled:
            raise JobCancelled(str(self.job))

    def should_stop(self) -> bool:
        """Return whether to stop, from the database: earlier than ``check``, which waits for the next heartbeat."""
        try:
            row = self._mine().values_list("cancel_requested", flat=True).first()
        except (OperationalError, InterfaceError):  # the heartbeat decides how long to tolerate this
            connection.close()
            return self.lost or self.cancelled
        self.lost = self.lost or row is None
        self.cancelled = self.cancelled or bool(row)
        return self.lost or self.cancelled

    def progress(self, done: int, total: int) -> None:
        self._mine().update(progress_done=done, progress_total=total)

    @contextmanager
    def commit(self) -> Iterator[Job]:
        """Open a transaction that holds the job's row. Raises LeaseLost if the job is no longer this attempt's."""
        with transaction.atomic():
            job = self._mine().select_for_update().first()
            if job is None:
                raise LeaseLost(str(self.job))
            yield job

    def finish(self, job: Job) -> None:
        """Mark the job as done. Call inside ``commit``, so that the result is stored in the same transaction."""
        job.state = Job.State.DONE
        job.finished_at = timezone.now()
        job.lease_until, job.error = None, ""
        job.save(update_fields=["state", "finished_at", "lease_until", "error"])

    def end(self, state: str, error: str = "") -> bool:
        """End the job as failed or cancelled. Return False if it is no longer this attempt's."""
        return bool(
            self._mine().update(state=state, error=error, finished_at=clock.stamp(), lease_until=None)
        )

    def hold(self) -> bool:
        """Give the job back, held until its group is released. Return False if it is no longer this attempt's."""
        return bool(self._mine().update(state=Job.State.QUEUED, held=True, lease_until=None))

    def postpone(self, reason: str) -> float:
        """Give the job back because of an outage; return the seconds until its next attempt, which double each time."""
        wait = min(Job.FIRST_WAIT_SECONDS * 2 ** min(self.job.outages, 20), Job.LONGEST_WAIT_SECONDS)
        self.release(reason, wait, outages=F("outages") + 1)
        return wait

    def release(self, error: str, seconds: float = 0, **fields: Any) -> bool:
        """Give the job back for another attempt in ``seconds``. Return False if it is no longer this attempt's.

        ``fields`` are changed with it.
        """
        later = clock.now(seconds) if seconds else None
        released = self._mine().update(
            state=Job.State.QUEUED,
            error=error,
            lease_until=None,
            announced_at=None,
            not_before=later,
            **fields,
        )
        if released and not later:
            transaction.on_commit(partial(Job.announce, self.job))
        return bool(released)
