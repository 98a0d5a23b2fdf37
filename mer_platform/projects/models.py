"""Projects, their members and roles, API tokens, and the record of who did what."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db import models, transaction
from django.utils import timezone
from django.utils.text import slugify

from mer_platform.rest.scopes import EVERYTHING
from mer_platform.web import actor


def only_projects(user: Any) -> frozenset[int] | None:
    """Return the ids of the projects to which the request's API token is limited, or None for no limit."""
    return getattr(user, "only_projects", None)


class ProjectQuerySet(models.QuerySet["Project"]):
    def of(self, user: AbstractBaseUser | AnonymousUser, role: "Role | None" = None) -> "ProjectQuerySet":
        """Return the projects in which the user has this role or a higher one. Administrators see no others either."""
        if not user.pk:
            return self.none()
        enough = [own for own in Role if role is None or own.includes(role)]
        own = self.filter(memberships__user_id=user.pk, memberships__role__in=enough)
        only = only_projects(user)
        return own if only is None else own.filter(pk__in=only)


class Project(models.Model):
    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=80, unique=True)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.slug:
            self.slug = self._free_slug()
        super().save(*args, **kwargs)

    def _free_slug(self) -> str:
        base = slugify(self.name)[:70] or "project"
        taken = set(Project.objects.filter(slug__startswith=base).values_list("slug", flat=True))
        return next(
            s for n in range(1, len(taken) + 2) if (s := base if n == 1 else f"{base}-{n}") not in taken
        )


class Role(models.TextChoices):
    """What a member may do. Each role includes the roles below it."""

    OWNER = "owner", "Owner: does everything, manages members"
    RESEARCHER = "researcher", "Researcher: manages clips, composites, runs and scoring"
    ANNOTATOR = "annotator", "Annotator: views and codes clips"
    VIEWER = "viewer", "Viewer: views only"

    def includes(self, other: "Role") -> bool:
        """Return whether this role may do all that ``other`` may."""
        order = list(Role)
        return order.index(self) <= order.index(other)


class Membership(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role.choices)

    class Meta:
        ordering = ["user__username"]
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="one_role_a_member")]

    def __str__(self) -> str:
        return f"{self.user} in {self.project}: {self.role}"


DEFAULT_DAYS = 90  # after which a token expires that is made without saying so


def every_scope() -> list[str]:
    """Return the scopes of a token that may do all that its user may."""
    return [EVERYTHING]


class ApiToken(models.Model):
    """A key to the API. Only its SHA-256 is stored; 256 random bits need no slow hash."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=60)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: never.")
    scopes = models.JSONField(default=every_scope, help_text="See mer_platform/rest/scopes.py.")
    limited = models.BooleanField(default=False, help_text="Whether it works only in its projects.")
    projects = models.ManyToManyField(Project, blank=True, related_name="+")

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @staticmethod
    def digest_of(token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def may_do_everything(self) -> bool:
        return EVERYTHING in self.scopes

    @classmethod
    def make(
        cls,
        user: User,
        name: str,
        *,
        expires_at: datetime | None = None,
        scopes: Sequence[str] = (EVERYTHING,),
        projects: Sequence[Project] = (),
    ) -> tuple["ApiToken", str]:
        """Create a token, limited to ``projects`` if there are any.

        Return its row and the secret, which is shown once and not stored.
        """
        secret = f"mer_{secrets.token_urlsafe(32)}"
        with transaction.atomic():
            token = cls.objects.create(
                user=user, name=name, prefix=secret[:8], digest=cls.digest_of(secret), expires_at=expires_at,
                scopes=list(scopes), limited=bool(projects),
            )  # fmt: skip
            token.projects.set(projects)
        return token, secret


class SheetColumns(models.Model):
    """What a member said about the columns of a sheet, to offer it again for sheets with the same header."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="sheet_columns")
    header = models.CharField(max_length=64, help_text="SHA-256 of the names in the header row.")
    columns = models.JSONField(help_text="The column map, as models_ml.formats.mapping defines it.")
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "header"], name="unique_sheet_columns_per_header")
        ]

    def __str__(self) -> str:
        return ", ".join(self.columns.get("header", []))


class AuditEvent(models.Model):
    """One line of a project's activity: who did what."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="events")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=200)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.user}: {self.action}"

    @classmethod
    def record(cls, project: Project, user: Any, action: str) -> None:
        """Store what the user did, as a phrase that starts with a verb in the past tense; cut after 200 characters."""
        cls.objects.create(project=project, user=actor(user), action=action[:200])
