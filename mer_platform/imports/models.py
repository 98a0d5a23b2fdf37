"""Imports: a database as a lab owns it, checked against its coding sheet, then taken in clip by clip."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Count

from mer_platform.clips.models import Clip, FlowPicture
from mer_platform.projects.models import Project

FRAME_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".png", ".bmp")


class Import(models.Model):
    """One import: where it reads, what it found, what was accepted and how far it is."""

    class State(models.TextChoices):
        CHECKING = "checking"
        CHECKED = "checked"
        IMPORTING = "importing"
        FINISHED = "finished"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class SourceType(models.TextChoices):
        FOLDER = "folder", "a folder of the server"
        STORAGE = "storage", "a prefix of the storage"
        FILE = "file", "an uploaded file"

    ACTIVE = (State.CHECKING, State.IMPORTING)

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="imports")
    layout = models.CharField(max_length=40, help_text="Key of the layout that reads it.")
    place = models.CharField(max_length=7, choices=SourceType.choices)
    source = models.CharField(
        max_length=1000, blank=True, help_text="The folder's path, the prefix, or where the uploaded file is."
    )
    confined = models.BooleanField(
        default=True, help_text="Asked for over the web: nothing outside the import folder is read."
    )
    sheet = models.CharField(
        max_length=1000,
        blank=True,
        help_text="The coding sheet: stored beside the clips, or a path in the tree.",
    )
    sheet_name = models.CharField(max_length=255, blank=True, help_text="Set for a sheet that was uploaded.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.CHECKING)
    problem = models.TextField(blank=True, help_text="Why it failed.")
    corrections = models.JSONField(
        default=list, help_text="Known errata of the sheet that the layout proposes to correct."
    )
    accepted = models.JSONField(default=list, help_text="Keys of the accepted corrections.")
    emotions = models.JSONField(default=dict, help_text="The coding's own words, by database.")
    rates = models.JSONField(default=dict, help_text="Frames per second, by database.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True, help_text="When it was confirmed.")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"import {self.pk}"

    @property
    def group(self) -> str:
        return f"import:{self.pk}"

    @property
    def active(self) -> bool:
        return self.state in self.ACTIVE

    @property
    def where(self) -> str:
        """What it reads, in the words of whoever asked for it."""
        return self.sheet_name if self.place == self.SourceType.FILE else self.source

    def counts(self) -> dict[str, int]:
        """Items by state, all states named, and their total."""
        found = dict(self.items.order_by().values_list("state").annotate(Count("pk")))
        counts = {state: found.get(state, 0) for state in ImportItem.State.values}
        return {**counts, "total": sum(counts.values())}


class ImportItem(models.Model):
    """A clip, a flow picture or a marking that was found, and what became of it."""

    class ItemType(models.TextChoices):
        CLIP = "clip"
        PICTURE = "picture"
        MARKING = "marking"

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        THERE = "there", "already there"
        FAILED = "failed", "not imported"

    batch = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="items")
    kind = models.CharField(max_length=8, choices=ItemType.choices)
    database = models.CharField(max_length=60, blank=True)
    subject = models.CharField(max_length=60, blank=True)
    name = models.CharField(max_length=120)
    fps = models.FloatField(null=True, blank=True)
    folder = models.CharField(max_length=1000, blank=True, help_text="In the tree; files are below it.")
    files = models.JSONField(default=list, help_text="The frames in order, one video, or one picture.")
    first_number = models.PositiveIntegerField(default=1, help_text="Source frame number of the first frame.")
    expressions = models.JSONField(
        default=list,
        help_text="Coded expressions with 0-based frame indices: onset, apex, offset, emotion, action_units, kind, row.",
    )
    emotion = models.CharField(max_length=100, blank=True, help_text="Of its expressions, or of the picture.")
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    reason = models.TextField(blank=True)
    clip = models.ForeignKey(Clip, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    picture = models.ForeignKey(
        FlowPicture, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["batch_id", "id"]
        indexes = [models.Index(fields=["batch", "state"])]

    def __str__(self) -> str:
        return "/".join(part for part in (self.database, self.subject, self.name) if part)

    @property
    def is_video(self) -> bool:
        """Whether it is one video file; frame images carry no rate of their own."""
        return self.kind == self.ItemType.CLIP and not str(self.files[0]).lower().endswith(FRAME_SUFFIXES)

    def paths(self) -> list[str]:
        """Its files' paths in the tree."""
        return [f"{self.folder}/{name}" if self.folder else name for name in self.files]

    def end(self, state: str, reason: str = "", **links: Any) -> None:
        """Save what became of it; ``links``: the clip or picture it is now."""
        self.state, self.reason = state, reason
        for name, value in links.items():
            setattr(self, name, value)
        self.save(update_fields=["state", "reason", *links])


class ImportProblem(models.Model):
    """One row of the report: what cannot be right, and what happens with it."""

    class Severity(models.TextChoices):
        ERROR = "error"
        WARNING = "warning"
        INFO = "info"

    batch = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="problems")
    severity = models.CharField(max_length=7, choices=Severity.choices)
    code = models.CharField(max_length=40)
    message = models.TextField()
    file = models.CharField(max_length=1000, blank=True)
    row = models.PositiveIntegerField(null=True, blank=True, help_text="As a spreadsheet counts them.")
    column = models.CharField(max_length=100, blank=True)
    subject = models.CharField(max_length=100, blank=True)
    clip = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["batch_id", "id"]
        indexes = [models.Index(fields=["batch", "code"])]

    def __str__(self) -> str:
        return f"{self.severity}: {self.message}"
