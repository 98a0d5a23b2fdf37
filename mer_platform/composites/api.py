from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.annotation.blindness import blind_clips, check_sees_all
from mer_platform.clips.models import Database
from mer_platform.composites import document, document_import
from mer_platform.composites.blindness import hidden_clips, why_not_frozen
from mer_platform.composites.caveats import caveats
from mer_platform.composites.diff import diff
from mer_platform.composites.labelmaps import PRESETS, suggest
from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.composites.rules import Rules
from mer_platform.composites.serializers import (
    CheckSerializer,
    CompositeVersionSerializer,
    DiffSerializer,
    SampleSerializer,
    VersionImportResultSerializer,
    diff_json,
)
from mer_platform.composites.services import freeze
from mer_platform.composites.shapes import ClassOfEmotion
from mer_platform.projects.access import require, row_id
from mer_platform.projects.models import Project, Role
from mer_platform.projects.viewsets import InProject, own_related
from mer_platform.rest.errors import Conflict
from mer_platform.rest.schema import TypedField, typed
from mer_platform.rest.serializers import ApiSerializer
from mer_platform.rest.views import lists


class FreezeSerializer(ApiSerializer):
    project = own_related(Project.objects.all(), "pk")()
    name = serializers.CharField(
        max_length=80, help_text="A new name, or the name of a composite to freeze its next version."
    )
    databases = own_related(Database.objects.all(), "project")(many=True)
    preset = serializers.ChoiceField(
        [(key, title) for key, title in PRESETS.items() if key],
        required=False,
        allow_blank=True,
        help_text="A published composite to follow: its label map and its list of samples take precedence.",
    )
    label_map = TypedField(
        ClassOfEmotion,
        required=False,
        help_text="{database name: {emotion: class or null}}; default: the suggested map.",
    )
    rules = TypedField(
        Rules,
        required=False,
        help_text=f"Include and exclude rules, all optional: {', '.join(Rules.model_fields)}.",
    )


class VersionImportSerializer(ApiSerializer):
    project = own_related(Project.objects.all(), "pk")()
    document = TypedField(
        document.Document, help_text="The document of another lab's version, as its `export` returned it."
    )
    name = serializers.CharField(
        max_length=80,
        required=False,
        allow_blank=True,
        help_text="Name of the composite; default: the name in the document.",
    )
    compare_only = serializers.BooleanField(default=False, help_text="Only compare; freeze nothing.")


# Not by emotion, label or marks: they would show what coders of the clips still have to decide themselves.
SAMPLES = lists(
    Sample,
    {name: name for name in ("index", "clip", "picture", "database", "subject", "name")},
    search=["name", "subject", "database"],
    ordering=["index", "database", "subject", "name"],
)


class CompositeVersionViewSet(InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin):
    """Frozen composite versions."""

    queryset = CompositeVersion.objects.select_related("composite__project", "frozen_by")
    serializer_class = CompositeVersionSerializer
    filters = {
        "project": "composite__project", "name": "composite__name", "number": "number", "preset": "preset",
        "content_hash": "content_hash", "created_by": "frozen_by__username",
    }  # fmt: skip
    renamed = {"composite__project": "project"}
    created_field = "frozen_at"
    search_fields = ["composite__name", "preset", "content_hash"]
    ordering_fields = {
        "name": "composite__name", "number": "number", "frozen_at": "frozen_at", "created_at": "frozen_at",
    }  # fmt: skip
    project_path = "composite__project"

    @extend_schema(request=FreezeSerializer, responses={201: CompositeVersionSerializer})
    def create(self, request: Request) -> Response:
        """Freeze a version. Freezing the same content again returns the same version.

        The answer is 403 while your queue has clips of the databases, because what a version includes gives labels away.
        """
        fields = self._posted(FreezeSerializer)
        if any(database.project_id != fields["project"].pk for database in fields["databases"]):
            raise serializers.ValidationError({"databases": ["All databases must belong to the project."]})
        if why := why_not_frozen(request.user, fields["databases"]):
            raise PermissionDenied(why)
        preset = fields.get("preset", "")
        label_map = fields.get("label_map") or suggest(fields["databases"], preset)
        try:
            version = freeze(
                fields["project"],
                fields["name"],
                fields["databases"],
                label_map,
                request.user,
                preset=preset,
                rules=fields.get("rules"),
            )
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.message_dict) from error
        return Response(self.get_serializer(version).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=SampleSerializer(many=True))
    @action(detail=True, **SAMPLES)
    def samples(self, request: Request, pk: str) -> Response:
        """List the samples. Marks and labels of clips that you still have to code are null."""
        version = self._for_researchers()
        rows = self.filter_queryset(version.samples.all())
        return self.paged(rows, SampleSerializer, blind=set(blind_clips(request.user)))

    @extend_schema(responses=CheckSerializer)
    @action(detail=True)
    def check(self, request: Request, pk: str) -> Response:
        """Compare the version with its preset's published list, and warn of duplicates and mixed material.

        `list_check` is null while your queue has clips of the version, because it states classes.
        """
        version = self._for_researchers()
        found = caveats(version.with_items(), Rules(**version.rules))
        listed = None if hidden_clips(request.user, [version.pk]) else version.list_check
        return Response({"list_check": listed, "caveats": [caveat.to_json() for caveat in found]})

    @extend_schema(
        responses=DiffSerializer,
        parameters=[
            OpenApiParameter(
                "against", OpenApiTypes.INT, required=True, description="Id of the version to compare with."
            )
        ],
    )
    @action(detail=True)
    def diff(self, request: Request, pk: str) -> Response:
        """Compare the version with another version of the project."""
        version = self._for_researchers()
        check_sees_all(request.user, version.project)
        if not (against := request.query_params.get("against")):
            raise serializers.ValidationError(
                {"against": ["Add the id of the version to compare with: ?against=<id>."]}
            )
        other = self.get_queryset().filter(pk=row_id(against), composite__project=version.project).first()
        if other is None:
            raise Http404(f"Version {against} not found in this project.")
        return Response(diff_json(other, version, diff(other, version)))

    @extend_schema(
        responses={
            200: typed(document.Document),
            409: OpenApiResponse(
                description="A sample was withdrawn, so the version cannot be made elsewhere."
            ),
        }
    )
    @action(detail=True)
    def export(self, request: Request, pk: str) -> Response:
        """Return the version as a small document for other labs: hashes, names, marks and labels, but no images."""
        version = self._for_researchers()
        check_sees_all(request.user, version.project)
        if refusal := version.refusal("export this version"):
            raise Conflict(refusal)
        name = document.file_name(version)
        return Response(
            document.export(version), headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )

    @extend_schema(
        operation_id="composite_versions_import",
        request=VersionImportSerializer,
        responses={200: VersionImportResultSerializer, 201: VersionImportResultSerializer},
    )
    @action(detail=False, methods=["post"], url_path="import")
    def import_document(self, request: Request) -> Response:
        """Compare another lab's document with the project, and freeze the identical version if all samples are here."""
        fields = self._posted(VersionImportSerializer)
        project = fields["project"]
        check_sees_all(request.user, project)  # the comparison states the marks here
        try:
            compared = document_import.compare(project, document.read(fields["document"]))
            version = compared.existing
            if version is None and compared.complete and not fields["compare_only"]:
                version = document_import.adopt(project, compared, request.user, fields.get("name", ""))
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.message_dict) from error
        made = version is not None and compared.existing is None
        code = status.HTTP_201_CREATED if made else status.HTTP_200_OK
        return Response(compared.to_json(version), status=code)

    def _posted(self, form_class: type[serializers.Serializer]) -> dict[str, Any]:
        form = form_class(data=self.request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        fields: dict[str, Any] = form.validated_data
        require(self.request.user, fields["project"], Role.RESEARCHER)
        return fields

    def _for_researchers(self) -> CompositeVersion:
        """Return the version to a researcher; others may not see its marks, because coding is blind."""
        version: CompositeVersion = self.get_object()
        require(self.request.user, version.project, Role.RESEARCHER)
        return version
