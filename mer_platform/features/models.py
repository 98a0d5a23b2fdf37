"""Feature sets: the motion features of one frozen version under one configuration, looked at before training."""

from typing import Any

from django.conf import settings
from django.db import models

from mer_platform.composites.models import CompositeVersion
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Project
from models_ml.config import FeatureConfig


class FeatureSet(models.Model):
    """What a features page shows. The features themselves are cached by content and shared with runs."""

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
    attempt = models.PositiveIntegerField(default=1, help_text="Raised when a failed set is computed again.")
    error = models.TextField(blank=True)
    problems = models.JSONField(
        default=dict, help_text="{index of a sample: why it has no features}, as strings."
    )
    summary = models.JSONField(
        default=dict, help_text="Measures of every sample, outliers, and the scales of the pictures."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["version", "config_hash"], name="feature_set_once_a_version")
        ]

    def __str__(self) -> str:
        return f"Features {self.pk} of {self.version}"

    @property
    def project(self) -> Project:
        return self.version.project

    @property
    def settings(self) -> FeatureConfig:
        return FeatureConfig.model_validate(self.config)

    @property
    def active(self) -> bool:
        return self.state in self.ACTIVE

    @property
    def group(self) -> str:
        return f"features:{self.pk}:{self.attempt}"

    def picture_name(self, index: int | str, part: str) -> str:
        """Where the worker puts a picture of a sample; the same name never holds another picture."""
        folder = f"{self.version.content_hash[:16]}-{self.version_id}-{self.config_hash[:16]}"
        return f"feature-sets/{folder}/{index}-{part}.png"

    def progress(self) -> dict[str, Any]:
        """Samples done of all."""
        jobs = Job.objects.filter(group=self.group, kind="feature-set")
        return {
            "state": self.state,
            "done": sum(jobs.values_list("progress_done", flat=True)),
            "total": self.version.samples.count(),
        }
