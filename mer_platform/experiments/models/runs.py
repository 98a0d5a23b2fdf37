"""Runs with their folds and predictions."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.configurations.stored import Stored
from mer_platform.experiments.models.managed import Managed
from mer_platform.experiments.models.progress import progress_of_runs
from mer_platform.experiments.models.protocol import ProtocolField
from mer_platform.features.models import FeatureRange, FeatureRangeQuerySet
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Project
from models_ml.config import RunConfig

if TYPE_CHECKING:
    pass


class Run(Managed):
    """One configuration, one composite version, one seed; or, without a configuration, predictions of other code."""

    class State(models.TextChoices):
        FEATURES = "features", "computing features"
        TRAINING = "training", "training"
        FINISHING = "finishing", "training the final model"
        FINISHED = "finished", "finished"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    ACTIVE = (State.FEATURES, State.TRAINING, State.FINISHING)
    ENDED_EARLY = (State.FAILED, State.CANCELLED)

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="runs")
    version = models.ForeignKey(CompositeVersion, on_delete=models.PROTECT, related_name="runs")
    experiment = models.ForeignKey("Experiment", on_delete=models.CASCADE, related_name="runs")
    name = models.CharField(max_length=120)
    config = models.JSONField(
        null=True, blank=True, help_text="null for an external run: the platform does not know its settings."
    )
    config_hash = models.CharField(max_length=64, db_index=True)
    protocol = ProtocolField(
        default="",
        help_text="How it was tested, in words. An external run declares it, and the platform has not verified it.",
    )
    seed = models.PositiveIntegerField(default=0)
    features_hash = models.CharField(
        max_length=64, default="", help_text="SHA-256 of the feature settings and the code that follows them."
    )
    apex_jitter = models.PositiveIntegerField(
        default=0, help_text="Frames by which training moves the apex; those features are computed too."
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.FEATURES)
    error = models.TextField(blank=True)
    environment = models.JSONField(
        default=dict, help_text="Library versions, device and code version of the workers."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    training_started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    model_job = models.ForeignKey(
        Job,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="The latest job that trains its final model.",
    )

    settings = Stored("config", RunConfig)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "config_hash"], name="unique_config_per_experiment")
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.marked_name}"

    @property
    def is_external(self) -> bool:
        """Whether other code made its predictions. Then it has no settings, and its protocol is only declared."""
        return self.config is None

    @property
    def marked_name(self) -> str:
        """Its name, with a mark if it is external."""
        return f"{self.name} (external)" if self.is_external else self.name

    @property
    def group(self) -> str:
        """The group of the jobs that do its work, which is the group of its experiment."""
        return f"experiment:{self.experiment_id}"

    @property
    def active(self) -> bool:
        return self.state in self.ACTIVE

    @property
    def scored(self) -> bool:
        """Whether every fold is done, so that the metrics can be computed."""
        return self.state in (self.State.FINISHING, self.State.FINISHED)

    @property
    def ready_model(self) -> Any:
        """The model that was trained on all samples, or None: also while one is in training."""
        model = getattr(self, "model", None)
        return model if model is not None and model.file else None

    @property
    def seconds(self) -> float:
        return ((self.finished_at or timezone.now()) - self.created_at).total_seconds()

    def feature_ranges(self) -> FeatureRangeQuerySet:
        """Return the ranges of its features. Runs of one experiment with the same features share them."""
        ranges = FeatureRange.objects.filter(job__group=self.group)
        return ranges.filter(config_hash=self.features_hash, apex_jitter=self.apex_jitter)

    def progress(self) -> dict[str, Any]:
        """Return what ``progress_of_runs`` says of it."""
        return progress_of_runs([self])[self.pk]


class Fold(models.Model):
    """One held-out part of a run, and the training without it."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="folds")
    index = models.PositiveIntegerField()
    name = models.CharField(max_length=300, help_text="What is held out, for example database/subject.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    job = models.ForeignKey(
        Job,
        on_delete=models.SET_NULL,
        null=True,
        related_name="folds",
        help_text="The bundle that it trains in.",
    )
    attempt = models.PositiveIntegerField(default=0)
    multiply_adds = models.BigIntegerField(default=0, help_text="Estimate for its whole training.")
    started_at = models.DateTimeField(null=True, blank=True)
    epochs_done = models.PositiveIntegerField(default=0)
    losses = models.JSONField(default=list, help_text="Mean training loss of each epoch.")
    validation_losses = models.JSONField(
        default=list, help_text="Mean loss of each epoch on the inner validation subjects."
    )
    epoch = models.PositiveIntegerField(
        null=True, help_text="The epoch whose weights made the predictions, counted from 1."
    )
    oracle = models.JSONField(
        null=True, help_text="[epoch][test sample]: the class that each epoch would have predicted. Leaky."
    )
    weights_sha256 = models.CharField(max_length=64, blank=True)
    seconds = models.FloatField(null=True, blank=True, help_text="Its share of its bundle's training time.")

    class Meta:
        ordering = ["run_id", "index"]
        constraints = [models.UniqueConstraint(fields=["run", "index"], name="unique_fold_per_run")]

    def __str__(self) -> str:
        return f"{self.run} without {self.name}"


class Prediction(models.Model):
    """What a run predicts for one sample: of a run of the platform, by a network trained without the sample's subject."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="predictions")
    fold = models.ForeignKey(Fold, on_delete=models.CASCADE, related_name="predictions")
    sample = models.ForeignKey(Sample, on_delete=models.PROTECT, related_name="predictions")
    probabilities = models.JSONField(
        null=True, help_text="Of each class; null if an external run gives only the predicted class."
    )
    predicted = models.CharField(max_length=10)

    class Meta:
        ordering = ["run_id", "sample__index"]
        constraints = [models.UniqueConstraint(fields=["run", "sample"], name="unique_prediction_per_run")]

    def __str__(self) -> str:
        return f"{self.sample}: {self.predicted}"

    @property
    def correct(self) -> bool:
        return self.predicted == self.sample.label
