"""What the networks of a run saw in the samples that they were not trained on."""

from typing import Any

from django.conf import settings
from django.db import models

from mer_platform.configurations.stored import Stored
from mer_platform.experiments.models.runs import Run
from mer_platform.jobs.models import Job
from models_ml.attribution.config import TITLES, AttributionConfig


class Attribution(models.Model):
    """The attributions of all tested samples of a run by one method, in one file."""

    class State(models.TextChoices):
        WAITING = "waiting", "computing"
        DONE = "done", "done"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="attributions")
    config = models.JSONField(help_text="Method and settings.")
    config_hash = models.CharField(max_length=64)
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    error = models.TextField(blank=True)
    job = models.ForeignKey(
        Job,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="The latest job that computes it.",
    )
    round = models.PositiveIntegerField(default=0, help_text="How often it was requested again.")
    file = models.CharField(max_length=200, blank=True, db_index=True)
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes of the file.")
    summary = models.JSONField(null=True, help_text="Means by class and database, and shares of regions.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    settings = Stored("config", AttributionConfig)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "config_hash"], name="same_attribution_computed_once")
        ]

    def __str__(self) -> str:
        return f"{TITLES[self.config['method']].lower()} of {self.run}"

    @property
    def method(self) -> str:
        return str(self.config["method"])

    @property
    def title(self) -> str:
        return TITLES[self.method]

    @property
    def group(self) -> str:
        return f"attribution:{self.pk}"

    @property
    def waiting(self) -> bool:
        return self.state == self.State.WAITING

    def progress(self) -> dict[str, Any]:
        """Return samples done and in total, which are 0 before the work starts."""
        done, total = (self.job.progress_done, self.job.progress_total) if self.job else (0, 0)
        return {"samples_done": done, "samples_total": total, "started": bool(self.job and self.job.attempt)}


class AttributionPiece(models.Model):
    """A part of an attribution that is still being computed. A worker that takes over does not compute it again."""

    attribution = models.ForeignKey(Attribution, on_delete=models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["attribution", "number"], name="attribution_piece_once")
        ]

    def __str__(self) -> str:
        return f"piece {self.number} of {self.attribution}"
