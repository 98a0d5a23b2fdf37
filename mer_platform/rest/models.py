"""Answers that are kept, so that a repeated request gets the same one and does nothing twice."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

KEPT_HOURS = 24


class KeyedRequest(models.Model):
    """A request with an ``Idempotency-Key``: claimed by the process that handles it, then with the answer it got."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    token = models.BigIntegerField(help_text="Id of the API token; 0 for a request of a signed-in browser.")
    key = models.CharField(max_length=255)
    address = models.TextField(help_text="Method and path with query, such as “POST /api/v1/runs/”.")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of address and body.")
    claim = models.CharField(max_length=32, help_text="Random name of the attempt that may answer.")
    process = models.CharField(max_length=300, help_text="Where that attempt runs: host:process.")
    claimed_until = models.DateTimeField()
    status = models.PositiveSmallIntegerField(
        null=True, help_text="Of the answer; empty while there is none."
    )
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=bytes)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "token", "key"], name="one_answer_per_idempotency_key")
        ]

    def __str__(self) -> str:
        return f"{self.address} with key “{self.key}”"


def forget_old_answers() -> int:
    """Delete the answers that have been kept for ``KEPT_HOURS``. Return their number."""
    return KeyedRequest.objects.filter(created_at__lt=timezone.now() - timedelta(hours=KEPT_HOURS)).delete()[
        0
    ]
