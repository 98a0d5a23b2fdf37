from functools import cached_property
from typing import Annotated, Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from pydantic import Field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from typing_extensions import TypedDict

from mer_platform.annotation.blindness import check_sees_all
from mer_platform.composites.models import CompositeVersion
from mer_platform.configurations.parsing import parse_features
from mer_platform.features.models import FeatureSet, progress_of
from mer_platform.features.services import request_features
from mer_platform.features.views import CLIP_PARTS, PICTURE_PARTS, image_response
from mer_platform.jobs.polling import WaitsForJobs
from mer_platform.projects.access import require
from mer_platform.projects.models import Role
from mer_platform.rest.links import Link, creator, page_link
from mer_platform.rest.schema import TypedField
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer
from mer_platform.rest.shapes import JobProgress
from mer_platform.rest.together import rows_of
from mer_platform.rest.views import ApiViewSet
from models_ml.config import FeatureConfig


class OutlierOfFeatures(TypedDict):
    """A sample with unusual features."""

    index: int
    score: Annotated[float, Field(description="Robust z.")]
    reasons: list[str]


class FeatureSetSerializer(ApiModelSerializer):
    config = TypedField(FeatureConfig, read_only=True, help_text="The feature settings.")
    progress = serializers.SerializerMethodField(help_text="Samples done and in total.")
    problems = TypedField(
        dict[str, str], read_only=True, help_text="Why samples have no features, by their index."
    )
    outliers = serializers.SerializerMethodField(
        help_text="Outliers, the most unusual first: index, score (robust z) and reasons."
    )

    created_by = creator()
    url = Link("feature-set", version="version_id", pk="pk")
    page_url = page_link("features", slug="version.composite.project.slug", pk="version_id")

    @extend_schema_field(TypedField(JobProgress))
    def get_progress(self, features: Any) -> dict[str, Any]:
        return self._progress[features.pk]

    @cached_property
    def _progress(self) -> dict[int, dict[str, Any]]:
        return progress_of(rows_of(self))

    class Meta:
        model = FeatureSet
        fields = [
            "id", "version", "config", "config_hash", "state", "error", "progress", "problems", "outliers",
            "created_by", "created_at", "url", "page_url",
        ]  # fmt: skip

    @extend_schema_field(TypedField(list[OutlierOfFeatures], allow_null=True))
    def get_outliers(self, features: FeatureSet) -> list[dict[str, Any]] | None:
        return features.summary.get("outliers")


class RequestFeaturesSerializer(ApiSerializer):
    config = TypedField(
        FeatureConfig,
        required=False,
        default=dict,
        help_text="The “features” section of a run's configuration; {} means the defaults.",
    )


class SampleFeaturesSerializer(ApiSerializer):
    index = serializers.IntegerField()
    problem = serializers.CharField(help_text="Why it has no features; empty if it has them.")
    measures = serializers.DictField(
        child=serializers.FloatField(allow_null=True),
        help_text="The measures that outliers are found by; empty without features.",
    )
    reasons = serializers.ListField(child=serializers.CharField(), help_text="Why it is an outlier.")
    pictures = serializers.DictField(
        child=serializers.URLField(), help_text="URLs of PNG images: onset, apex, u, v, strain and flow."
    )


class FeatureSetViewSet(WaitsForJobs, ApiViewSet):
    """The motion features of a composite version. For researchers only: samples show the annotations of others."""

    queryset = FeatureSet.objects.select_related("version__composite__project", "created_by")
    serializer_class = FeatureSetSerializer
    filters = {"state": "state", "config_hash": "config_hash", "created_by": "created_by__username"}
    ordering_fields = ["state", "created_at"]
    open_states = tuple(FeatureSet.ACTIVE)
    file_actions = ("image",)

    @extend_schema(responses=FeatureSetSerializer(many=True))
    def list(self, request: Request, version: int) -> Response:
        """The feature sets of a version."""
        rows = self.filter_queryset(self.get_queryset().filter(version=self._version(version)))
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=RequestFeaturesSerializer, responses={202: FeatureSetSerializer})
    def create(self, request: Request, version: int) -> Response:
        """Compute the features of a version without a run. Features that are stored already are not computed again."""
        frozen = self._version(version)  # first: who may not use it is refused before the body is read
        form = RequestFeaturesSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            config = parse_features(form.validated_data["config"])
        except DjangoValidationError as error:
            raise serializers.ValidationError({"config": error.message_dict}) from error
        features = request_features(frozen, config, request.user)
        return Response(self.get_serializer(features).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses=FeatureSetSerializer)
    def retrieve(self, request: Request, version: int, pk: int) -> Response:
        """State, progress and, once ready, the outliers of a feature set."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(operation_id="composite_versions_features_sample", responses=SampleFeaturesSerializer)
    def sample(self, request: Request, version: int, pk: int, index: int) -> Response:
        """The measures of one sample, what is unusual about it, and the URLs of its images."""
        features = self._features(version, pk)
        sample = get_object_or_404(features.version.samples, index=index)
        unusual = [o for o in features.summary.get("outliers", []) if o["index"] == index]
        problem = features.problems.get(str(index), "")
        parts = () if problem else PICTURE_PARTS if sample.picture_id else CLIP_PARTS
        addresses = {
            part: request.build_absolute_uri(reverse("feature-set-picture", args=[version, pk, index, part]))
            for part in parts
        }
        return Response(
            {
                "index": index,
                "problem": problem,
                "measures": features.summary.get("measures", {}).get(str(index), {}),
                "reasons": unusual[0]["reasons"] if unusual else [],
                "pictures": addresses,
            }
        )

    @extend_schema(
        operation_id="composite_versions_features_image", responses={(200, "image/png"): OpenApiTypes.BINARY}
    )
    @method_decorator(cache_control(private=True, immutable=True, max_age=31_536_000))
    def image(self, request: Request, version: int, pk: int, index: str, part: str) -> HttpResponseBase:
        """An image of a sample. Index “legend” with part “wheel” is the colour wheel."""
        return image_response(self._features(version, pk), index, part)

    def get_object(self) -> FeatureSet:
        return self._features(int(self.kwargs["version"]), int(self.kwargs["pk"]))

    def _version(self, pk: int) -> CompositeVersion:
        found = get_object_or_404(CompositeVersion.objects.select_related("composite__project"), pk=pk)
        require(self.request.user, found.project, Role.RESEARCHER)
        check_sees_all(self.request.user, found.project)
        return found

    def _features(self, version: int, pk: int) -> FeatureSet:
        return get_object_or_404(self.get_queryset(), pk=pk, version=self._version(version))
