"""Databases, subjects and clips: the recordings as uploaded, and what ingest found out about them.

Labs that have only precomputed images of motion have flow pictures instead of clips.
"""

from fractions import Fraction
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

from mer_platform.projects.models import Project


class Database(models.Model):
    """A collection that was recorded in one way: CASME II, SMIC, SAMM, or the lab's own."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="databases")
    name = models.CharField(max_length=60)
    fps = models.FloatField(
        "frames per second",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Recording rate of frame images that are uploaded without one.",
    )
    fps_for_videos = models.BooleanField(
        "also for videos",
        default=False,
        help_text="Videos were recorded at this rate too, also if they are stored to play at another one.",
    )
    emotions = models.JSONField(default=list, help_text="The emotions that coders choose from.")
    # Null for what was created before this was recorded.
    created_at = models.DateTimeField(auto_now_add=True, null=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="unique_database_name_per_project")
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raise ValidationError if the rate of videos is wanted, but not stated."""
        if self.fps_for_videos and not self.fps:
            raise ValidationError({"fps": "State the frames per second at which the videos were recorded."})

    def default_fps(self, is_video: bool) -> float | None:
        """Return the recording rate of a clip that states none; None if it was recorded as it plays, or is not known."""
        return self.fps if self.fps_for_videos or not is_video else None


class Subject(models.Model):
    """A recorded person: the unit of evaluation, so it is always stated and never guessed."""

    database = models.ForeignKey(Database, on_delete=models.CASCADE, related_name="subjects")
    name = models.CharField(max_length=60)
    created_at = models.DateTimeField(auto_now_add=True, null=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["database", "name"], name="unique_subject_name_per_database")
        ]

    def __str__(self) -> str:
        return self.name


class Clip(models.Model):
    """One recording of one subject: the uploaded bytes, and what ingest read from them."""

    class State(models.TextChoices):
        PROCESSING = "processing"
        READY = "ready"
        FAILED = "failed"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="clips")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="clips")
    name = models.CharField(max_length=120)
    sha256 = models.CharField("SHA-256", max_length=64)
    file = models.CharField(max_length=200, help_text="Where the uploaded bytes are stored.")
    original_name = models.CharField(max_length=255)
    size = models.BigIntegerField(help_text="In bytes.")
    fps_given = models.FloatField(
        null=True,
        blank=True,
        help_text="The recording rate stated at upload or by a correction, with which the frames were ingested.",
    )
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    state = models.CharField(max_length=10, choices=State.choices, default=State.PROCESSING)
    problem = models.TextField(blank=True, help_text="Why ingest failed, or what to know about the clip.")
    codec = models.CharField(max_length=40, blank=True)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    frame_count = models.PositiveIntegerField(default=0)
    fps = models.CharField(
        max_length=30, blank=True, help_text="Recording rate in frames per second, as a fraction: 30000/1001."
    )
    file_fps = models.CharField(
        max_length=30, blank=True, help_text="The rate at which a video file plays, as a fraction."
    )
    frame_steps = models.TextField(  # noqa: DJ001 - empty means that all steps are equal
        null=True,
        blank=True,
        default=None,
        help_text="Steps between frames where they differ (see Clock). Null: not yet read from the pack index.",
    )
    first_source_number = models.PositiveIntegerField(
        default=1, help_text="The source frame at frame index 0."
    )
    is_grey = models.BooleanField(default=False)
    faces = models.JSONField(
        default=dict, help_text="The face boxes that were found, and the frames they cover."
    )
    face_frames = models.JSONField(
        default=list, help_text="Ranges of frames with a face: [[first, last], …]."
    )
    fingerprint = models.CharField(
        max_length=300,
        blank=True,
        help_text="Describes what moves in the clip. Copies of one recording have similar fingerprints.",
    )
    notes = models.JSONField(
        default=list,
        help_text="Sentences about what is hidden or odd in the file, for example a variable frame rate.",
    )

    turn = models.PositiveSmallIntegerField(
        default=0, help_text="Degrees by which a person turned the frames clockwise."
    )
    face_turn = models.PositiveSmallIntegerField(
        default=0,
        help_text="Degrees by which the frames must be turned clockwise so that the face is upright.",
    )

    class Meta:
        ordering = ["subject__database__name", "subject__name", "name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "sha256"], name="unique_clip_content_per_project"),
            models.UniqueConstraint(fields=["subject", "name"], name="unique_clip_name_per_subject"),
        ]
        indexes = [models.Index(fields=["project", "state"])]

    def __str__(self) -> str:
        return f"{self.subject.database}/{self.subject}/{self.name}"

    @property
    def database(self) -> Database:
        return self.subject.database

    @property
    def rate(self) -> float:
        """Frames per second; 0 before ingest."""
        return float(Fraction(self.fps)) if self.fps else 0.0

    @property
    def content_key(self) -> str:
        """Identifies the pixels of the frames: the SHA-256 of the clip, and by how much its frames are turned."""
        return content_key(self.sha256, self.turn)

    @property
    def pack_name(self) -> str:
        return f"packs/{self.sha256[:2]}/{self._pack_key}.bin"

    @property
    def index_name(self) -> str:
        return f"packs/{self.sha256[:2]}/{self._pack_key}.json"

    @property
    def thumbnail_name(self) -> str:
        return f"packs/{self.sha256[:2]}/{self._pack_key}.jpg"

    @property
    def _pack_key(self) -> str:
        # The motion curve depends on the recording rate, so the same frames at another rate need another pack.
        return f"{self.content_key}-{self.fps_given:g}" if self.fps_given else self.content_key

    @property
    def pack_names(self) -> tuple[str, str, str]:
        """Names of all stored files that ingest made from the clip."""
        return self.pack_name, self.index_name, self.thumbnail_name

    @property
    def frames_version(self) -> str:
        """Changes with the frame pack and the recording rate; part of the addresses that browsers cache."""
        return f"{self.turn}@{self.fps_given or 0:g}@{self.fps}"

    def shows(self, version: str) -> bool:
        """Return whether the frames of a ``frames_version`` have the same bytes as those of today."""
        return version.partition("@")[0] == str(self.turn)

    @property
    def face_note(self) -> str:
        """A warning if some frames have no face; empty if all have one."""
        if self.state != self.State.READY:
            return ""
        if self.face_turn:
            turn = f"turn the clip by {self.face_turn}° clockwise"
            return f"The face is not upright: {turn} to use it for training or scoring."
        if not self.face_frames:
            return "No face found: this clip can be annotated, but not used for training or scoring."
        if self.face_frames != [[0, self.frame_count - 1]]:
            ranges = ", ".join(f"{first}–{last}" for first, last in self.face_frames)
            return f"A face was found only in frames {ranges} of 0–{self.frame_count - 1}."
        return ""

    def group(self) -> str:
        """Return the group of this clip's jobs."""
        return f"clip:{self.pk}"

    def mark_failed(self, problem: str) -> None:
        self.state, self.problem = self.State.FAILED, problem
        self.save(update_fields=["state", "problem"])

    def save_result(self, **fields: Any) -> None:
        """Store these fields, which ingest found."""
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))


def content_key(sha256: str, turn: int) -> str:
    """Return the ``content_key`` of a clip."""
    return f"{sha256}-turned{turn}" if turn else sha256


class FlowPicture(models.Model):
    """An imported image of the motion from onset to apex (u, v, strain as 8-bit PNG) whose clip is not available.

    It can be part of a composite and be trained on, compared and exported. It cannot be watched, annotated or scored.
    """

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="pictures")
    name = models.CharField(max_length=120)
    emotion = models.CharField(
        max_length=40, help_text="As the collection labels it, which is often the class itself."
    )
    sha256 = models.CharField("SHA-256", max_length=64)
    file = models.CharField(max_length=200, help_text="Where the imported bytes are stored.")
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["subject__database__name", "subject__name", "name"]
        constraints = [
            models.UniqueConstraint(fields=["subject", "name"], name="unique_flow_picture_name_per_subject")
        ]

    def __str__(self) -> str:
        return f"{self.subject.database}/{self.subject}/{self.name}"
