"""Files to download that the workers make: the features of a frozen version, and paper bundles of comparisons."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.text import slugify

from mer_platform.composites.models import CompositeVersion
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Project


class ExportQuerySet(models.QuerySet[Any]):
    def waiting(self) -> "ExportQuerySet":
        """Return the exports that are not finished."""
        return self.filter(state=Export.State.WAITING)


class Export(models.Model):
    """A file that a worker makes, named after its content's hash."""

    class State(models.TextChoices):
        WAITING = "waiting", "computing"
        DONE = "done"
        FAILED = "failed"

    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    error = models.TextField(blank=True)
    file = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(default=0, help_text="Size of the file in bytes.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        abstract = True

    @property
    def group(self) -> str:
        raise NotImplementedError

    def progress(self) -> dict[str, Any]:
        """Return state, finished parts and their total, which is 0 until work starts."""
        return progress_of([self])[self.pk]


def progress_of(exports: Sequence[Export]) -> dict[int, dict[str, Any]]:
    """Return what ``progress`` says of several exports of one kind, by their ids, in one query."""
    groups = [export.group for export in exports if export.state == Export.State.WAITING]
    rows = (
        Job.objects.filter(group__in=groups)
        .order_by("-pk")
        .values_list("group", "progress_done", "progress_total")
    )
    jobs = {group: (done, total) for group, done, total in rows} if groups else {}
    return {
        export.pk: {
            "state": export.state,
            **dict(zip(("done", "total"), jobs.get(export.group, (0, 0)), strict=True)),
        }
        for export in exports
    }


class FeatureExport(Export):
    """The features of all samples of a version under one configuration."""

    class FileFormat(models.TextChoices):
        SAFETENSORS = "safetensors", "safetensors"
        NPZ = "npz", "NPZ (NumPy)"

    version = models.ForeignKey(CompositeVersion, on_delete=models.CASCADE, related_name="feature_exports")
    config = models.JSONField(help_text="The feature configuration.")
    config_hash = models.CharField(max_length=64)
    format = models.CharField(max_length=11, choices=FileFormat.choices)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "config_hash", "format"],
                condition=~models.Q(state="failed"),
                name="same_features_exported_once",
            )
        ]

    def __str__(self) -> str:
        return f"features of {self.version} as {self.format}"

    @property
    def project(self) -> Project:
        return self.version.project

    @property
    def group(self) -> str:
        return f"export:{self.pk}"

    @property
    def download_name(self) -> str:
        """The file name of the download, which differs between versions and configurations."""
        name = slugify(self.version.composite.name) or "composite"
        return f"{name}-v{self.version.number}-{self.config_hash[:8]}.{self.format}"


class PaperBundle(Export):
    """All that a paper needs of a comparison, as a zip. ``key`` covers the runs and the code that made the file."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="paper_bundles")
    runs = models.JSONField(help_text="Ids of the runs; the first is the reference.")
    key = models.CharField(max_length=64)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "key"], condition=~models.Q(state="failed"), name="same_bundle_made_once"
            )
        ]

    def __str__(self) -> str:
        return f"paper bundle of runs {', '.join(f'#{pk}' for pk in self.runs)}"

    @property
    def group(self) -> str:
        return f"bundle:{self.pk}"

    @property
    def download_name(self) -> str:
        return f"{self.project.slug}-runs-{'-'.join(map(str, self.runs[:5]))}-paper.zip"
