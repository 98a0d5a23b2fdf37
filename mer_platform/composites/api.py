from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.annotation.blindness import blind_clips
from mer_platform.api import InProject, own_related
from mer_platform.clips.models import Database
from mer_platform.composites.labelmaps import suggest
from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.composites.services import freeze
from mer_platform.projects.access import require
from mer_platform.projects.models import Project, Role


class SampleSerializer(serializers.ModelSerializer):
    class Meta:
        model = Sample
        fields = [
            "index",
            "clip",
            "picture",
            "content_sha256",
            "database",
            "subject",
            "name",
            "onset",
            "apex",
            "offset",
            "apex_from",
            "emotion",
            "label",
        ]

    def to_representation(self, sample: Sample) -> dict[str, Any]:
        data = super().to_representation(sample)
        if sample.clip_id in self.context["blind"]:  # the caller is still to code this clip
            data |= dict.fromkeys(("onset", "apex", "offset", "emotion", "label"))
        return data


class CompositeVersionSerializer(serializers.ModelSerializer):
    name = serializers.CharField(source="composite.name", read_only=True)
    project = serializers.IntegerField(source="composite.project_id", read_only=True)
    counts = serializers.DictField(read_only=True)

    class Meta:
        model = CompositeVersion
        fields = ["id", "project", "name", "number", "content_hash", "label_map", "counts", "frozen_at"]


class FreezeSerializer(serializers.Serializer):
    project = own_related(Project.objects.all(), "pk")()
    name = serializers.CharField(
        max_length=80, help_text="A new name, or that of a composite to make the next version of."
    )
    databases = own_related(Database.objects.all(), "project")(many=True)
    label_map = serializers.JSONField(
        required=False, help_text="{database name: {emotion: class or null}}; without it, the suggested map."
    )


class CompositeVersionViewSet(InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin):
    queryset = CompositeVersion.objects.select_related("composite__project")
    serializer_class = CompositeVersionSerializer
    filterset_fields = ["composite__project"]
    project_path = "composite__project"

    @extend_schema(request=FreezeSerializer, responses={201: CompositeVersionSerializer})
    def create(self, request: Request) -> Response:
        """Freeze a version. The same content again gives the same version."""
        form = FreezeSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        fields: dict[str, Any] = form.validated_data
        require(request.user, fields["project"], Role.RESEARCHER)
        if any(database.project_id != fields["project"].pk for database in fields["databases"]):
            raise serializers.ValidationError({"databases": ["All databases must belong to the project."]})
        label_map = fields.get("label_map") or suggest(fields["databases"])
        try:
            version = freeze(fields["project"], fields["name"], fields["databases"], label_map, request.user)
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.message_dict) from error
        return Response(self.get_serializer(version).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=SampleSerializer(many=True), filters=False)
    @action(detail=True, pagination_class=None)
    def samples(self, request: Request, pk: str) -> Response:
        version = self.get_object()
        require(request.user, version.project, Role.RESEARCHER)  # the marks of others: coding is blind
        context = {"blind": set(blind_clips(request.user))}
        rows = SampleSerializer(version.samples.all(), many=True, context=context)
        return Response(rows.data, content_type="application/json")
