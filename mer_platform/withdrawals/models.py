"""Withdrawals: what was erased of a person, when and by whom, without the person's name."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models

from mer_platform.projects.models import Project


class Withdrawal(models.Model):
    """A person who was withdrawn from a project. It is the certificate of what was erased, and holds no name."""

    project = models.ForeignKey(Project, on_delete=models.SET_NULL, null=True, related_name="withdrawals")
    key = models.UUIDField(
        default=uuid.uuid4, unique=True, editable=False, help_text="Number of the certificate."
    )
    place = models.CharField(max_length=80, help_text="The project's name in addresses.")
    database = models.CharField(max_length=60, help_text="Name of the database that the person was part of.")
    pseudonym = models.CharField(max_length=40, help_text="What stands in place of each name of the person.")
    salt = models.CharField(max_length=32)
    name_hash = models.CharField(
        max_length=64, help_text="Salted hash of database and name, which recognises the person again."
    )
    contents = models.JSONField(
        default=list, help_text="SHA-256 of each erased recording: the hashes that tombstones keep."
    )
    counts = models.JSONField(default=dict, help_text="How many rows of each kind were erased or marked.")
    versions = models.JSONField(
        default=list, help_text="Of each frozen version: its hash, and the hash of its list with tombstones."
    )
    retired_models = models.BooleanField(
        default=False, help_text="Whether the models trained on the person were archived."
    )
    erased_weights = models.BooleanField(
        default=False, help_text="Whether the networks of folds of affected runs were erased."
    )
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    withdrawn_at = models.DateTimeField()
    applied_at = models.DateTimeField(
        auto_now_add=True, help_text="Later than the withdrawal if a backup was restored since then."
    )
    pending = models.JSONField(default=list, help_text="Names of stored files that still have to be removed.")
    files_erased = models.PositiveIntegerField(default=0)
    files_shared = models.PositiveIntegerField(
        default=0, help_text="Files that stay, because something else refers to the same bytes."
    )
    files_erased_at = models.DateTimeField(null=True, blank=True, help_text="When the last file was removed.")
    database_cleaned_at = models.DateTimeField(
        null=True, blank=True, help_text="When the free space of the platform's database was overwritten."
    )

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"withdrawal of {self.pseudonym}"

    @property
    def completed_at(self) -> Any:
        """When nothing of the person was left; None before."""
        if self.files_erased_at is None or self.database_cleaned_at is None:
            return None
        return max(self.files_erased_at, self.database_cleaned_at)
