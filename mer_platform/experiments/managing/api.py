"""The API of what researchers note on runs and experiments: changes of one, actions on many, and the project's tags."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.experiments.managing import services
from mer_platform.experiments.managing.actions import ACTIONS, act
from mer_platform.experiments.managing.choosing import UnknownRows, rows_of
from mer_platform.experiments.managing.serializers import (
    BulkResultSerializer,
    BulkSerializer,
    ChangesSerializer,
    TextField,
)
from mer_platform.experiments.managing.tags import (
    TagExists,
    delete_tag,
    merge_tags,
    rename_tag,
    tags_with_counts,
)
from mer_platform.experiments.managing.texts import note_version
from mer_platform.experiments.models import Experiment, Run, Tag
from mer_platform.projects.access import require
from mer_platform.projects.models import Role
from mer_platform.projects.viewsets import InProject, own_related
from mer_platform.rest.errors import Conflict
from mer_platform.rest.links import Link, page_link
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer

NOTE_CHANGED = OpenApiResponse(
    description="The note was changed since `notes_version`; `notes` is the current one. Nothing was changed."
)


class ManagedMixin:
    """A viewset of runs or experiments that can be renamed, tagged, noted on, starred and archived."""

    def get_queryset(self) -> Any:
        rows = super().get_queryset()  # type: ignore[misc]
        if not self.wants("tags"):  # type: ignore[attr-defined]
            rows = rows.prefetch_related(None)
        unasked = self.action == "list" and "archived" not in self.request.query_params  # type: ignore[attr-defined]
        return rows.filter(archived_at=None) if unasked else rows

    @extend_schema(request=ChangesSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change name, note, tags, star or archiving: all that is given, or nothing."""
        row = self.get_object()  # type: ignore[attr-defined]
        form = ChangesSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        _change(row, form.validated_data, request.user)
        return Response(self.get_serializer(self.get_object()).data)  # type: ignore[attr-defined]

    @extend_schema(request=BulkSerializer, responses=BulkResultSerializer, filters=False)
    @action(detail=False, methods=["post"], pagination_class=None)
    def bulk(self, request: Request) -> Response:
        """Star, tag, archive or restore several of one project. If one of them does not exist, nothing is changed."""
        form = BulkSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        model = self.queryset.model  # type: ignore[attr-defined]
        rows = asked_rows(model, form.validated_data["ids"], request.user)
        changed = act(form.validated_data["action"], rows, request.user, form.validated_data.get("tags", []))
        done = {row.pk for row in changed}
        reason = ACTIONS[form.validated_data["action"]].already
        skipped = [{"id": row.pk, "reason": reason} for row in rows if row.pk not in done]
        return Response({"changed": [row.pk for row in changed], "skipped": skipped})


def asked_rows(model: type[Run | Experiment], ids: Sequence[int], user: Any) -> list[Any]:
    """Return the rows that a request asks for. Raises ValidationError at ``ids``, and PermissionDenied for a viewer."""
    try:
        rows = rows_of(model, ids, user)
    except UnknownRows as error:
        raise serializers.ValidationError({"ids": [str(error)]}) from error
    require(user, rows[0].project, Role.RESEARCHER)
    return rows


def _change(row: Any, data: dict[str, Any], user: Any) -> None:
    with transaction.atomic():
        if "name" in data:
            services.rename(row, data["name"], user)
        if "notes" in data:
            _change_note(row, data, user)
        if "tags" in data:
            try:
                services.set_tags(row, data["tags"], user)
            except DjangoValidationError as error:
                raise serializers.ValidationError({"tags": error.messages}) from error
        if "starred" in data:
            services.star([row], user, data["starred"])
        if "archived" in data:
            (services.archive if data["archived"] else services.restore)([row], user)


def _change_note(row: Any, data: dict[str, Any], user: Any) -> None:
    if row.notes and "notes_version" not in data and data["notes"] != row.notes:
        raise serializers.ValidationError(
            {
                "notes_version": "There is a note already. Send its notes_version as you last read it, so that no newer "
                "note is overwritten."
            }
        )
    try:
        services.write_note(row, data["notes"], data.get("notes_version", ""), user)
    except services.NoteChanged as error:
        raise Conflict(str(error), notes=error.note, notes_version=note_version(error.note)) from error


class TagSerializer(ApiModelSerializer):
    runs = serializers.IntegerField(source="run_count", read_only=True, help_text="How many runs have it.")
    experiments = serializers.IntegerField(
        source="experiment_count", read_only=True, help_text="How many experiments have it."
    )

    url = Link("tag-detail", pk="pk")
    page_url = page_link("tags", slug="project.slug")

    class Meta:
        model = Tag
        fields = ["id", "project", "name", "runs", "experiments", "url", "page_url"]


class RenameTagSerializer(ApiSerializer):
    name = TextField(max_length=Tag.LONGEST * 4)


class TagViewSet(InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin):
    """The tags of a project. A tag is created when it is first put on a run or an experiment."""

    queryset = tags_with_counts().select_related("project")
    serializer_class = TagSerializer
    filters = {"project": "project", "name": "name"}
    search_fields = ["name"]
    ordering_fields = {"name": "name", "runs": "run_count", "experiments": "experiment_count"}

    @extend_schema(request=RenameTagSerializer, responses={200: TagSerializer, 409: OpenApiResponse()})
    def partial_update(self, request: Request, pk: str) -> Response:
        """Rename the tag on all that has it. 409 if the project has a tag of this name: merge the two instead."""
        tag = self.get_object()
        form = RenameTagSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            rename_tag(tag, form.validated_data["name"], request.user)
        except TagExists as error:
            raise Conflict(str(error.message), tag=error.tag.pk) from error
        except DjangoValidationError as error:
            raise serializers.ValidationError({"name": error.messages}) from error
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete the tag, which removes it from all runs and experiments. These stay."""
        return super().destroy(request, *args, **kwargs)

    def perform_destroy(self, tag: Tag) -> None:
        delete_tag(tag, self.request.user)

    @extend_schema(responses=TagSerializer)
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, pk: str) -> Response:
        """Replace the tag by another one on all that has it, and delete it. The answer is the other one."""
        tag = self.get_object()
        form = MergeTagSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        into = form.validated_data["into"]
        try:
            merge_tags(tag, into, request.user)
        except DjangoValidationError as error:
            raise serializers.ValidationError({"into": error.messages}) from error
        return Response(self.get_serializer(self.get_queryset().get(pk=into.pk)).data)


class MergeTagSerializer(ApiSerializer):
    into = own_related(Tag.objects.all(), "project")(help_text="Id of the tag that stays.")
