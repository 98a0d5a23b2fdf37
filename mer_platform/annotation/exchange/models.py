"""Imports of annotations: what a file would do, and what became of it."""

from typing import Any

from django.conf import settings
from django.db import models

from mer_platform.projects.models import Project


class AnnotationImport(models.Model):
    """A file of annotations that was read and compared. It changes nothing until it is confirmed, once."""

    class State(models.TextChoices):
        CHECKED = "checked", "not confirmed"
        DONE = "done", "imported"

    class Coders(models.TextChoices):
        NAMES = "names", "Members with the user names in the file"
        ME = "me", "All are mine"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="annotation_imports")
    file_name = models.CharField(max_length=255)
    sha256 = models.CharField("SHA-256", max_length=64)
    coders = models.CharField(max_length=5, choices=Coders.choices, default=Coders.NAMES)
    state = models.CharField(max_length=7, choices=State.choices, default=State.CHECKED)
    entries = models.JSONField(default=list, help_text="What is added, changed or the same, a row each.")
    consensus = models.JSONField(default=list, help_text="The consensus of clips that have none, likewise.")
    problems = models.JSONField(default=list, help_text="Rows that could not be placed, and why.")
    conflicts = models.JSONField(
        default=list, help_text="What was changed between check and confirmation, and is left as it was."
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
        """The entries that are "add", "change" or "same"."""
        return [entry for entry in self.entries if entry["action"] == action]

    def counts(self) -> dict[str, int]:
        """Rows by what happens to them; those not placed are ``problems``."""
        counts = {action: len(self.of(action)) for action in ("add", "change", "same")}
        refused = sum(problem["severity"] == "error" for problem in self.problems)
        return {
            **counts,
            "consensus": len(self.consensus),
            "problems": refused,
            "conflicts": len(self.conflicts),
        }

    @property
    def does_something(self) -> bool:
        return bool(self.consensus) or any(entry["action"] != "same" for entry in self.entries)
