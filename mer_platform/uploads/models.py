"""Uploads that are under way, and the parts of them that have arrived."""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone

from mer_platform.projects.models import Project


class Upload(models.Model):
    """A file that arrives in parts. It belongs to the user who created it; no one else sees it."""

    class State(models.TextChoices):
        RECEIVING = "receiving"
        COMPLETE = "complete"  # all bytes are here
        USED = "used"  # became a clip or an item of a scoring batch
        DELETED = "deleted"

    OPEN = (State.RECEIVING, State.COMPLETE)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="uploads")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads")
    filename = models.CharField(max_length=255)
    size = models.BigIntegerField(help_text="Bytes of the whole file.")
    offset = models.BigIntegerField(default=0, help_text="Bytes that have arrived.")
    sha256 = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of the whole file, if the sender states it."
    )
    metadata = models.TextField(blank=True, help_text="The header Upload-Metadata, as it was sent.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVING)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.filename

    @property
    def folder(self) -> str:
        """The folder of its parts in the storage."""
        return f"uploads/{self.pk.hex[:2]}/{self.pk.hex}"

    def is_gone(self, now: datetime | None = None) -> bool:
        """Return whether its bytes are no longer kept: it was used or deleted, or has expired."""
        return self.state not in self.OPEN or self.expires_at <= (now or timezone.now())


class UploadPart(models.Model):
    """The bytes that one request has added."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="parts")
    start = models.BigIntegerField(help_text="Bytes before it.")
    size = models.BigIntegerField()
    file = models.CharField(max_length=200, unique=True)

    class Meta:
        ordering = ["start"]
        constraints = [models.UniqueConstraint(fields=["upload", "start"], name="one_part_per_start")]

    def __str__(self) -> str:
        return f"{self.upload}: bytes {self.start}–{self.start + self.size - 1}"
