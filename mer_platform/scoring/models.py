"""Batches of clips that a model scores."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Count

from mer_platform.clips.models import Clip
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Project
from mer_platform.registry.models import ModelVersion

LOWEST, HIGHEST = -10, 10  # priorities that a person can choose, as for experiments
FEW = 8  # someone who scores so few clips waits for them


class ScoringBatch(models.Model):
    """Clips to be scored by one model."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        CANCELLED = "cancelled"

    OPEN = (State.WAITING, State.RUNNING)

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="scoring_batches")
    model = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="batches")
    name = models.CharField(max_length=120, blank=True)
    priority = models.SmallIntegerField(
        default=0,
        validators=[MinValueValidator(LOWEST), MaxValueValidator(HIGHEST)],
        help_text="The highest goes first. A batch of a few clips goes first by itself, unless it is below 0.",
    )
    calibrated = models.BooleanField(
        default=False, help_text="Whether the model's temperature is applied to the probabilities."
    )
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    round = models.PositiveIntegerField(default=0, help_text="How often failed clips were tried again.")
    database = models.CharField(
        max_length=60, blank=True, help_text="Name of the database that gets the clips of files and folders."
    )
    archive = models.CharField(
        max_length=200, blank=True, help_text="Where an uploaded zip of clips is stored, while it is needed."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "scoring batches"

    def __str__(self) -> str:
        return f"batch “{self.name}”" if self.name else f"batch {self.pk}"

    @property
    def title(self) -> str:
        """Its name as a heading: “Batch 12” without one."""
        return self.name or f"Batch {self.pk}"

    @property
    def group(self) -> str:
        return f"batch:{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    def job_priority(self, items: int) -> int:
        """Return the priority of its jobs, if it has so many items."""
        return Job.INTERACTIVE if items <= FEW and self.priority >= 0 else self.priority

    def progress(self) -> dict[str, int]:
        """Return its number of items by state, and in total; counted once per object."""
        if not hasattr(self, "_progress"):
            count_items([self])
        return self._progress

    def set_progress(self, states: dict[str, int]) -> None:
        self._progress = {
            "total": sum(states.values()),
            **{state: states.get(state, 0) for state in ScoringItem.State.values},
        }


class ScoringItem(models.Model):
    """One clip of a batch: the frames to use, and the result."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class WaitsFor(models.TextChoices):
        FILE = "file", "its file is fetched"
        CLIP = "clip", "its frames are read"
        WORKER = "worker", "a worker scores it"

    class Outcome(models.TextChoices):
        EXPRESSION = "expression", "expression"
        NO_EXPRESSION = "no_expression", "no expression found"

    class FramesFrom(models.TextChoices):
        GIVEN = "given", "given in the request"
        CONSENSUS = "consensus", "consensus"
        ANNOTATED = "annotated", "annotated"
        SPOTTED = "spotted", "spotted"

    PREDICTED = (
        "outcome",
        "predicted",
        "probabilities",
        "confidence",
        "margin",
        "entropy",
        "member_disagreement",
    )
    # What follows from the marks of others, or from the model: hidden from those who still have to code the clip.
    BLIND = (*PREDICTED, "onset", "apex", "frames_from", "spotter_confidence", "warnings", "timings")
    MARKED = (FramesFrom.CONSENSUS, FramesFrom.ANNOTATED)  # frames that blind coders may not see

    batch = models.ForeignKey(ScoringBatch, on_delete=models.CASCADE, related_name="items")
    clip = models.ForeignKey(
        Clip, on_delete=models.PROTECT, null=True, blank=True, related_name="scoring_items"
    )
    name = models.CharField(
        max_length=200, blank=True, help_text="What the request calls it; otherwise the clip's name."
    )
    source = models.CharField(
        max_length=1000, blank=True, help_text="The path, or the entry of the zip, that becomes the clip."
    )
    subject = models.CharField(max_length=60, blank=True, help_text="Whose face a new clip shows.")
    fps = models.FloatField(null=True, blank=True, help_text="Recording rate of a new clip.")
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    waits_for = models.CharField(
        max_length=6,
        choices=WaitsFor.choices,
        blank=True,
        default=WaitsFor.WORKER,
        help_text="Empty at its end.",
    )
    onset = models.PositiveIntegerField(null=True, blank=True)
    apex = models.PositiveIntegerField(null=True, blank=True)
    frames_from = models.CharField(max_length=10, choices=FramesFrom.choices, blank=True)
    spotter_confidence = models.FloatField(null=True, blank=True)
    outcome = models.CharField(max_length=13, choices=Outcome.choices, blank=True)
    predicted = models.CharField(max_length=40, blank=True)
    probabilities = models.JSONField(null=True, blank=True)
    confidence = models.FloatField(null=True, blank=True, help_text="Probability of the predicted class.")
    margin = models.FloatField(
        null=True, blank=True, help_text="By how much it exceeds the second largest probability."
    )
    entropy = models.FloatField(
        null=True,
        blank=True,
        help_text="Of the probabilities: 0 (certain) to 1 (all classes are equally likely).",
    )
    member_disagreement = models.FloatField(
        null=True,
        blank=True,
        help_text="How much the networks of an ensemble disagree: 0 (not at all) to 1; null for one network.",
    )
    in_training = models.BooleanField(
        default=False,
        help_text="The clip was in the model's training data, so its score says little about new clips.",
    )
    warnings = models.JSONField(default=list, blank=True)
    timings = models.JSONField(null=True, blank=True, help_text="Milliseconds of each step.")
    error_code = models.CharField(max_length=40, blank=True)
    error = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["batch_id", "id"]
        indexes = [
            models.Index(fields=["batch", "state"]),
            models.Index(
                fields=["clip"], condition=models.Q(waits_for="clip"), name="items_waiting_for_a_clip"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(onset__isnull=True)
                | models.Q(apex__isnull=True)
                | models.Q(onset__lte=models.F("apex")),
                name="item_onset_not_after_apex",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} in {self.batch}"

    @property
    def title(self) -> str:
        """What the request calls it, otherwise the clip's name, otherwise its source."""
        return self.name or (str(self.clip) if self.clip else self.source)

    @property
    def is_given(self) -> bool:
        """Whether the request gave onset and apex."""
        return self.frames_from == self.FramesFrom.GIVEN


def count_items(batches: Iterable[ScoringBatch]) -> None:
    """Count the items of these batches by state, in one query, for their ``progress``."""
    batches = list(batches)
    states: dict[int, Counter[str]] = {batch.pk: Counter() for batch in batches}
    counted = ScoringItem.objects.filter(batch__in=states).order_by().values_list("batch", "state")
    for batch_id, state, count in counted.annotate(count=Count("pk")):
        states[batch_id][state] = count
    for batch in batches:
        batch.set_progress(dict(states[batch.pk]))


def reset(waits_for: str) -> dict[str, Any]:
    """Return the fields of an item without its result, for another attempt."""
    return {
        "state": ScoringItem.State.WAITING, "waits_for": waits_for, "outcome": "", "predicted": "",
        "probabilities": None, "confidence": None, "margin": None, "entropy": None, "member_disagreement": None,
        "spotter_confidence": None, "warnings": [], "timings": None, "error_code": "", "error": "",
        "finished_at": None,
    }  # fmt: skip
