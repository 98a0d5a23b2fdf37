"""A durable unit of work. The row is the truth; the broker only says that something is due in a queue.

A worker *claims* the job that should go first by compare-and-set on the attempt number, renews a lease while it works,
and every write it makes carries its attempt: a worker that lost its lease cannot write.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, models, transaction
from django.db.models import Count, F, Min, Q
from django.utils import timezone

from mer_platform.jobs.broker import announce


class LeaseLost(Exception):
    """Another worker has this job now, or it was ended; stop without writing."""


class JobCancelled(Exception):
    """Somebody asked for this job to stop."""


class Job(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    LOW, NORMAL = -20, 0  # priorities: higher goes first
    MAX_ATTEMPTS = 10  # restarts count too: a long job may see several
    MAX_CRASHES = 2  # once may be the machine's fault
    OPEN = (State.QUEUED, State.RUNNING)

    kind = models.CharField(max_length=40)
    queue = models.CharField(max_length=20)
    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="jobs")
    key = models.CharField(
        max_length=120, unique=True, help_text="Says what the job does; the same work is never queued twice."
    )
    group = models.CharField(
        max_length=60, db_index=True, help_text="The run, clip or batch the job belongs to."
    )
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    priority = models.IntegerField(default=NORMAL, help_text="Of the jobs of a queue the highest go first.")
    held = models.BooleanField(
        default=False, help_text="Not to be begun, nor taken up again, until released."
    )
    not_before = models.DateTimeField(null=True, blank=True, help_text="When it is to be tried again.")
    attempt = models.PositiveIntegerField(default=0)
    crashes = models.PositiveIntegerField(
        default=0, help_text="How many worker processes crashed while they ran it."
    )
    lease_owner = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
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
        """Make the job (or find the one that already does this) and announce it after the commit."""
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

    def announce(self) -> None:
        if announce(self.queue):
            Job.objects.filter(pk=self.pk).update(
                announced_at=timezone.now(), announcements=F("announcements") + 1
            )

    @classmethod
    def claim_next(cls, queue: str, owner: str) -> "Claim | None":
        """Take the due job of a queue that should go first, or None where nothing is due.

        The highest priority first; then projects take turns, the one with the fewest running jobs first; then the oldest.
        """
        for among in (1, 8, 64, 512):
            # Many workers that ask at once would all reach for the same row: who was too late looks at more of them.
            candidates = cls._first_due(queue, among)
            if not candidates:
                return None
            random.shuffle(candidates)
            for pk in candidates[:8]:
                if claim := cls.claim(pk, owner):
                    return claim
        return None  # others take them quicker than this; upkeep announces what they leave

    @classmethod
    def _first_due(cls, queue: str, count: int) -> list[int]:
        now = timezone.now()
        due = cls.objects.filter(cls.due(now), queue=queue).exclude(cls.worn_out()).order_by()
        heads = list(due.values_list("priority", "project").annotate(oldest=Min("pk")))
        if not heads:
            return []
        at_work = cls.objects.filter(queue=queue, state=cls.State.RUNNING, lease_until__gte=now).order_by()
        running = dict(at_work.values_list("project").annotate(count=Count("pk")))
        priority, project, oldest = min(heads, key=lambda row: (-row[0], running.get(row[1], 0), row[2]))
        if count == 1:
            return [oldest]
        first = due.filter(priority=priority, project=project).order_by("pk")
        return list(first.values_list("pk", flat=True)[:count])

    @classmethod
    def claim(cls, pk: int, owner: str) -> "Claim | None":
        """Take the job if it is due: queued, or running under a lease that has run out."""
        now = timezone.now()
        job = cls.objects.filter(cls.due(now), pk=pk).first()
        if job is None:
            return None
        taken = cls.objects.filter(cls.due(now), pk=pk, attempt=job.attempt).update(
            state=cls.State.RUNNING,
            attempt=job.attempt + 1,
            lease_owner=owner,
            lease_until=lease_end(),
            started_at=now,
        )
        if not taken:
            return None
        job.refresh_from_db()
        return Claim(job)

    @classmethod
    def open_in(cls, project: Any, queue: str) -> "models.QuerySet[Job]":
        """The project's jobs of one queue that are waiting or at work."""
        return cls.objects.filter(project=project, queue=queue, state__in=cls.OPEN)

    @classmethod
    def worn_out(cls) -> Q:
        """Match jobs that ended too many workers to be started again; upkeep fails them once their lease has run out."""
        return Q(state=cls.State.RUNNING) & (
            Q(attempt__gte=cls.MAX_ATTEMPTS) | Q(crashes__gte=cls.MAX_CRASHES)
        )

    @staticmethod
    def due(now: Any) -> Q:
        begun = Q(state=Job.State.RUNNING, lease_until__lt=now)
        waiting = Q(state=Job.State.QUEUED) & (Q(not_before=None) | Q(not_before__lt=now))
        return Q(held=False) & (waiting | begun)

    @classmethod
    def cancel_group(cls, group: str) -> None:
        """End what has not begun; ask what runs to stop."""
        cls.cancel(cls.objects.filter(group=group))

    @classmethod
    def cancel(cls, jobs: "models.QuerySet[Job]") -> None:
        """End those of the jobs that have not begun; ask those that run to stop."""
        jobs.filter(state=cls.State.QUEUED).update(state=cls.State.CANCELLED, finished_at=timezone.now())
        jobs.filter(state=cls.State.RUNNING).update(cancel_requested=True)

    @classmethod
    def hold_group(cls, group: str) -> None:
        """Begin nothing of the group any more; what runs goes on to its end."""
        cls.objects.filter(group=group, state__in=cls.OPEN).update(held=True)

    @classmethod
    def release_group(cls, group: str) -> None:
        """Undo ``hold_group``, and announce what is due."""
        held = cls.objects.filter(group=group, held=True)
        waiting = list(held.filter(state=cls.State.QUEUED))
        held.update(held=False)
        for job in waiting:
            transaction.on_commit(job.announce)


class Worker(models.Model):
    """A process that takes jobs, as it last told of itself."""

    SEEN_SECONDS = 60  # one that was not heard of for so long is gone

    name = models.CharField(max_length=120, unique=True, help_text="host:process, as in a job's lease.")
    host = models.CharField(max_length=100)
    pid = models.PositiveIntegerField()
    device = models.CharField(max_length=100, help_text="“cpu”, or the GPU's name.")
    queues = models.JSONField(default=list)
    started_at = models.DateTimeField(auto_now_add=True)
    last_seen = models.DateTimeField(db_index=True)
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def alive(cls) -> "models.QuerySet[Worker]":
        return cls.objects.filter(last_seen__gte=timezone.now() - timedelta(seconds=cls.SEEN_SECONDS))

    @classmethod
    def serving(cls, queue: str) -> "list[Worker]":
        """The living workers that take jobs of a queue."""
        return [worker for worker in cls.alive() if queue in worker.queues]


def lease_end() -> Any:
    return timezone.now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)


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
        """Renew the lease and see whether to stop. Raises LeaseLost."""
        if not self._mine().update(lease_until=lease_end()):
            raise LeaseLost(str(self.job))
        self.cancelled = self._mine().filter(cancel_requested=True).exists()

    def check(self) -> None:
        """Between steps: raise JobCancelled if somebody asked for that, LeaseLost if the work is another's now."""
        if self.lost:
            raise LeaseLost(str(self.job))
        if self.cancelled:
            raise JobCancelled(str(self.job))

    def should_stop(self) -> bool:
        """Whether the work is no longer wanted, asked of the database: what ``check`` will know at the next heartbeat."""
        try:
            row = self._mine().values_list("cancel_requested", flat=True).first()
        except (OperationalError, InterfaceError):  # the heartbeat tells for how long that may go on
            connection.close()
            return self.lost or self.cancelled
        self.lost = self.lost or row is None
        self.cancelled = self.cancelled or bool(row)
        return self.lost or self.cancelled

    def progress(self, done: int, total: int) -> None:
        self._mine().update(progress_done=done, progress_total=total)

    @contextmanager
    def commit(self) -> Iterator[Job]:
        """A transaction that exists only while this attempt holds the job. Raises LeaseLost."""
        with transaction.atomic():
            job = self._mine().select_for_update().first()
            if job is None:
                raise LeaseLost(str(self.job))
            yield job

    def finish(self, job: Job) -> None:
        """Inside ``commit``: the work is done, in the same transaction as its result."""
        job.state = Job.State.DONE
        job.finished_at = timezone.now()
        job.lease_until = None
        job.save(update_fields=["state", "finished_at", "lease_until"])

    def end(self, state: str, error: str = "") -> bool:
        """Close the attempt as failed or cancelled; False if it is no longer ours."""
        return bool(
            self._mine().update(state=state, error=error, finished_at=timezone.now(), lease_until=None)
        )

    def hold(self) -> bool:
        """Give the job back, not to be begun until its group is released."""
        return bool(self._mine().update(state=Job.State.QUEUED, held=True, lease_until=None))

    def release(self, error: str, seconds: float = 0) -> bool:
        """Give the job back for another attempt, after so many seconds."""
        later = timezone.now() + timedelta(seconds=seconds) if seconds else None
        released = self._mine().update(
            state=Job.State.QUEUED, error=error, lease_until=None, announced_at=None, not_before=later
        )
        if released and not later:
            transaction.on_commit(partial(Job.announce, self.job))
        return bool(released)
