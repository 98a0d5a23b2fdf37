"""Imports of databases: each is checked against its coding sheet first, then imported clip by clip."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Count

from mer_platform.clips.models import Clip, FlowPicture
from mer_platform.projects.models import Project
from models_ml.video.filetypes import IMAGES


class ImportFolder(models.Model):
    """A folder of the server, or a prefix of the storage, that an administrator lets a project read over the web."""

    class Place(models.TextChoices):
        FOLDER = "folder", "A folder on the server"
        STORAGE = "storage", "A prefix in the storage"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="import_folders")
    place = models.CharField(max_length=7, choices=Place.choices, default=Place.FOLDER)
    path = models.CharField(
        max_length=1000,
        help_text="Below the import folder (“.” is all of it), or below import/ in the storage.",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["project__name", "place", "path"]
        constraints = [
            models.UniqueConstraint(fields=["project", "place", "path"], name="one_folder_per_project")
        ]

    def __str__(self) -> str:
        return self.path


class Import(models.Model):
    """One import: where it reads, what it found, which corrections were accepted, and its progress."""

    class State(models.TextChoices):
        CHECKING = "checking"
        CHECKED = "checked"
        IMPORTING = "importing"
        FINISHED = "finished"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class SourceType(models.TextChoices):
        FOLDER = "folder", "a folder on the server"
        STORAGE = "storage", "a prefix in the storage"
        FILE = "file", "an uploaded file"

    ACTIVE = (State.CHECKING, State.IMPORTING)

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="imports")
    layout = models.CharField(max_length=40, help_text="Key of the layout.")
    place = models.CharField(max_length=7, choices=SourceType.choices)
    source = models.CharField(
        max_length=1000,
        blank=True,
        help_text="Path of the folder, the prefix, or the stored name of the uploaded file.",
    )
    confined = models.BooleanField(
        default=True, help_text="Requested over the web: nothing outside the import folder is read."
    )
    sheet = models.CharField(
        max_length=1000,
        blank=True,
        help_text="The coding sheet: its name in the storage, or its path in the folder.",
    )
    sheet_name = models.CharField(max_length=255, blank=True, help_text="Original name of an uploaded sheet.")
    columns = models.JSONField(
        null=True,
        blank=True,
        help_text="The column map: which column of the sheet holds what, if someone said so.",
    )
    unclear_sheet = models.CharField(
        max_length=1000,
        blank=True,
        help_text="The sheet whose columns are not known; the check failed because of it.",
    )
    frame_rate = models.FloatField(
        null=True,
        blank=True,
        help_text="Frames per second at which annotations count, if the file does not state it.",
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.CHECKING)
    problem = models.TextField(blank=True, help_text="Why the import failed.")
    corrections = models.JSONField(default=list, help_text="Known errors of the sheet that can be corrected.")
    accepted = models.JSONField(default=list, help_text="Keys of the accepted corrections.")
    emotions = models.JSONField(default=dict, help_text="The emotions of the coding, by database.")
    rates = models.JSONField(default=dict, help_text="Frames per second, by database.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True, help_text="When the import was confirmed.")
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
        """The source as the user named it."""
        return self.sheet_name if self.place == self.SourceType.FILE else self.source

    @property
    def columns_sheet(self) -> str:
        """The sheet whose columns can be chosen: its name in the storage, or its path in the folder; "" if there is none."""
        if self.sheet or self.unclear_sheet:
            return self.sheet or self.unclear_sheet
        other_worksheets = self.problems.filter(code="worksheet-not-read").exclude(file="").first()
        return other_worksheets.file if other_worksheets else ""

    def counts(self) -> dict[str, int]:
        """Return the number of items in each state, and their total."""
        found = dict(self.items.order_by().values_list("state").annotate(Count("pk")))
        return count_states(found)


def count_states(found: Mapping[str, int]) -> dict[str, int]:
    """Return the number of items in each state, also of those that none is in, and their total."""
    counts = {state: found.get(state, 0) for state in ImportItem.State.values}
    return {**counts, "total": sum(counts.values())}


class ImportItem(models.Model):
    """A clip, a flow picture or a set of annotations that was found, and what became of it."""

    class ItemType(models.TextChoices):
        CLIP = "clip"
        PICTURE = "picture", "flow picture"
        MARKING = "marking", "annotations"

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done", "imported"
        EXISTS = "there", "already in the project"
        FAILED = "failed", "not imported"

    batch = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="items")
    kind = models.CharField(max_length=8, choices=ItemType.choices)
    database = models.CharField(max_length=60, blank=True)
    subject = models.CharField(max_length=60, blank=True)
    name = models.CharField(max_length=120)
    fps = models.FloatField(null=True, blank=True)
    folder = models.CharField(
        max_length=1000, blank=True, help_text="In the imported folder; the files are below it."
    )
    files = models.JSONField(default=list, help_text="The frames in order, one video, or one flow picture.")
    first_number = models.PositiveIntegerField(default=1, help_text="Source frame number of the first frame.")
    expressions = models.JSONField(
        default=list,
        help_text="Coded expressions with 0-based frame indices: onset, apex, offset, emotion, action_units, kind, row.",
    )
    emotion = models.CharField(
        max_length=100, blank=True, help_text="Of its expressions, or of the flow picture."
    )
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
        """Whether the item is a video file; frame images do not state a frame rate."""
        if self.kind != self.ItemType.CLIP or not self.files:  # what cannot be imported may have no files
            return False
        return not str(self.files[0]).lower().endswith(IMAGES)

    def paths(self) -> list[str]:
        """Return the paths of its files in the imported folder."""
        return [f"{self.folder}/{name}" if self.folder else name for name in self.files]

    def set_expressions(self, expressions: list[dict[str, Any]]) -> None:
        """Set the expressions, and the summary of their emotions."""
        self.expressions = expressions
        self.emotion = ", ".join(dict.fromkeys(e["emotion"] for e in expressions if e["emotion"]))[:100]

    def end(self, state: str, reason: str = "", **links: Any) -> None:
        """Save what became of the item; ``links``: the clip or flow picture that it is now."""
        self.state, self.reason = state, reason
        for name, value in links.items():
            setattr(self, name, value)
        self.save(update_fields=["state", "reason", *links])


class ImportProblem(models.Model):
    """One row of the report: what is wrong or noteworthy, and what the import does about it."""

    class Severity(models.TextChoices):
        ERROR = "error"
        WARNING = "warning"
        INFO = "info"

    batch = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="problems")
    severity = models.CharField(max_length=7, choices=Severity.choices)
    code = models.CharField(max_length=40)
    message = models.TextField()
    file = models.CharField(max_length=1000, blank=True)
    row = models.PositiveIntegerField(null=True, blank=True, help_text="Row number as in a spreadsheet.")
    column = models.CharField(max_length=100, blank=True)
    subject = models.CharField(max_length=100, blank=True)
    clip = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["batch_id", "id"]
        indexes = [models.Index(fields=["batch", "code"])]

    def __str__(self) -> str:
        return f"{self.severity}: {self.message}"
