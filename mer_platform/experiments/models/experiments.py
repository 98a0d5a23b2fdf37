"""Experiments: what researchers launch."""

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Count, Max, Q

from mer_platform.composites.models import CompositeVersion
from mer_platform.configurations.stored import Stored
from mer_platform.experiments.models.managed import Managed
from mer_platform.experiments.models.progress import progress_of_experiments
from mer_platform.experiments.models.runs import Run
from mer_platform.projects.models import Project
from models_ml.config import SweepConfig


class ExperimentQuerySet(models.QuerySet["Experiment"]):
    def with_counts(self) -> "ExperimentQuerySet":
        """Annotate when the last run ended, and the numbers of runs in total, active, failed and cancelled.

        The numbers determine ``state``.
        """
        return self.annotate(
            runs_total=Count("runs"),
            runs_active=Count("runs", filter=Q(runs__state__in=Run.ACTIVE)),
            runs_failed=Count("runs", filter=Q(runs__state=Run.State.FAILED)),
            runs_cancelled=Count("runs", filter=Q(runs__state=Run.State.CANCELLED)),
            last_run_ended=Max("runs__finished_at"),
        )

    def in_state(self, state: str) -> "ExperimentQuerySet":
        """Return those in a state, after ``with_counts``."""
        ended = self.filter(runs_active=0)
        match state:
            case Experiment.State.RUNNING | Experiment.State.PAUSED:
                return self.filter(runs_active__gt=0, paused=state == Experiment.State.PAUSED)
            case Experiment.State.FAILED:
                return ended.filter(runs_failed__gt=0)
            case Experiment.State.CANCELLED:
                return ended.filter(runs_failed=0, runs_cancelled__gt=0)
        return ended.filter(runs_failed=0, runs_cancelled=0)


class Experiment(Managed):
    """What a researcher launched on one composite version: a sweep, or a single run."""

    class State(models.TextChoices):
        RUNNING = "running", "running"
        PAUSED = "paused", "paused"
        FINISHED = "finished", "finished"
        FAILED = "failed", "finished, with failed runs"
        CANCELLED = "cancelled", "cancelled"

    class Device(models.TextChoices):
        AUTO = "auto", "GPU if available"
        CPU = "cpu", "CPU"
        GPU = "gpu", "GPU"

    class KeepWeights(models.TextChoices):
        """The choices at launch; ``keep_weights`` is the outcome."""

        AUTO = "auto", "If they take 1 GB or less"
        YES = "yes", "Yes"
        NO = "no", "No"

    LOWEST, HIGHEST = -10, 10

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="experiments")
    version = models.ForeignKey(CompositeVersion, on_delete=models.PROTECT, related_name="experiments")
    name = models.CharField(max_length=120)
    sweep = models.JSONField(
        null=True,
        blank=True,
        help_text="Its settings: base, grid and seeds. null if it holds an external run.",
    )
    priority = models.SmallIntegerField(
        default=0,
        validators=[MinValueValidator(LOWEST), MaxValueValidator(HIGHEST)],
        help_text="Experiments with a higher priority start first.",
    )
    device = models.CharField(max_length=4, choices=Device.choices, default=Device.AUTO)
    queue = models.CharField(
        max_length=20, help_text="Where its folds train. Chosen once, so that one kind of device trains all."
    )
    keep_weights = models.BooleanField(
        default=False, help_text="Whether the networks of its folds are kept, for attribution."
    )
    paused = models.BooleanField(default=False)
    round = models.PositiveIntegerField(default=0, help_text="How often runs were added or run again.")
    folds_before = models.PositiveIntegerField(
        default=0, help_text="Folds that had ended, done or not, when runs were last added or run again."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    settings = Stored("sweep", SweepConfig)
    objects = ExperimentQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"experiment #{self.pk} {self.name}"

    @property
    def is_external(self) -> bool:
        """Whether it holds an external run, so that there is nothing to launch again."""
        return self.sweep is None

    @property
    def group(self) -> str:
        return f"experiment:{self.pk}"

    @property
    def run_counts(self) -> dict[str, int]:
        """Numbers of runs in total, active, failed and cancelled: one query, or none after ``with_counts``."""
        names = ("runs_total", "runs_active", "runs_failed", "runs_cancelled")
        source = self if hasattr(self, names[0]) else Experiment.objects.with_counts().get(pk=self.pk)
        return {name.removeprefix("runs_"): getattr(source, name) for name in names}

    @property
    def state(self) -> str:
        counts = self.run_counts
        if counts["active"]:
            return self.State.PAUSED if self.paused else self.State.RUNNING
        if counts["failed"]:
            return self.State.FAILED
        return self.State.CANCELLED if counts["cancelled"] else self.State.FINISHED

    def get_state_display(self) -> str:
        return str(self.State(self.state).label)

    @property
    def active(self) -> bool:
        return self.run_counts["active"] > 0

    @property
    def finished_at(self) -> Any:
        """When its last run ended; null while a run is active."""
        if self.active:
            return None
        if hasattr(self, "last_run_ended"):  # by with_counts
            return self.last_run_ended
        return self.runs.aggregate(last=Max("finished_at"))["last"]

    def progress(self) -> dict[str, Any]:
        """Return what ``progress_of_experiments`` says of it."""
        return progress_of_experiments([self])[self.pk]
