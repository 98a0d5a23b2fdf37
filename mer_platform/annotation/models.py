"""What coders mark in a clip, and the consensus that datasets are built from."""

import uuid
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import F, Q

from mer_platform.clips.models import Clip
from mer_platform.projects.models import AuditEvent


def order_constraints(prefix: str) -> list[models.BaseConstraint]:
    """onset ≤ apex ≤ offset, as far as they are set, kept by the database itself."""
    return [
        models.CheckConstraint(
            condition=Q(onset__isnull=True) | Q(apex__isnull=True) | Q(onset__lte=F("apex")),
            name=f"{prefix}_onset_not_after_apex",
        ),
        models.CheckConstraint(
            condition=Q(apex__isnull=True) | Q(offset__isnull=True) | Q(apex__lte=F("offset")),
            name=f"{prefix}_apex_not_after_offset",
        ),
        models.CheckConstraint(
            condition=Q(onset__isnull=True) | Q(offset__isnull=True) | Q(onset__lte=F("offset")),
            name=f"{prefix}_onset_not_after_offset",
        ),
    ]


class Marking(models.Model):
    """One expression in a clip. Frames are 0-based indices into the clip; unset marks are null."""

    class Kind(models.TextChoices):
        MICRO = "micro"
        MACRO = "macro"

    onset = models.PositiveIntegerField(null=True, blank=True)
    apex = models.PositiveIntegerField(null=True, blank=True)
    offset = models.PositiveIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=5, choices=Kind.choices, default=Kind.MICRO)
    emotion = models.CharField(max_length=40, blank=True)
    action_units = models.CharField(max_length=80, blank=True, help_text="As coders write them: 4+L10.")

    class Meta:
        abstract = True

    def frames(self) -> dict[str, int]:
        """The marks that are set, by name: all three of a complete marking."""
        marks = {"onset": self.onset, "apex": self.apex, "offset": self.offset}
        return {name: frame for name, frame in marks.items() if frame is not None}

    @property
    def complete(self) -> bool:
        return None not in (self.onset, self.apex, self.offset) and bool(self.emotion)

    def overlaps(self, other: "Marking") -> bool:
        """Whether both mark some of the same frames (onset to offset); False while either lacks a mark."""
        if None in (self.onset, self.offset, other.onset, other.offset):
            return False
        return bool(self.onset <= other.offset and other.onset <= self.offset)  # type: ignore[operator]


class LiveManager(models.Manager["Annotation"]):
    """Annotations that were not deleted: what everybody but the history wants to see."""

    def get_queryset(self) -> models.QuerySet["Annotation"]:
        return super().get_queryset().filter(deleted_at__isnull=True)


class Annotation(Marking):
    """One coder's marking of one expression in a clip, saved as it is made.

    A clip may show several expressions. Every version is kept (``AnnotationVersion``); a deleted annotation too, so that
    deleting can be undone.
    """

    class Origin(models.TextChoices):
        MANUAL = "manual", "marked by hand"
        SUGGESTED = "suggested", "suggestion accepted as it was"
        CORRECTED = "corrected", "suggestion accepted and corrected"

    clip = models.ForeignKey(Clip, on_delete=models.CASCADE, related_name="annotations")
    coder = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="annotations")
    key = models.UUIDField(
        default=uuid.uuid4,
        unique=True,
        help_text="Made by the client, so that a save whose answer was lost is not made twice.",
    )
    origin = models.CharField(max_length=9, choices=Origin.choices, default=Origin.MANUAL)
    suggestion = models.JSONField(
        null=True, blank=True, help_text="What the spotter offered: {onset, apex, offset, confidence}."
    )
    confidence = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(5)],
        help_text="1 (guess) to 5 (certain)",
    )
    note = models.TextField(blank=True)
    revision = models.PositiveIntegerField(
        default=1, help_text="Grows with every save; an edit names the one it began from."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = LiveManager()
    everything = models.Manager["Annotation"]()

    class Meta:
        ordering = ["clip_id", "onset", "id"]
        base_manager_name = "everything"
        constraints = [
            *order_constraints("annotation"),
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__range=(1, 5)), name="confidence_1_to_5"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.clip} by {self.coder}"

    FIELDS = (
        "onset", "apex", "offset", "kind", "emotion", "action_units", "confidence", "note", "origin", "suggestion",
    )  # fmt: skip

    @property
    def deleted(self) -> bool:
        return self.deleted_at is not None

    def content(self) -> dict[str, Any]:
        """What a version keeps: all fields a coder sets, and whether it is deleted."""
        return {**{name: getattr(self, name) for name in self.FIELDS}, "deleted": self.deleted}

    def keep_version(self, user: Any, client: str) -> "AnnotationVersion":
        """Write down how this revision is, who made it, and with what. Inside the transaction that made it."""
        return AnnotationVersion.objects.create(
            annotation=self,
            revision=self.revision,
            content=self.content(),
            made_by=user if user and user.pk else None,
            client=client[:80],
        )


class AnnotationVersion(models.Model):
    """An annotation as it was at one revision: who made it, when, and from where. Written once, never changed."""

    annotation = models.ForeignKey(Annotation, on_delete=models.CASCADE, related_name="versions")
    revision = models.PositiveIntegerField()
    content = models.JSONField()
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    made_at = models.DateTimeField(auto_now_add=True)
    client = models.CharField(max_length=80, help_text="“labeler”, “api”, or the file it was imported from.")

    class Meta:
        ordering = ["annotation_id", "revision"]
        constraints = [
            models.UniqueConstraint(fields=["annotation", "revision"], name="version_once_a_revision")
        ]

    def __str__(self) -> str:
        return f"{self.annotation}, revision {self.revision}"


class Assignment(models.Model):
    """A clip that a coder is to code. Coding is blind: nobody sees the others' marks before all are done."""

    clip = models.ForeignKey(Clip, on_delete=models.CASCADE, related_name="assignments")
    coder = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="assignments")
    position = models.PositiveIntegerField(default=0, help_text="Place in the coder's queue.")
    assigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    assigned_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True, blank=True, help_text="When the coder said so.")

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["clip", "coder"], name="a_clip_once_a_coder")]

    def __str__(self) -> str:
        return f"{self.clip} for {self.coder}"


class Consensus(Marking):
    """The marking a dataset is built from: adopted from a coder, or known with the clip.

    A long clip has one for each expression in it. SMIC codes no apex: there it stays unset, and a dataset takes the
    spotted one.
    """

    class Origin(models.TextChoices):
        ADOPTED = "adopted", "adopted from a coder"
        ADJUDICATED = "adjudicated", "set by a judge"
        IMPORTED = "imported", "from the database’s own coding"
        SYNTHETIC = "synthetic", "known from the generator"

    clip = models.ForeignKey(Clip, on_delete=models.CASCADE, related_name="consensus")
    annotation = models.ForeignKey(
        Annotation, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    origin = models.CharField(max_length=11, choices=Origin.choices)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["clip_id", "onset", "id"]
        verbose_name_plural = "consensus"
        constraints = order_constraints("consensus")

    def __str__(self) -> str:
        return f"{self.clip} ({self.origin})"

    @classmethod
    def adopt(cls, annotation: Annotation, user: Any) -> "Consensus":
        """Make this coder's complete marking the consensus on its expression.

        It replaces what was there for the same stretch of frames, or the only one there was; other expressions of a long
        clip stay. Raises ValidationError if the marking is not complete.
        """
        if not annotation.complete:
            raise ValidationError("Only a complete marking (onset, apex, offset and emotion) can be adopted.")
        fields = ("onset", "apex", "offset", "kind", "emotion", "action_units")
        with transaction.atomic():
            Clip.objects.select_for_update().get(pk=annotation.clip_id)  # two clicks make one consensus
            there = list(annotation.clip.consensus.all())
            replaced = there if len(there) == 1 else [old for old in there if old.overlaps(annotation)]
            cls.objects.filter(pk__in=[old.pk for old in replaced]).delete()
            consensus = cls.objects.create(
                clip=annotation.clip,
                **{field: getattr(annotation, field) for field in fields},
                annotation=annotation,
                origin=cls.Origin.ADOPTED,
                decided_by=user,
            )
            AuditEvent.record(annotation.clip.project, user, f"adopted {annotation} as consensus")
        return consensus


class Judgement(models.Model):
    """A judge looked at everybody's codings of a clip and decided; what came of it is the clip's consensus.

    Kept beside the consensus, because a judge may also decide that a clip shows no expression.
    """

    clip = models.OneToOneField(Clip, on_delete=models.CASCADE, related_name="judgement")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.clip}, judged by {self.decided_by}"


class Suggestion(models.Model):
    """Where the spotter sees an expression in a clip. Nobody has confirmed it: it is offered, never saved as a marking."""

    clip = models.ForeignKey(Clip, on_delete=models.CASCADE, related_name="suggestions")
    onset = models.PositiveIntegerField()
    apex = models.PositiveIntegerField()
    offset = models.PositiveIntegerField()
    confidence = models.FloatField(help_text="0 (nothing stands out) to 1")
    spotter = models.CharField(max_length=20, help_text="Version of the spotting code that made it.")

    class Meta:
        ordering = ["clip_id", "onset"]
        constraints = [
            models.UniqueConstraint(fields=["clip", "onset"], name="suggestion_once_an_onset"),
            models.CheckConstraint(
                condition=Q(onset__lte=F("apex"), apex__lte=F("offset")), name="suggestion_marks_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.clip}: {self.onset}–{self.apex}–{self.offset} ({self.confidence:.2f})"


def check_marks(clip: Clip, onset: int | None, apex: int | None, offset: int | None) -> dict[str, list[str]]:
    """What is wrong with these marks in this clip, by field; empty if nothing is."""
    errors: dict[str, list[str]] = {}
    marks = [("onset", onset), ("apex", apex), ("offset", offset)]
    for name, value in marks:
        if value is not None and not 0 <= value < clip.frame_count:
            errors.setdefault(name, []).append(
                f"Frame {value} is not in this clip: its frames are 0–{clip.frame_count - 1}."
            )
    known = [(name, value) for name, value in marks if value is not None]
    for (early, a), (late, b) in pairwise(known):
        if a > b:
            errors.setdefault(late, []).append(
                f"The {late} (frame {b}) lies before the {early} (frame {a}): onset ≤ apex ≤ offset."
            )
    return errors
