"""Paper bundles in the API."""

from functools import cached_property
from typing import Any

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.experiments.comparison.comparing import MAX_COMPARED
from mer_platform.exports.bundles import start_bundle
from mer_platform.exports.models import PaperBundle, progress_of
from mer_platform.exports.predictions import runs_to_export
from mer_platform.jobs.polling import WaitsForJobs
from mer_platform.projects.models import Role
from mer_platform.projects.viewsets import InProject
from mer_platform.rest.links import Link, creator, page_link
from mer_platform.rest.schema import TypedField
from mer_platform.rest.serializers import ApiModelSerializer
from mer_platform.rest.shapes import JobProgress
from mer_platform.rest.together import rows_of


class PaperBundleSerializer(ApiModelSerializer):
    progress = serializers.SerializerMethodField(
        help_text="State, finished charts and their total, which is 0 until work starts."
    )
    runs = serializers.ListField(
        child=serializers.IntegerField(),
        min_length=1,
        max_length=MAX_COMPARED,
        help_text=f"Ids of 1 to {MAX_COMPARED} runs with scores; the first is the reference for the others.",
    )

    created_by = creator()
    url = Link("paper-bundle-detail", pk="pk")
    page_url = page_link("paper-bundle")

    @extend_schema_field(TypedField(JobProgress))
    def get_progress(self, bundle: Any) -> dict[str, Any]:
        return self._progress[bundle.pk]

    @cached_property
    def _progress(self) -> dict[int, dict[str, Any]]:
        return progress_of(rows_of(self))

    class Meta:
        model = PaperBundle
        fields = [
            "id", "project", "runs", "state", "error", "progress", "sha256", "size", "created_by", "created_at",
            "finished_at", "url", "page_url",
        ]  # fmt: skip
        read_only_fields = [name for name in fields if name != "runs"]


def stored_bundle(bundle: PaperBundle, user: Any) -> FileResponse:
    """Return the file of a bundle that is done. Raises Http404, PermissionDenied, or ValidationError for its runs.

    Someone who may not export the predictions of its runs now gets no file, even of their own bundle.
    """
    runs_to_export(user, [str(pk) for pk in bundle.runs])
    if bundle.state != PaperBundle.State.DONE:
        raise Http404(f"This bundle has no file: its state is {bundle.state}. {bundle.error}".strip())
    if not default_storage.exists(bundle.file):
        raise Http404(
            "The file is missing from the storage. Restore it from a backup, or make the bundle again."
        )
    return FileResponse(
        default_storage.open(bundle.file),
        as_attachment=True,
        filename=bundle.download_name,
        content_type="application/zip",
    )


class PaperBundleViewSet(WaitsForJobs, InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin):
    """Paper bundles: all that a paper needs of a comparison, in one zip."""

    queryset = PaperBundle.objects.select_related("project", "created_by")
    serializer_class = PaperBundleSerializer
    filters = {"project": "project", "state": "state", "created_by": "created_by__username"}
    ordering_fields = ["state", "size", "created_at", "finished_at"]
    open_states = (PaperBundle.State.WAITING,)
    file_actions = ("file",)
    read_role = Role.RESEARCHER  # the files contain labels, and coding is blind

    @extend_schema(responses={202: PaperBundleSerializer})
    def create(self, request: Request) -> Response:
        """Make tables, figures, texts and files of runs. The same request again returns the same bundle."""
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        ids = [str(pk) for pk in form.validated_data["runs"]]
        try:
            runs = runs_to_export(request.user, ids)
        except serializers.ValidationError as error:
            detail: Any = error.detail
            raise serializers.ValidationError({"runs": detail["run"]}) from error
        bundle = start_bundle(runs, request.user)
        return Response(self.get_serializer(bundle).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    @action(detail=True)
    def file(self, request: Request, pk: str) -> HttpResponseBase:
        """Download the zip of a bundle that is `done`."""
        return stored_bundle(self.get_object(), request.user)
