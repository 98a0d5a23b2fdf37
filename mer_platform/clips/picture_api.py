"""The REST API of flow pictures."""

from django.core.files.storage import default_storage
from django.http import Http404, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request

from mer_platform.clips.models import FlowPicture
from mer_platform.clips.ranges import ranged_response
from mer_platform.projects.models import Role
from mer_platform.projects.viewsets import InProject
from mer_platform.rest.links import Link, page_link
from mer_platform.rest.schema import Described
from mer_platform.rest.serializers import ApiModelSerializer


class FlowPictureSerializer(ApiModelSerializer):
    database = serializers.IntegerField(source="subject.database_id", read_only=True)
    database_name = serializers.CharField(source="subject.database.name", read_only=True)
    subject = serializers.CharField(source="subject.name", read_only=True)
    url = Link("flow-picture-detail", pk="pk")
    page_url = page_link("pictures", slug="subject.database.project.slug")

    class Meta:
        model = FlowPicture
        fields = [
            "id", "database", "database_name", "subject", "name", "emotion", "width", "height", "sha256",
            "created_at", "url", "page_url",
        ]  # fmt: skip
        read_only_fields = fields


class FlowPictureViewSet(
    InProject,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
):
    """Flow pictures: imported images of motion whose clips are not available. For researchers."""

    queryset = FlowPicture.objects.select_related("subject__database__project")
    serializer_class = FlowPictureSerializer
    filters = {
        "project": "subject__database__project", "database": "subject__database", "subject": "subject__name",
        "name": "name", "emotion": "emotion",
    }  # fmt: skip
    renamed = {
        "subject__database": "database", "subject__database__project": "project", "subject__name": "subject",
    }  # fmt: skip
    search_fields = ["name", "subject__name", "subject__database__name", "emotion"]
    ordering_fields = {
        "name": "name", "subject": "subject__name", "database": "subject__database__name", "emotion": "emotion",
        "created_at": "created_at",
    }  # fmt: skip
    project_path = "subject__database__project"
    file_actions = ("file",)
    read_role = Role.RESEARCHER  # they show others' emotions, and coding is blind

    @extend_schema(responses={(200, "image/png"): OpenApiTypes.BINARY})
    @action(detail=True)
    def file(self, request: Request, pk: str) -> HttpResponseBase:
        """Return the image as it was imported."""
        picture = self.get_object()
        if not default_storage.exists(picture.file):
            raise Http404("This flow picture is missing from the storage. Restore it from a backup.")
        file = default_storage.open(picture.file)
        return ranged_response(request, file, default_storage.size(picture.file), picture.sha256, "image/png")

    def describe(self, described: Described) -> None:
        super().describe(described)
        if described.action == "file":
            described.answers_in_ranges()
