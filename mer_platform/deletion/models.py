"""Files of deleted rows that are still to be removed from the storage, and how much is stored."""

from django.db import models
from django.utils import timezone

from mer_platform.projects.models import Project


class Removal(models.Model):
    """A stored file that lost its row, or all files whose names start alike; upkeep removes it.

    It is written in the transaction that deletes the rows, so that a crash afterwards forgets no file.
    """

    name = models.CharField(
        max_length=300, unique=True, help_text="Name in the storage. With “*” at its end: all that start so."
    )
    not_before = models.DateTimeField(default=timezone.now, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class StorageUse(models.Model):
    """How much a project stored of one kind of file when it was last counted. Without a project: files of no row."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, related_name="storage_use")
    kind = models.CharField(max_length=40, help_text="The folder of the files in the storage.")
    files = models.PositiveIntegerField()
    bytes = models.BigIntegerField()
    counted_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["project_id", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["project", "kind"], name="one_count_per_project_and_kind")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.project}: {self.bytes} bytes"
