"""Who may open the pages of an import. Each of them gets its import here, so that none can forget the check."""

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from mer_platform.annotation.blindness import check_sees_all
from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Role


def import_of(request: HttpRequest, slug: str, pk: int, **conditions: Any) -> AnnotationImport:
    """Return an import of the project, without the content of its file.

    Raises Http404 for a stranger, and PermissionDenied for a member whose role is too low or who still has clips of the
    project to code: imports show the stored marks of all coders.
    """
    project = get_project(request, slug, Role.RESEARCHER)
    check_sees_all(request.user, project)
    found = AnnotationImport.objects.select_related("created_by", "project").defer("content")
    return get_object_or_404(found, pk=pk, project=project, **conditions)
