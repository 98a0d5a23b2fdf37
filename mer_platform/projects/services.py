"""Creating projects and managing their members."""

import secrets
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from mer_platform.accounts.access import require_may
from mer_platform.projects.models import AuditEvent, Membership, Project, Role, only_projects


def create_project(name: str, owner: Any, description: str = "") -> Project:
    """Create a project with its owner as the only member. Raises PermissionDenied for a token limited to projects."""
    if only_projects(owner) is not None:
        raise PermissionDenied("This API token is limited to projects, so that it cannot create one.")
    require_may(owner, "projects_by")
    with transaction.atomic():
        project = Project.objects.create(name=name.strip(), description=description)
        Membership.objects.create(project=project, user=owner, role=Role.OWNER)
        AuditEvent.record(project, owner, "created the project")
    return project


def add_member(project: Project, username: str, role: Role, by: Any) -> tuple[Membership, str | None]:
    """Add a member. Return the membership, and the one-time password if the username was new and an account was created.

    Raises ValidationError for a name that is not allowed or belongs to a member.
    """
    username = username.strip()
    UnicodeUsernameValidator()(username)
    password = None
    with transaction.atomic():
        user = User.objects.filter(username=username).first()
        if user is None:
            require_may(by, "accounts_by")
            password = secrets.token_urlsafe(12)
            user = User.objects.create_user(username, password=password)
        membership, created = Membership.objects.get_or_create(
            project=project, user=user, defaults={"role": role}
        )
        if not created:
            raise ValidationError(f"“{username}” is already a member ({membership.role}).")
        AuditEvent.record(project, by, f"added {username} as {role.value}")
    return membership, password


def change_role(membership: Membership, role: Role, by: Any) -> None:
    """Give a member another role. Raises ValidationError for the last owner."""
    with transaction.atomic():
        _keep_an_owner(membership, leaves=role != Role.OWNER)
        membership.role = role
        membership.save(update_fields=["role"])
        AuditEvent.record(membership.project, by, f"made {membership.user} {role.value}")


def remove_member(membership: Membership, by: Any) -> None:
    """Remove a member from the project. Raises ValidationError for the last owner."""
    with transaction.atomic():
        _keep_an_owner(membership, leaves=True)
        membership.delete()
        AuditEvent.record(membership.project, by, f"removed {membership.user}")


def _keep_an_owner(membership: Membership, *, leaves: bool) -> None:
    owners = Membership.objects.select_for_update().filter(project=membership.project, role=Role.OWNER)
    if leaves and list(owners) == [membership]:
        raise ValidationError("A project needs at least one owner. Make another member an owner first.")
