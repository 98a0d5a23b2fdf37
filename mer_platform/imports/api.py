from functools import cached_property
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.annotation.exchange.api import ProblemGroupSerializer
from mer_platform.annotation.exchange.models import MAX_RATE, MIN_RATE
from mer_platform.imports import services
from mer_platform.imports.blindness import hide_coding, visible_problems
from mer_platform.imports.models import Import, ImportItem, ImportProblem
from mer_platform.imports.shapes import (
    ImportedDatabase,
    ImportedExpression,
    ItemCounts,
    ProblemCounts,
    SheetCorrection,
)
from mer_platform.imports.sources import columns_sheet
from mer_platform.imports.summary import Counted, corrections, group_of, groups_of
from mer_platform.jobs.polling import WaitsForJobs
from mer_platform.projects.access import require, researcher_projects
from mer_platform.projects.column_map_api import SheetColumnMap, WorksheetColumnsSerializer, map_of
from mer_platform.projects.column_maps import columns_to_map
from mer_platform.projects.models import Project, Role
from mer_platform.projects.viewsets import InProject, own_related
from mer_platform.rest.errors import Conflict
from mer_platform.rest.json_parser import ApiMultiPartParser, JsonParser
from mer_platform.rest.links import Link, creator, page_link
from mer_platform.rest.schema import TypedField
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer
from mer_platform.rest.together import rows_of
from mer_platform.rest.views import lists
from models_ml.errors import InputError
from models_ml.formats import LAYOUTS
from models_ml.formats.mapping import ColumnMap


class DatabaseImportSerializer(ApiModelSerializer):
    source = serializers.CharField(  # type: ignore[assignment]
        source="where", read_only=True, help_text="The folder, prefix or file that is imported."
    )
    counts = serializers.SerializerMethodField(help_text="Number of items by state, and in total.")
    problems = serializers.SerializerMethodField(help_text="Number of problems by severity.")
    databases = serializers.SerializerMethodField(
        help_text="Per database: number of subjects, and of items by state."
    )
    corrections = serializers.SerializerMethodField(
        help_text="Known errors of the sheet, each with its fix and whether it was accepted."
    )

    created_by = creator()
    url = Link("import-detail", pk="pk")
    page_url = page_link("import")
    columns = TypedField(
        SheetColumnMap, read_only=True, allow_null=True, help_text="The column map, if someone gave one."
    )

    class Meta:
        model = Import
        fields = [
            "id", "project", "layout", "place", "source", "state", "problem", "counts", "problems", "databases",
            "corrections", "columns", "unclear_sheet", "created_by", "created_at", "started_at",
            "finished_at", "url", "page_url",
        ]  # fmt: skip

    @cached_property
    def _counted(self) -> Counted:
        return Counted(rows_of(self))

    @extend_schema_field(TypedField(ItemCounts))
    def get_counts(self, batch: Import) -> dict[str, int]:
        return self._counted.states(batch)

    @extend_schema_field(TypedField(ProblemCounts))
    def get_problems(self, batch: Import) -> dict[str, int]:
        return self._counted.severities(batch)

    @extend_schema_field(TypedField(list[ImportedDatabase]))
    def get_databases(self, batch: Import) -> list[dict[str, Any]]:
        return self._counted.databases(batch)

    @extend_schema_field(TypedField(list[SheetCorrection]))
    def get_corrections(self, batch: Import) -> list[dict[str, Any]]:
        return corrections(batch)


class DatabaseImportItemSerializer(ApiModelSerializer):
    expressions = TypedField(
        list[ImportedExpression],
        read_only=True,
        allow_null=True,
        help_text="Its coded expressions; null for a clip in your queue.",
    )

    class Meta:
        model = ImportItem
        fields = [
            "id", "kind", "database", "subject", "name", "state", "reason", "first_number", "expressions", "emotion",
            "clip", "picture",
        ]  # fmt: skip


class DatabaseImportProblemSerializer(ApiModelSerializer):
    class Meta:
        model = ImportProblem
        fields = ["id", "severity", "code", "message", "file", "row", "column", "subject", "clip"]


class StartDatabaseImportSerializer(ApiSerializer):
    project = own_related(Project.objects.all(), "pk")(help_text="Id of the project.")
    layout = serializers.CharField(help_text=f"Key of the layout: {', '.join(LAYOUTS)}.")
    place = serializers.ChoiceField(
        Import.SourceType.choices,
        default=Import.SourceType.FOLDER,
        help_text="Where to read: a folder on the server, a prefix in the storage, or the uploaded file.",
    )
    source = serializers.CharField(  # type: ignore[assignment]
        required=False,
        allow_blank=True,
        help_text="Path of the folder below the import folder, or the prefix.",
    )
    sheet = serializers.FileField(
        required=False,
        allow_empty_file=True,
        help_text="The coding sheet, or the uploaded file of annotations. Without it, the folder is searched for a sheet.",
    )
    sheet_path = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=1000,
        help_text="Path of the sheet in the folder, instead of `sheet`.",
    )
    frame_rate = serializers.FloatField(
        required=False,
        min_value=MIN_RATE,
        max_value=MAX_RATE,
        help_text="Frames per second at which a file of annotations counts frames, if it does not state it.",
    )
    columns = TypedField(
        SheetColumnMap,
        required=False,
        help_text="A column map, which says which column of the sheet holds what; see `columns` of an import.",
    )

    def validate_columns(self, document: Any) -> ColumnMap | None:
        return map_of(document)


class ConfirmDatabaseImportSerializer(ApiSerializer):
    accepted = serializers.ListField(
        child=serializers.CharField(), default=list, help_text="Keys of the corrections to apply."
    )


PROBLEMS = lists(
    ImportProblem,
    {name: name for name in ("severity", "code", "file", "subject", "clip")},
    search=["message", "file", "subject", "clip"],
    ordering=["severity", "code", "file", "row"],
)
ITEMS = lists(
    ImportItem,
    {name: name for name in ("state", "kind", "database", "subject", "name")},
    search=["name", "subject", "database", "reason"],
    ordering=["state", "kind", "database", "subject", "name"],
)


class DatabaseImportViewSet(WaitsForJobs, InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin):
    """Imports of databases. They contain all marks, so only researchers can see them."""

    queryset = Import.objects.select_related("project", "created_by")
    serializer_class = DatabaseImportSerializer
    filters = {
        "project": "project", "state": "state", "layout": "layout", "place": "place", "created_by": "created_by__username",
    }  # fmt: skip
    search_fields = ["layout", "source", "sheet_name"]
    ordering_fields = ["layout", "state", "created_at", "started_at", "finished_at"]
    open_states = (Import.State.CHECKING, Import.State.IMPORTING)
    parsers_of = {"create": [ApiMultiPartParser, JsonParser]}

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(project__in=researcher_projects(self.request.user))

    @extend_schema(request=StartDatabaseImportSerializer, responses={202: DatabaseImportSerializer})
    def create(self, request: Request) -> Response:
        """Check a database. Nothing is imported before `confirm`. Poll until `state` is `checked` or `failed`."""
        form = StartDatabaseImportSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        require(request.user, fields["project"], Role.RESEARCHER)
        source = services.ImportSource(Import.SourceType(fields["place"]), fields.get("source", ""))
        batch = services.start(
            fields["project"], fields["layout"], source, fields.get("sheet"), request.user,
            sheet_path=fields.get("sheet_path", ""), columns=fields.get("columns"), frame_rate=fields.get("frame_rate"),
        )  # fmt: skip
        return Response(self.get_serializer(batch).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=ConfirmDatabaseImportSerializer, responses={202: DatabaseImportSerializer})
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: str) -> Response:
        """Import the checked items. Poll until `state` is `finished`."""
        batch = self.get_object()
        form = ConfirmDatabaseImportSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        if batch.state != Import.State.CHECKED:
            raise Conflict(f"This import is {batch.state}. Only a checked import can be confirmed.")
        batch = services.confirm(batch, form.validated_data["accepted"], request.user)
        return Response(self.get_serializer(batch).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses={200: WorksheetColumnsSerializer(many=True), 409: None}, filters=False)
    @action(detail=True, pagination_class=None)
    def columns(self, request: Request, pk: str) -> Response:
        """List the columns of a sheet that no reader knows, by worksheet, to make a column map for a new import."""
        batch = self._batch(pk)
        if not (batch.columns_sheet or batch.columns):
            raise Conflict("The columns of this import's sheet are known.")
        try:
            found, _ = columns_to_map(batch.project, columns_sheet(batch))
        except InputError as error:
            raise Conflict(str(error)) from error
        return Response(WorksheetColumnsSerializer(found, many=True).data)

    @extend_schema(request=None, responses=DatabaseImportSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel the import. Items that are already imported stay."""
        batch = self.get_object()
        if not services.cancel(batch, request.user):
            raise Conflict("This import has already ended.")
        batch.refresh_from_db()
        return Response(self.get_serializer(batch).data)

    @extend_schema(
        responses=DatabaseImportProblemSerializer(many=True),
        parameters=[
            OpenApiParameter(
                "group", str, description="Key of a group of `problem-groups`: only its problems."
            ),
        ],
    )
    @action(detail=True, **PROBLEMS)
    def problems(self, request: Request, pk: str) -> Response:
        """List the problems that the report contains, one by one."""
        problems = visible_problems(request.user, self._batch(pk))
        if key := request.query_params.get("group"):
            group = group_of(self.filter_queryset(problems), key)
            return self.paged(list(group.problems) if group else [], DatabaseImportProblemSerializer)
        return self.paged(self.filter_queryset(problems), DatabaseImportProblemSerializer)

    @extend_schema(responses=ProblemGroupSerializer(many=True))
    @action(detail=True, pagination_class=None, url_path="problem-groups", **PROBLEMS)
    def problem_groups(self, request: Request, pk: str) -> Response:
        """List the problems grouped by what they say: the most severe first, then the most frequent."""
        groups = groups_of(self.filter_queryset(visible_problems(request.user, self._batch(pk))))
        return Response([group.to_json() for group in groups])

    @extend_schema(responses=DatabaseImportItemSerializer(many=True))
    @action(detail=True, **ITEMS)
    def items(self, request: Request, pk: str) -> Response:
        """List the items that the import found, with their states. `expressions` is null for clips in your queue."""
        rows = self.filter_queryset(self._batch(pk).items.all())
        return self.paged(
            rows, DatabaseImportItemSerializer, shown=lambda page: hide_coding(request.user, page)
        )

    def _batch(self, pk: str) -> Import:
        # Not get_object(): the filters of these actions apply to rows, not to imports.
        batch: Import = get_object_or_404(self.get_queryset(), pk=pk)
        self.check_object_permissions(self.request, batch)
        return batch
