"""Composite datasets: samples from several databases under one label map, frozen and hashed."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models

from mer_platform.clips.models import Clip, FlowPicture
from mer_platform.projects.models import Project
from models_ml.classes import CLASSES

LONGEST_NAME = 80  # characters
LONGEST_DESCRIPTION = 2000


class Frozen(Exception):
    """Something tried to change a frozen version."""


class Composite(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="composites")
    name = models.CharField(max_length=LONGEST_NAME)
    description = models.TextField(blank=True, max_length=LONGEST_DESCRIPTION)
    last_number = models.PositiveIntegerField(
        default=0, help_text="Number of the newest version that was ever frozen. It is never used again."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="composite_name_once_a_project")
        ]

    def __str__(self) -> str:
        return self.name


class CompositeVersion(models.Model):
    """A frozen list of samples. It never changes: a change makes a new version, and each result refers to one version."""

    composite = models.ForeignKey(Composite, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    label_map = models.JSONField(help_text="{database name: {emotion: class or null}}")
    preset = models.CharField(
        max_length=20,
        blank=True,
        help_text="The published composite that the version follows: megc2019, or empty.",
    )
    rules = models.JSONField(default=dict, help_text="Active include and exclude rules (empty if none).")
    list_check = models.JSONField(
        null=True, help_text="Comparison with the published list of the preset when the version was frozen."
    )
    content_hash = models.CharField(max_length=64)
    withdrawn_samples = models.PositiveIntegerField(
        default=0, db_default=0, help_text="How many of its samples were withdrawn since it was frozen."
    )
    frozen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    frozen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["composite", "number"], name="version_number_once")]

    def __str__(self) -> str:
        return f"{self.composite} v{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise Frozen(f"{self} is frozen. Make a new version instead.")
        super().save(*args, **kwargs)

    @property
    def project(self) -> Project:
        return self.composite.project

    @property
    def withdrawn_note(self) -> str:
        """What to know about results on it since people were withdrawn; empty if no one was."""
        if not self.withdrawn_samples:
            return ""
        one = self.withdrawn_samples == 1
        return (
            f"Contains {self.withdrawn_samples:,} withdrawn sample{'' if one else 's'}: the recording{'' if one else 's'} "
            f"{'was' if one else 'were'} erased after the version was frozen. Its results stay as they were computed."
        )

    def refusal(self, what: str) -> str:
        """Return why ``what`` cannot be done with it since people were withdrawn; empty if it can."""
        if not self.withdrawn_samples:
            return ""
        count = f"{self.withdrawn_samples:,} of its samples"
        return (
            f"Cannot {what}: {count} {'was' if self.withdrawn_samples == 1 else 'were'} withdrawn from {self}, and their "
            "recordings are erased. Freeze a new version without them."
        )

    def with_items(self) -> list["Sample"]:
        """Return the samples with their clips or flow pictures, in one query."""
        related = [f"{item}__subject__database" for item in ("clip", "picture")]
        return list(self.samples.select_related(*related))

    def counts(self) -> dict[str, Any]:
        """Return the number of samples and subjects, by class and database."""
        samples = list(self.samples.values_list("database", "subject", "label"))
        return count_samples(samples)


class Sample(models.Model):
    """One expression of a frozen version: its frames in a clip, or its flow picture, with class and subject."""

    class ApexFrom(models.TextChoices):
        CODED = "coded", "marked by a coder"
        SPOTTED = "spotted", "found by the spotter"
        PICTURE = "picture", "unknown (flow picture)"

    version = models.ForeignKey(CompositeVersion, on_delete=models.CASCADE, related_name="samples")
    index = models.PositiveIntegerField()
    clip = models.ForeignKey(Clip, on_delete=models.PROTECT, null=True, related_name="samples")
    picture = models.ForeignKey(FlowPicture, on_delete=models.PROTECT, null=True, related_name="samples")
    name = models.CharField(max_length=120, help_text="Name of the clip or flow picture.")
    content_sha256 = models.CharField(
        max_length=64, help_text="SHA-256 of the bytes of the clip or flow picture."
    )
    database = models.CharField(max_length=60)
    subject = models.CharField(max_length=60)
    onset = models.PositiveIntegerField(null=True)
    apex = models.PositiveIntegerField(null=True)
    offset = models.PositiveIntegerField(null=True)
    apex_from = models.CharField(max_length=8, choices=ApexFrom.choices, default=ApexFrom.CODED)
    emotion = models.CharField(max_length=40)
    label = models.CharField(max_length=10, choices=[(name, name) for name in CLASSES])
    withdrawn_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the recorded person was withdrawn. Hash and label stay; the names are a pseudonym since then.",
    )

    class Meta:
        ordering = ["version_id", "index"]
        constraints = [
            models.UniqueConstraint(fields=["version", "index"], name="sample_index_once"),
            models.CheckConstraint(
                condition=models.Q(onset__lte=models.F("apex"), apex__lte=models.F("offset"))
                | models.Q(onset__isnull=True, apex__isnull=True, offset__isnull=True),
                name="sample_marks_in_order",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    clip__isnull=False, picture__isnull=True, onset__isnull=False, apex__isnull=False
                )
                | models.Q(clip__isnull=True, picture__isnull=False, onset__isnull=True, apex__isnull=True)
                | models.Q(
                    clip__isnull=True,
                    picture__isnull=True,
                    onset__isnull=True,
                    apex__isnull=True,
                    withdrawn_at__isnull=False,
                ),
                name="sample_of_a_clip_or_a_picture",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.database}/{self.subject}/{self.name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise Frozen("Cannot change a sample of a frozen version.")
        super().save(*args, **kwargs)

    @property
    def is_withdrawn(self) -> bool:
        return self.withdrawn_at is not None

    @property
    def material(self) -> str:
        """What it is of: “clip”, “picture” or “withdrawn”."""
        return "withdrawn" if self.is_withdrawn else "picture" if self.picture_id else "clip"

    @property
    def subject_key(self) -> str:
        """The subject with its database: equal names in different databases are different people."""
        return f"{self.database}/{self.subject}"

    def identity(self) -> dict[str, Any]:
        """Return what the version's hash covers: content and labels, but no names of files or clips."""
        return {
            "content": self.content_sha256,
            "database": self.database,
            "subject": self.subject,
            "onset": self.onset,
            "apex": self.apex,
            "offset": self.offset,
            "label": self.label,
        }


def content_hash(samples: Iterable[Sample]) -> str:
    """Return the SHA-256 of the samples in canonical order: two labs with the same data get the same hash."""
    rows = sorted(json.dumps(sample.identity(), sort_keys=True) for sample in samples)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def count_samples(samples: list[tuple[str, str, str]]) -> dict[str, Any]:
    """Count (database, subject, class) triples: in total, per class and per database."""
    by_database: dict[str, Any] = {}
    for name in sorted({database for database, _, _ in samples}):
        rows = [(subject, label) for database, subject, label in samples if database == name]
        labels = Counter(label for _, label in rows)
        by_database[name] = {
            "samples": len(rows),
            "subjects": len({subject for subject, _ in rows}),
            "classes": {c: labels[c] for c in CLASSES},
        }
    labels = Counter(label for _, _, label in samples)
    return {
        "samples": len(samples),
        "subjects": len({(database, subject) for database, subject, _ in samples}),
        "classes": {c: labels[c] for c in CLASSES},
        "databases": by_database,
    }
