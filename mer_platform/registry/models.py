"""The models of a project: their stages and aliases, and what happened to them."""

from functools import cached_property
from typing import Any, Self

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models

from mer_platform.clips.models import Clip
from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.configurations.stored import Stored
from mer_platform.experiments.models import Run
from mer_platform.projects.models import Project
from models_ml.config import RunConfig

PRODUCTION = "production"  # the alias that follows the stage


class ModelQuerySet(models.QuerySet["ModelVersion"]):
    def ready(self) -> Self:
        """Those whose file exists."""
        return self.exclude(file="").filter(checked=True)

    def offered(self) -> Self:
        """Those that lists offer for new scores: neither the model nor its run is archived."""
        return self.ready().exclude(stage=ModelVersion.Stage.ARCHIVED).filter(run__archived_at__isnull=True)


class ModelVersion(models.Model):
    """A network that scores clips: a run's configuration trained on all samples of its version, or an imported model.

    Its file is safetensors, never a pickle. Without a file, it is in training, or could not be trained.
    """

    class Stage(models.TextChoices):
        CANDIDATE = "candidate"
        PRODUCTION = "production"
        ARCHIVED = "archived"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="models")
    run = models.OneToOneField(
        Run,
        on_delete=models.CASCADE,
        related_name="model",
        null=True,
        blank=True,
        help_text="null for an imported model.",
    )
    name = models.CharField(max_length=120)
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.CANDIDATE)
    config = models.JSONField(help_text="The configuration it was trained with.")
    features_hash = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of its feature settings, as of a run."
    )
    file = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    checked = models.BooleanField(
        default=True, help_text="False for an imported model until a worker has loaded it with PyTorch."
    )
    classes = models.JSONField()
    temperature = models.FloatField(
        null=True,
        blank=True,
        help_text="Divides the logits, fitted on held-out predictions; null if unknown.",
    )
    limits = models.JSONField(
        default=dict,
        blank=True,
        help_text="What the training samples were like, as models_ml.registry.limits.",
    )
    provenance = models.JSONField(
        default=dict, blank=True, help_text="Of an imported model: its origin, and the facts of its own card."
    )
    notes = models.JSONField(default=dict, blank=True, help_text="The parts of its card that people write.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    settings = Stored("config", RunConfig)

    objects = ModelQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project"],
                condition=models.Q(stage="production"),
                name="one_production_model_per_project",
            )
        ]

    def __str__(self) -> str:
        return f"model of {self.run}" if self.run_id else f"imported model “{self.name}”"

    @property
    def is_imported(self) -> bool:
        return self.run_id is None

    @property
    def is_ready(self) -> bool:
        """Whether its file exists and is checked. Otherwise it is in training or being checked, or that failed."""
        return bool(self.file) and self.checked

    @property
    def state(self) -> str:
        """ready, training, checking or failed. Only a checked file can be used; the rest follows from its run."""
        if self.is_ready:
            return "ready"
        if self.run is None:
            return "failed" if self.provenance.get("error") else "checking"
        return "training" if self.run and self.run.state == Run.State.FINISHING else "failed"

    @property
    def error(self) -> str:
        """Why it could not be trained; empty if it was, or is in training."""
        if self.state != "failed":
            return ""
        if self.run is None:
            return str(self.provenance["error"])
        return self.run.error or "Its training was cancelled. Register the run again to train it."

    @property
    def version(self) -> CompositeVersion | None:
        """The version it was trained on; None for an imported model."""
        return self.run.version if self.run else None

    @cached_property
    def of_pictures(self) -> bool:
        """Whether flow pictures were among its samples; then its scale of motion is not the scale of clips."""
        if self.version is None:
            return bool(self.provenance.get("of_pictures"))
        if "has_pictures" in self.__dict__:  # looked up with the model, for lists
            return bool(self.__dict__["has_pictures"])
        return self.version.samples.filter(apex_from=Sample.ApexFrom.PICTURE).exists()

    @cached_property
    def trained_on(self) -> frozenset[str]:
        """SHA-256 of the clips in its training data. A score of one of them, or of a copy, says little about the model."""
        if self.version is None:
            return frozenset(self.provenance.get("trained_on", []))
        return frozenset(self.version.samples.values_list("content_sha256", flat=True))


class ModelAlias(models.Model):
    """A name of a project for one of its models, written ``@name``. It can point to another model later."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="model_aliases")
    model = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(
        max_length=40,
        validators=[
            RegexValidator(
                r"\A[a-z][a-z0-9._-]*\Z",
                "An alias consists of lower-case letters, digits, dots, hyphens and underscores, and starts with a letter.",
            )
        ],
    )

    class Meta:
        ordering = ["project_id", "name"]
        verbose_name_plural = "model aliases"
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="unique_alias_per_project")]

    def __str__(self) -> str:
        return f"@{self.name}"


class ModelEvent(models.Model):
    """Something that happened to a model: who did it, when and why."""

    class Kind(models.TextChoices):
        REGISTERED = "registered"
        IMPORTED = "imported"
        STAGE = "stage"
        ALIAS = "alias"
        RENAMED = "renamed"
        EDITED = "edited"
        WITHDRAWN = "withdrawn", "trained on a withdrawn person"

    model = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    before = models.CharField(max_length=120, blank=True)
    after = models.CharField(max_length=120, blank=True)
    reason = models.CharField(max_length=1000, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.model}: {self.kind} {self.before} → {self.after}"

    @classmethod
    def record(cls, model: ModelVersion, user: Any, kind: str, **fields: str) -> "ModelEvent":
        """Store what happened; call it in the transaction that changes the model."""
        by = user if getattr(user, "pk", None) else None
        return cls.objects.create(model=model, kind=kind, by=by, **fields)


class SpottedMovements(models.Model):
    """What the spotter saw in a clip: also movements too unsure to suggest to coders. Thresholds of models need both."""

    clip = models.OneToOneField(Clip, on_delete=models.CASCADE, related_name="spotted_movements")
    spotter = models.CharField(max_length=20, help_text="Version of the spotter.")
    movements = models.JSONField(help_text="[[onset, apex, offset, confidence], …], the clearest first.")

    class Meta:
        verbose_name_plural = "spotted movements"

    def __str__(self) -> str:
        return f"{self.clip}: {len(self.movements)} movements"


class ModelExport(models.Model):
    """A model as an ONNX file, which a worker makes and checks against PyTorch before it is stored."""

    class State(models.TextChoices):
        WAITING = "waiting", "exporting"
        DONE = "done"
        FAILED = "failed"

    model = models.OneToOneField(ModelVersion, on_delete=models.CASCADE, related_name="export")
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    error = models.TextField(blank=True)
    file = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(default=0, help_text="Size of the file in bytes.")
    check_result = models.JSONField(
        default=dict, help_text="Opset, and the largest difference from PyTorch on which inputs."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.model} as ONNX"

    @property
    def group(self) -> str:
        return self.group_of(self.model_id)

    @staticmethod
    def group_of(model_id: int) -> str:
        """Return the group of all jobs that work on one model, apart from its training."""
        return f"model-export:{model_id}"
