"""What the API's viewsets build on: only rows of the caller's own projects, and a role to read and to write them."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import permissions, serializers, viewsets
from rest_framework.request import Request

from mer_platform.projects.access import require
from mer_platform.projects.models import Project, Role


class ProjectPermission(permissions.BasePermission):
    """Objects belong to a project; a view says which role reads (``read_role``) and which writes (``write_role``)."""

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        project = obj if isinstance(obj, Project) else view.project_of(obj)
        write = request.method not in permissions.SAFE_METHODS
        require(request.user, project, view.write_role if write else view.read_role)
        return True


class InProject(viewsets.GenericViewSet):
    """A viewset's base: only rows of the user's own projects, and the roles that reading and writing take.

    Lists hold only the projects in which the user's role suffices to read.
    ``project_path`` is the lookup from the model to its project, ``""`` for the project itself.
    """

    permission_classes = [permissions.IsAuthenticated, ProjectPermission]
    project_path = "project"
    read_role = Role.VIEWER
    write_role = Role.RESEARCHER

    def get_queryset(self) -> Any:
        queryset = super().get_queryset()
        path = f"{self.project_path}__in" if self.project_path else "pk__in"
        # One row that the role does not suffice for is refused by name of the role; a list leaves it out.
        role = self.read_role if self.action == "list" else Role.VIEWER
        return queryset.filter(**{path: Project.objects.of(self.request.user, role).values("pk")})

    def project_of(self, obj: Any) -> Project:
        for name in self.project_path.split("__"):
            obj = getattr(obj, name)
        return obj


def own_related(queryset: Any, path: str) -> Any:
    """A ``PrimaryKeyRelatedField`` of rows in the user's projects: others' ids "do not exist"."""

    @extend_schema_field(OpenApiTypes.INT)
    class OwnRelatedField(serializers.PrimaryKeyRelatedField):
        def get_queryset(self) -> Any:
            return queryset.filter(
                **{f"{path}__in": Project.objects.of(self.context["request"].user).values("pk")}
            )

    return OwnRelatedField
