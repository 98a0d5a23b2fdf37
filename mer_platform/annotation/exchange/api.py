from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, parsers, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from mer_platform.annotation.blindness import check_sees_all
from mer_platform.annotation.exchange.downloads import download
from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.annotation.exchange.selection import CODERS, CONSENSUS, SelectionForm
from mer_platform.annotation.exchange.services import check_file, confirm
from mer_platform.api import Conflict
from mer_platform.projects.access import require
from mer_platform.projects.models import Project, Role
from mer_platform.projects.viewsets import InProject, own_related
from models_ml.errors import InputError
from models_ml.formats import EXPORTS
from models_ml.formats.annotations import MAX_BYTES

QUERY = [
    OpenApiParameter("database", OpenApiTypes.INT, description="Only clips of this database, by id."),
    OpenApiParameter("clip", OpenApiTypes.INT, many=True, description="Only these clips, by id."),
    OpenApiParameter(
        "marks",
        OpenApiTypes.STR,
        enum=[CODERS, CONSENSUS],
        description="Annotations of coders (default), or the consensus.",
    ),
    OpenApiParameter("coder", OpenApiTypes.STR, description="Only annotations of this coder, by username."),
]


class AnnotationFile(APIView):
    @extend_schema(
        parameters=QUERY, responses={(200, f.content_type): OpenApiTypes.BINARY for f in EXPORTS.values()}
    )
    def get(self, request: Request, pk: int, kind: str) -> HttpResponseBase:
        """Export annotations for another tool, or as lossless JSON. Only for researchers with no clips left to code."""
        project = get_object_or_404(Project.objects.of(request.user), pk=pk)
        require(request.user, project, Role.RESEARCHER)
        check_sees_all(request.user, project)
        form = SelectionForm(request.query_params, project=project)
        if not form.is_valid():
            raise serializers.ValidationError(
                {name: [str(text) for text in texts] for name, texts in form.errors.items()}
            )
        try:
            return download(project, form, kind)
        except InputError as error:
            raise serializers.ValidationError({"clip": [str(error)]}) from error


class AnnotationImportSerializer(serializers.ModelSerializer):
    created_by = serializers.CharField(source="created_by.username", default=None, read_only=True)
    counts = serializers.DictField(child=serializers.IntegerField(), read_only=True)

    class Meta:
        model = AnnotationImport
        fields = [
            "id", "project", "file_name", "sha256", "coders", "state", "counts", "created_by", "created_at",
            "confirmed_at",
        ]  # fmt: skip
        read_only_fields = fields


class AnnotationImportReportSerializer(AnnotationImportSerializer):
    """An import with its report. Each of ``entries`` is a row that adds an annotation, changes it or leaves it as it is."""

    class Meta(AnnotationImportSerializer.Meta):
        fields = [*AnnotationImportSerializer.Meta.fields, "problems", "entries", "consensus", "conflicts"]
        read_only_fields = fields


class AnnotationUploadSerializer(serializers.Serializer):
    project = own_related(Project.objects.all(), "pk")(help_text="The project's id.")
    file = serializers.FileField(
        allow_empty_file=True,
        help_text="A coding sheet (.xlsx, .ods, .xls, .csv), ELAN (.eaf, or a .zip of them), or JSON of Label Studio or "
        "this platform.",
    )
    coders = serializers.ChoiceField(
        choices=AnnotationImport.Coders.choices,
        default=AnnotationImport.Coders.NAMES,
        help_text="To whom the annotations belong: members by their usernames in the file, or all to the caller.",
    )

    def validate_file(self, file: Any) -> Any:
        if file.size > MAX_BYTES:
            raise serializers.ValidationError(
                f"The file has {file.size:,} bytes, but the limit is {MAX_BYTES:,}. Import it in parts."
            )
        return file


class AnnotationImportViewSet(
    InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin
):
    """Files of annotations: they are checked on upload, and imported when confirmed."""

    queryset = AnnotationImport.objects.select_related("created_by", "project")
    serializer_class = AnnotationImportReportSerializer
    filterset_fields = ["project", "state"]
    read_role = Role.RESEARCHER  # the report shows others' marks, and coding is blind
    parser_classes = [parsers.MultiPartParser, parsers.JSONParser]

    def get_serializer_class(self) -> Any:
        return AnnotationImportSerializer if self.action == "list" else AnnotationImportReportSerializer

    @extend_schema(
        request={"multipart/form-data": AnnotationUploadSerializer},
        responses={201: AnnotationImportReportSerializer},
    )
    def create(self, request: Request) -> Response:
        """Check a file: report what it would add and change, and each row that cannot be imported. Changes nothing."""
        upload = AnnotationUploadSerializer(data=request.data, context=self.get_serializer_context())
        upload.is_valid(raise_exception=True)
        given = upload.validated_data
        require(request.user, given["project"], Role.RESEARCHER)
        check_sees_all(request.user, given["project"])  # the report shows stored annotations
        file = given["file"]
        try:
            batch = check_file(given["project"], request.user, file.name, file.read(), given["coders"])
        except InputError as error:
            raise serializers.ValidationError({"file": [str(error)]}) from error
        return Response(self.get_serializer(batch).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=AnnotationImportReportSerializer)
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: str) -> Response:
        """Make the checked changes. Annotations that changed after the check are skipped and listed in `conflicts`."""
        batch = self.get_object()
        try:
            confirm(batch, request.user)
        except DjangoValidationError as error:
            raise Conflict(str(error.message)) from error
        batch.refresh_from_db()
        return Response(self.get_serializer(batch).data)

    def perform_destroy(self, batch: AnnotationImport) -> None:
        if batch.state != AnnotationImport.State.CHECKED:
            raise Conflict("Cannot delete a confirmed import: it records where annotations came from.")
        batch.delete()
