"""Batches of clips that a model scores."""

from typing import Any

from django.conf import settings
from django.db import models

from mer_platform.clips.models import Clip
from mer_platform.projects.models import Project
from mer_platform.registry.models import ModelVersion


class ScoringBatch(models.Model):
    """Clips to be scored by one model."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="scoring_batches")
    model = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="batches")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "scoring batches"

    def __str__(self) -> str:
        return f"batch {self.pk}"

    @property
    def group(self) -> str:
        return f"batch:{self.pk}"

    def progress(self) -> dict[str, Any]:
        """Return the batch's state and its numbers of clips: in total, scored and failed."""
        states = list(self.items.values_list("state", flat=True))
        waiting = states.count(ScoringItem.State.WAITING)
        failed = states.count(ScoringItem.State.FAILED)
        return {
            "state": "running" if waiting else "done",
            "total": len(states),
            "done": len(states) - waiting - failed,
            "failed": failed,
        }


class ScoringItem(models.Model):
    """One clip of a batch, with the frames used and the result."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed"

    class FramesFrom(models.TextChoices):
        GIVEN = "given", "given in the request"
        ANNOTATED = "annotated", "annotated"
        SPOTTED = "spotted", "spotted"

    batch = models.ForeignKey(ScoringBatch, on_delete=models.CASCADE, related_name="items")
    clip = models.ForeignKey(Clip, on_delete=models.PROTECT, related_name="scoring_items")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    onset = models.PositiveIntegerField(null=True, blank=True)
    apex = models.PositiveIntegerField(null=True, blank=True)
    frames_from = models.CharField(max_length=10, choices=FramesFrom.choices, blank=True)
    probabilities = models.JSONField(null=True, blank=True)
    predicted = models.CharField(max_length=10, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["batch_id", "id"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "clip"], name="clip_once_a_batch"),
            models.CheckConstraint(
                condition=models.Q(onset__isnull=True)
                | models.Q(apex__isnull=True)
                | models.Q(onset__lte=models.F("apex")),
                name="item_onset_not_after_apex",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.clip} in {self.batch}"

    @property
    def in_training(self) -> bool:
        """Whether the clip was in the model's training data."""
        return self.clip.sha256 in self.batch.model.trained_on
