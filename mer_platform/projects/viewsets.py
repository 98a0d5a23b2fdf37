"""The base of the API's viewsets: they show only rows of the user's projects, and check the role."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import permissions, serializers
from rest_framework.exceptions import ErrorDetail, PermissionDenied
from rest_framework.relations import MANY_RELATION_KWARGS
from rest_framework.request import Request

from mer_platform.projects.access import require
from mer_platform.projects.models import Project, Role
from mer_platform.rest.strict import LARGEST, MOST_ITEMS, wrong_type
from mer_platform.rest.views import ApiViewSet


class ProjectPermission(permissions.BasePermission):
    """Check the user's role in the object's project: ``read_role`` of the view to read it, ``write_role`` to change it.

    Where only the body names the project, who has ``write_role`` in no project is refused before the body is read.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        names_row = (view.lookup_url_kwarg or view.lookup_field) in view.kwargs
        if request.method in permissions.SAFE_METHODS or names_row or not view.action:
            return True
        role = view.action_roles.get(view.action, view.write_role)
        if role and not Project.objects.of(request.user, role).exists():
            raise PermissionDenied(f"This requires at least the role {role.value} in a project.")
        return True

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        project = obj if isinstance(obj, Project) else view.project_of(obj)
        write = request.method not in permissions.SAFE_METHODS
        require(request.user, project, view.write_role if write else view.read_role)
        return True


class InProject(ApiViewSet):
    """Base of a viewset whose rows belong to projects.

    ``project_path`` is the lookup from the model to its project, ``""`` for the project itself. A list shows only rows of
    the projects in which the user has ``read_role``; a single row answers 403 to a member whose role is too low.
    ``action_roles`` has the role of actions without a row that need another one than ``write_role``; None: anyone may.
    """

    permission_classes = [permissions.IsAuthenticated, ProjectPermission]
    project_path = "project"
    read_role = Role.VIEWER
    write_role = Role.RESEARCHER
    action_roles: Mapping[str, Role | None] = {}

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
    """Return a ``PrimaryKeyRelatedField`` class of the rows in the user's projects; for it, other ids do not exist.

    With ``many=True``, the field takes a list of at most ``MOST_ITEMS`` ids, fetches all rows with one query, and names
    every id that does not exist.
    """
    kind = str(queryset.model._meta.verbose_name).capitalize()
    where = "" if queryset.model is Project else " in your projects"

    @extend_schema_field(OpenApiTypes.INT)
    class OwnRelatedField(serializers.PrimaryKeyRelatedField):
        default_error_messages = {"does_not_exist": f"{kind} {{pk_value}} not found{where}."}

        @classmethod
        def many_init(cls, *args: Any, **settings: Any) -> Any:
            own = {name: value for name, value in settings.items() if name in MANY_RELATION_KWARGS}
            return ManyOwnRelated(child_relation=cls(*args, **settings), **own)

        def get_queryset(self) -> Any:
            return queryset.filter(
                **{f"{path}__in": Project.objects.of(self.context["request"].user).values("pk")}
            )

        def to_internal_value(self, data: Any) -> Any:
            return super().to_internal_value(plain_id(data))

    return OwnRelatedField


@extend_schema_field({"type": "array", "items": {"type": "integer"}, "maxItems": MOST_ITEMS})
class ManyOwnRelated(serializers.ManyRelatedField):
    """A list of ids of rows in the user's projects."""

    def to_internal_value(self, data: Any) -> list[Any]:
        """Return the rows in the order of their ids. Raises ValidationError with every id that is wrong, by its place."""
        if isinstance(data, str) or not isinstance(data, list | tuple):
            self.fail("not_a_list", input_type=type(data).__name__)
        if not data and not self.allow_empty:
            self.fail("empty")
        if len(data) > MOST_ITEMS:
            raise serializers.ValidationError(f"Must be a list of at most {MOST_ITEMS:,} ids.", "max_length")
        in_form = "form" in (self.context["request"].content_type or "")
        errors: Any = {}
        ids: list[int] = []
        for index, given in enumerate(data):
            try:
                ids.append(plain_id(given, in_form=in_form))
            except serializers.ValidationError as error:
                errors[index] = error.detail
                ids.append(0)
        relation: Any = self.child_relation
        found = relation.get_queryset().in_bulk({pk for pk in ids if pk})
        words = relation.error_messages["does_not_exist"]
        for index, pk in enumerate(ids):
            if index not in errors and pk not in found:
                errors[index] = [ErrorDetail(words.format(pk_value=pk), "does_not_exist")]
        if errors:
            raise serializers.ValidationError(dict(sorted(errors.items())))
        return [found[pk] for pk in ids]


def plain_id(given: Any, *, in_form: bool = True) -> int:
    """Return the id that JSON gives as a number, or a form as plain digits. Raises ValidationError."""
    if in_form and isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 20:
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int) or not 0 < given <= LARGEST:
        raise serializers.ValidationError(wrong_type("an id, a whole number from 1", given))
    return given
