"""Who may do what. Every view gets its project from here, so that none can forget the check."""

import re
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from mer_platform.projects.models import Membership, Project, Role, only_projects


def role_in(user: Any, project: Project) -> Role | None:
    """Return the user's role in the project, or None for a stranger."""
    only = only_projects(user)
    if not user.pk or (only is not None and project.pk not in only):
        return None
    membership = Membership.objects.filter(user_id=user.pk, project=project).first()
    return Role(membership.role) if membership else None


def require(user: Any, project: Project, role: Role) -> Project:
    """Return the project if the user's role includes ``role``.

    Raises Http404 for a stranger, from whom the project is hidden, and PermissionDenied for a member whose role is too
    low.
    """
    return _required(project, role_in(user, project), role)


def _required(project: Project, own: Role | None, role: Role) -> Project:
    if own is None:
        raise Http404("Project not found.")
    if not own.includes(role):
        raise PermissionDenied(
            f"This requires at least the role {role.value}. Your role in “{project}” is {own.value}."
        )
    return project


def get_project(request: HttpRequest, slug: str, role: Role = Role.VIEWER) -> Project:
    """Return the project of a page. Raises Http404 and PermissionDenied as ``require`` does."""
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        raise Http404("Project not found.")
    own = role_in(request.user, project)
    if own:
        # Before the check: the page of a refusal shows the member the project's navigation.
        request.project, request.role = project, own  # type: ignore[attr-defined]
    return _required(project, own, role)


def researcher_projects(user: Any) -> QuerySet[Membership, Any]:
    """Return the ids of the projects in which the user sees the marks of every coder. In others, coding is blind."""
    own = Membership.objects.filter(user_id=user.pk, role__in=[Role.OWNER, Role.RESEARCHER])
    only = only_projects(user)
    return (own if only is None else own.filter(project__in=only)).values_list("project", flat=True)


def row_id(text: str | None) -> int:
    """Return the id that a form or an address gives, or -1, which no row has."""
    return int(text) if text and re.fullmatch(r"[0-9]{1,18}", text) else -1


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Give every page the user's projects, the current one, and the user's role and rights in it."""
    role: Role | None = getattr(request, "role", None)
    user = getattr(request, "user", None)
    return {
        "my_projects": Project.objects.of(user) if user is not None and user.is_authenticated else [],
        "project": getattr(request, "project", None),
        "role": role,
        "can_own": bool(role and role.includes(Role.OWNER)),
        "can_research": bool(role and role.includes(Role.RESEARCHER)),
        "can_annotate": bool(role and role.includes(Role.ANNOTATOR)),
    }
