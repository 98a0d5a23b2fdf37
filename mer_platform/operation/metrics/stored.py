"""What the database and the disks show: queues, ended jobs, workers, space. Read at each request of /metrics."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Max, Min, Sum
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from mer_platform import __version__
from mer_platform.clips.models import Clip
from mer_platform.jobs.models import Job, Worker

RECENT = timedelta(hours=1)  # of ended jobs
USAGE = {
    "memory_bytes": "Memory of a worker process.",
    "cpu_seconds": "Processor time that a worker process has used since its start.",
    "gpu_memory_bytes": "Memory of the GPU that a worker process holds.",
}


class Stored(Collector):
    """Collects all metrics that no process counts. Each is read by one statement."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from _queues()
        yield from _ended()
        yield from _workers()
        yield from _space()
        version = GaugeMetricFamily("mer_info", "The platform's version.", labels=["version"])
        version.add_metric([__version__], 1)
        yield version


def _queues() -> Iterator[GaugeMetricFamily]:
    jobs = GaugeMetricFamily("mer_queue_jobs", "Open jobs, by queue and state.", labels=["queue", "state"])
    age = GaugeMetricFamily(
        "mer_queue_oldest_seconds", "Age of the oldest job that waits in a queue.", labels=["queue"]
    )
    now = timezone.now()
    rows = Job.objects.filter(state__in=Job.OPEN).order_by().values("queue", "state", "held")
    for row in rows.annotate(count=Count("pk"), oldest=Min("created_at")):
        waits = row["state"] == Job.State.QUEUED
        state = "held" if waits and row["held"] else row["state"]
        jobs.add_metric([row["queue"], state], row["count"])
        if state == Job.State.QUEUED:
            age.add_metric([row["queue"]], (now - row["oldest"]).total_seconds())
    yield from (jobs, age)


def _ended() -> Iterator[GaugeMetricFamily]:
    count = GaugeMetricFamily(
        "mer_jobs_ended", "Jobs that ended within the last hour, by kind and state.", labels=["kind", "state"]
    )
    mean = GaugeMetricFamily(
        "mer_job_seconds_mean", "Mean duration of the last hour's jobs.", labels=["kind", "state"]
    )
    longest = GaugeMetricFamily(
        "mer_job_seconds_max", "Longest duration of the last hour's jobs.", labels=["kind", "state"]
    )
    took = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())
    recent = Job.objects.filter(finished_at__gte=timezone.now() - RECENT).order_by()
    for row in recent.values("kind", "state").annotate(count=Count("pk"), mean=Avg(took), longest=Max(took)):
        labels = [row["kind"], row["state"]]
        count.add_metric(labels, row["count"])
        if row["mean"] is not None:
            mean.add_metric(labels, row["mean"].total_seconds())
            longest.add_metric(labels, row["longest"].total_seconds())
    yield from (count, mean, longest)


def _workers() -> Iterator[GaugeMetricFamily]:
    count = GaugeMetricFamily(
        "mer_workers",
        "Worker processes seen within a minute, by queue and device.",
        labels=["queue", "device"],
    )
    used = {
        name: GaugeMetricFamily(f"mer_worker_{name}", text, labels=["worker", "device"])
        for name, text in USAGE.items()
    }
    seen: dict[tuple[str, str], int] = {}
    for worker in Worker.alive():
        for queue in worker.queues:
            seen[queue, worker.device] = seen.get((queue, worker.device), 0) + 1
        for name, family in used.items():
            if name in worker.usage:
                family.add_metric([worker.name, worker.device], worker.usage[name])
    for labels, number in seen.items():
        count.add_metric(list(labels), number)
    yield from (count, *used.values())


def _space() -> Iterator[GaugeMetricFamily]:
    disk = shutil.disk_usage(settings.DATA_DIR)
    yield GaugeMetricFamily("mer_disk_free_bytes", "Free space on the data folder's disk.", value=disk.free)
    yield GaugeMetricFamily("mer_disk_size_bytes", "Size of the data folder's disk.", value=disk.total)
    clips = Clip.objects.order_by().aggregate(size=Sum("size"))["size"] or 0
    yield GaugeMetricFamily("mer_clips_bytes", "Size of all clips, as uploaded.", value=clips)
    yield GaugeMetricFamily("mer_database_bytes", "Size of the database.", value=_database_bytes())


def _database_bytes() -> int:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    path = Path(str(connection.settings_dict["NAME"]))
    return path.stat().st_size if path.exists() else 0
