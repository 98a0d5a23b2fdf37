"""Runs: one configuration, one frozen version, one seed; folds, and a prediction for every sample."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Project
from models_ml.config import RunConfig


class Run(models.Model):
    class State(models.TextChoices):
        FEATURES = "features", "computing features"
        TRAINING = "training", "training"
        FINISHING = "finishing", "training the final model"
        FINISHED = "finished", "finished"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    ACTIVE = (State.FEATURES, State.TRAINING, State.FINISHING)

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="runs")
    version = models.ForeignKey(CompositeVersion, on_delete=models.PROTECT, related_name="runs")
    name = models.CharField(max_length=120)
    config = models.JSONField()
    config_hash = models.CharField(max_length=64, db_index=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.FEATURES)
    error = models.TextField(blank=True)
    environment = models.JSONField(
        default=dict, help_text="Library versions, device and code of the workers."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    training_started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"

    @property
    def settings(self) -> RunConfig:
        return RunConfig.model_validate(self.config)

    @property
    def group(self) -> str:
        return f"run:{self.pk}"

    @property
    def active(self) -> bool:
        return self.state in self.ACTIVE

    @property
    def scored(self) -> bool:
        """Every fold is done: the metrics can be computed."""
        return self.state in (self.State.FINISHING, self.State.FINISHED)

    @property
    def seconds(self) -> float:
        return ((self.finished_at or timezone.now()) - self.created_at).total_seconds()

    def progress(self) -> dict[str, Any]:
        """Folds done, features done and the time left, in seconds (None while it cannot be told)."""
        total = self.folds.count()
        done = self.folds.filter(state=Fold.State.DONE).count()
        features = Job.objects.filter(group=self.group, kind="features")
        feature_done = sum(features.values_list("progress_done", flat=True))
        feature_total = sum(features.values_list("progress_total", flat=True))
        left = None
        if self.state == self.State.TRAINING and done and self.training_started_at:
            spent = (timezone.now() - self.training_started_at).total_seconds()
            left = spent / done * (total - done)
        return {
            "folds_done": done,
            "folds_total": total,
            "features_done": feature_done,
            "features_total": feature_total,
            "seconds_left": left,
        }


class Fold(models.Model):
    """One held-out subject."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="folds")
    index = models.PositiveIntegerField()
    name = models.CharField(max_length=130, help_text="database/subject held out")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempt = models.PositiveIntegerField(default=0)
    losses = models.JSONField(default=list, help_text="Mean training loss of every epoch.")
    weights_sha256 = models.CharField(max_length=64, blank=True)
    seconds = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["run_id", "index"]
        constraints = [models.UniqueConstraint(fields=["run", "index"], name="fold_once_a_run")]

    def __str__(self) -> str:
        return f"{self.run} without {self.name}"


class Prediction(models.Model):
    """What the model that never saw this sample's subject says of it."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="predictions")
    fold = models.ForeignKey(Fold, on_delete=models.CASCADE, related_name="predictions")
    sample = models.ForeignKey(Sample, on_delete=models.PROTECT, related_name="predictions")
    probabilities = models.JSONField()
    predicted = models.CharField(max_length=10)

    class Meta:
        ordering = ["run_id", "sample__index"]
        constraints = [models.UniqueConstraint(fields=["run", "sample"], name="one_prediction_a_sample")]

    def __str__(self) -> str:
        return f"{self.sample}: {self.predicted}"

    @property
    def correct(self) -> bool:
        return self.predicted == self.sample.label
