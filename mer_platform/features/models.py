"""What was computed of the motion features of a version: for its features page, and for runs."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.db import models

from mer_platform.composites.models import CompositeVersion
from mer_platform.configurations.stored import Stored
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Project
from models_ml.config import FeatureConfig


class FeatureSet(models.Model):
    """The features of a version under one configuration, as its page shows them. Runs share the cached features."""

    class State(models.TextChoices):
        COMPUTING = "computing", "computing features"
        COMPARING = "comparing", "comparing samples"
        READY = "ready", "ready"
        FAILED = "failed", "failed"

    ACTIVE = (State.COMPUTING, State.COMPARING)

    version = models.ForeignKey(CompositeVersion, on_delete=models.CASCADE, related_name="feature_sets")
    config = models.JSONField()
    config_hash = models.CharField(
        max_length=64, help_text="Of the configuration and the version of the code that computes it."
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.COMPUTING)
    attempt = models.PositiveIntegerField(
        default=1, help_text="Increases when a failed set is computed again."
    )
    error = models.TextField(blank=True)
    problems = models.JSONField(
        default=dict, help_text="Why samples have no features, by their index as a string."
    )
    summary = models.JSONField(
        default=dict, help_text="Measures of each sample, outliers, and the scales of the images."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    settings = Stored("config", FeatureConfig)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["version", "config_hash"], name="unique_features_per_version")
        ]

    def __str__(self) -> str:
        return f"Features {self.pk} of {self.version}"

    @property
    def project(self) -> Project:
        return self.version.project

    @property
    def active(self) -> bool:
        return self.state in self.ACTIVE

    @property
    def group(self) -> str:
        return f"features:{self.pk}:{self.attempt}"

    @property
    def image_folder(self) -> str:
        """Where the worker stores the images of this set, and of no other."""
        return f"feature-sets/{self.version.content_hash[:16]}-{self.version_id}-{self.config_hash[:16]}"

    def image_name(self, index: int | str, part: str) -> str:
        """Return where the worker stores an image of a sample. A name never holds two different images."""
        return f"{self.image_folder}/{index}-{part}.png"

    def progress(self) -> dict[str, Any]:
        """Count the samples done and in total."""
        return progress_of([self])[self.pk]


def progress_of(sets: Sequence[FeatureSet]) -> dict[int, dict[str, Any]]:
    """Return what ``progress`` says of several feature sets, by their ids, in two queries."""
    jobs = Job.objects.filter(group__in=[one.group for one in sets], kind="feature-set").order_by()
    done = dict(jobs.values_list("group").annotate(done=models.Sum("progress_done")))
    samples = CompositeVersion.objects.filter(pk__in={one.version_id for one in sets}).order_by()
    total = dict(samples.values_list("pk").annotate(total=models.Count("samples")))
    return {
        one.pk: {"state": one.state, "done": done.get(one.group, 0), "total": total[one.version_id]}
        for one in sets
    }


class FeatureRangeQuerySet(models.QuerySet["FeatureRange"]):
    def computed(self) -> "FeatureRangeQuerySet":
        return self.filter(images_computed__isnull=False)

    def awaited(self) -> "FeatureRangeQuerySet":
        """Ranges whose job is still to be waited for. A job that is asked to stop computes nothing that is needed."""
        return self.filter(job__state__in=Job.OPEN, job__cancel_requested=False)


class FeatureRange(models.Model):
    """A range of a version's samples whose features one job computes under one configuration, for runs."""

    version = models.ForeignKey(CompositeVersion, on_delete=models.CASCADE, related_name="feature_ranges")
    config = models.JSONField()
    config_hash = models.CharField(
        max_length=64, help_text="Of the configuration and the version of the code that computes it."
    )
    apex_jitter = models.PositiveIntegerField(
        default=0, help_text="Features are also computed with the apex this many frames earlier and later."
    )
    start = models.PositiveIntegerField(help_text="Index of the first sample.")
    end = models.PositiveIntegerField(help_text="Index after the last sample.")
    job = models.OneToOneField(Job, on_delete=models.SET_NULL, null=True, related_name="feature_range")
    images_computed = models.PositiveIntegerField(
        null=True, help_text="Flow images that were not in the cache. Empty until the whole range is there."
    )
    seconds = models.FloatField(null=True, help_text="How long its job took.")

    settings = Stored("config", FeatureConfig)
    objects = FeatureRangeQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["config_hash", "version"])]

    def __str__(self) -> str:
        return f"Features of samples {self.start} to {self.end - 1} of {self.version}"

    PROGRESS_COLUMNS = ("config_hash", "apex_jitter", "start", "end", "job__state", "job__progress_done")

    @staticmethod
    def progress_of(ranges: Iterable[tuple[str, int, int, int, str, int]]) -> dict[str, int]:
        """Count the samples done and in total; with apex jitter, each sample has three variants.

        ``ranges`` are rows of ``PROGRESS_COLUMNS`` by age. The total is known from the start, so it does not move when a job
        starts. Runs that were added or run again have another job for each range, and the latest counts. A job that failed
        or was cancelled is not waited for.
        """
        latest: dict[tuple[str, int, int], tuple[int, int]] = {}
        for config_hash, jitter, start, end, state, done in ranges:
            total = (end - start) * (3 if jitter else 1)
            if state not in (*Job.OPEN, Job.State.DONE):
                done = total = 0
            latest[config_hash, jitter, start] = (total if state == Job.State.DONE else done, total)
        return {
            "features_done": sum(done for done, _ in latest.values()),
            "features_total": sum(total for _, total in latest.values()),
        }

    def finish(self, job: Job, images_computed: int) -> None:
        """Record what the finished job computed."""
        self.images_computed = images_computed
        if job.started_at and job.finished_at:
            self.seconds = (job.finished_at - job.started_at).total_seconds()
        self.save(update_fields=["images_computed", "seconds"])
