"""Annotation imports: what a file would change, and what was imported."""

from typing import Any

from django.conf import settings
from django.db import models

from mer_platform.projects.models import Project
from models_ml.formats.base import SHEET_SUFFIXES

MIN_RATE, MAX_RATE = 1, 100_000  # frames per second


class AnnotationImport(models.Model):
    """A file of annotations that was read and compared with the project. It changes nothing until it is confirmed."""

    class State(models.TextChoices):
        UNREAD = "unread", "columns not known"
        CHECKED = "checked", "not confirmed"
        DONE = "done", "imported"
        UNDONE = "undone", "undone"

    class Coders(models.TextChoices):
        NAMES = "names", "The members that the file names"
        ME = "me", "All are mine"
        CONSENSUS = "consensus", "The consensus of the clips"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="annotation_imports")
    file_name = models.CharField(max_length=255)
    sha256 = models.CharField("SHA-256", max_length=64)
    content = models.BinaryField(
        default=bytes, help_text="The file, to compare it again with other choices; empty after the import."
    )
    coders = models.CharField(max_length=9, choices=Coders.choices, default=Coders.NAMES)
    frame_rate = models.FloatField(
        null=True,
        blank=True,
        help_text="Frames per second at which the file counts, if it does not state it.",
    )
    columns = models.JSONField(
        null=True,
        blank=True,
        help_text="The column map: which column of the sheet holds what, if someone said so.",
    )
    names = models.JSONField(
        default=list, help_text="The coders that the file names, and the members that they stand for."
    )
    state = models.CharField(max_length=7, choices=State.choices, default=State.CHECKED)
    entries = models.JSONField(
        default=list, help_text="One entry per row: what is added, changed or unchanged."
    )
    consensus = models.JSONField(
        default=list, help_text="One entry per row of a consensus: what is added, changed or unchanged."
    )
    problems = models.JSONField(default=list, help_text="Rows that cannot be imported, and why.")
    conflicts = models.JSONField(
        default=list, help_text="Entries that were skipped because something changed after the check."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.file_name

    def of(self, action: str) -> list[dict[str, Any]]:
        """Return the annotations' entries with this action: "add", "change" or "same"."""
        return [entry for entry in self.entries if entry["action"] == action]

    def counts(self) -> dict[str, int]:
        """Return the number of rows by what they amount to; ``consensus``: by what is chosen, without those to keep.

        ``problems`` counts the rows that are not imported; ``kept`` the differences that are chosen to be kept as they are.
        """
        differing = [entry for entry in [*self.entries, *self.consensus] if entry["action"] != "same"]
        return {
            **{action: len(self.of(action)) for action in ("add", "change", "same")},
            "consensus": sum(entry["choice"] != "keep" for entry in self.consensus),
            "kept": sum(entry["choice"] == "keep" for entry in differing),
            "problems": sum(problem["severity"] == "error" for problem in self.problems),
            "conflicts": len(self.conflicts),
        }

    def chosen(self) -> dict[str, int]:
        """Return the number of rows by what will be done with them: "add", "change" or "keep"."""
        choices = [entry["choice"] for entry in [*self.entries, *self.consensus]]
        return {choice: choices.count(choice) for choice in ("add", "change", "keep")}

    @property
    def is_open(self) -> bool:
        """Whether the import was neither confirmed nor undone."""
        return self.state in (self.State.UNREAD, self.State.CHECKED)

    @property
    def can_be_undone(self) -> bool:
        """Whether it recorded what it did. Imports confirmed before undo existed did not."""
        return self.state == self.State.DONE and any(
            entry.get("made") for entry in [*self.entries, *self.consensus]
        )

    @property
    def is_sheet(self) -> bool:
        """Whether the file is a sheet, whose columns a person can choose."""
        return self.file_name.lower().endswith(SHEET_SUFFIXES)

    @property
    def does_something(self) -> bool:
        return any(entry["choice"] != "keep" for entry in [*self.entries, *self.consensus])

    @property
    def can_do_something(self) -> bool:
        """Whether there is anything to choose."""
        return any(len(entry["choices"]) > 1 for entry in [*self.entries, *self.consensus])


class CoderName(models.Model):
    """A name in files that stands for a member: an e-mail address, a number of another tool, initials."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="coder_names")
    name = models.CharField(max_length=255)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        ordering = ["project_id", "name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="unique_coder_name_per_project")
        ]

    def __str__(self) -> str:
        return f"{self.name} is {self.user}"
