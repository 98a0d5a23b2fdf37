"""Feature exports: the features of a frozen version, computed by the workers into one file to download."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.text import slugify

from mer_platform.composites.models import CompositeVersion
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Project


class FeatureExportQuerySet(models.QuerySet["FeatureExport"]):
    def waiting(self) -> "FeatureExportQuerySet":
        """Return the exports that are not finished."""
        return self.filter(state=FeatureExport.State.WAITING)


class FeatureExport(models.Model):
    """The features of all samples of a version under one configuration. The file is named after its content's hash."""

    class State(models.TextChoices):
        WAITING = "waiting", "computing"
        DONE = "done"
        FAILED = "failed"

    class FileFormat(models.TextChoices):
        SAFETENSORS = "safetensors", "safetensors"
        NPZ = "npz", "NPZ (NumPy)"

    version = models.ForeignKey(CompositeVersion, on_delete=models.CASCADE, related_name="feature_exports")
    config = models.JSONField(help_text="The feature configuration.")
    config_hash = models.CharField(max_length=64)
    format = models.CharField(max_length=11, choices=FileFormat.choices)
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

    objects = FeatureExportQuerySet.as_manager()

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

    def progress(self) -> dict[str, Any]:
        """Return state, finished samples and their total, which is 0 until work starts."""
        job = Job.objects.filter(group=self.group).first()
        if self.state != self.State.WAITING or job is None:
            return {"state": self.state, "done": 0, "total": 0}
        return {"state": self.state, "done": job.progress_done, "total": job.progress_total}
