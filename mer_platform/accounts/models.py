"""Sessions of signed-in browsers, and what the administrators of the installation decide."""

from typing import Any

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models


class Session(AbstractBaseSession):
    """A browser's session. The cookie holds the key; here is only its SHA-256, so that a copy of the database opens none."""

    session_key = models.CharField(
        max_length=64, primary_key=True, help_text="SHA-256 of the key in the cookie."
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="browser_sessions"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"session of {self.user}"

    def save(self, *args: Any, force_update: bool = False, **options: Any) -> None:
        if force_update:  # a later request of the same session: it started when it did
            options["update_fields"] = ["session_data", "expire_date", "user"]
        super().save(*args, force_update=force_update, **options)


class Installation(models.Model):
    """What administrators decide for the whole installation: one row, or none while all is as it was installed."""

    class By(models.TextChoices):
        EVERYONE = "everyone", "Everyone"
        ADMINISTRATORS = "administrators", "Administrators only"

    projects_by = models.CharField("Create projects", max_length=14, choices=By.choices, default=By.EVERYONE)
    accounts_by = models.CharField(
        "Create accounts",
        max_length=14,
        choices=By.choices,
        default=By.EVERYONE,
        help_text="Everyone: owners of projects, when they add a member.",
    )
    imports_by = models.CharField(
        "Read import folders",
        max_length=14,
        choices=By.choices,
        default=By.EVERYONE,
        help_text="Everyone: researchers, from the folders of their projects.",
    )
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    def __str__(self) -> str:
        return "settings of the installation"

    @classmethod
    def current(cls) -> "Installation":
        """Return the settings that apply."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)
