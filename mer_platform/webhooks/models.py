"""Webhooks of projects, and the log of what was delivered to them."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from mer_platform.projects.models import Project
from mer_platform.webhooks import signing
from mer_platform.webhooks.events import EVENTS


def new_message_id() -> str:
    return f"msg_{secrets.token_urlsafe(18)}"


class Webhook(models.Model):
    """An address of another program, to which events of a project are sent."""

    OVERLAP = timedelta(hours=24)  # for which the former secret signs too
    MOST_PER_PROJECT = 20

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(
        max_length=500, help_text="Where events are sent, as a POST: an address that starts with https://."
    )
    description = models.CharField(
        max_length=200, blank=True, help_text="What receives the events, for the members of the project."
    )
    events = models.JSONField(help_text="The events that are sent.")
    active = models.BooleanField(default=True, help_text="Whether events are sent. Those of a pause are not.")
    paused_because = models.CharField(
        max_length=300, blank=True, help_text="Why the platform has paused it; empty if it has not."
    )
    failing_since = models.DateTimeField(
        null=True, blank=True, help_text="When the first delivery failed since one succeeded last."
    )
    nonce = models.CharField(max_length=32, default=signing.new_nonce)
    digest = models.CharField(max_length=64)
    former_nonce = models.CharField(max_length=32, blank=True)
    former_until = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"webhook {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.digest:
            self.digest = signing.digest_of(signing.secret_of(self.nonce))
        super().save(*args, **kwargs)

    def wants(self, event: str) -> bool:
        return self.active and event in self.events

    @property
    def event_names(self) -> list[str]:
        """The events that are sent, in the order of their list."""
        return [name for name in EVENTS if name in self.events]

    @property
    def former_secret_until(self) -> datetime | None:
        """Until when the former secret signs too; None if there is none."""
        if self.former_nonce and self.former_until and self.former_until > timezone.now():
            return self.former_until
        return None

    def secrets(self) -> list[bytes]:
        """Return the secrets that sign now, or none if the key of the installation has changed since they were shown."""
        current = signing.secret_of(self.nonce)
        if signing.digest_of(current) != self.digest:
            return []
        former = [signing.secret_of(self.former_nonce)] if self.former_secret_until else []
        return [current, *former]

    def rotate(self) -> str:
        """Give it a new secret, without saving. Return the secret to show. The former one signs for ``OVERLAP`` too."""
        self.former_nonce, self.former_until = self.nonce, timezone.now() + self.OVERLAP
        self.nonce = signing.new_nonce()
        secret = signing.secret_of(self.nonce)
        self.digest = signing.digest_of(secret)
        return signing.shown(secret)


class Delivery(models.Model):
    """One event for one webhook. It is stored in the transaction of the event, and sent by a job."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        FAILED = "failed"
        CANCELLED = "cancelled"

    KEPT = timedelta(days=30)

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=40)
    message_id = models.CharField(max_length=40, unique=True, default=new_message_id)
    key = models.CharField(
        max_length=120,
        blank=True,
        help_text="Identifies the event where several workers may see it at once; otherwise empty.",
    )
    body = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    tries = models.PositiveIntegerField(default=0, help_text="Attempts since it was stored or last replayed.")
    replays = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["webhook", "key"], condition=~models.Q(key=""), name="event_once_per_webhook"
            )
        ]
        indexes = [models.Index(fields=["webhook", "state"])]

    def __str__(self) -> str:
        return f"{self.event} {self.message_id}"

    @property
    def group(self) -> str:
        return f"webhook:{self.webhook_id}"


class Attempt(models.Model):
    """One request of a delivery, and what came back."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField(auto_now_add=True)
    milliseconds = models.PositiveIntegerField()
    address = models.CharField(max_length=45, blank=True, help_text="The address that was connected to.")
    status = models.PositiveIntegerField(null=True, help_text="null if no answer came.")
    answer = models.TextField(blank=True, help_text="The first 1,000 bytes of the answer.")
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.delivery}: {self.status or self.error}"
