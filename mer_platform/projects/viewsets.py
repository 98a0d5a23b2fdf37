"""The base of the API's viewsets: they show only rows of the user's projects, and check the role."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import permissions, serializers
from rest_framework.request import Request

from mer_platform.projects.access import require
from mer_platform.projects.models import Project, Role
from mer_platform.rest.views import ApiViewSet


class ProjectPermission(permissions.BasePermission):
    """Check the user's role in the object's project: ``read_role`` of the view to read it, ``write_role`` to change it."""

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        project = obj if isinstance(obj, Project) else view.project_of(obj)
        write = request.method not in permissions.SAFE_METHODS
        require(request.user, project, view.write_role if write else view.read_role)
        return True


class InProject(ApiViewSet):
    """Base of a viewset whose rows belong to projects.

    ``project_path`` is the lookup from the model to its project, ``""`` for the project itself. A list shows only rows of
    the projects in which the user has ``read_role``; a single row answers 403 to a member whose role is too low.
    """

    permission_classes = [permissions.IsAuthenticated, ProjectPermission]
    project_path = "project"
    read_role = Role.VIEWER
    write_role = Role.RESEARCHER

    def get_queryset(self) -> Any:
        queryset = super().get_queryset()
        path = f"{self.project_path}__in" if self.project_path else "pk__in"
        # A list leaves out what the role may not read; a single row is refused with the role that it needs.
        role = self.read_role if self.action == "list" else Role.VIEWER
        return queryset.filter(**{path: Project.objects.of(self.request.user, role).values("pk")})

    def project_of(self, obj: Any) -> Project:
        """Return the project that a row belongs to."""
        for name in self.project_path.split("__"):
            obj = getattr(obj, name)
        return obj


def own_related(queryset: Any, path: str) -> Any:
    """Return a ``PrimaryKeyRelatedField`` class of the rows in the user's projects; for it, other ids do not exist."""
    kind = str(queryset.model._meta.verbose_name).capitalize()
    where = "" if queryset.model is Project else " in your projects"

    @extend_schema_field(OpenApiTypes.INT)
    class OwnRelatedField(serializers.PrimaryKeyRelatedField):
        default_error_messages = {"does_not_exist": f"{kind} {{pk_value}} not found{where}."}

        def get_queryset(self) -> Any:
            return queryset.filter(
                **{f"{path}__in": Project.objects.of(self.context["request"].user).values("pk")}
            )

    return OwnRelatedField
