"""Files of deleted rows that are still to be removed from the storage."""

from django.db import models
from django.utils import timezone


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
