"""Annotation imports: what a file would change, and what was imported."""

from typing import Any

from django.conf import settings
from django.db import models

from mer_platform.projects.models import Project


class AnnotationImport(models.Model):
    """A file of annotations that was read and compared with the project. It changes nothing until it is confirmed."""

    class State(models.TextChoices):
        CHECKED = "checked", "not confirmed"
        DONE = "done", "imported"

    class Coders(models.TextChoices):
        NAMES = "names", "Members with the usernames in the file"
        ME = "me", "All are mine"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="annotation_imports")
    file_name = models.CharField(max_length=255)
    sha256 = models.CharField("SHA-256", max_length=64)
    coders = models.CharField(max_length=5, choices=Coders.choices, default=Coders.NAMES)
    state = models.CharField(max_length=7, choices=State.choices, default=State.CHECKED)
    entries = models.JSONField(
        default=list, help_text="One entry per row: what is added, changed or unchanged."
    )
    consensus = models.JSONField(default=list, help_text="The consensus to add to clips that have none.")
    problems = models.JSONField(default=list, help_text="Rows that cannot be imported, and why.")
    conflicts = models.JSONField(
        default=list, help_text="Entries that were skipped because something changed after the check."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.file_name

    def of(self, action: str) -> list[dict[str, Any]]:
        """Return the entries with this action: "add", "change" or "same"."""
        return [entry for entry in self.entries if entry["action"] == action]

    def counts(self) -> dict[str, int]:
        """Return the number of rows by what happens to them. ``problems`` counts the rows that are not imported."""
        counts = {action: len(self.of(action)) for action in ("add", "change", "same")}
        rejected = sum(problem["severity"] == "error" for problem in self.problems)
        return {
            **counts,
            "consensus": len(self.consensus),
            "problems": rejected,
            "conflicts": len(self.conflicts),
        }

    @property
    def does_something(self) -> bool:
        return bool(self.consensus) or any(entry["action"] != "same" for entry in self.entries)
