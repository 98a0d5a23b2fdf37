from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import transaction
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.annotation.blindness import check_sees_all
from mer_platform.annotation.exchange.coders import NamedCoder
from mer_platform.annotation.exchange.comparing import ADD, CHANGE, KEEP, PlannedChange
from mer_platform.annotation.exchange.downloads import download
from mer_platform.annotation.exchange.models import MAX_RATE, MIN_RATE, AnnotationImport
from mer_platform.annotation.exchange.selection import CODERS, CONSENSUS, SelectionForm
from mer_platform.annotation.exchange.services import (
    check_again,
    check_file,
    choose,
    confirm,
    row_number,
    undo,
)
from mer_platform.annotation.shapes import ImportConflict, ProblemPlace, ReportedProblem
from mer_platform.projects.access import require
from mer_platform.projects.column_map_api import SheetColumnMap, known_columns, map_of
from mer_platform.projects.models import Project, Role
from mer_platform.projects.viewsets import InProject, own_related
from mer_platform.rest.errors import Conflict, Refused
from mer_platform.rest.json_parser import ApiMultiPartParser
from mer_platform.rest.links import Link, creator, page_link
from mer_platform.rest.schema import Described, TypedField
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer
from mer_platform.rest.views import FileView
from models_ml.errors import InputError
from models_ml.formats import EXPORTS, LOSSLESS
from models_ml.formats.annotations import MAX_BYTES
from models_ml.formats.base import Sheet
from models_ml.formats.headers import ColumnsError
from models_ml.formats.lossless import SCHEMA
from models_ml.formats.problem_groups import group_problems

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


class AnnotationFile(FileView):
    content_types = {key: export.content_type for key, export in EXPORTS.items()}

    def describe(self, described: Described) -> None:
        super().describe(described)
        content = described.operation["responses"]["200"]["content"]
        if self.kind == LOSSLESS:
            content["application/json"]["schema"] = {
                "type": "object",
                "required": ["schema", "schema_version", "clips"],
                "properties": {
                    "schema": {"const": SCHEMA, "type": "string"},
                    "schema_version": {"type": "integer"},
                    "clips": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
                },
            }
        elif "application/json" in content:  # Label Studio: a list of tasks
            content["application/json"]["schema"] = {
                "type": "array",
                "items": {"type": "object", "additionalProperties": True},
            }

    @extend_schema(parameters=QUERY, responses=OpenApiTypes.BINARY)
    def get(self, request: Request, pk: int) -> HttpResponseBase:
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
            return download(project, form, self.kind)
        except InputError as error:
            raise serializers.ValidationError({"clip": [str(error)]}) from error


class AnnotationImportSerializer(ApiModelSerializer):
    created_by = creator()
    url = Link("annotation-import-detail", pk="pk")
    page_url = page_link("annotation-file")
    created_by = serializers.CharField(
        source="created_by.username", default=None, read_only=True, allow_null=True
    )
    columns = TypedField(
        SheetColumnMap, read_only=True, allow_null=True, help_text="The column map, if someone gave one."
    )
    names = TypedField(
        list[NamedCoder],
        read_only=True,
        help_text="The coders that the file names, and the members they are.",
    )
    counts = serializers.DictField(child=serializers.IntegerField(), read_only=True)

    class Meta:
        model = AnnotationImport
        fields = [
            "id", "project", "file_name", "sha256", "coders", "columns", "names", "frame_rate", "state", "counts",
            "created_by", "created_at", "confirmed_at", "undone_at", "url", "page_url",
        ]  # fmt: skip
        read_only_fields = fields


class ProblemGroupSerializer(ApiSerializer):
    """Problems whose messages differ only in numbers, names and quoted words."""

    key = serializers.CharField(help_text="Identifies the group of this report.")
    severity = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField(help_text="What the problems say; “…” stands for what differs.")
    count = serializers.IntegerField(help_text="Number of problems.")
    first = TypedField(
        list[ProblemPlace],
        help_text="The first few problems: message, file, row, column, subject and clip.",
    )


class AnnotationImportReportSerializer(AnnotationImportSerializer):
    """An import with its report.

    Each of ``entries`` is a row that adds an annotation, changes it or leaves it as it is, each of ``consensus`` a row of
    a consensus. ``choice`` says what the import will do with the row, ``choices`` what else it can do, and ``number``
    names the row in ``confirm``.
    """

    problems = TypedField(
        list[ReportedProblem], read_only=True, help_text="Rows that are not imported, and why."
    )
    entries = TypedField(list[PlannedChange], read_only=True)
    consensus = TypedField(list[PlannedChange], read_only=True)
    conflicts = TypedField(
        list[ImportConflict], read_only=True, help_text="Rows that were skipped on confirming or undoing."
    )
    problem_groups = serializers.SerializerMethodField(help_text="The problems, grouped by what they say.")

    class Meta(AnnotationImportSerializer.Meta):
        fields = [
            *AnnotationImportSerializer.Meta.fields, "problem_groups", "problems", "entries", "consensus", "conflicts",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(ProblemGroupSerializer(many=True))
    def get_problem_groups(self, batch: AnnotationImport) -> list[dict[str, Any]]:
        return [group.to_json() for group in group_problems(batch.problems)]


class CompareAgainSerializer(ApiSerializer):
    """What a comparison needs to know and the file may not state."""

    members = TypedField(
        dict[str, str],
        default=dict,
        help_text="The username of a member for a name in the file: {“anna@lab.org”: “anna”}.",
    )

    frame_rate = serializers.FloatField(
        required=False,
        min_value=MIN_RATE,
        max_value=MAX_RATE,
        help_text="Frames per second at which the file counts frames, if it does not state it (Label Studio).",
    )

    def validate_members(self, members: Any) -> Any:
        if not isinstance(members, dict) or not all(isinstance(name, str) for name in members.values()):
            raise serializers.ValidationError("Expected an object with a username for each name in the file.")
        return members


class AnnotationUploadSerializer(CompareAgainSerializer):
    project = own_related(Project.objects.all(), "pk")(help_text="The project's id.")
    file = serializers.FileField(
        allow_empty_file=True,
        help_text="A coding sheet (.xlsx, .ods, .xls, .csv), ELAN (.eaf, or a .zip of them), or JSON of Label Studio or "
        "this platform.",
    )
    coders = serializers.ChoiceField(
        choices=AnnotationImport.Coders.choices,
        default=AnnotationImport.Coders.NAMES,
        help_text="To whom the annotations belong: to the members that the file names, all to the caller, or to no one, "
        "since they are the consensus.",
    )
    columns = TypedField(
        SheetColumnMap,
        required=False,
        help_text="A column map, which says which column of a sheet holds what. If the columns of a sheet are not known, "
        "the answer 400 lists them in `worksheets`.",
    )

    def validate_columns(self, document: Any) -> Any:
        return map_of(document)

    def validate_file(self, file: Any) -> Any:
        if file.size > MAX_BYTES:
            raise serializers.ValidationError(
                f"The file has {file.size:,} bytes, but the limit is {MAX_BYTES:,}. Import it in parts."
            )
        return file


def _refused(error: DjangoValidationError) -> Exception:
    """Return the answer to what was refused: 400 for a wrong field, 409 if the state of the import does not allow it."""
    if hasattr(error, "error_dict"):
        return serializers.ValidationError(error.message_dict)
    return Conflict(str(error.message))


class ConfirmAnnotationsSerializer(ApiSerializer):
    choices = serializers.DictField(
        child=serializers.ChoiceField([ADD, CHANGE, KEEP]),
        default=dict,
        help_text="What to do with single rows, by their number: {“3”: “keep”}. Other rows keep their `choice`.",
    )
    all = serializers.ChoiceField(
        [ADD, CHANGE, KEEP],
        required=False,
        help_text="What to do with all rows that allow it; `choices` come after it.",
    )

    def validate_choices(self, choices: dict[str, str]) -> dict[int, str]:
        return {row_number(number): choice for number, choice in choices.items()}


class AnnotationImportViewSet(
    InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin
):
    """Files of annotations: they are checked on upload, and imported when confirmed."""

    queryset = AnnotationImport.objects.select_related("created_by", "project").defer("content")
    serializer_class = AnnotationImportReportSerializer
    filters = {
        "project": "project", "state": "state", "coders": "coders", "sha256": "sha256",
        "created_by": "created_by__username",
    }  # fmt: skip
    search_fields = ["file_name"]
    ordering_fields = ["file_name", "state", "created_at", "confirmed_at"]
    read_role = Role.RESEARCHER  # the report shows others' marks, and coding is blind
    parsers_of = {"create": [ApiMultiPartParser]}

    def get_serializer_class(self) -> Any:
        return AnnotationImportSerializer if self.action == "list" else AnnotationImportReportSerializer

    def get_object(self) -> AnnotationImport:
        """Return the import. Raises PermissionDenied if the user still has clips to code: it shows all coders' marks."""
        batch: AnnotationImport = super().get_object()
        check_sees_all(self.request.user, batch.project)
        return batch

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
            batch = check_file(
                given["project"], request.user, file.name, file.read(), given["coders"], given["members"],
                given.get("frame_rate"), given.get("columns"),
            )  # fmt: skip
        except ColumnsError as error:
            file.seek(0)
            worksheets = known_columns(Sheet(file.name, file.read()))
            raise Refused({"file": [str(error)]}, worksheets=worksheets) from error
        except InputError as error:
            raise serializers.ValidationError({"file": [str(error)]}) from error
        except DjangoValidationError as error:
            raise _refused(error) from error
        return Response(self.get_serializer(batch).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=CompareAgainSerializer, responses=AnnotationImportReportSerializer)
    @action(detail=True, methods=["post"])
    def recheck(self, request: Request, pk: str) -> Response:
        """Compare the file again, with members for names in it. The project remembers them for its next imports."""
        batch = self.get_object()
        form = CompareAgainSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            given = form.validated_data
            batch = check_again(batch, request.user, given["members"], given.get("frame_rate"))
        except InputError as error:
            raise serializers.ValidationError({"file": [str(error)]}) from error
        except DjangoValidationError as error:
            raise _refused(error) from error
        return Response(self.get_serializer(batch).data)

    @extend_schema(request=ConfirmAnnotationsSerializer, responses=AnnotationImportReportSerializer)
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: str) -> Response:
        """Make the chosen changes. What changed after the check is skipped and listed in `conflicts`."""
        batch = self.get_object()
        form = ConfirmAnnotationsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        choices, every = form.validated_data["choices"], form.validated_data.get("all", "")
        try:
            with transaction.atomic():
                if choices or every:
                    choose(batch, choices, every)
                confirm(batch, request.user)
        except DjangoValidationError as error:
            raise _refused(error) from error
        batch.refresh_from_db()
        return Response(self.get_serializer(batch).data)

    @extend_schema(request=None, responses=AnnotationImportReportSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Take back a whole import. What changed after it is skipped and listed in `conflicts`."""
        batch = self.get_object()
        try:
            undo(batch, request.user)
        except DjangoValidationError as error:
            raise Conflict(str(error.message)) from error
        batch.refresh_from_db()
        return Response(self.get_serializer(batch).data)

    def perform_destroy(self, batch: AnnotationImport) -> None:
        if not batch.is_open:
            raise Conflict("Cannot delete a confirmed import: it records where annotations came from.")
        batch.delete()
