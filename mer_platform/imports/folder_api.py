"""The REST API of import folders: administrators assign them, researchers see those of their projects."""

from typing import Any

from django.core.exceptions import ValidationError
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, permissions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.accounts.access import is_administrator, require_administrator
from mer_platform.imports.folders import assign, withdraw
from mer_platform.imports.models import ImportFolder
from mer_platform.projects.models import Project, Role
from mer_platform.projects.viewsets import plain_id
from mer_platform.rest.links import Link, creator, page_link
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer
from mer_platform.rest.views import ApiViewSet


@extend_schema_field(OpenApiTypes.INT)
class AnyProject(serializers.PrimaryKeyRelatedField):
    """The id of any project: administrators are not members of all of them."""

    default_error_messages = {"does_not_exist": "Project {pk_value} not found."}

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value(plain_id(data))


class ImportFolderSerializer(ApiModelSerializer):
    created_by = creator()
    url = Link("import-folder-detail", pk="pk")
    page_url = page_link("import-new", slug="project.slug")

    class Meta:
        model = ImportFolder
        fields = ["id", "project", "place", "path", "created_by", "created_at", "url", "page_url"]
        read_only_fields = ["project", "place", "path", "created_at"]


class AssignFolderSerializer(ApiSerializer):
    project = AnyProject(queryset=Project.objects.all(), help_text="Id of the project that may read it.")
    place = serializers.ChoiceField(ImportFolder.Place.choices, default=ImportFolder.Place.FOLDER)
    path = serializers.CharField(
        max_length=1000,
        help_text="Below the import folder (“.” is all of it), or below import/ in the storage.",
    )


class ImportFolderViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, ApiViewSet
):
    """Folders and prefixes that projects may read. Researchers see those of their projects; administrators assign them."""

    queryset = ImportFolder.objects.select_related("project", "created_by")
    serializer_class = ImportFolderSerializer
    permission_classes = [permissions.IsAuthenticated]
    filters = {"project": "project", "place": "place", "path": "path"}
    search_fields = ["path", "project__name"]
    ordering_fields = ["path", "place", "created_at"]

    def get_queryset(self) -> Any:
        rows = super().get_queryset()
        if is_administrator(self.request.user):
            return rows
        own = Project.objects.of(self.request.user, Role.RESEARCHER)
        return rows.filter(project__in=own.values("pk"))

    @extend_schema(request=AssignFolderSerializer, responses={201: ImportFolderSerializer})
    def create(self, request: Request) -> Response:
        """Let a project read a folder. For administrators. It need not exist yet."""
        require_administrator(request.user)
        form = AssignFolderSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        try:
            row = assign(fields["project"], fields["place"], fields["path"], request.user)
        except ValidationError as error:
            raise serializers.ValidationError(error.message_dict) from error
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        description="Withdraw a folder from a project. What it has imported stays. For administrators."
    )
    def destroy(self, request: Request, pk: str) -> Response:
        row = self.get_object()
        require_administrator(request.user)
        withdraw(row, request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)
