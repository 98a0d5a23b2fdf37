"""Who may do what: one helper a level, so that a view cannot forget it."""

import re
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from mer_platform.projects.models import Membership, Project, Role


def role_in(user: Any, project: Project) -> Role | None:
    membership = Membership.objects.filter(user_id=user.pk, project=project).first() if user.pk else None
    return Role(membership.role) if membership else None


def require(user: Any, project: Project, role: Role) -> Project:
    """The project, if the user's role includes ``role``.

    Raises Http404 for a stranger (for them the project does not exist) and PermissionDenied for a member whose
    role is too low.
    """
    own = role_in(user, project)
    if own is None:
        raise Http404("No such project.")
    if not own.includes(role):
        raise PermissionDenied(f"This needs the role “{role.value}”; yours in “{project}” is “{own.value}”.")
    return project


def get_project(request: HttpRequest, slug: str, role: Role = Role.VIEWER) -> Project:
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        raise Http404("No such project.")
    if own := role_in(request.user, project):
        # Before the check: the page that says "not with your role" still shows where the member is.
        request.project, request.role = project, own  # type: ignore[attr-defined]
    return require(request.user, project, role)


def researcher_projects(user: Any) -> QuerySet[Membership, Any]:
    """Ids of the projects where this user sees every coder's marks; for the others coding is blind."""
    own = Membership.objects.filter(user_id=user.pk, role__in=[Role.OWNER, Role.RESEARCHER])
    return own.values_list("project", flat=True)


def row_id(text: str | None) -> int:
    """An id from a form or an address; -1, which no row has, for anything else."""
    return int(text) if text and re.fullmatch(r"[0-9]{1,18}", text) else -1


def navigation(request: HttpRequest) -> dict[str, Any]:
    """For every page: the projects, the current one, what the user may do in it, and the app and package of its view."""
    role: Role | None = getattr(request, "role", None)
    user = getattr(request, "user", None)
    match = getattr(request, "resolver_match", None)
    package = match.func.__module__.split(".")[:-1] if match else []
    return {
        "section": package[1] if len(package) > 1 else "",
        "room": package[-1] if package else "",
        "my_projects": Project.objects.of(user) if user is not None and user.is_authenticated else [],
        "project": getattr(request, "project", None),
        "role": role,
        "can_own": bool(role and role.includes(Role.OWNER)),
        "can_research": bool(role and role.includes(Role.RESEARCHER)),
        "can_annotate": bool(role and role.includes(Role.ANNOTATOR)),
    }
