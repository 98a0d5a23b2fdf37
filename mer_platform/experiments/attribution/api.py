"""The REST API of attributions."""

from typing import Any

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.annotation.blindness import check_sees_all
from mer_platform.composites.blindness import why_scores_hidden
from mer_platform.configurations.parsing import parse_attribution
from mer_platform.experiments.attribution import services
from mer_platform.experiments.models import Attribution, Run
from mer_platform.experiments.shapes import AttributionProgress, RegionEstimates
from mer_platform.jobs.polling import WaitsForJobs
from mer_platform.projects.access import require
from mer_platform.projects.models import Project, Role
from mer_platform.projects.viewsets import InProject
from mer_platform.rest.errors import Conflict
from mer_platform.rest.links import Link, creator, page_link
from mer_platform.rest.pagination import Pagination
from mer_platform.rest.schema import TypedField, typed
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer
from mer_platform.rest.views import ApiView
from models_ml.attribution.config import AttributionConfig
from models_ml.errors import InputError


class SharesSerializer(ApiSerializer):
    """How one kind of map is distributed over the regions of the face, for the samples of one class."""

    target = serializers.ChoiceField(
        ("predicted", "true"), help_text="The class that is explained: the predicted or the true one."
    )
    label = serializers.CharField(help_text="The class.")  # type: ignore[assignment]  # the name hides that of a form
    kind = serializers.CharField(help_text="u, v, strain or all: the motion that was removed or integrated.")
    samples = serializers.IntegerField()
    subjects = serializers.IntegerField()
    estimates = TypedField(
        dict[str, RegionEstimates],
        help_text="By region: the mean share of the attribution, that of the motion, their difference and, if action "
        "units are coded, the share of samples in which one moves the region (coded). Each is [value, lower, upper] with "
        "a 95% interval over subjects, or [value] with a single subject.",
    )


class AttributionSerializer(ApiModelSerializer):
    method = serializers.CharField(read_only=True)
    config = TypedField(AttributionConfig, read_only=True, help_text="Method and settings.")
    progress = TypedField(AttributionProgress, read_only=True, help_text="Samples done and in total.")

    created_by = creator()
    url = Link("attribution-detail", pk="pk")
    page_url = page_link("attribution", slug="run.project.slug", pk="run_id")

    class Meta:
        model = Attribution
        fields = [
            "id", "run", "method", "config", "state", "error", "progress", "size", "created_by", "created_at",
            "finished_at", "url", "page_url",
        ]  # fmt: skip


class AttributionDetailSerializer(AttributionSerializer):
    regions = serializers.SerializerMethodField(
        help_text="Shares of the regions of the face; null until it is done, and while scores are hidden."
    )
    largest_gap = serializers.SerializerMethodField(
        help_text="By how much the sum of a sample's map is off at most; null for occlusion."
    )
    results_hidden = serializers.SerializerMethodField(
        help_text="Why you may not see results: your queue has clips of the version. Otherwise empty."
    )

    class Meta(AttributionSerializer.Meta):
        fields = [*AttributionSerializer.Meta.fields, "regions", "largest_gap", "results_hidden"]

    @extend_schema_field(SharesSerializer(many=True, allow_null=True))
    def get_regions(self, found: Attribution) -> list[dict[str, Any]] | None:
        return found.summary["regions"] if found.summary and not self.get_results_hidden(found) else None

    def get_largest_gap(self, found: Attribution) -> float | None:
        return found.summary["largest_gap"] if found.summary else None

    def get_results_hidden(self, found: Attribution) -> str:
        return why_scores_hidden(self.context["request"].user, found.run.version_id)


class RunAttributions(ApiView):
    """The attributions of a run."""

    pagination_class = Pagination

    @extend_schema(responses=AttributionSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """List the attributions of a run."""
        run = self._run(request, pk, Role.VIEWER)
        rows = run.attributions.select_related("job", "run__project", "created_by").defer("summary")
        return self.paged(rows, AttributionSerializer)

    @extend_schema(
        request=typed(AttributionConfig), responses={200: AttributionSerializer, 202: AttributionSerializer}
    )
    def post(self, request: Request, pk: int) -> Response:
        """Compute what each fold's network saw in the samples that it was not trained on.

        The answer is 202 if that was queued, and 200 if it was requested before. What failed or was cancelled continues. 409
        says why it is not possible, for example because the networks of the folds were not kept.
        """
        run = self._run(request, pk, Role.RESEARCHER)
        config: AttributionConfig = parse_attribution(request.data)
        try:
            found, queued = services.request(run, config, request.user)
        except InputError as error:
            raise Conflict(str(error)) from error
        code = status.HTTP_202_ACCEPTED if queued else status.HTTP_200_OK
        return Response(AttributionSerializer(found, context={"request": request}).data, status=code)

    @staticmethod
    def _run(request: Request, pk: int, role: Role) -> Run:
        own = Run.objects.filter(project__in=Project.objects.of(request.user).values("pk"))
        run = get_object_or_404(own.select_related("project", "experiment"), pk=pk)
        require(request.user, run.project, role)
        return run


class AttributionViewSet(WaitsForJobs, InProject, mixins.RetrieveModelMixin):
    queryset = Attribution.objects.select_related("run__project", "job", "created_by")
    file_actions = ("file",)
    serializer_class = AttributionDetailSerializer
    open_states = (Attribution.State.WAITING,)
    project_path = "run__project"

    @extend_schema(request=None, responses=AttributionDetailSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Stop computing. What is done is kept, and the same request later continues with it."""
        found = self.get_object()
        if not services.cancel(found, request.user):
            raise Conflict(f"Cannot cancel this attribution: it is {found.get_state_display()}.")
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True)
    def file(self, request: Request, pk: str) -> HttpResponseBase:
        """Download the maps of all samples (NPZ): samples, targets, maps, attribution, motion, gaps, cell, channels."""
        found = self.get_object()
        require(request.user, found.run.project, Role.RESEARCHER)  # the file contains true classes
        check_sees_all(request.user, found.run.project)
        if found.state != Attribution.State.DONE:
            raise Http404(
                f"This attribution has no file: it is {found.get_state_display()}. {found.error}".strip()
            )
        if not default_storage.exists(found.file):
            raise Http404("The file is missing from the storage. Restore it from a backup.")
        return FileResponse(
            default_storage.open(found.file),
            as_attachment=True,
            filename=f"run-{found.run_id}-{found.method}.npz",
            content_type="application/octet-stream",
        )
