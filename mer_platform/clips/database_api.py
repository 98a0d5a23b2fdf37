"""The API of databases and their subjects."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers, viewsets

from mer_platform.clips.models import Database, Subject
from mer_platform.projects.access import require
from mer_platform.projects.models import Project, Role
from mer_platform.projects.viewsets import InProject, own_related
from mer_platform.rest.links import Link, page_link
from mer_platform.rest.serializers import ApiModelSerializer


class DatabaseSerializer(ApiModelSerializer):
    project = own_related(Project.objects.all(), "pk")()
    emotions = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, max_length=100
    )
    url = Link("database-detail", pk="pk")
    page_url = page_link("database")

    class Meta:
        model = Database
        fields = [
            "id",
            "project",
            "name",
            "fps",
            "fps_for_videos",
            "emotions",
            "created_at",
            "url",
            "page_url",
        ]

    def validate(self, attrs: Any) -> Any:
        old = self.instance
        stated = {name: attrs.get(name, getattr(old, name, None)) for name in ("fps", "fps_for_videos")}
        try:
            Database(fps=stated["fps"], fps_for_videos=bool(stated["fps_for_videos"])).clean()
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.message_dict) from error
        return attrs


class SubjectSerializer(ApiModelSerializer):
    url = Link("subject-detail", pk="pk")
    page_url = page_link("clips", slug="database.project.slug")

    class Meta:
        model = Subject
        fields = ["id", "database", "name", "created_at", "url", "page_url"]


class DatabaseViewSet(InProject, viewsets.ModelViewSet):
    queryset = Database.objects.select_related("project")
    serializer_class = DatabaseSerializer
    filters = {"project": "project", "name": "name"}
    search_fields = ["name"]
    ordering_fields = ["name", "fps", "created_at"]

    def perform_create(self, serializer: Any) -> None:
        require(self.request.user, serializer.validated_data["project"], Role.RESEARCHER)
        serializer.save()

    def perform_update(self, serializer: Any) -> None:
        if (
            serializer.validated_data.get("project", serializer.instance.project)
            != serializer.instance.project
        ):
            raise serializers.ValidationError({"project": ["Cannot move a database to another project."]})
        serializer.save()


class SubjectViewSet(InProject, viewsets.ReadOnlyModelViewSet):
    queryset = Subject.objects.select_related("database__project")
    serializer_class = SubjectSerializer
    filters = {"project": "database__project", "database": "database", "name": "name"}
    search_fields = ["name", "database__name"]
    ordering_fields = ["name", "created_at"]
    project_path = "database__project"
