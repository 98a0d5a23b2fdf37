"""The REST API of models."""

from rest_framework import serializers, viewsets

from mer_platform.projects.viewsets import InProject
from mer_platform.registry.models import ModelVersion
from mer_platform.rest.serializers import ApiModelSerializer


class ModelVersionSerializer(ApiModelSerializer):
    of_pictures = serializers.BooleanField(
        read_only=True, help_text="Trained on flow pictures, so it cannot score clips."
    )

    class Meta:
        model = ModelVersion
        fields = ["id", "project", "run", "name", "stage", "classes", "of_pictures", "sha256", "created_at"]


class ModelVersionViewSet(InProject, viewsets.ReadOnlyModelViewSet):
    """Models that score clips: of finished runs, or imported."""

    queryset = ModelVersion.objects.select_related("run__version")
    serializer_class = ModelVersionSerializer
    filters = {"project": "project", "run": "run", "name": "name", "stage": "stage", "sha256": "sha256"}
    renamed = {"run__project": "project"}
    search_fields = ["name"]
    ordering_fields = ["name", "stage", "created_at"]
