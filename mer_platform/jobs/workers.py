"""The list of worker processes."""

from django.db import models

from mer_platform.jobs import clock


class Worker(models.Model):
    """A worker process, as it last reported itself."""

    SEEN_SECONDS = 60  # a process that has not reported for this long counts as gone

    name = models.CharField(
        max_length=120, unique=True, help_text="host:process, as in the owner of a job's lease."
    )
    host = models.CharField(max_length=100)
    pid = models.PositiveIntegerField()
    device = models.CharField(max_length=100, help_text="“cpu”, or the name of the GPU.")
    queues = models.JSONField(default=list)
    usage = models.JSONField(
        default=dict,
        db_default={},
        help_text="What the process uses: memory_bytes, cpu_seconds, and gpu_memory_bytes.",
    )
    started_at = models.DateTimeField(auto_now_add=True)
    last_seen = models.DateTimeField(db_index=True)
    job = models.ForeignKey("jobs.Job", on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def alive(cls) -> "models.QuerySet[Worker]":
        """Return the workers that have reported within ``SEEN_SECONDS``."""
        return cls.objects.filter(last_seen__gte=clock.now(-cls.SEEN_SECONDS))

    @classmethod
    def serving(cls, queue: str) -> "list[Worker]":
        """Return the workers that are alive and take jobs of a queue."""
        return [worker for worker in cls.alive() if queue in worker.queues]
