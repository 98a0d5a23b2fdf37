from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.annotation.blindness import check_sees_all
from mer_platform.composites.models import CompositeVersion
from mer_platform.composites.serializers import version_field
from mer_platform.configurations.parsing import parse_features
from mer_platform.exports import tables
from mer_platform.exports.models import FeatureExport, progress_of
from mer_platform.exports.services import start_export
from mer_platform.jobs.polling import WaitsForJobs
from mer_platform.projects.access import require
from mer_platform.projects.models import Project, Role
from mer_platform.projects.viewsets import InProject
from mer_platform.rest.links import Link, creator, page_link
from mer_platform.rest.schema import TypedField
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer
from mer_platform.rest.shapes import JobProgress
from mer_platform.rest.together import rows_of
from mer_platform.rest.views import FileView
from mer_platform.table_files import CONTENT_TYPES, CSV, ExportTable, csv_chunks, parquet_file
from models_ml.config import FeatureConfig


def table_response(table: ExportTable, kind: str) -> HttpResponseBase:
    """Return the table as a download. CSV is streamed while its rows are read."""
    name = f"{table.name}.{kind}"
    if kind != CSV:
        return FileResponse(
            parquet_file(table), as_attachment=True, filename=name, content_type=CONTENT_TYPES[kind]
        )
    headers = {"Content-Disposition": content_disposition_header(True, name) or ""}
    return StreamingHttpResponse(csv_chunks(table), content_type=CONTENT_TYPES[kind], headers=headers)


class TableView(FileView):
    """Base of a view that answers with a table."""

    content_types = CONTENT_TYPES


class SampleTableView(TableView):
    @extend_schema(responses=OpenApiTypes.BINARY)
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """Download the samples of a frozen version: database, subject, name, frames, emotion, label and hashes."""
        own = CompositeVersion.objects.filter(composite__project__in=Project.objects.of(request.user))
        version = get_object_or_404(own.select_related("composite__project"), pk=pk)
        require(request.user, version.project, Role.RESEARCHER)  # they contain marks, and coding is blind
        check_sees_all(request.user, version.project)
        return table_response(tables.samples(version), self.kind)


class AnnotationTableView(TableView):
    @extend_schema(responses=OpenApiTypes.BINARY)
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """Download all annotations of a project, including the consensus."""
        project = get_object_or_404(Project.objects.of(request.user), pk=pk)
        require(request.user, project, Role.RESEARCHER)
        check_sees_all(request.user, project)
        return table_response(tables.annotations(project), self.kind)


class FeatureExportSerializer(ApiModelSerializer):
    progress = serializers.SerializerMethodField(
        help_text="State, finished samples and their total, which is 0 until work starts.",
    )
    project = serializers.IntegerField(source="version.composite.project_id", read_only=True)

    created_by = creator()
    url = Link("feature-export-detail", pk="pk")
    page_url = page_link("version-export", slug="version.composite.project.slug", pk="version_id")
    config = TypedField(FeatureConfig, read_only=True, help_text="The feature settings.")

    @extend_schema_field(TypedField(JobProgress))
    def get_progress(self, export: Any) -> dict[str, Any]:
        return self._progress[export.pk]

    @cached_property
    def _progress(self) -> dict[int, dict[str, Any]]:
        return progress_of(rows_of(self))

    class Meta:
        model = FeatureExport
        fields = [
            "id", "project", "version", "format", "config", "state", "error", "progress", "sha256", "size",
            "created_by", "created_at", "finished_at", "url", "page_url",
        ]  # fmt: skip


class StartExportSerializer(ApiSerializer):
    version = version_field()
    config = TypedField(
        FeatureConfig,
        required=False,
        default=dict,
        help_text="Feature settings, like `features` in the configuration of a run; {} means the defaults.",
    )
    format = serializers.ChoiceField(
        choices=FeatureExport.FileFormat.choices, default=FeatureExport.FileFormat.SAFETENSORS
    )


class FeatureExportViewSet(WaitsForJobs, InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin):
    """Feature exports of composite versions."""

    queryset = FeatureExport.objects.select_related("version__composite__project", "created_by")
    serializer_class = FeatureExportSerializer
    filters = {
        "project": "version__composite__project", "version": "version", "state": "state", "format": "format",
        "config_hash": "config_hash", "created_by": "created_by__username",
    }  # fmt: skip
    search_fields = ["version__composite__name"]
    ordering_fields = ["state", "size", "created_at", "finished_at"]
    open_states = (FeatureExport.State.WAITING,)
    project_path = "version__composite__project"
    file_actions = ("file",)
    read_role = Role.RESEARCHER  # the files contain labels, and coding is blind

    @extend_schema(request=StartExportSerializer, responses={202: FeatureExportSerializer})
    def create(self, request: Request) -> Response:
        """Compute a version's features into one file. The same request again returns the same export."""
        form = StartExportSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        fields: dict[str, Any] = form.validated_data
        require(request.user, fields["version"].project, Role.RESEARCHER)
        try:
            config = parse_features(fields["config"])
        except DjangoValidationError as error:
            raise serializers.ValidationError({"config": error.message_dict}) from error
        export = start_export(fields["version"], config, fields["format"], request.user)
        return Response(self.get_serializer(export).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True)
    def file(self, request: Request, pk: str) -> HttpResponseBase:
        """Download the file of an export that is `done`."""
        export = self.get_object()
        check_sees_all(request.user, export.version.project)  # the file contains labels
        if export.state != FeatureExport.State.DONE:
            raise Http404(f"This export has no file: its state is {export.state}. {export.error}".strip())
        if not default_storage.exists(export.file):
            raise Http404("The file is missing from the storage. Restore it from a backup, or export again.")
        return FileResponse(
            default_storage.open(export.file),
            as_attachment=True,
            filename=export.download_name,
            content_type="application/octet-stream",
        )
