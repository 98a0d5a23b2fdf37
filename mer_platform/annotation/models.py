"""What coders mark in a clip, and the consensus that datasets are built from."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connection, models, transaction
from django.db.models import F, Q

from mer_platform.annotation.marks import CODED_FIELDS, MARKS
from mer_platform.clips.models import Clip
from mer_platform.projects.models import AuditEvent
from mer_platform.web import actor
from models_ml.formats.action_units import MAX_CHARACTERS


class ExpressionKind(models.TextChoices):
    MICRO = "micro"
    MACRO = "macro"


class AnnotationOrigin(models.TextChoices):
    MANUAL = "manual", "marked by hand"
    SUGGESTED = "suggested", "suggestion accepted unchanged"
    CORRECTED = "corrected", "suggestion accepted and corrected"


class ConsensusOrigin(models.TextChoices):
    ADOPTED = "adopted", "adopted from a coder"
    ADJUDICATED = "adjudicated", "set by a judge"
    IMPORTED = "imported", "from the database’s own coding"
    SYNTHETIC = "synthetic", "known from the generator"


def order_constraints(prefix: str) -> list[models.BaseConstraint]:
    """Return constraints by which the database itself keeps onset ≤ apex ≤ offset, for the marks that are set."""
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
    """The fields of one expression that an annotation and a consensus share.

    Marks are frame indices (0-based); a mark that is not set is null.
    """

    onset = models.PositiveIntegerField(null=True, blank=True)
    apex = models.PositiveIntegerField(null=True, blank=True)
    offset = models.PositiveIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=5, choices=ExpressionKind.choices, default=ExpressionKind.MICRO)
    emotion = models.CharField(max_length=40, blank=True)
    action_units = models.CharField(
        max_length=MAX_CHARACTERS,
        blank=True,
        help_text="Numbers joined by +, with side and intensity: 4+L10+R12A.",
    )

    class Meta:
        abstract = True

    def frames(self) -> dict[str, int]:
        """Return the marks that are set, by name."""
        marks = {name: getattr(self, name) for name in MARKS}
        return {name: frame for name, frame in marks.items() if frame is not None}

    @property
    def complete(self) -> bool:
        return None not in (self.onset, self.apex, self.offset) and bool(self.emotion)

    def overlaps(self, other: "Marking") -> bool:
        """Return whether the two share frames from onset to offset; False if one of these marks is not set."""
        if None in (self.onset, self.offset, other.onset, other.offset):
            return False
        return bool(self.onset <= other.offset and other.onset <= self.offset)  # type: ignore[operator]


class LiveManager(models.Manager["Annotation"]):
    """Annotations that are not deleted."""

    def get_queryset(self) -> models.QuerySet["Annotation"]:
        return super().get_queryset().filter(deleted_at__isnull=True)


class Annotation(Marking):
    """One coder's record of one expression in a clip.

    A clip can show several expressions. All versions are kept (``AnnotationVersion``), and so are deleted annotations, so
    that they can be restored.
    """

    clip = models.ForeignKey(Clip, on_delete=models.CASCADE, related_name="annotations")
    coder = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="annotations")
    key = models.UUIDField(
        default=uuid.uuid4,
        unique=True,
        help_text="Set by the client. Sending a save again with the same key never creates a second annotation.",
    )
    origin = models.CharField(max_length=9, choices=AnnotationOrigin.choices, default=AnnotationOrigin.MANUAL)
    suggestion = models.JSONField(
        null=True, blank=True, help_text="What the spotter suggested: {onset, apex, offset, confidence}."
    )
    confidence = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(5)],
        help_text="1 (guess) to 5 (certain).",
    )
    note = models.TextField(blank=True)
    revision = models.PositiveIntegerField(
        default=1, help_text="Increases with each save. An edit names the revision that it is based on."
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

    FIELDS = (*CODED_FIELDS, "confidence", "note", "origin", "suggestion")

    @property
    def deleted(self) -> bool:
        return self.deleted_at is not None

    @classmethod
    def store_changes(cls, rows: Iterable["Annotation"]) -> None:
        """Store what coders may change of many annotations: one statement with the values of each.

        ``bulk_update`` of Django builds an expression per value, which takes longer than a ``save`` of each row.
        """
        names = (*cls.FIELDS, "revision", "updated_at", "deleted_at")
        fields = [field for field in cls._meta.concrete_fields if field.name in names]
        quote = connection.ops.quote_name
        columns = ", ".join(f"{quote(str(field.column))} = %s" for field in fields)
        statement = f"UPDATE {quote(cls._meta.db_table)} SET {columns} WHERE id = %s"  # noqa: S608 - names of the model
        values = [
            [*(f.get_db_prep_save(getattr(row, f.attname), connection) for f in fields), row.pk]
            for row in rows
        ]
        if values:
            with connection.cursor() as cursor:
                cursor.executemany(statement, values)

    def content(self) -> dict[str, Any]:
        """Return what a version keeps: all fields that a coder sets, and whether the annotation is deleted."""
        return {**{name: getattr(self, name) for name in self.FIELDS}, "deleted": self.deleted}

    def keep_version(self, user: Any, client: str) -> "AnnotationVersion":
        """Store the current revision with the user and the client that made it, in the caller's transaction."""
        version = self.version(user, client)
        version.save(force_insert=True)
        return version

    def version(self, user: Any, client: str) -> "AnnotationVersion":
        """Return the current revision as a version that is not stored yet."""
        return AnnotationVersion(
            annotation=self,
            revision=self.revision,
            content=self.content(),
            made_by=actor(user),
            client=client[:80],
        )


class AnnotationVersion(models.Model):
    """One revision of an annotation, and who saved it, when and with which client. It never changes."""

    annotation = models.ForeignKey(Annotation, on_delete=models.CASCADE, related_name="versions")
    revision = models.PositiveIntegerField()
    content = models.JSONField()
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    made_at = models.DateTimeField(auto_now_add=True)
    client = models.CharField(
        max_length=80, help_text="What saved it: “labeler”, “api”, or the name of an imported file."
    )

    class Meta:
        ordering = ["annotation_id", "revision"]
        constraints = [
            models.UniqueConstraint(fields=["annotation", "revision"], name="unique_version_per_revision")
        ]

    def __str__(self) -> str:
        return f"{self.annotation}, revision {self.revision}"


class Assignment(models.Model):
    """A clip that a coder is asked to code.

    Coding is blind: no coder sees the others' marks before all coders of the clip are done.
    """

    clip = models.ForeignKey(Clip, on_delete=models.CASCADE, related_name="assignments")
    coder = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="assignments")
    position = models.PositiveIntegerField(default=0, help_text="Position in the coder's queue.")
    assigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    assigned_at = models.DateTimeField(auto_now_add=True)
    note = models.CharField(
        max_length=200,
        blank=True,
        help_text="Where the assignment comes from, if not from the page of clips.",
    )
    done_at = models.DateTimeField(
        null=True, blank=True, help_text="When the coder marked the clip as done; null if it is not done."
    )

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["clip", "coder"], name="unique_clip_per_coder")]

    def __str__(self) -> str:
        return f"{self.clip} for {self.coder}"


class Consensus(Marking):
    """The adjudicated annotation of one expression, from which datasets are built.

    A long clip has one for each of its expressions. SMIC does not code the apex: there it stays null, and a dataset uses
    the apex that the spotter finds.
    """

    clip = models.ForeignKey(Clip, on_delete=models.CASCADE, related_name="consensus")
    annotation = models.ForeignKey(
        Annotation, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    origin = models.CharField(max_length=11, choices=ConsensusOrigin.choices)
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
        """Make a coder's complete annotation the consensus on its expression.

        It replaces the consensus on the same frames, or the only consensus of the clip; other expressions of a long clip
        stay. Raises ValidationError if the annotation is not complete.
        """
        if not annotation.complete:
            raise ValidationError(
                "Only a complete annotation (onset, apex, offset and emotion) can be adopted."
            )
        with transaction.atomic():
            Clip.objects.select_for_update().get(pk=annotation.clip_id)  # two clicks make one consensus
            existing = list(annotation.clip.consensus.all())
            replaced = (
                existing if len(existing) == 1 else [old for old in existing if old.overlaps(annotation)]
            )
            cls.objects.filter(pk__in=[old.pk for old in replaced]).delete()
            consensus = cls.objects.create(
                clip=annotation.clip,
                **{field: getattr(annotation, field) for field in CODED_FIELDS},
                annotation=annotation,
                origin=ConsensusOrigin.ADOPTED,
                decided_by=user,
            )
            AuditEvent.record(annotation.clip.project, user, f"adopted {annotation} as consensus")
        return consensus


class Judgement(models.Model):
    """The record that a judge compared the codings of a clip and decided. The result is the clip's consensus.

    It is a row of its own because a judge can also decide that a clip shows no expression.
    """

    clip = models.OneToOneField(Clip, on_delete=models.CASCADE, related_name="judgement")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.clip}, judged by {self.decided_by}"


class Suggestion(models.Model):
    """Where the spotter sees an expression in a clip. It becomes an annotation only if a coder accepts it."""

    clip = models.ForeignKey(Clip, on_delete=models.CASCADE, related_name="suggestions")
    onset = models.PositiveIntegerField()
    apex = models.PositiveIntegerField()
    offset = models.PositiveIntegerField()
    confidence = models.FloatField(help_text="0 (nothing stands out) to 1.")
    spotter = models.CharField(max_length=20, help_text="Version of the spotter that made it.")

    class Meta:
        ordering = ["clip_id", "onset"]
        constraints = [
            models.UniqueConstraint(fields=["clip", "onset"], name="unique_suggestion_per_onset"),
            models.CheckConstraint(
                condition=Q(onset__lte=F("apex"), apex__lte=F("offset")), name="suggestion_marks_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.clip}: {self.onset}–{self.apex}–{self.offset} ({self.confidence:.2f})"
