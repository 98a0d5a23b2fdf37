"""Projects and their members."""

import secrets
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import transaction

from mer_platform.projects.models import AuditEvent, Membership, Project, Role


def create_project(name: str, owner: Any, description: str = "") -> Project:
    with transaction.atomic():
        project = Project.objects.create(name=name.strip(), description=description)
        Membership.objects.create(project=project, user=owner, role=Role.OWNER)
        AuditEvent.record(project, owner, "created the project")
    return project


def add_member(project: Project, username: str, role: Role, by: Any) -> tuple[Membership, str | None]:
    """Give somebody a role; makes the account if there is none, and then returns its one-time password too."""
    username = username.strip()
    UnicodeUsernameValidator()(username)
    password = None
    with transaction.atomic():
        user = User.objects.filter(username=username).first()
        if user is None:
            password = secrets.token_urlsafe(12)
            user = User.objects.create_user(username, password=password)
        membership, created = Membership.objects.get_or_create(
            project=project, user=user, defaults={"role": role}
        )
        if not created:
            raise ValidationError(f"“{username}” is a member already ({membership.role}).")
        AuditEvent.record(project, by, f"added {username} as {role.value}")
    return membership, password


def change_role(membership: Membership, role: Role, by: Any) -> None:
    with transaction.atomic():
        _keep_an_owner(membership, leaves=role != Role.OWNER)
        membership.role = role
        membership.save(update_fields=["role"])
        AuditEvent.record(membership.project, by, f"made {membership.user} {role.value}")


def remove_member(membership: Membership, by: Any) -> None:
    with transaction.atomic():
        _keep_an_owner(membership, leaves=True)
        membership.delete()
        AuditEvent.record(membership.project, by, f"removed {membership.user}")


def _keep_an_owner(membership: Membership, *, leaves: bool) -> None:
    owners = Membership.objects.select_for_update().filter(project=membership.project, role=Role.OWNER)
    if leaves and list(owners) == [membership]:
        raise ValidationError("A project needs an owner: make somebody else owner first.")
